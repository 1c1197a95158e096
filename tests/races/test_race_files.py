"""Approve, then mutate: the file that was approved is replaced, written into, made a link, or away with its directory.

And so that this can fail: where the agent starts the action itself, the attacker does win.
"""

from __future__ import annotations

import pytest

from races.ground import counts, needs_launcher, play, race, won
from races.harness import Attack, House, Result

pytestmark = needs_launcher


@pytest.mark.attacker("script")
@pytest.mark.parametrize("count", counts("script"))
def test_script_bytes(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "./lib/deploy.sh", count)


@pytest.mark.attacker("interpreter")
@pytest.mark.parametrize("count", counts("interpreter"))
def test_interpreter_argument(house: House, attack: Attack, count: int) -> None:
    race(house, attack, f"sh {house.project}/lib/job.sh", count)


@pytest.mark.attacker("plan")
@pytest.mark.parametrize("count", counts("plan"))
def test_plan_file(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "terraform apply lib/x.plan", count)


@pytest.mark.attacker("interpreter")
def test_without_the_binding_the_attacker_wins(house: House, attack: Attack) -> None:
    """The same race where the agent starts what was approved: how it is known that the others could fail."""
    command = "sh lib/job.sh"
    results: list[Result] = []

    async def story() -> None:
        for number in range(200):
            attack.say("calm")
            action = house.action(command)
            await house.approved(action, rewrites=False)
            answer = await house.propose(action, rewrites=False)
            assert answer.released
            assert not answer.command
            attack.say(f"go {number}")
            done = house.spawn(["bash", "-c", command], str(house.project))
            results.append(Result(True, done.stdout))
            if won(results):
                return

    play(story)
    assert won(results) > 0
