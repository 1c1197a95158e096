"""Where approved commands can be bound: what the machine has, and whether an overlay can lie on the project."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from conftest import AGENT
from interlock.broker.contain import Wish
from interlock.broker.launching import Held, Launched
from interlock.containment.bound import BoundPlan
from interlock.containment.tiers import Name, Tier
from interlock.daemon import bound
from interlock.daemon.bound import BoundRuns
from interlock.daemon.server import Peer
from interlock.model.action import Principal
from interlock.model.errors import NotFound, Refused, StateError

LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")

FACTS = {"userns": "yes", "overlay": "yes", "launcher": str(LAUNCHER)}


def runs(base: Path, **facts: str) -> BoundRuns:
    found = tuple(sorted((FACTS | facts).items()))
    return BoundRuns(run=base / "run", place=base / "bound", tier=Tier(name=Name.OVERLAY, place=str(base), facts=found))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "a project"
    made.mkdir()
    (made / "file").write_text("x")
    return made


def test_it_is_tried_once_and_leaves_nothing(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = runs(tmp_path)
    if not ours.holds(str(project)):
        pytest.skip("no overlay can lie on a directory here")
    assert os.listdir(tmp_path / "bound") == []
    assert os.listdir(project) == ["file"]
    monkeypatch.setattr(BoundRuns, "_try", lambda *_: pytest.fail("it was tried before"))
    assert ours.holds(str(project))


def test_where_the_trial_fails_nothing_is_held(tmp_path: Path, project: Path) -> None:
    ours = runs(tmp_path)
    ours._program = Path("/bin/false")
    assert not ours.holds(str(project))
    assert os.listdir(tmp_path / "bound") == []


def test_another_mount_or_none_cannot_be_held(tmp_path: Path) -> None:
    assert not runs(tmp_path).holds("/proc")
    assert not runs(tmp_path).holds("")
    assert not runs(tmp_path, overlay="no").holds(str(tmp_path))


def test_a_project_with_something_mounted_inside_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text("36 35 98:0 / /a\\040b/inside rw - ext3 /dev/root rw\n")
    real = open
    monkeypatch.setattr("builtins.open", lambda path, *more: real(tmp_path / "mountinfo"))
    assert bound._mounts_below("/a b")
    assert not bound._mounts_below("/a")


def test_what_a_machine_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(tmp_path).able() == ""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "namespaces" in runs(tmp_path, userns="no").able()
    ours = runs(tmp_path)
    ours._program = tmp_path / "none"
    assert "not installed" in ours.able()


def test_a_ticket_that_was_never_given_opens_nothing(tmp_path: Path) -> None:
    ours = runs(tmp_path)
    with pytest.raises(Refused, match="ticket"):
        asyncio.run(ours.open("0" * 32, Peer(1, 0)))
    with pytest.raises(NotFound):
        asyncio.run(ours.close("0" * 32, 0, Peer(1, 0), drifted=False))


def test_without_ground_no_yes_is_spent(tmp_path: Path) -> None:
    """Story: the disk was full, the yes was spent, and nothing had run."""
    ours = runs(tmp_path)
    spent: list[Held] = []

    async def launch(held: Held) -> Launched:
        spent.append(held)
        raise Refused("no")

    ours.launch = launch
    ticket = ours.prepare(None).rpartition(" ")[2]  # type: ignore[arg-type]  # what is held is not looked at here
    (tmp_path / "bound").write_text("in the way")
    ours._waiting[ticket] = (float("inf"), ours._waiting[ticket][1] or object())  # type: ignore[assignment]
    with pytest.raises(StateError, match="cannot be prepared"):
        asyncio.run(ours.open(ticket, Peer(1, 0)))
    assert spent == []


def test_nobody_but_its_launcher_ends_a_run(tmp_path: Path) -> None:
    """Story: an approved command read its ticket in /proc, said that it was over, and no kill reached it any more."""
    ours = runs(tmp_path)
    wish = Wish(("true",), "/", "", "approved", Principal("claude", "s"))

    async def launch(held: Held) -> Launched:
        plan = BoundPlan(id="", argv=("true",), program="/bin/true", cwd="/", cwd_node=(0, 0), folder="")
        return Launched(plan, 7, wish)

    async def run() -> None:
        ours.launch = launch
        ticket = ours.prepare(None).rpartition(" ")[2]  # type: ignore[arg-type]  # what is held is not looked at here
        ours._waiting[ticket] = (float("inf"), object())  # type: ignore[assignment]
        launcher = Peer(os.getpid(), 0)
        await ours.open(ticket, launcher)
        with pytest.raises(NotFound, match="below this process"):
            await ours.close(ticket, 0, Peer(os.getppid(), 0), drifted=False)
        assert [one.ticket for one in ours.live()] == [ticket]
        await ours.close(ticket, 0, launcher, drifted=False)
        assert ours.live() == ()

    asyncio.run(run())


def test_a_launcher_that_cannot_be_seen_opens_nothing(tmp_path: Path) -> None:
    """Story: one run was opened from a container; looking for its launcher failed from then on, for every run."""
    ours = runs(tmp_path)
    with pytest.raises(Refused, match="container"):
        asyncio.run(ours.open("0" * 32, Peer(0, 0)))
