"""Which actions are under way: an agent that never tells how its calls ended does not fill the daemon's memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from changes.provenance.history import World
from interlock.changes.provenance.observer import Deed
from interlock.daemon.tracking import Tracker
from interlock.model.action import Action, Principal, Reading
from interlock.model.effect import Effect, Verb
from interlock.policy import notation

AGENT = Principal("claude", "s1", "ann")
OTHER = Principal("claude", "s2", "ann")


class Ears:
    """A ledger without entries, and a recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, Any]]] = []

    def entries(self, **_: object) -> list[object]:
        return []

    async def record(self, kind: str, body: dict[str, Any], **_: object) -> int:
        self.found.append((kind, body))
        return len(self.found)


def deed(world: World, who: Principal, number: int) -> tuple[Action, Reading]:
    """A shell command that may write anything below the project."""
    effects: tuple[Effect, ...] = (notation.parse(f"write file {world.top}/a.py @workspace +workspace").effect,)
    assert effects[0].verb is not Verb.READ
    return Action("Bash", {"command": "make"}, str(world.top), who, call_id=f"c{number}"), Reading(effects)


async def begun(tracker: Tracker, world: World, who: Principal, calls: int) -> None:
    for number in range(calls):
        action, reading = deed(world, who, number)
        await tracker.before(action, str(world.top), reading, contained=False)
        tracker.released(action, reading, 1_000 + number)


def under_way(tracker: Tracker) -> list[Deed]:
    return [one.deed for one in tracker._under_way()]


def test_calls_whose_outcome_never_comes_are_kept_as_one(tmp_path: Path) -> None:
    """Story: 100,000 calls without an outcome in one daemon, each remembered until its session ended."""
    world, ears = World(tmp_path, 1), Ears()
    given: Any = ears
    tracker = Tracker(world.observer, world.repo.call, given, given)

    async def day() -> None:
        await begun(tracker, world, AGENT, 150)
        assert len(under_way(tracker)) == 101
        assert Deed(-1, git=True) in under_way(tracker)
        # The first calls are forgotten, and what changes is nobody's: neither a person's nor that of a known call.
        (world.top / "b.js").write_text("somebody's = 1\n")
        await tracker.after(AGENT, "c3")
        await tracker.after(AGENT, "c149")
        assert {body["by"] for kind, body in ears.found if kind == "edit"} == {"unknown"}
        # Another session's end is not this one's; its own end leaves nothing, and a person's change is a person's.
        await begun(tracker, world, OTHER, 1)
        await tracker.idle(OTHER)
        assert Deed(-1, git=True) in under_way(tracker)
        await tracker.idle(AGENT)
        assert under_way(tracker) == []
        (world.top / "b.js").write_text("a person's = 1\n")
        await tracker.look(world.repo)
        assert ears.found[-1][1]["by"] == "human"

    asyncio.run(day())
