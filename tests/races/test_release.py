"""What happens between a decision and its release: a person's later word counts, and so does how the agent starts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.approvals.machine import State
from interlock.approvals.request import Vote
from interlock.broker.broker import Answer
from interlock.broker.clock import Clock, stamp
from interlock.broker.undoing import Kept
from interlock.model.action import Action, Principal
from races.harness import LAUNCHER, NEVER, House, Result

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


def test_what_was_approved_is_not_released_by_a_rule_while_its_script_is_away(tmp_path: Path) -> None:
    """Story: between a yes and its call the script was taken away. A script that is not there is nothing to ask about,
    so a rule released the call, the agent started it, and by then another script stood there.
    """
    house = House(tmp_path)
    house.write("report.txt", "x")
    script = house.write("job.sh", NEVER)
    action = house.action(f"sh {script}")

    async def run() -> tuple[Answer, Answer]:
        await house.approved(action)
        script.unlink()
        return await house.propose(action), await house.propose(action)

    during, after = asyncio.run(run())
    assert not during.released
    assert during.decision.rules == ("approved-then-changed",)
    assert "meanwhile something changed" in during.message
    assert [request.state for request in house.queue.all()] == [State.DRIFTED]
    assert after.released  # no yes is in hand any more: as if nobody had ever been asked
    assert after.decision.rules == ("run-known",)


def test_what_was_approved_as_started_by_interlock_is_not_left_to_the_agent(tmp_path: Path) -> None:
    """Story: the launcher was removed after the yes, and the agent started what the card had said Interlock would."""
    house = House(tmp_path)
    house.write("report.txt", "x")
    action = house.action(f"sh {house.write('job.sh', NEVER)}")

    async def run() -> Answer:
        await house.approved(action)
        house.bound.able = lambda: "the launcher is not installed"  # type: ignore[method-assign]
        return await house.propose(action)

    answer = asyncio.run(run())
    assert not answer.released
    assert [request.state for request in house.queue.all()] == [State.DRIFTED, State.PENDING]
    assert house.queue.all()[-1].agent_spawns  # asked anew, and this time the card says so


@pytest.mark.parametrize("when", ["call", "launch"])
def test_what_was_approved_as_held_is_not_started_on_files_that_are_only_compared(tmp_path: Path, when: str) -> None:
    """Story: after the yes something was mounted inside of the project, no overlay could lie on it any more, and the
    command ran on files that anybody could change under it.
    """
    house = House(tmp_path)
    if not house.bound.holds(str(house.project)):
        pytest.skip("no overlay can lie on a directory here")
    house.write("report.txt", "x")
    action = house.action(f"sh {house.write('job.sh', NEVER)}")

    async def run() -> tuple[Answer, Result]:
        await house.approved(action)
        answer = await house.propose(action) if when == "launch" else None
        house.bound.holds = lambda _: False  # type: ignore[method-assign]
        answer = answer or await house.propose(action)
        return answer, await house.launch(answer)

    answer, result = asyncio.run(run())
    assert answer.released == (when == "launch")
    assert not result.ran
    assert house.queue.all()[0].state is State.DRIFTED


def test_a_plan_says_who_starts_its_steps(tmp_path: Path) -> None:
    """Story: the card of a plan promised that Interlock starts its steps, to a session whose agent it cannot."""
    house = House(tmp_path)
    house.write("report.txt", "x")
    action = house.action(f"sh {house.write('job.sh', NEVER)}")

    async def run() -> None:
        first = msgspec.structs.replace(action, input={"command": "true"})
        await house.propose(first, rewrites=False)
        session = await house.broker.session(action.principal, action.cwd)
        await house.broker.planning.submit(session, [action], ordered=False)

    asyncio.run(run())
    (request,) = house.queue.live()
    assert request.agent_spawns
