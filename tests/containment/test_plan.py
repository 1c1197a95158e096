"""What the launcher is told, and what profiles make of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.containment.plan import Plan, Write
from interlock.containment.profiles import Ground, draw, profile, profiles
from interlock.model.errors import InternalError, NotFound

PLAN = Plan(id="r-1", argv=("sh", "-c", "x=1\nls"), cwd="/w", workspace="/w", write=Write.NONE, env=(("A", "b=c"),))


def records(plan: Plan) -> list[tuple[str, str]]:
    parts = plan.encode().split(b"\0")
    assert parts.pop() == b""
    return [tuple(os.fsdecode(part).split("=", 1)) for part in parts]  # type: ignore[misc]


def test_a_plan_says_everything_in_records() -> None:
    said = records(PLAN)
    assert ("version", "1") in said
    assert [value for key, value in said if key == "arg"] == ["sh", "-c", "x=1\nls"]
    assert ("env", "A=b=c") in said
    assert ("network", "none") in said
    assert ("write", "none") in said
    assert not [key for key, _ in said if key in {"upper", "work", "source", "egress", "listener"}]


def test_a_word_cannot_begin_a_record_of_its_own() -> None:
    with pytest.raises(InternalError):
        Plan(id="r-1", argv=("sh\0write=bind",), cwd="/w", workspace="/w", write=Write.NONE).encode()


def test_names_that_are_no_utf8_pass_as_they_are() -> None:
    plan = Plan(id="r", argv=(os.fsdecode(b"a\xff"),), cwd="/w", workspace="/w", write=Write.NONE)
    assert b"arg=a\xff\0" in plan.encode()


def test_a_network_is_named_with_who_takes_it() -> None:
    said = records(
        Plan(id="r", argv=("x",), cwd="/w", workspace="/w", write=Write.NONE, listeners=("443/tcp",), egress="/run/e")
    )
    assert ("network", "listen") in said
    assert ("listener", "443/tcp") in said
    assert ("egress", "/run/e") in said


def test_every_packaged_profile_holds_the_home_and_the_session_back() -> None:
    for found in profiles().values():
        assert "~" in found.fresh
        assert {"/tmp", "/run", "/dev/shm"} <= set(found.fresh)
        assert {"/root", "/home", "/etc/shadow"} <= set(found.hide)
        assert not {"~/.ssh", "~/.aws", "~/.config", "~/.netrc", "~/.npmrc", "~/.docker"} & set(found.show)
        for name in found.keep:
            assert not any(word in name for word in ("TOKEN", "SECRET", "KEY", "PASS", "AUTH", "SOCK", "LD_", "DBUS"))


def test_only_two_profiles_reach_anything() -> None:
    assert [name for name, found in profiles().items() if found.listeners] == ["network", "agent"]
    assert profile("read-only").write is Write.NONE


def test_an_unknown_profile_is_said_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="read-only, build, test, network"):
        profile("everything")


def test_a_plan_shows_what_exists_and_never_through_a_link(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".cargo" / "bin").mkdir(parents=True)
    (home / ".ssh").mkdir()
    (home / ".nvm").symlink_to(home / ".ssh")
    ground = Ground(id="r", home=str(home), workspace=str(tmp_path / "w"), upper="/u", work="/k", own=("/state",))
    plan = draw(profile("build"), ground, ["true"], str(tmp_path / "w"), [])
    assert plan.show == (str(home / ".cargo" / "bin"),)
    assert str(home) in plan.fresh
    assert "/state" in plan.hide
    assert (plan.write, plan.upper, plan.work) == (Write.OVERLAY, "/u", "/k")


def test_a_copy_is_bound_where_no_layer_can_be(tmp_path: Path) -> None:
    ground = Ground(id="r", home=str(tmp_path), workspace="/w", source="/copy")
    assert draw(profile("build"), ground, ["true"], "/w", []).write is Write.BIND
    assert draw(profile("read-only"), ground, ["true"], "/w", []).write is Write.NONE


def test_what_was_written_is_read_back() -> None:
    plan = Plan(
        id="r1", argv=("sh", "-c", "x"), cwd="/w/a", workspace="/w", write=Write.OVERLAY, upper="/u", work="/k",
        hide=("/h",), show=("/s",), fresh=("/tmp",), listeners=("443/tcp",), egress="/e", keep=("PATH", "LC_*"),
        env=(("A", "b=c"),), limits=(("nproc", 9),), wall=3, landlock=False,
    )  # fmt: skip
    assert Plan.decode(plan.encode()) == plan
    with pytest.raises(InternalError):
        Plan.decode(b"version=2\0")
    with pytest.raises(InternalError):
        Plan.decode(b"no record")
