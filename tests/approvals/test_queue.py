"""The queue of requests: exact digest, single use, two clocks, durable before it is true."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from approvals.circle import Desk, add, remove
from interlock.approvals.machine import Event, State
from interlock.approvals.needs import Who, needed
from interlock.model.decision import Rung
from interlock.model.errors import LedgerUnavailable, NotFound, Refused


def run(story: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def live() -> None:
        await story(Desk())

    asyncio.run(live())


def test_a_yes_is_used_once() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        assert await desk.use("d1") is None
        await desk.approve(request)
        used = await desk.use("d1")
        assert used is not None
        assert used.state is State.EXECUTING
        assert await desk.use("d1") is None

    run(story)


def test_two_that_race_for_one_yes_get_one() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        results = await asyncio.gather(*(desk.use("d1") for _ in range(20)))
        assert len([r for r in results if r is not None]) == 1

    run(story)


def test_a_yes_is_for_one_digest() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft("d1")))
        assert await desk.use("d2") is None

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
        assert await desk.use("d1") is None
        assert desk.queue.get(request.id).state is State.LAPSED

    run(story)


def test_tier_three_needs_a_strong_yes() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft(rung=Rung.ONE_STRONG))
        with pytest.raises(Refused, match="fingerprint"):
            await desk.approve(request)
        assert (await desk.approve(request, strong=True)).state is State.APPROVED

    run(story)


def test_tier_four_needs_two_others() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft(rung=Rung.TWO_STRONG))
        with pytest.raises(Refused, match="neither of them the agent's owner"):
            await desk.approve(request, "owner", strong=True)
        assert (await desk.approve(request, "ann", strong=True)).state is State.PARTIAL
        assert await desk.use("d1") is None
        with pytest.raises(Refused, match="another person"):
            await desk.approve(request, "ann", strong=True)
        assert (await desk.approve(request, "ben", strong=True)).state is State.APPROVED

    run(story)


def test_a_no_takes_back_an_unused_yes() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        await desk.queue.deny(request.id, "owner", because="changed my mind")
        assert await desk.use("d1") is None

    run(story)


def test_a_decided_request_cannot_be_decided_again() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        await desk.queue.deny(request.id, "owner", because="")
        with pytest.raises(Refused, match="denied"):
            await desk.approve(request)

    run(story)


def test_a_waiter_hears_the_decision() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        waiting = asyncio.create_task(desk.queue.wait(request.id, 10))
        await asyncio.sleep(0)
        await desk.queue.deny(request.id, "owner", because="no")
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
            await desk.use("d1")

    run(story)


def test_an_unknown_number_is_not_found() -> None:
    async def story(desk: Desk) -> None:
        with pytest.raises(NotFound, match="no request 7"):
            desk.queue.get(7)

    run(story)


def test_a_restart_between_the_entry_and_its_use_keeps_the_yes_spent() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        assert await desk.use("d1") is not None
        reborn = Desk(desk.book)
        assert await reborn.use("d1") is None

    run(story)


def test_a_yes_is_found_after_an_older_call_of_the_same_action_came_out() -> None:
    """Story: the first call's outcome arrived after the second's yes, and that yes could not be found any more."""

    async def story(desk: Desk) -> None:
        first = await desk.queue.ask(desk.draft())
        await desk.approve(first)
        assert await desk.use("d1")
        second = await desk.queue.ask(desk.draft())
        await desk.approve(second)
        await desk.queue.finish(first.id, ok=True)
        used = await desk.use("d1")
        assert used is not None
        assert used.id == second.id

    run(story)


def test_a_no_stands_after_an_older_call_of_the_same_action_came_out() -> None:
    async def story(desk: Desk) -> None:
        first = await desk.queue.ask(desk.draft())
        await desk.approve(first)
        await desk.use("d1")
        second = await desk.queue.ask(desk.draft())
        await desk.queue.deny(second.id, "owner", because="enough")
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
        assert await later.use("d1") is None
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
            draft = desk.draft(f"e{number}", session=f"s{number}")
            await desk.queue.ask(draft)
        with pytest.raises(Refused, match="500 questions wait"):
            await desk.queue.ask(desk.draft("x", session="new"))
        desk.time += 61
        await desk.queue.expire()
        await desk.queue.ask(desk.draft("one more"))

    run(story)


def test_a_ticket_is_for_one_launch_of_one_digest() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        first, ticket = await desk.queue.ticket("d1"), await desk.queue.ticket("d1")
        assert first is not None
        assert ticket is not None
        with pytest.raises(Refused, match="used or taken back"):
            await desk.queue.launch(first, "d1")
        assert (await desk.queue.launch(ticket, "d1")).state is State.EXECUTING
        with pytest.raises(Refused, match="used or taken back"):
            await desk.queue.launch(ticket, "d1")
        assert await desk.queue.ticket("d1") is None

    run(story)


def test_what_has_changed_when_it_is_launched_has_drifted() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        with pytest.raises(Refused, match="has changed"):
            await desk.queue.launch(ticket, "d2")
        assert desk.queue.get(request.id).state is State.DRIFTED
        assert await desk.use("d1") is None

    run(story)


def test_a_paused_session_launches_nothing() -> None:
    """Story: a session was paused for what it did, and the ticket that it held was still good."""

    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        desk.halted = "order 7 (pause) is in force: 3 denials in a row"
        assert request.state is State.APPROVED
        with pytest.raises(Refused, match="3 denials in a row"):
            await desk.queue.launch(ticket, "d1")
        other = await desk.queue.ask(desk.draft("d2"))
        with pytest.raises(Refused, match=r"order 7 \(pause\)"):
            await desk.approve(other)

    run(story)


def test_many_who_use_one_yes_at_once_are_one() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        used = await asyncio.gather(*(desk.queue.use("d1") for _ in range(20)))
        assert len([one for one in used if one is not None]) == 1

    run(story)


def test_a_ticket_that_comes_back_leaves_the_yes_unused() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        await desk.queue.give_back(ticket)
        with pytest.raises(Refused, match="taken back"):
            await desk.queue.launch(ticket, "d1")
        assert await desk.use("d1") is not None

    run(story)


def test_a_ticket_of_a_daemon_that_died_is_no_use_and_no_loss() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        later = Desk(desk.book)
        await later.queue.recover()
        with pytest.raises(Refused, match="taken back"):
            await later.queue.launch(ticket, "d1")
        assert await later.use("d1") is not None

    run(story)


def test_revoking_wins_until_the_launch() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        desk.halted = "production is frozen"
        with pytest.raises(Refused, match="production is frozen"):
            await desk.queue.launch(ticket, "d1")
        assert desk.queue.get(request.id).state is State.REVOKED

    run(story)


@pytest.mark.parametrize("rival", ["deny", "revoke", "withdraw", "remove", "drift", "lapse"])
def test_whatever_ends_a_yes_at_the_same_time_as_its_launch_there_is_one_winner(rival: str) -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()), "ann", wait=30)
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None

        async def end() -> None:
            match rival:
                case "deny":
                    await desk.queue.deny(request.id, "owner", because="")
                case "revoke":
                    await desk.queue.revoke(lambda r: r.id == request.id, "frozen")
                case "withdraw":
                    await desk.queue.withdraw(lambda r: r.id == request.id, "gone")
                case "remove":
                    remove(desk.people, "ann")
                    await desk.queue.people_changed()
                case "drift":
                    await desk.queue.drift(request.id)
                case _:
                    desk.time += 31
                    await desk.queue.expire()

        done = await asyncio.gather(end(), desk.queue.launch(ticket, "d1"), return_exceptions=True)
        state = desk.queue.get(request.id).state
        assert (state is State.EXECUTING) == (not isinstance(done[1], Exception))
        moves = [body["event"] for kind, body in desk.book.entries if kind in {"approval.use", "approval.end"}]
        assert len(moves) + (rival == "deny" and state is State.DENIED) == 1

    run(story)


def test_who_left_does_not_count_any_more() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft(rung=Rung.TWO_STRONG))
        await desk.approve(request, "ann", strong=True)
        remove(desk.people, "ann")
        assert (await desk.approve(request, "ben", strong=True)).state is State.PARTIAL

    run(story)


def test_a_yes_of_somebody_who_was_removed_before_its_use_is_revoked() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()), "ann")
        remove(desk.people, "ann")
        assert await desk.use("d1") is None
        ended = desk.queue.get(request.id)
        assert (ended.state, ended.because) == (State.REVOKED, "somebody who approved it may not approve any more")

    run(story)


def test_somebody_of_the_same_name_who_came_later_is_somebody_else() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()), "ann")
        remove(desk.people, "ann")
        add(desk.people, "ann")
        assert await desk.use("d1") is None
        assert desk.queue.get(request.id).state is State.REVOKED

    run(story)


@pytest.mark.parametrize(
    ("rule", "who", "fits"),
    [
        (Who(groups=("dba",)), "cleo", True),
        (Who(groups=("dba",)), "ann", False),
        (Who(groups=("dba",)), "owner", False),
        (Who(exclude=("ann",)), "ann", False),
        (Who(exclude=("ann",)), "ben", True),
        (Who(tier=3, groups=("dba",)), "ann", True),
        (Who(strong=True), "ann", False),
        (Who(), "nobody", False),
        (Who(), "visitor", False),
    ],
)
def test_configuration_says_who_may(rule: Who, who: str, fits: bool) -> None:
    async def story(desk: Desk) -> None:
        add(desk.people, "cleo", ("dba",))
        add(desk.people, "visitor", ("readers",))
        request = await desk.queue.ask(desk.draft(who=(rule,)))
        if fits:
            assert (await desk.approve(request, who)).state is State.APPROVED
        else:
            with pytest.raises(Refused):
                await desk.approve(request, who)

    run(story)


def test_configuration_raises_the_quorum_and_never_lowers_it() -> None:
    assert needed(Rung.ONE, 2, (), (Who(people=3),)).people == 3
    assert needed(Rung.TWO_STRONG, 4, (), (Who(people=1),)).people == 2
    assert needed(Rung.ONE, 2, ("staging",), (Who(environment="production", people=2),)).people == 1
    assert needed(Rung.ONE, 2, ("production",), (Who(environment="production", people=2),)).people == 2
    contradiction = needed(Rung.ONE, 2, (), (Who(groups=("a",)), Who(groups=("b",))))
    assert contradiction.groups == ("",)


def test_rules_that_ask_for_more_than_was_obtained_take_the_yes_back() -> None:
    async def story(desk: Desk) -> None:
        request = await desk.approve(await desk.queue.ask(desk.draft()))
        assert await desk.use("d1", needed(Rung.ONE_STRONG, 3, (), ())) is None
        assert desk.queue.get(request.id).state is State.REVOKED

    run(story)


def test_the_next_group_is_asked_when_the_first_does_not_answer() -> None:
    async def story(desk: Desk) -> None:
        add(desk.people, "cleo", ("leads",))
        add(desk.people, "dora", ("oncall",))
        request = await desk.queue.ask(desk.draft(who=(Who(groups=("oncall", "leads")),)))
        with pytest.raises(Refused, match="oncall"):
            await desk.approve(request, "cleo")
        await desk.queue.escalate(0.5)
        assert desk.queue.get(request.id).level == 0
        desk.time += 31
        await desk.queue.escalate(0.5)
        (escalation,) = [body for kind, body in desk.book.entries if kind == "approval.escalate"]
        assert escalation["to"] == "leads"
        assert Desk(desk.book, desk.people).queue.get(request.id).level == 1
        assert (await desk.approve(desk.queue.get(request.id), "cleo")).state is State.APPROVED

    run(story)


def test_a_call_that_stands_for_something_else_now_has_a_card_of_its_own() -> None:
    async def story(desk: Desk) -> None:
        first = await desk.queue.ask(desk.draft("d1", call="make deploy"))
        waiting = asyncio.create_task(desk.queue.wait(first.id, 10))
        await asyncio.sleep(0)
        second = await desk.queue.ask(desk.draft("d2", call="make deploy"))
        assert (second.replaces, (await waiting).state) == (first.id, State.SUPERSEDED)
        await desk.approve(second)
        third = await desk.queue.ask(desk.draft("d3", call="make deploy"))
        assert third.replaces == second.id
        assert desk.queue.get(second.id).state is State.DRIFTED
        other = await desk.queue.ask(desk.draft("d4", call="make deploy", session="another"))
        assert other.replaces == -1

    run(story)


def test_a_caller_that_goes_away_leaves_no_half_transition() -> None:
    """Story: a cancelled call left the entry of a use in the ledger, and the yes unused in memory: it ran twice."""

    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        ticket = await desk.queue.ticket("d1")
        assert ticket is not None
        launching = asyncio.create_task(desk.queue.launch(ticket, "d1"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        launching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await launching
        with pytest.raises(Refused):
            await desk.queue.launch(ticket, "d1")
        assert [kind for kind, _ in desk.book.entries].count("approval.use") <= 1

    run(story)


@pytest.mark.parametrize("event", list(Event))
def test_an_entry_that_does_not_follow_from_the_one_before_drops_its_request(event: Event) -> None:
    async def story(desk: Desk) -> None:
        request = await desk.queue.ask(desk.draft())
        body = {
            "request": request.id,
            "digest": "d1",
            "event": event.value,
            "from": "approved",
            "change": {"state": "approved"},
        }
        desk.book.entries.append(("approval.decision", body))
        later = Desk(desk.book)
        assert later.strange == [1]
        assert later.queue.all() == ()

    run(story)


def test_an_older_ticket_of_the_same_yes_is_no_ticket() -> None:
    async def story(desk: Desk) -> None:
        await desk.approve(await desk.queue.ask(desk.draft()))
        old = await desk.queue.ticket("d1")
        assert old is not None
        await desk.queue.give_back(old)
        new = await desk.queue.ticket("d1")
        assert new is not None
        with pytest.raises(Refused, match="taken back"):
            await desk.queue.launch(old, "d1")
        assert (await desk.queue.launch(new, "d1")).state is State.EXECUTING

    run(story)
