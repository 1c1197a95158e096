"""The queue of requests: exact digest, single use, two clocks, durable before it is true."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.approvals.machine import State
from interlock.approvals.queue import Queue
from interlock.approvals.request import Approver, Request
from interlock.broker.clock import stamp
from interlock.model.action import Principal
from interlock.model.decision import Rung
from interlock.model.errors import InterlockError, LedgerUnavailable, NotFound, Refused

OWNER = Approver(1000, "owner")
ANN = Approver(2001, "ann")
BEN = Approver(2002, "ben")
CODE = "0badcafe"


class Book:
    """A ledger for tests: keeps what was recorded; can be told to fail."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []
        self.broken = False

    async def record(self, kind: str, body: dict[str, Any]) -> int:
        await asyncio.sleep(0)
        if self.broken:
            raise LedgerUnavailable("the disk is full")
        self.entries.append((kind, body))
        return len(self.entries) - 1


class Desk:
    """A queue with a clock that the test turns."""

    def __init__(self, book: Book | None = None) -> None:
        self.time = 1_000_000.0
        self.book = book or Book()
        self.queue = Queue(self.book.record, now=lambda: stamp(self.time), owner=OWNER.uid)
        self.queue.restore((index, kind, body) for index, (kind, body) in enumerate(self.book.entries))

    def draft(self, digest: str = "d1", rung: Rung = Rung.ONE) -> Request:
        return Request(
            id=-1,
            digest=digest,
            fingerprint=f"babab-babab-babab-babab-{CODE}",
            state=State.PENDING,
            rung=rung,
            tier={Rung.ONE: 2, Rung.ONE_STRONG: 3, Rung.TWO_STRONG: 4}[rung],
            principal=Principal(agent="claude", session="s"),
            tool="Bash",
            text="git push",
            effects=("publish git_ref origin/x",),
            rules=("push-asks",),
            why="A push leaves this machine.",
            asked_at=stamp(self.time),
            decide_by=stamp(self.time + 60),
        )

    async def approve(self, request: Request, who: Approver = OWNER, code: str = "", wait: float = 30) -> Request:
        return await self.queue.approve(request.id, who, code=code, execute_by=stamp(self.time + wait))


def run(story: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def live() -> None:
        await story(Desk())

    asyncio.run(live())


def test_a_yes_is_used_once() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        assert await desk.queue.redeem("d1") is None
        await desk.approve(request)
        used = await desk.queue.redeem("d1")
        assert used is not None
        assert used.state is State.EXECUTING
        assert await desk.queue.redeem("d1") is None

    run(story)


def test_two_that_race_for_one_yes_get_one() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        results = await asyncio.gather(*(desk.queue.redeem("d1") for _ in range(20)))
        assert len([r for r in results if r is not None]) == 1

    run(story)


def test_a_yes_is_for_one_digest() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft("d1")))
        assert await desk.queue.redeem("d2") is None

    run(story)


def test_the_same_question_is_asked_once() -> None:
    async def story(desk: Desk) -> None:
        first, second = await asyncio.gather(desk.queue.ask(desk.draft()), desk.queue.ask(desk.draft()))
        assert first.id == second.id
        assert len(desk.book.entries) == 1

    run(story)


def test_a_late_decision_is_refused() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        desk.time += 61
        with pytest.raises(Refused, match="expired"):
            await desk.approve(request)
        await desk.queue.expire()
        assert desk.queue.get(request.id).state is State.EXPIRED

    run(story)


def test_an_unused_yes_lapses() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        desk.time += 31
        assert await desk.queue.redeem("d1") is None
        assert desk.queue.get(request.id).state is State.LAPSED

    run(story)


def test_tier_three_needs_the_code() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft(rung=Rung.ONE_STRONG))
        for wrong in ("", "babab", "0badcaff"):
            with pytest.raises(Refused, match="fingerprint"):
                await desk.approve(request, code=wrong)
        assert (await desk.approve(request, code=CODE.upper())).state is State.APPROVED

    run(story)


