"""Approve, then mutate: what a push takes along, a rule, and a freeze by configuration or by order."""

from __future__ import annotations

import random

import pytest

from interlock.halt.order import Order, What
from interlock.model.selector import parse
from prover.proofs import prove_folder
from races.ground import GOOD, counts, needs_launcher, play
from races.harness import Attack, House, ordered, raced

pytestmark = needs_launcher


@pytest.mark.attacker("git")
@pytest.mark.parametrize("count", counts("git"))
def test_what_is_pushed(house: House, attack: Attack, count: int) -> None:
    chance = random.Random(count)
    good = (house.project / "good.sha").read_text().strip()
    pushed = []
    remotes = [house.base / name / "refs/heads/main" for name in ("remote.git", "elsewhere.git")]

    async def story() -> None:
        for _ in range(count):
            result = await raced(house, attack, "git push origin main", "", chance)
            found = [remote.read_text().strip() if remote.exists() else "" for remote in remotes]
            assert found[0] in {"", good}
            assert found[1] == ""
            assert result.ran or found[0] == ""
            pushed.append(found[0])
            remotes[0].unlink(missing_ok=True)

    play(story)
    assert good in pushed or count < 20


@pytest.mark.parametrize("count", counts("policy"))
def test_policy(house: House, count: int) -> None:
    """A rule that was there before the opening counts."""
    folder, away = house.base / "config/policy", house.base / "config/away"
    away.mkdir(parents=True)
    (away / "own.cedar").write_text(
        '@id("mine") @why("a test") @tier("4") @matches("send host x.example @production +known") '
        'forbid (principal, action == Interlock::Action::"send", resource) when { resource.kind == "host" };'
    )
    prove_folder(away, "user")
    house.write("job.sh", GOOD)
    chance = random.Random(count)

    async def story() -> None:
        for _ in range(count):
            result, before = await ordered(house, "sh job.sh", lambda: away.rename(folder) and None, chance)
            assert not (result.ran and before)
            folder.rename(away)
            house.rules.refresh()

    play(story)


@pytest.mark.parametrize("count", counts("freeze"))
def test_freeze(house: House, count: int) -> None:
    """A freeze of the configuration, and an order that raises the epoch: either counts from its moment on."""
    file = house.base / "config/interlock.toml"
    file.parent.mkdir(parents=True)
    house.write("job.sh", GOOD)
    chance = random.Random(count)
    given: list[int] = []

    def order() -> None:
        freeze = Order(id=-1, what=What.FREEZE, where=parse('tool = "Bash"'), reason="the sale")
        given.append(house.orders.giving(freeze))
        house.orders.raised()

    def configure() -> None:
        file.write_text('[[freeze]]\nreason = "the sale"\n')

    async def story() -> None:
        for number in range(count):
            result, before = await ordered(house, "sh job.sh", order if number % 2 else configure, chance)
            assert not (result.ran and before)
            file.unlink(missing_ok=True)
            for one in given:
                house.orders.given(one, None)
            given.clear()
            house.rules.refresh()

    play(story)
