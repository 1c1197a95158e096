"""Families of an organisation and of a person: in force without a restart, and a bad one never replaces a good one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from conftest import Guard, allowed
from interlock.daemon.config import load
from interlock.model.errors import CatalogueError

OURS = """
about = "ours"
[command.ourtool]
sub.status = {}
sub.wipe = { args = "NAME", does = "delete cloud_resource {name}, irreversible" }
[examples]
"ourtool wipe x" = "delete cloud_resource x"
"""


def write(folder: Path, text: str) -> None:
    (folder / "catalogue").mkdir(parents=True, exist_ok=True)
    (folder / "catalogue" / "ours.toml").write_text(text)


def test_both_layers_are_read_and_a_project_has_no_say(tmp_path: Path) -> None:
    write(tmp_path / "org", OURS)
    write(tmp_path / "user", OURS.replace("ourtool", "mytool"))
    write(tmp_path / "project", OURS.replace("ourtool", "theirtool"))
    config = load(user=tmp_path / "user", project=tmp_path / "project", organisation=tmp_path / "org")
    assert ["ourtool" in text or "mytool" in text for _, text in config.families] == [True, True]
    assert not any("theirtool" in text for _, text in config.families)


@pytest.mark.parametrize(
    ("text", "says"), [("about = [", "not TOML"), ("about = 'x'", "at least one program"), ("\udce9", "not UTF-8")]
)
def test_a_family_that_cannot_be_used_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "ours.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CatalogueError, match=r"ours\.toml") as error:
        load(user=tmp_path, organisation=None)
    assert says in str(error.value)


def test_a_family_is_in_force_at_once_and_a_bad_one_changes_nothing(guard: Guard) -> None:
    def until(wanted: bool) -> None:
        deadline = time.monotonic() + 10
        while allowed(guard.hook("Bash", {"command": "ourtool status"})) is not wanted:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    until(wanted=False)
    write(guard.home.config, OURS)
    until(wanted=True)
    assert "unknown-destroyed" in guard.said_no(guard.hook("Bash", {"command": "ourtool wipe web"}))
    write(guard.home.config, "about = [")
    time.sleep(1.5)
    assert allowed(guard.hook("Bash", {"command": "ourtool status"}))
