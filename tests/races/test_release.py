"""What happens between a decision and its release: a person's later word counts, and so does how the agent starts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.approvals.request import Vote
from interlock.broker.broker import Answer
from interlock.broker.clock import Clock, stamp
from interlock.broker.undoing import Kept
from interlock.model.action import Action, Principal
from races.harness import LAUNCHER, NEVER, House

pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: no C compiler at installation")


def test_a_pause_that_comes_while_undo_is_prepared_stops_the_release(tmp_path: Path) -> None:
    """Story: a person paused the session; the call whose pre-images were being copied was let through afterwards."""
    house = House(tmp_path)
    who = Principal(agent="claude", session="s")
    action = Action("Write", {"file_path": str(house.project / "a"), "content": "x"}, str(house.project), who)

    class Slow:
        async def before(self, reading: Any, workspace: str) -> Kept | None:
            del reading, workspace
            await house.broker.halting.pause(who, "stop", "owner")
            return None

    async def run() -> tuple[Answer, Answer]:
        first = await house.broker.propose(action)
        house.broker._undoing = Slow()  # type: ignore[assignment]  # only its slowness matters
        return first, await house.broker.propose(action)

    before, after = asyncio.run(run())
    assert before.released
    assert not after.released
    assert "paused" in after.message


def test_a_freeze_that_is_written_into_a_file_while_undo_is_prepared_stops_the_release(tmp_path: Path) -> None:
    """Story: the last look was at the configuration that the call had been judged by, and not at the one in force."""
    house = House(tmp_path)
    who = Principal(agent="claude", session="s")
    action = Action("Write", {"file_path": str(house.project / "a"), "content": "x"}, str(house.project), who)

    class Slow:
        async def before(self, reading: Any, workspace: str) -> Kept | None:
            del reading, workspace
            (tmp_path / "config").mkdir(exist_ok=True)
            text = "[[freeze]]\nreason = 'release week'\nwhere = 'name like \"*/a\"'\n"
            (tmp_path / "config" / "interlock.toml").write_text(text)
            house.rules.refresh()
            return None

    async def run() -> tuple[Answer, Answer]:
        first = await house.broker.propose(action)
        house.broker._undoing = Slow()  # type: ignore[assignment]  # only its slowness matters
        return first, await house.broker.propose(action)

    before, after = asyncio.run(run())
    assert before.released
    assert not after.released
    assert "release week" in after.message


def test_a_yes_that_comes_while_an_agent_that_cannot_be_rewritten_waits_is_used_by_the_answer(tmp_path: Path) -> None:
    """Story: the yes came during the wait, and the agent was given a launcher that it has no way to run."""
    house = House(tmp_path)
    plain = house.rules.config
    house.rules.config = lambda workspace: msgspec.structs.replace(plain(workspace), hold_seconds=20)  # type: ignore[method-assign]
    house.write("report.txt", "x")

    async def run() -> Answer:
        asked = asyncio.ensure_future(house.propose(house.action(NEVER), rewrites=False))
        while not house.queue.live():
            await asyncio.sleep(0.01)
        (request,) = house.queue.live()
        vote = Vote("owner", Clock().stamp(), strong=True)
        await house.queue.approve(request.id, vote, execute_by=stamp(Clock().now() + 900))
        return await asked

    answer = asyncio.run(run())
    assert answer.released
    assert answer.command == ""
    assert house.queue.live() == ()  # used, once
