"""Who the people are, and who may change that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from interlock.identity.authority import authorised, checked, consent, event, needed
from interlock.identity.people import (
    ADD,
    ADMINS,
    COUNT,
    GROUPS,
    KEY_ADD,
    KEY_REMOVE,
    REMOVE,
    Change,
    Consent,
    People,
    Person,
)  # fmt: skip
from interlock.identity.proofs import Proof
from interlock.identity.sshsig import DECISION, PEOPLE
from interlock.ledger.entry import encode
from interlock.model.errors import LedgerTampered, NotFound, Refused

from .hands import of, signed, ssh_key

LOG = "interlock/test/0123"
OWNER = Person("olga", uid=1000, groups=(ADMINS,))
BY_UID = Consent("olga", "uid")


class Book:
    """People with a ledger of their own: each change is written, applied and checked as a verifier would."""

    def __init__(self) -> None:
        self.people = People(LOG, OWNER)
        self.entries: list[tuple[int, str, dict[str, Any]]] = []
        self.hands: dict[str, Any] = {}
        self.write(ADD, Change("olga", uid=1000, groups=(ADMINS,), owner=True), BY_UID)

    def write(self, kind: str, change: Change, *by: Consent) -> int:
        body = event(self.people, kind, change, by)
        encode(kind, body, "2026-11-28T00:00:00Z")
        index = len(self.entries) * 10
        checked(self.people, index, kind, body)
        self.people.apply(index, kind, body)
        self.entries.append((index, kind, body))
        return index

    def add(self, name: str, *groups: str, by: tuple[str, ...] = (), key: bool = True) -> int:
        self.hands[name] = ssh_key()
        keys = (of(self.hands[name]),) if key else ()
        change = Change(name, groups=tuple(sorted(groups)), keys=keys)
        return self.write(ADD, change, BY_UID, *(self.yes(who, ADD, change) for who in by))

    def yes(self, name: str, kind: str, change: Change) -> Consent:
        text = signed(self.hands[name], self.people.statement(kind, change), PEOPLE)
        return consent(self.people, kind, change, Proof("ssh", text))[0]


def test_the_owner_sets_up_the_first_people_alone_and_it_is_said() -> None:
    book = Book()
    book.add("ada", "approvers")
    assert book.entries[-1][2]["alone"] is True
    assert needed(book.people) == 1
    book.add("bob", ADMINS)
    assert book.people.guarded
    assert [p.name for p in book.people.signing_admins()] == ["olga", "bob"]


def test_from_the_second_administrator_on_two_must_agree() -> None:
    book = Book()
    book.add("bob", ADMINS)
    change = Change("eve", groups=("approvers",))
    with pytest.raises(Refused, match=r"2 administrators together, and 1 agreed\. Ask one of: bob"):
        event(book.people, ADD, change, [BY_UID])
    book.write(ADD, change, BY_UID, book.yes("bob", ADD, change))
    assert "alone" not in book.entries[-1][2]


def test_an_administrator_without_a_key_does_not_lock_the_others_out() -> None:
    book = Book()
    book.add("bob", ADMINS, key=False)
    assert not book.people.guarded
    book.write(KEY_ADD, Change("bob", keys=(of(ssh_key()),)), BY_UID)
    assert book.people.guarded


def test_nobody_agrees_twice_and_nobody_outside_of_admins() -> None:
    book = Book()
    book.add("ada", "approvers")
    book.add("bob", ADMINS)
    change = Change("eve", groups=())
    bob = book.yes("bob", ADD, change)
    with pytest.raises(Refused, match="agreed twice"):
        event(book.people, ADD, change, [bob, bob])
    with pytest.raises(Refused, match="ada is not in the group admins"):
        event(book.people, ADD, change, [BY_UID, book.yes("ada", ADD, change)])


def test_a_signature_is_of_use_once() -> None:
    """Replay: the statement names the place of the change in the log."""
    book = Book()
    book.add("bob", ADMINS)
    change = Change("eve", groups=())
    bob = book.yes("bob", ADD, change)
    book.write(ADD, change, BY_UID, bob)
    gone = Change("eve")
    book.write(REMOVE, gone, BY_UID, book.yes("bob", REMOVE, gone))
    body = {**event(book.people, ADD, change, [BY_UID, bob])}
    with pytest.raises(LedgerTampered, match="made for another text"):
        checked(book.people, 99, ADD, body)


def test_a_signature_for_one_change_is_none_for_another() -> None:
    book = Book()
    book.add("bob", ADMINS)
    bob = book.yes("bob", ADD, Change("eve", groups=()))
    with pytest.raises(Refused, match="made for another text"):
        consent(book.people, ADD, Change("eve", groups=(ADMINS,)), Proof("ssh", bob.signature))
    decision = signed(book.hands["bob"], book.people.statement(ADD, Change("eve", groups=())), DECISION)
    with pytest.raises(Refused, match="made for 'interlock-decision@v1'"):
        consent(book.people, ADD, Change("eve", groups=()), Proof("ssh", decision))


def test_who_is_removed_is_gone_at_once_and_was_there_before() -> None:
    book = Book()
    added = book.add("ada", "approvers")
    gone = book.write(REMOVE, Change("ada", reason="left"), BY_UID)
    key = of(book.hands["ada"]).id
    assert book.people.find("ada") is None
    assert book.people.by_key(key) is None
    assert book.people.at(added).find("ada") is None
    assert book.people.at(gone).by_key(key) == Person("ada", None, ("approvers",), (of(book.hands["ada"]),), added)
    with pytest.raises(NotFound):
        book.people.get("ada")


def test_keys_that_were_somebodys_and_are_nobodys_are_known() -> None:
    book = Book()
    book.add("ada", "approvers")
    book.add("eve", "approvers")
    keys = {name: of(book.hands[name]).id for name in ("ada", "eve")}
    assert book.people.withdrawn() == {}
    book.write(REMOVE, Change("ada"), BY_UID)
    book.write(KEY_REMOVE, Change("eve", key=keys["eve"]), BY_UID)
    assert book.people.withdrawn() == {keys["ada"]: "ada", keys["eve"]: "eve"}
    book.write(ADD, Change("ada", groups=(), keys=(of(book.hands["ada"]),)), BY_UID)
    assert book.people.withdrawn() == {keys["eve"]: "eve"}


def test_two_administrators_always_remain() -> None:
    """Taking the others away, or their keys, would give back the power to act alone."""
    book = Book()
    book.add("bob", ADMINS)
    for kind, change in (
        (REMOVE, Change("bob")),
        (GROUPS, Change("bob", groups=("approvers",))),
        (KEY_REMOVE, Change("bob", key=of(book.hands["bob"]).id)),
        (GROUPS, Change("olga", groups=())),
    ):
        with pytest.raises(Refused, match="could not be changed any more"):
            event(book.people, kind, change, [BY_UID, book.yes("bob", kind, change)])
    book.add("cleo", ADMINS, by=("bob",))
    change = Change("bob")
    book.write(REMOVE, change, BY_UID, book.yes("cleo", REMOVE, change))
    assert book.people.guarded


def test_a_stolen_key_is_taken_out_of_use_by_its_person_alone() -> None:
    book = Book()
    book.add("bob", ADMINS)
    book.add("ada", "approvers", by=("bob",))
    change = Change("ada", key=of(book.hands["ada"]).id, reason="laptop stolen")
    book.write(KEY_REMOVE, change, book.yes("ada", KEY_REMOVE, change))
    assert book.people.by_key(change.key) is None
    other = Change("bob", key=of(book.hands["bob"]).id)
    with pytest.raises(NotFound, match="has no key"):
        event(book.people, KEY_REMOVE, Change("ada", key=other.key), [BY_UID])


def test_keys_are_rotated_and_old_evidence_stays_checkable() -> None:
    book = Book()
    book.add("ada", "approvers")
    old, new = book.hands["ada"], ssh_key()
    book.write(KEY_ADD, Change("ada", keys=(of(new),)), BY_UID)
    gone = book.write(KEY_REMOVE, Change("ada", key=of(old).id, reason="rotated"), BY_UID)
    assert [a.id for a in book.people.get("ada").authenticators] == [of(new).id]
    before = book.people.at(gone).by_key(of(old).id)
    assert before is not None
    assert before.name == "ada"


def test_two_people_never_share_a_key_or_a_user() -> None:
    book = Book()
    book.add("ada", "approvers")
    with pytest.raises(Refused, match="ada's already"):
        event(book.people, ADD, Change("eve", groups=(), keys=(of(book.hands["ada"]),)), [BY_UID])
    with pytest.raises(Refused, match="uid 1000 belongs"):
        event(book.people, ADD, Change("eve", uid=1000, groups=()), [BY_UID])
    with pytest.raises(Refused, match="here already"):
        event(book.people, ADD, Change("ada", groups=()), [BY_UID])


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (ADD, Change("Ada Lovelace", groups=())),
        (ADD, Change("ada\u202e", groups=())),
        (ADD, Change("", groups=())),
        (ADD, Change("a" * 65, groups=())),
        (ADD, Change("ada")),
        (ADD, Change("ada", groups=("b", "a"))),
        (ADD, Change("ada", groups=("a", "a"))),
        (ADD, Change("ada", groups=("Admins",))),
        (ADD, Change("olga2", groups=(), owner=True)),
        (GROUPS, Change("olga")),
        (GROUPS, Change("olga", uid=7, groups=("admins",))),
        (REMOVE, Change("olga")),
        (REMOVE, Change("olga", reason="a\nb")),
        (KEY_ADD, Change("olga")),
        (KEY_REMOVE, Change("olga")),
        ("person.bless", Change("olga")),
        (COUNT, Change("olga")),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, change: Change) -> None:
    with pytest.raises(Refused):
        event(Book().people, kind, change, [BY_UID])


def test_a_passkeys_counter_is_remembered() -> None:
    book = Book()
    book.people.apply(500, COUNT, {"key": "abc", "count": 41})
    assert book.people.counter("abc") == 41
    assert book.people.at(500).counter("abc") == 0


def test_entries_out_of_order_or_forged_are_seen() -> None:
    book = Book()
    book.add("ada", "approvers")
    _, kind, body = book.entries[-1]
    fresh = People(LOG, OWNER)
    with pytest.raises(LedgerTampered, match="change 1 where 0"):
        fresh.apply(0, kind, body)
    with pytest.raises(LedgerTampered, match="was not permitted"):
        checked(book.people, 30, GROUPS, {"change": {"name": "ada", "groups": ["admins"]}, "serial": 2, "by": []})
    forged = {"person": "ada", "how": "uid"}
    with pytest.raises(LedgerTampered, match="not the user whose daemon"):
        checked(book.people, 30, GROUPS, {"change": {"name": "ada", "groups": ["admins"]}, "serial": 2, "by": [forged]})


def test_another_log_is_another_statement() -> None:
    change = Change("eve", groups=())
    assert People(LOG, OWNER).statement(ADD, change) != People(LOG + "x", OWNER).statement(ADD, change)


NAMES = ("ada", "bob", "cleo", "dan")


class Lives(RuleBasedStateMachine):
    """Any story of changes: what a verifier rebuilds is what the daemon holds, and two always guard each other."""

    @initialize()
    def start(self) -> None:
        self.book = Book()
        self.was_guarded = False

    def attempt(self, kind: str, change: Change, helpers: list[str]) -> None:
        people = self.book.people
        by = [BY_UID] if people.owner.within(ADMINS) else []
        by += [self.book.yes(n, kind, change) for n in helpers if (p := people.find(n)) and self.signs(p)]
        before = people.serial
        try:
            self.book.write(kind, change, *by)
        except (Refused, NotFound):
            assert people.serial == before
            return
        admins = {c.person for c in by if c.person == "olga" or c.person in NAMES}
        assert not self.was_guarded or len(admins) >= 2 or [c.person for c in by] == [change.name]

    def signs(self, person: Person) -> bool:
        hand = self.book.hands.get(person.name)
        return hand is not None and any(a.id == of(hand).id for a in person.authenticators)

    @rule(name=st.sampled_from(NAMES), admin=st.booleans(), helpers=st.lists(st.sampled_from(NAMES), unique=True))
    def add(self, name: str, admin: bool, helpers: list[str]) -> None:
        if self.book.people.find(name) is None:
            self.book.hands[name] = ssh_key()
        change = Change(name, groups=(ADMINS,) if admin else (), keys=(of(self.book.hands[name]),))
        self.attempt(ADD, change, helpers)

    @rule(name=st.sampled_from((*NAMES, "olga")), helpers=st.lists(st.sampled_from(NAMES), unique=True))
    def remove(self, name: str, helpers: list[str]) -> None:
        self.attempt(REMOVE, Change(name), helpers)

    @rule(
        name=st.sampled_from((*NAMES, "olga")),
        admin=st.booleans(),
        helpers=st.lists(st.sampled_from(NAMES), unique=True),
    )
    def regroup(self, name: str, admin: bool, helpers: list[str]) -> None:
        self.attempt(GROUPS, Change(name, groups=(ADMINS,) if admin else ()), helpers)

    @precondition(lambda self: bool(self.book.hands))
    @rule(name=st.sampled_from(NAMES), helpers=st.lists(st.sampled_from(NAMES), unique=True))
    def drop_key(self, name: str, helpers: list[str]) -> None:
        if name in self.book.hands:
            self.attempt(KEY_REMOVE, Change(name, key=of(self.book.hands[name]).id), helpers)

    @invariant()
    def governed(self) -> None:
        if not hasattr(self, "book"):
            return
        people = self.book.people
        assert not self.was_guarded or people.guarded
        assert len(people.signing_admins()) >= (2 if people.guarded else 1)
        self.was_guarded = people.guarded

    def teardown(self) -> None:
        rebuilt = People(LOG, OWNER)
        for index, kind, body in self.book.entries:
            assert msgspec.to_builtins(rebuilt.all()) == msgspec.to_builtins(self.book.people.at(index).all())
            checked(rebuilt, index, kind, body)
            rebuilt.apply(index, kind, body)
        assert rebuilt.all() == self.book.people.all()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


def test_who_agrees_is_checked_apart_from_signatures() -> None:
    book = Book()
    book.add("bob", ADMINS)
    with pytest.raises(NotFound):
        authorised(book.people, ADD, Change("eve", groups=()), [BY_UID, Consent("nobody", "ssh")])
