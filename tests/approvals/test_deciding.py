"""Decisions: signed elsewhere or said at a terminal, one or several, and everything that must not count as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.circle import CODE, LOG, Desk, add, remove
from identity.hands import Passkey, SecurityKey, of, signed, ssh_key
from interlock.approvals.deciding import Deciding, Said
from interlock.approvals.decision import Decision, Verdict, parse, printed
from interlock.approvals.machine import State
from interlock.approvals.request import Request
from interlock.broker.clock import stamp
from interlock.identity import passkeys
from interlock.identity.people import COUNT, KEY_ADD
from interlock.identity.proofs import Proof, message
from interlock.identity.sshsig import DECISION, PEOPLE
from interlock.ledger.entry import canonical
from interlock.model.action import Principal
from interlock.model.decision import Rung
from interlock.model.errors import AgentError, InterlockError, NotFound, Refused
from interlock.model.fingerprint import code


class Office(Desk):
    """A desk with keys for the people, and everything that takes decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {name: ssh_key() for name in ("ann", "ben", "owner")}
        for name, key in self.keys.items():
            self.give(name, of(key))
        self.paused: list[tuple[str, str]] = []
        self.deciding = Deciding(
            self.queue,
            self.people,
            record=self.book.record,
            execute_by=lambda _: stamp(self.time + 30),
            pause=self._pause,
            counted=self._counted,
            now=lambda: self.time,
            stamp=lambda: stamp(self.time),
        )

    def give(self, name: str, key: Any) -> None:
        body = {"change": {"name": name, "keys": [msgspec.to_builtins(key)]}, "serial": self.people.serial}
        self.people.apply(self.people.serial, KEY_ADD, body)

    async def _pause(self, principal: Principal, why: str, by: str) -> None:
        self.paused.append((why, by))

    async def _counted(self, key: str, counter: int) -> None:
        self.people.apply(99, COUNT, {"key": key, "count": counter})

    async def ask(self, digest: str = "d1", rung: Rung = Rung.ONE, **more: Any) -> Request:
        return await self.queue.ask(self.draft(digest * 32, rung, **more))

    def decide(self, *requests: Request, verdict: Verdict = "approve", by: str = "ann", feedback: str = "") -> Decision:
        return self.deciding.draft([request.id for request in requests], verdict, by, feedback, 1_200)

    async def hand_in(self, decision: Decision, by: str = "ann", *, namespace: str = DECISION) -> list[Said]:
        return await self.deciding.signed(
            decision.text(), Proof("ssh", signed(self.keys[by], decision.text(), namespace))
        )


def run(story: Callable[[Office], Coroutine[Any, Any, None]]) -> None:
    async def live() -> None:
        await story(Office())

    asyncio.run(live())


def changed(decision: Decision, **fields: Any) -> Decision:
    return msgspec.structs.replace(decision, **fields)


def test_a_signed_yes_from_elsewhere_counts_and_is_strong() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask(rung=Rung.ONE_STRONG)
        (said,) = await desk.hand_in(desk.decide(request, feedback="only this once"))
        assert (said.request.state, said.request.because) == (State.APPROVED, "only this once")
        (vote,) = said.request.votes
        assert (vote.name, vote.how, vote.strong) == ("ann", "ssh", True)
        entry = desk.book.entries[-1][1]
        kept = msgspec.convert(entry["decision"], Decision)
        assert kept.text() == canonical(entry["decision"])
        assert (kept.approver, kept.shown_ms) == ("ann", 1_200)

    run(story)


def test_two_people_far_away_make_the_yes_that_two_must_make() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask(rung=Rung.TWO_STRONG)
        assert (await desk.hand_in(desk.decide(request)))[0].request.state is State.PARTIAL
        with pytest.raises(Refused, match="neither of them the agent's owner"):
            await desk.hand_in(desk.decide(request, by="owner"), "owner")
        assert (await desk.hand_in(desk.decide(request, by="ben"), "ben"))[0].request.state is State.APPROVED

    run(story)


