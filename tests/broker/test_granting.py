"""Grants as the broker keeps them: bounds, the single last use, and what a restart remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from interlock.broker.clock import Clock, stamp
from interlock.broker.granting import GIVEN, Grants
from interlock.model.action import Principal
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.errors import NotFound, Refused, UsageError
from interlock.model.grant import Grant, Pattern
from interlock.model.rung import Rung

NOTES = Pattern((Verb.CREATE,), Kind.FILE, "/home/ana/notes/*", (Environment.MACHINE,))
ANA = Principal(agent="claude", session="s-1", person="ana")


class World:
    """A ledger in memory, and a time that the test moves."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str, dict[str, Any]]] = []
        self.time = 1_000_000.0
        self.grants = self.fresh()

    def fresh(self) -> Grants:
        return Grants(self.record, Clock(lambda: self.time))

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        await asyncio.sleep(0)  # others may run while the disk writes
        self.entries.append((len(self.entries), kind, body))
        return len(self.entries) - 1

    def draft(self, **changes: Any) -> Grant:
        until = stamp(self.time + 3_600)
        whole = Grant(-1, (NOTES,), Rung.ONE, until, policy="p", given_by="ana", workspace="/code")
        return msgspec.structs.replace(whole, **changes)

    def live(self) -> tuple[int, ...]:
        return tuple(grant.id for grant in self.grants.live(ANA, "/code", "p"))


def story(tell: Callable[[World], Awaitable[None]]) -> None:
    asyncio.run(tell(World()))  # type: ignore[arg-type]


def test_two_calls_cannot_have_the_last_use() -> None:
    async def tell(world: World) -> None:
        given = await world.grants.give(world.draft(uses=3))
        won = await asyncio.gather(*(world.grants.spend([given.id]) for _ in range(10)))
        assert sum(won) == 3
        assert world.live() == ()

    story(tell)


def test_nothing_is_spent_where_one_of_several_holds_no_longer() -> None:
    async def tell(world: World) -> None:
        first, second = await world.grants.give(world.draft(uses=1)), await world.grants.give(world.draft(uses=1))
        await world.grants.revoke(second.id, "ana", "")
        assert not await world.grants.spend([first.id, second.id])
        assert await world.grants.spend([first.id])

    story(tell)


def test_a_restart_remembers_uses_and_revocations() -> None:
    async def tell(world: World) -> None:
        spent, ended, live = [await world.grants.give(world.draft(uses=1)) for _ in range(3)]
        await world.grants.spend([spent.id])
        await world.grants.revoke(ended.id, "ana", "done")
        world.grants = world.fresh()
        assert world.grants.restore(world.entries) == []
        assert world.live() == (live.id,)
        assert [grant["standing"] for grant in world.grants.all(lambda _: "p")] == ["live", "revoked", "spent"]

    story(tell)


def test_a_grant_whose_revocation_cannot_be_read_does_not_come_back() -> None:
    async def tell(world: World) -> None:
        given = await world.grants.give(world.draft())
        entries = [*world.entries, (7, "grant.revoke", {"grant": given.id, "strange": True})]
        world.grants = world.fresh()
        assert world.grants.restore(entries) == [7]
        assert world.live() == ()
        assert world.grants.restore([(9, GIVEN, {"nonsense": 1}), (10, GIVEN, {"grant": []})]) == [9, 10]

    story(tell)


@pytest.mark.parametrize(
    "changes",
    [{"agent": "codex"}, {"session": "s-2"}, {"workspace": "/other"}, {"policy": "q"}],
    ids=lambda changes: str(*changes),
)
def test_it_holds_for_those_it_names_alone(changes: dict[str, str]) -> None:
    async def tell(world: World) -> None:
        await world.grants.give(world.draft(**changes))
        assert world.live() == ()
        plain = await world.grants.give(world.draft())
        assert world.live() == (plain.id,)

    story(tell)


def test_it_ends_in_time_and_setting_the_clock_back_does_not_revive_it() -> None:
    async def tell(world: World) -> None:
        await world.grants.give(world.draft())
        world.time += 3_601
        assert world.live() == ()
        world.time -= 3_601
        assert world.live() == ()

    story(tell)


@pytest.mark.parametrize(
    "changes",
    [
        {"workspace": ""},
        {"rung": Rung.TWO_STRONG},
        {"rung": Rung.NONE},
        {"until": stamp(1_000_000.0 + 31 * 86_400)},
        {"until": stamp(999_999.0)},
        {"rung": Rung.ONE_STRONG, "until": stamp(1_000_000.0 + 9 * 3_600)},
        {"patterns": ()},
        {"patterns": (msgspec.structs.replace(NOTES, name="/**/*"),)},
        {"patterns": (msgspec.structs.replace(NOTES, verbs=(Verb.OPAQUE,)),)},
        {"patterns": (msgspec.structs.replace(NOTES, kind=Kind.INTERLOCK),)},
        {"patterns": (msgspec.structs.replace(NOTES, labels=("guard",)),)},
        {"patterns": (msgspec.structs.replace(NOTES, environments=()),)},
        {"patterns": tuple(msgspec.structs.replace(NOTES, name=f"{i}{'x' * 490}") for i in range(24))},
    ],
)
def test_what_has_no_bounds_or_may_not_be_covered_is_refused(changes: dict[str, Any]) -> None:
    async def tell(world: World) -> None:
        with pytest.raises(UsageError):
            await world.grants.give(world.draft(**changes))
        assert world.entries == []

    story(tell)


def test_what_is_not_there_or_ended_already_is_said() -> None:
    async def tell(world: World) -> None:
        with pytest.raises(NotFound):
            await world.grants.revoke(3, "ana", "")
        given = await world.grants.give(world.draft())
        assert await world.grants.revoke_where(lambda grant: grant.given_by == "ana", "bo", "ana left") == (given.id,)
        with pytest.raises(Refused, match="ana left"):
            await world.grants.revoke(given.id, "ana", "")

    story(tell)


def test_a_grant_of_a_project_with_rules_of_its_own_is_listed_as_it_holds() -> None:
    """Story: it was live, and `interlock grants` called it lapsed and left it out: it was compared with other rules."""
    world = World()

    async def run() -> None:
        await world.grants.give(world.draft(policy="theirs", workspace="/a", session=""))
        await world.grants.give(world.draft(policy="theirs", workspace="/b", session=""))

    asyncio.run(run())
    shown = world.grants.all({"/a": "theirs", "/b": "newer"}.__getitem__)
    assert [(grant["workspace"], grant["standing"]) for grant in shown] == [("/b", "lapsed"), ("/a", "live")]


def test_a_grant_that_is_revoked_after_its_use_stands_no_more() -> None:
    """Story: it was revoked while the call that had used it was being prepared, and that call was let through."""

    async def story(world: World) -> None:
        grant = await world.grants.give(world.draft(uses=1))
        assert await world.grants.spend([grant.id])
        assert world.grants.stand([grant.id])
        revoking = asyncio.ensure_future(world.grants.revoke(grant.id, "ana", "no"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not world.grants.stand([grant.id])  # before its entry is there
        await revoking
        assert not world.grants.stand([grant.id])

    world = World()
    asyncio.run(story(world))
