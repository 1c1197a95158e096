"""Covers and holes in the order in which they are laid, on a machine that is only described."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.containment.places import What, below, environment, look, places
from interlock.containment.plan import Plan, Write

DIRECTORIES = (
    "/home",
    "/home/u",
    "/home/u/w",
    "/home/u/.pyenv",
    "/home/u/.pyenv/secret",
    "/run",
    "/tmp",
    "/etc",
    "/srv",
)
FILES = ("/etc/shadow", "/home/u/w/.env", "/home/u/.netrc")
LINKS = {"/var/run": "/run", "/home/u/.link": "/srv"}


def looked(path: str) -> tuple[str, bool] | None:
    real = LINKS.get(path, path)
    return (real, real in DIRECTORIES) if real in DIRECTORIES + FILES else None


def plan(**more: Any) -> Plan:
    base: dict[str, Any] = {
        "id": "t",
        "argv": ("true",),
        "cwd": "/home/u/w",
        "workspace": "/home/u/w",
        "write": Write.NONE,
    }
    return Plan(**{**base, **more})


def laid(**more: Any) -> list[tuple[str, str]]:
    return [(place.what.value, place.path) for place in places(plan(**more), looked)]


def test_parents_come_first_and_deeper_paths_win() -> None:
    found = laid(
        hide=("/home/u/w/.env", "/home", "/home/u/.pyenv/secret", "/etc/shadow"),
        show=("/home/u/.pyenv",),
        fresh=("/tmp",),
    )
    assert found == [
        ("hide", "/home"),
        ("fresh", "/tmp"),
        ("hide", "/etc/shadow"),
        ("show", "/home/u/.pyenv"),
        ("workspace", "/home/u/w"),
        ("hide", "/home/u/.pyenv/secret"),
        ("hide", "/home/u/w/.env"),
    ]


def test_a_link_is_hidden_at_what_it_points_to_and_never_shown() -> None:
    assert ("hide", "/run") in laid(hide=("/var/run",))
    assert laid(show=("/home/u/.link",)) == [("workspace", "/home/u/w")]


def test_what_is_not_there_is_left_out() -> None:
    assert laid(hide=("/none",), show=("/nowhere",), fresh=("/var/none",)) == [("workspace", "/home/u/w")]


def test_in_what_is_new_there_is_nothing_to_hide_but_there_is_room() -> None:
    found = laid(fresh=("/home/u", "/home/u/.cache"), hide=("/home/u/.netrc",), show=("/home/u/.pyenv",))
    assert found == [
        ("fresh", "/home/u"),
        ("fresh", "/home/u/.cache"),
        ("show", "/home/u/.pyenv"),
        ("workspace", "/home/u/w"),
    ]


def test_the_workspace_cannot_be_covered_by_its_own_path() -> None:
    assert laid(hide=("/home/u/w",), fresh=("/home/u/w",)) == [("workspace", "/home/u/w")]


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [("/a/b", "/a", True), ("/a", "/a", False), ("/ab", "/a", False), ("/a", "/", True), ("/a/b/c", "/a/b/", True)],
)
def test_below(path: str, directory: str, expected: bool) -> None:
    assert below(path, directory) is expected


def test_this_machine_is_really_looked_at() -> None:
    assert look("/usr/bin/../bin") == look("/usr/bin")
    assert look("/none/such") is None
    assert places(plan(workspace="/usr", hide=("/dev/null",)))[-1].what is What.HIDE


def test_the_environment_is_what_is_kept_and_what_is_set() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "LC_X": "y", "AWS_SECRET_ACCESS_KEY": "s", "PATHS": "no", "A": "old"}
    assert environment(plan(keep=("PATH", "LC_*"), env=(("A", "new"),)), environ) == {
        "PATH": "/bin", "LC_ALL": "C", "LC_X": "y", "A": "new",
    }  # fmt: skip
    assert environment(plan(), environ) == {}