FORGED: dict[str, tuple[Callable[[Office, Decision], Decision], str]] = {
    "another Interlock's": (lambda d, x: changed(x, log="interlock/other/1"), "another Interlock"),
    "another action's digest": (
        lambda d, x: changed(x, items=(msgspec.structs.replace(x.items[0], digest="0" * 64),)), "another action"
    ),
    "another challenge": (
        lambda d, x: changed(x, items=(msgspec.structs.replace(x.items[0], challenge="0" * 64),)), "its challenge"
    ),
    "another root": (lambda d, x: changed(x, root="0" * 64), "root"),
    "another card": (lambda d, x: changed(x, shown="0" * 64), "looked different"),
    "a later epoch": (lambda d, x: changed(x, epoch=7), "epoch"),
    "dated tomorrow": (lambda d, x: changed(x, decided_at=stamp(d.time + 86_400)), "not yet"),
    "dated before the question": (lambda d, x: changed(x, decided_at=stamp(d.time - 3_600)), "before request"),
    "dated after its end": (lambda d, x: changed(x, decided_at=stamp(d.time + 61)), "expired"),
    "without a zone": (lambda d, x: changed(x, decided_at="2026-11-28T10:00:00"), "RFC 3339"),
    "no time at all": (lambda d, x: changed(x, decided_at="soon"), "RFC 3339"),
    "somebody else's name": (lambda d, x: changed(x, approver="ben"), "ann signed it"),
    "twice the same": (lambda d, x: changed(x, items=x.items * 2), "twice"),
    "about nothing": (lambda d, x: changed(x, items=()), "1 to 40"),
}  # fmt: skip


@pytest.mark.parametrize("trick", FORGED)
def test_what_is_not_about_this_question_counts_for_nothing(trick: str) -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        forge, words = FORGED[trick]
        with pytest.raises(Refused, match=words):
            await desk.hand_in(forge(desk, desk.decide(request)))
        assert desk.queue.get(request.id).state is State.PENDING
        assert [kind for kind, _ in desk.book.entries] == ["approval.request"]

    run(story)


def test_a_signature_for_another_purpose_or_text_or_of_nobody_counts_for_nothing() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        decision = desk.decide(request)
        with pytest.raises(Refused, match="was made for"):
            await desk.hand_in(decision, namespace=PEOPLE)
        denial = signed(desk.keys["ann"], desk.decide(request, verdict="deny").text(), DECISION)
        with pytest.raises(Refused, match="another text"):
            await desk.deciding.signed(decision.text(), Proof("ssh", denial))
        with pytest.raises(Refused, match="nobody who is known"):
            await desk.deciding.signed(decision.text(), Proof("ssh", signed(ssh_key(), decision.text(), DECISION)))
        with pytest.raises(Refused, match="ssh or with a passkey"):
            await desk.deciding.signed(decision.text(), Proof("word of honour", "yes"))
        assert desk.queue.get(request.id).state is State.PENDING

    run(story)


def test_a_decision_is_used_once_and_not_for_the_next_question() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        decision = desk.decide(request)
        await desk.hand_in(decision)
        with pytest.raises(Refused, match="approved"):
            await desk.hand_in(decision)
        assert await desk.use("d1" * 32)
        again = await desk.ask()
        assert again.id != request.id
        replayed = changed(decision, items=(msgspec.structs.replace(decision.items[0], request=again.id),))
        with pytest.raises(Refused, match="challenge"):
            await desk.hand_in(replayed)

    run(story)


def test_a_decision_that_comes_too_late_or_from_somebody_who_left_counts_for_nothing() -> None:
    async def story(desk: Office) -> None:
        late, left = await desk.ask("d1"), await desk.ask("d2")
        decided, gone = desk.decide(late), desk.decide(left, by="ben")
        remove(desk.people, "ben")
        with pytest.raises(Refused, match="nobody who is known"):
            await desk.hand_in(gone, "ben")
        desk.time += 61
        with pytest.raises(Refused, match="expired"):
            await desk.hand_in(decided)

    run(story)


def test_a_stopped_question_is_not_approved_from_elsewhere() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        decision = desk.decide(request)
        desk.halted = "production is frozen"
        with pytest.raises(Refused, match="frozen"):
            await desk.hand_in(decision)
        assert desk.queue.get(request.id).state is State.REVOKED

    run(story)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_byte_of_a_signed_decision_can_be_changed_or_cut(data: st.DataObject) -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        raw = desk.decide(request, feedback="fine").text()
        proof = Proof("ssh", signed(desk.keys["ann"], raw, DECISION))
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            other = raw[:at]
        else:
            other = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
        with pytest.raises(InterlockError):
            await desk.deciding.signed(other, proof)
        assert desk.queue.get(request.id).state is State.PENDING

    run(story)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'{"schema":"interlock/decision/v2"}', b"\xff" * 40, b"[" * 100_000, b"x" * 20_000],
)
def test_what_is_no_decision_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(AgentError, match="decision"):
        parse(raw)


