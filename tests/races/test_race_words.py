"""Approve, then mutate: the words of the command, and the environment that it starts in."""

from __future__ import annotations

import asyncio
import random

import pytest

from races.ground import check, counts, needs_launcher, play
from races.harness import NEVER, House, Result

pytestmark = needs_launcher


@pytest.mark.parametrize("count", counts("argv"))
def test_argv(house: House, count: int) -> None:
    """The same yes is wanted by other commands, at once and afterwards; and the launcher is given more words."""
    chance = random.Random(count)
    good = f"{NEVER}; echo GOOD"
    evil = [f"{good}; echo EVIL", good.replace("GOOD", "EVIL"), f"echo EVIL; {good}", f"{good} #\n echo EVIL"]
    results: list[Result] = []

    async def story() -> None:
        for _ in range(count):
            action = house.action(good)
            await house.approved(action)
            other = house.action(chance.choice(evil))
            answers = [house.propose(action), house.propose(other)]
            chance.shuffle(answers)
            results.extend([await house.launch(answer) for answer in await asyncio.gather(*answers)])

    play(story)
    check(results)
    assert sum(result.ran for result in results) == count


@pytest.mark.parametrize("count", counts("environment"))
def test_environment(house: House, count: int) -> None:
    """What the hook saw was approved; the agent's shell, or a later call, comes with something else."""
    chance = random.Random(count)
    evil = house.write("evil.sh", "echo EVIL\n")
    house.write("bin/tool", "#!/bin/sh\necho EVIL\n")
    house.write("tools/tool", "#!/bin/sh\necho GOOD\n")
    house.variables["PATH"] = f"{house.project}/tools:/usr/bin:/bin"
    changes = [
        {"BASH_ENV": str(evil)}, {"PATH": f"{house.project}/bin:/usr/bin:/bin"}, {"LD_PRELOAD": "/no/such.so"},
        {"BASH_FUNC_tool%%": "() { echo EVIL; }"}, {"SHELLOPTS": "xtrace"}, {"IFS": "o"}, {"PS4": "$(echo EVIL)"},
    ]  # fmt: skip
    results: list[Result] = []

    async def story() -> None:
        for _ in range(count):
            before = dict(house.variables)
            action = house.action(f"{NEVER}; tool")
            await house.approved(action)
            house.outer = chance.choice(changes)
            if chance.random() < 0.3:
                house.variables |= house.outer
            results.append(await house.launch(await house.propose(action)))
            house.variables, house.outer = before, {}

    play(story)
    check(results)