def test_tier_four_needs_two_others() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft(rung=Rung.TWO_STRONG))
        with pytest.raises(Refused, match="neither of them the agent's owner"):
            await desk.approve(request, OWNER, CODE)
        assert (await desk.approve(request, ANN, CODE)).state is State.PARTIAL
        assert await desk.queue.redeem("d1") is None
        with pytest.raises(Refused, match="another person"):
            await desk.approve(request, ANN, CODE)
        assert (await desk.approve(request, BEN, CODE)).state is State.APPROVED

    run(story)


def test_a_no_takes_back_an_unused_yes() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        await desk.queue.deny(request.id, OWNER, because="changed my mind")
        assert await desk.queue.redeem("d1") is None

    run(story)


def test_a_decided_request_cannot_be_decided_again() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        await desk.queue.deny(request.id, OWNER, because="")
        with pytest.raises(Refused, match="denied"):
            await desk.approve(request)

    run(story)


def test_a_waiter_hears_the_decision() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        waiting = asyncio.create_task(desk.queue.wait(request.id, 10))
        await asyncio.sleep(0)
        await desk.queue.deny(request.id, OWNER, because="no")
        heard = await waiting
        assert (heard.state, heard.because) == (State.DENIED, "no")

    run(story)


def test_a_waiter_gives_up_in_time() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        assert (await desk.queue.wait(request.id, 0.01)).state is State.PENDING

    run(story)


def test_a_yes_that_cannot_be_recorded_is_no_yes() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        desk.book.broken = True
        with pytest.raises(LedgerUnavailable):
            await desk.approve(request)
        assert desk.queue.get(request.id).state is State.PENDING

    run(story)


def test_a_use_that_cannot_be_recorded_releases_nothing() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        desk.book.broken = True
        with pytest.raises(LedgerUnavailable):
            await desk.queue.redeem("d1")

    run(story)


def test_an_unknown_number_is_not_found() -> None:
    async def story(desk: Desk) -> None:
        with pytest.raises(NotFound, match="no request 7"):
            desk.queue.get(7)

    run(story)


def test_a_restart_between_the_entry_and_its_use_keeps_the_yes_spent() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        assert await desk.queue.redeem("d1") is not None
        reborn = Desk(desk.book)
        assert await reborn.queue.redeem("d1") is None

    run(story)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["ask", "approve", "strong", "ann", "ben", "deny", "redeem", "expire", "finish", "late", "restart"]
        ),
        st.sampled_from(["d1", "d2"]),
        st.sampled_from([Rung.ONE, Rung.ONE_STRONG, Rung.TWO_STRONG]),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_no_history_uses_a_yes_twice_or_without_its_votes(steps: list[tuple[str, str, Rung]]) -> None:
    async def live() -> None:
        desk = Desk()
        for what, digest, rung in steps:
            desk = await _step(desk, what, digest, rung)
        uses = [body["request"] for kind, body in desk.book.entries if kind == "approval.use"]
        assert len(uses) == len(set(uses))
        for request in desk.queue.all():
            if request.id in uses:
                people = {vote.approver.uid for vote in request.votes}
                assert len(people) >= (2 if request.rung is Rung.TWO_STRONG else 1)
                assert all(vote.strong for vote in request.votes) or request.rung is Rung.ONE
        replayed = Desk(desk.book)
        assert msgspec.to_builtins(replayed.queue.all()) == msgspec.to_builtins(desk.queue.all())

    asyncio.run(live())


async def _step(desk: Desk, what: str, digest: str, rung: Rung) -> Desk:
    known = desk.queue.find(digest)
    target = known.id if known else 999
    try:
        match what:
            case "ask":
                await desk.queue.ask(desk.draft(digest, rung))
            case "approve" | "strong" | "ann" | "ben":
                who = {"ann": ANN, "ben": BEN}.get(what, OWNER)
                await desk.queue.approve(
                    target, who, code="" if what == "approve" else CODE, execute_by=stamp(desk.time + 30)
                )
            case "deny":
                await desk.queue.deny(target, OWNER, because="no")
            case "redeem":
                await desk.queue.redeem(digest)
            case "expire":
                await desk.queue.expire()
            case "finish":
                await desk.queue.finish(target, ok=True)
            case "late":
                desk.time += 31
            case _:
                book, time = desk.book, desk.time
                desk = Desk(book)
                desk.time = time
    except InterlockError:
        pass
    return desk