def test_a_decision_in_other_words_is_not_taken() -> None:
    async def story(desk: Office) -> None:
        raw = desk.decide(await desk.ask()).text()
        with pytest.raises(AgentError, match="canonical"):
            parse(json.dumps(json.loads(raw)).encode())
        assert parse(raw + b"\n").text() == raw
        with pytest.raises(AgentError):
            parse(raw.replace(b'"scope":"once"', b'"scope":"always"'))

    run(story)


def test_one_decision_over_several_requests() -> None:
    async def story(desk: Office) -> None:
        requests = [await desk.ask(f"d{number}") for number in range(5)]
        said = await desk.hand_in(desk.decide(*requests))
        assert [one.request.state for one in said] == [State.APPROVED] * 5
        (batch,) = [(at, body) for at, (kind, body) in enumerate(desk.book.entries) if kind == "approval.batch"]
        assert [item["request"] for item in batch[1]["decision"]["items"]] == [request.id for request in requests]
        moves = [body for kind, body in desk.book.entries if kind == "approval.decision"]
        assert {(body["batch"], body["root"]) for body in moves} == {(batch[0], batch[1]["decision"]["root"])}
        for request in requests:
            assert await desk.use(request.digest) is not None

    run(story)


def test_of_several_the_one_that_cannot_be_decided_does_not_stop_the_others() -> None:
    async def story(desk: Office) -> None:
        first, second = await desk.ask("d1"), await desk.ask("d2")
        decision = desk.decide(first, second)
        await desk.queue.deny(first.id, "owner", because="no")
        said = await desk.hand_in(decision)
        assert ["denied" in one.refused for one in said] == [True, False]
        assert said[1].request.state is State.APPROVED

    run(story)


def test_a_batch_of_which_nothing_can_be_decided_leaves_no_entry() -> None:
    async def story(desk: Office) -> None:
        requests = [await desk.ask(f"d{n}", Rung.TWO_STRONG) for n in range(3)]
        before = len(desk.book.entries)
        with pytest.raises(Refused, match="agent's owner"):
            await desk.hand_in(desk.decide(*requests, by="owner"), "owner")
        assert len(desk.book.entries) == before

    run(story)


def test_the_code_of_several_is_that_of_their_root() -> None:
    async def story(desk: Office) -> None:
        requests = [await desk.ask(f"d{n}", Rung.ONE_STRONG) for n in range(2)]
        ids = [request.id for request in requests]
        together = printed(LOG, requests)
        assert CODE not in together
        with pytest.raises(Refused, match="fingerprint"):
            await desk.deciding.at_terminal(1000, ids, "approve", code=CODE)
        said = await desk.deciding.at_terminal(1000, ids, "approve", code=code(together).upper())
        assert [one.request.state for one in said] == [State.APPROVED] * 2

    run(story)


def test_a_terminals_word_is_a_decision_too() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        (said,) = await desk.deciding.at_terminal(1000, [request.id], "approve", code="", feedback="go on")
        assert (said.request.state, said.request.decided_by) == (State.APPROVED, "owner")
        body = desk.book.entries[-1][1]
        assert (body["decision"]["approver"], body["proof"]) == ("owner", {"how": "uid", "typed": False})
        assert said.request.decided_how == "uid"
        with pytest.raises(Refused, match="uid 4711"):
            await desk.deciding.at_terminal(4711, [request.id], "deny", code="")
        with pytest.raises(NotFound):
            await desk.deciding.at_terminal(1000, [999], "approve", code="")
        with pytest.raises(Refused, match="named twice"):
            await desk.deciding.at_terminal(1000, [request.id, request.id], "deny", code="")

    run(story)


def test_a_no_can_pause_the_session() -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        await desk.hand_in(desk.decide(request, verdict="deny_and_pause", feedback="stop this"))
        assert desk.queue.get(request.id).state is State.DENIED
        assert desk.paused == [("stop this", "ann")]

    run(story)


