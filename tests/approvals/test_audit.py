"""What an offline verifier makes of people's decisions: a daemon that made one up, or altered one, is found out."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from approvals.circle import CODE
from approvals.test_deciding import Office
from identity.hands import Passkey, signed, ssh_key
from interlock.approvals.audit import Decisions
from interlock.broker.clock import stamp
from interlock.identity import passkeys
from interlock.identity.people import People
from interlock.identity.proofs import Proof, message
from interlock.identity.sshsig import DECISION
from interlock.model.decision import Rung
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered

Entries = list[tuple[str, dict[str, Any]]]
LOG = "interlock/test/0"
DEVICE = Passkey()


def lived() -> tuple[Entries, People]:
    """A day of decisions of every kind: at a terminal, signed by two, by a passkey, a batch, and two noes."""

    async def live() -> tuple[Entries, People]:
        desk = Office()
        nonce = bytes(32)
        made = DEVICE.create(passkeys.registration_options("ben", "localhost", nonce))
        key = passkeys.register(made, nonce=nonce, relying_party="localhost", origins=[DEVICE.origin])
        desk.give("ben", key)
        typed = await desk.ask("d1", Rung.ONE_STRONG)
        await desk.deciding.at_terminal(1000, [typed.id], "approve", code=CODE, shown_ms=3_000)
        two = await desk.ask("d2", Rung.TWO_STRONG)
        await desk.hand_in(desk.decide(two))
        decision = desk.decide(two, by="ben")
        wanted = passkeys.challenge(message(DECISION, decision.text()))
        answer = DEVICE.get(passkeys.assertion_options("localhost", wanted, [key]))
        await desk.deciding.signed(decision.text(), Proof("passkey", answer))
        await desk.hand_in(desk.decide(await desk.ask("d3"), await desk.ask("d4")))
        await desk.hand_in(desk.decide(await desk.ask("d5"), verdict="deny_and_pause", feedback="no"))
        late = await desk.ask("d6")
        desk.time += 50
        await desk.deciding.at_terminal(1000, [late.id], "approve", code="")
        desk.time += 25  # a yes that was not used can be taken back after the time to decide
        await desk.deciding.at_terminal(1000, [late.id], "deny", code="")
        login = await desk.book.record("panel.login", {"person": "owner", "role": "person", "process": "7 1"})
        shown = await desk.ask("d7", Rung.ONE_STRONG)
        await desk.deciding.at_terminal(1000, [shown.id], "approve", code=CODE, login=login)
        await desk.deciding.at_terminal(1000, [(await desk.ask("d8")).id], "deny", code="", login=login)
        far = {"person": "ann", "role": "person", "process": "", "by": "oidc", "from": "192.0.2.7"}
        away = await desk.book.record("panel.login", far)
        asked = await desk.ask("d9")
        await desk.deciding.from_afar("ann", [asked.id], "approve", "", 2_000, away)
        return desk.book.entries, desk.people

    return asyncio.run(live())


ENTRIES, PEOPLE = lived()


def heard(entries: Entries, people: People | None = PEOPLE) -> Decisions:
    audit = Decisions(lambda: people)
    audit.hear(0, "log.genesis", "", {"origin": LOG})
    for index, (kind, body) in enumerate(entries):
        audit.hear(index, kind, stamp(1_000_000.0 + 30), body)
    return audit


def decided(entries: Entries, number: int) -> dict[str, Any]:
    """The body of the `number`th decision."""
    return [body for kind, body in entries if kind == "approval.decision"][number]


def test_an_honest_day_is_sound_and_counted() -> None:
    audit = heard(ENTRIES)
    audit.judge()
    assert (audit.checked, audit.signed) == (11, 5)


def test_before_people_are_entries_the_owners_word_counts() -> None:
    entries = ENTRIES[:2]
    assert [kind for kind, _ in entries] == ["approval.request", "approval.decision"]
    audit = heard(entries, None)
    audit.judge()
    assert audit.checked == 1


def forged_signature(entries: Entries) -> None:
    body = decided(entries, 1)
    text = msgspec.convert(body["decision"], type=dict)
    body["proof"]["signature"] = signed(ssh_key(), str(text).encode(), DECISION)


def for_another_text(entries: Entries) -> None:
    decided(entries, 1)["decision"]["feedback"] = "and everything else"


def turned_around(entries: Entries) -> None:
    decided(entries, 5)["decision"]["verdict"] = "approve"


def in_anothers_name(entries: Entries) -> None:
    decided(entries, 1)["decision"]["approver"] = "ben"


def swapped_requests(entries: Entries) -> None:
    one, other = decided(entries, 1), decided(entries, 3)
    one["request"], other["request"] = other["request"], one["request"]


def another_card(entries: Entries) -> None:
    """The question was altered after it was answered."""
    entries[0][1]["text"] = "ls"


def no_batch(entries: Entries) -> None:
    decided(entries, 3)["batch"] -= 1


def said_at_a_terminal_by_somebody_without_a_user(entries: Entries) -> None:
    body = decided(entries, 1)
    body["proof"] = {"how": "uid", "typed": True}


def login(entries: Entries) -> dict[str, Any]:
    return next(body for kind, body in entries if kind == "panel.login")


def said_in_no_session(entries: Entries) -> None:
    decided(entries, 8)["proof"]["login"] = 0


def in_the_session_of_a_reader(entries: Entries) -> None:
    login(entries)["role"] = "reader"


def in_a_session_that_nobody_saw_begin(entries: Entries) -> None:
    login(entries)["process"] = ""


def in_anothers_session(entries: Entries) -> None:
    login(entries)["person"] = "ben"


def typed_on_another_machine(entries: Entries) -> None:
    decided(entries, 10)["proof"]["typed"] = True


def by_a_link_on_another_machine(entries: Entries) -> None:
    next(body for kind, body in entries if kind == "panel.login" and "by" in body)["by"] = "link"


def without_a_decision(entries: Entries) -> None:
    del decided(entries, 0)["decision"]


@pytest.mark.parametrize(
    "forge",
    [
        forged_signature, for_another_text, turned_around, in_anothers_name, swapped_requests, another_card, no_batch,
        said_at_a_terminal_by_somebody_without_a_user, said_in_no_session, in_the_session_of_a_reader,
        in_a_session_that_nobody_saw_begin, in_anothers_session, typed_on_another_machine,
        by_a_link_on_another_machine, without_a_decision,
    ],
)  # fmt: skip
def test_a_decision_that_nobody_gave_is_found(forge: Callable[[Entries], None]) -> None:
    entries = copy.deepcopy(ENTRIES)
    forge(entries)
    with pytest.raises(LedgerTampered, match="entry"):
        heard(entries).judge()


def yes_of_a_no(entries: Entries) -> None:
    body = decided(entries, 5)
    vote = {"name": "ann", "at": "x", "how": "ssh", "key": body["proof"].get("key", ""), "strong": True}
    body["change"] |= {"state": "approved", "votes": [vote]}


def a_vote_too_many(entries: Entries) -> None:
    change = decided(entries, 1)["change"]
    change["votes"] = [*change["votes"], {**change["votes"][0], "name": "ben"}]


def enough_too_early(entries: Entries) -> None:
    decided(entries, 1)["change"]["state"] = "approved"


def otherwise_than_it_was(entries: Entries) -> None:
    decided(entries, 8)["change"]["decided_how"] = "passkey"


def stronger_than_it_was(entries: Entries) -> None:
    decided(entries, 0)["proof"]["typed"] = False


@pytest.mark.parametrize(
    "forge", [yes_of_a_no, a_vote_too_many, enough_too_early, otherwise_than_it_was, stronger_than_it_was]
)
def test_more_than_was_said_is_found(forge: Callable[[Entries], None]) -> None:
    entries = copy.deepcopy(ENTRIES)
    forge(entries)
    with pytest.raises(LedgerPolicyFailed, match="entry"):
        heard(entries).judge()


def test_a_key_that_was_not_theirs_then_signs_nothing() -> None:
    entries = copy.deepcopy(ENTRIES)
    nobody = Office()
    nobody.people = People(LOG, PEOPLE.owner)
    with pytest.raises(LedgerTampered, match="nobody who is known here holds the key"):
        heard(entries, nobody.people).judge()


def test_what_the_disk_refused_and_held_after_all_is_no_evidence() -> None:
    entries = copy.deepcopy(ENTRIES)
    for_another_text(entries)
    place = next(i for i, (kind, body) in enumerate(entries) if body is decided(entries, 1))
    audit = heard([*entries, ("log.late", {"first": place, "count": 1})])
    audit.judge()


def test_a_session_of_the_panel_ends_with_its_daemon() -> None:
    place = next(i for i, (kind, _) in enumerate(ENTRIES) if kind == "panel.login")
    audit = Decisions(lambda: PEOPLE)
    audit.hear(0, "log.genesis", "", {"origin": LOG})
    for index, (kind, body) in enumerate(ENTRIES):
        audit.hear(index, kind, stamp(1_000_000.0 + 30), body)
        if index == place:
            audit.hear(index, "daemon.start", "", {})
    with pytest.raises(LedgerTampered, match="begins no session"):
        audit.judge()