def test_a_yes_is_found_after_an_older_call_of_the_same_action_came_out() -> None:
    """Story: the first call's outcome arrived after the second's yes, and that yes could not be found any more."""

    async def story(desk: Desk) -> None:
        first = await desk.queue.ask(desk.draft())
        await desk.approve(first)
        assert await desk.queue.redeem("d1")
        second = await desk.queue.ask(desk.draft())
        await desk.approve(second)
        await desk.queue.finish(first.id, ok=True)
        used = await desk.queue.redeem("d1")
        assert used is not None
        assert used.id == second.id

    run(story)


def test_a_no_stands_after_an_older_call_of_the_same_action_came_out() -> None:
    async def story(desk: Desk) -> None:
        first = await desk.queue.ask(desk.draft())
        await desk.approve(first)
        await desk.queue.redeem("d1")
        second = await desk.queue.ask(desk.draft())
        await desk.queue.deny(second.id, OWNER, because="enough")
        await desk.queue.finish(first.id, ok=True)
        found = desk.queue.find("d1")
        assert found is not None
        assert found.state is State.DENIED
        again = Desk(desk.book).queue.find("d1")
        assert again == found

    run(story)


@pytest.mark.parametrize("damage", [{"state": "sideways"}, {"votes": 7}, None])
def test_an_entry_of_another_version_is_no_yes_and_no_obstacle(damage: dict[str, Any] | None) -> None:
    """Story: a daemon of another version wrote an entry that this one cannot read, and this one never started again.

    What it was about is dropped as a whole: if the entry said that the yes was used, the yes must not be there.
    """

    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        await desk.approve(request)
        other = await desk.queue.ask(desk.draft("d2"))
        desk.book.entries.append(("approval.use", {"request": request.id, "change": damage}))
        desk.book.entries.append(("approval.request", {"nonsense": 1}))
        later = Desk(desk.book)
        assert await later.queue.redeem("d1") is None
        assert [known.id for known in later.queue.all()] == [other.id]

    run(story)


def test_a_queue_that_is_released_holds_nobody() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        waiting = asyncio.create_task(desk.queue.wait(request.id, 60))
        await asyncio.sleep(0)
        desk.queue.release()
        assert (await asyncio.wait_for(waiting, 1)).state is State.PENDING
        assert (await asyncio.wait_for(desk.queue.wait(request.id, 60), 1)).state is State.PENDING

    run(story)


def test_who_has_gone_is_not_waited_for() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        gone = asyncio.Event()
        waiting = asyncio.create_task(desk.queue.wait(request.id, 60, gone))
        await asyncio.sleep(0)
        gone.set()
        assert (await asyncio.wait_for(waiting, 1)).state is State.PENDING

    run(story)


def test_an_outcome_of_a_forgotten_request_is_no_error() -> None:
    async def story(desk: Desk) -> None:
        await desk.queue.finish(4711, ok=True)

    run(story)


def test_questions_are_bounded_for_one_session_and_for_all() -> None:
    async def story(desk: Desk) -> None:
        for number in range(50):
            await desk.queue.ask(desk.draft(f"d{number}"))
        with pytest.raises(Refused, match="50 questions wait"):
            await desk.queue.ask(desk.draft("one more"))
        assert await desk.queue.ask(desk.draft("d3"))  # joins the one that is there
        for number in range(450):
            draft = msgspec.structs.replace(desk.draft(f"e{number}"), principal=Principal("claude", f"s{number}"))
            await desk.queue.ask(draft)
        with pytest.raises(Refused, match="500 questions wait"):
            await desk.queue.ask(msgspec.structs.replace(desk.draft("x"), principal=Principal("codex", "new")))
        desk.time += 61
        await desk.queue.expire()
        await desk.queue.ask(desk.draft("one more"))

    run(story)