def test_a_passkey_decides_and_its_counter_is_kept() -> None:
    async def story(desk: Office) -> None:
        device = Passkey()
        nonce = bytes(32)
        made = device.create(passkeys.registration_options("ann", "localhost", nonce))
        key = passkeys.register(made, nonce=nonce, relying_party="localhost", origins=["http://localhost:7777"])
        desk.give("ann", key)
        request = await desk.ask(rung=Rung.ONE_STRONG)
        decision = desk.decide(request)
        wanted = passkeys.challenge(message(DECISION, decision.text()))
        answer = device.get(passkeys.assertion_options("localhost", wanted, [key]))
        other = desk.decide(request, verdict="deny")
        with pytest.raises(Refused):
            await desk.deciding.signed(other.text(), Proof("passkey", answer))
        (said,) = await desk.deciding.signed(decision.text(), Proof("passkey", answer))
        assert (said.request.state, said.request.votes[0].how) == (State.APPROVED, "passkey")
        assert desk.people.counter(key.id) == 1

    run(story)


def test_a_security_key_decides() -> None:
    async def story(desk: Office) -> None:
        key = SecurityKey()
        desk.give("ann", of(key))
        decision = desk.decide(await desk.ask())
        proof = Proof("ssh", signed(key, decision.text(), DECISION))
        assert (await desk.deciding.signed(decision.text(), proof))[0].request.state is State.APPROVED

    run(story)


@pytest.mark.parametrize("rival", ["approve", "deny"])
def test_two_who_decide_at_the_same_time(rival: Verdict) -> None:
    async def story(desk: Office) -> None:
        request = await desk.ask()
        first, second = desk.decide(request), desk.decide(request, verdict=rival, by="ben")
        done = await asyncio.gather(desk.hand_in(first), desk.hand_in(second, "ben"), return_exceptions=True)
        state = desk.queue.get(request.id).state
        if rival == "approve":
            assert [isinstance(one, Refused) for one in done] == [False, True]
            assert state is State.APPROVED
        else:  # a no takes an unused yes back, whichever came first
            assert state is State.DENIED
            assert await desk.use(request.digest) is None

    run(story)


def test_a_stranger_group_cannot_decide_by_signature() -> None:
    async def story(desk: Office) -> None:
        add(desk.people, "visitor", ("readers",))
        desk.keys["visitor"] = ssh_key()
        desk.give("visitor", of(desk.keys["visitor"]))
        request = await desk.ask()
        with pytest.raises(Refused, match="may not approve"):
            await desk.hand_in(desk.decide(request, by="visitor"), "visitor")

    run(story)


def test_a_word_in_the_panel_names_the_session_it_was_said_in() -> None:
    async def story(desk: Office) -> None:
        for verdict, number in (("approve", 1), ("deny", 2)):
            request = await desk.ask(f"d{number}", Rung.ONE_STRONG)
            (said,) = await desk.deciding.at_terminal(1000, [request.id], verdict, code=CODE, login=7)  # type: ignore[arg-type]
            assert said.request.decided_how == "panel"
            assert desk.book.entries[-1][1]["proof"] == {"how": "panel", "login": 7, "typed": True}
            assert all(vote.how == "panel" and vote.strong for vote in said.request.votes)
        signed = desk.decide(await desk.ask("d3"))
        proof = Proof("ssh", signed_by(desk, signed))
        (said,) = await desk.deciding.signed(signed.text(), proof, login=7)
        assert desk.book.entries[-1][1]["proof"]["login"] == 7
        assert said.request.decided_how == "ssh"

    run(story)


def test_from_another_machine_no_word_is_a_strong_one() -> None:
    async def story(desk: Office) -> None:
        grave = await desk.ask("d1", Rung.ONE_STRONG)
        with pytest.raises(Refused, match="type the last part"):
            await desk.deciding.from_afar("ann", [grave.id], "approve", "", 0, 7)
        (said,) = await desk.deciding.from_afar("ann", [grave.id], "deny", "no", 0, 7)
        assert (said.request.state, said.request.decided_how) == (State.DENIED, "panel")
        with pytest.raises(NotFound):
            await desk.deciding.from_afar("mallory", [grave.id], "deny", "", 0, 7)

    run(story)


def signed_by(desk: Office, decision: Decision) -> str:
    return signed(desk.keys["ann"], decision.text(), DECISION)
