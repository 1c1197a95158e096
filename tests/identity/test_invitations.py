"""Invitations: once, in time, for one person, and by the words of what was made."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from interlock.identity.authenticator import PASSKEY, Authenticator
from interlock.identity.invitations import LONGEST_SECONDS, Invitations, words
from interlock.model.errors import NotFound, Refused


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Invitations:
    numbers = itertools.count(1)
    return Invitations(clock, lambda size: next(numbers).to_bytes(size))


def key(name: str = "one") -> Authenticator:
    return Authenticator(PASSKEY, name, f"public-{name}", relying_party="i.example", origins=("https://i.example",))


def test_a_link_is_good_until_its_time_and_looking_uses_nothing_up(kept: Invitations, clock: Clock) -> None:
    link = kept.invite("ada", 60)
    clock.now += 59.9
    assert [kept.whose(link).person for _ in range(3)] == ["ada"] * 3
    clock.now += 0.1
    for use in (kept.whose, kept.begin, kept.take):
        with pytest.raises(Refused, match="too old"):
            use(link)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_SECONDS + 1])
def test_no_link_lives_for_ever_or_not_at_all(kept: Invitations, seconds: int) -> None:
    with pytest.raises(Refused, match="between a second and a day"):
        kept.invite("ada", seconds)


def used(kept: Invitations, link: str) -> None:
    kept.offer(link, key(), "192.0.2.7")


def renewed(kept: Invitations, _: str) -> None:
    kept.invite("ada", 60)


def removed(kept: Invitations, _: str) -> None:
    kept.end("ada")


@pytest.mark.parametrize(
    ("ended", "said"), [(used, "used already"), (renewed, "a newer link was made for ada"), (removed, "was removed")]
)
def test_a_link_that_is_over_says_why_and_what_to_do(
    kept: Invitations, ended: Callable[[Invitations, str], None], said: str
) -> None:
    link = kept.invite("ada", 60)
    kept.begin(link)
    ended(kept, link)
    for use in (kept.whose, kept.begin, kept.take):
        with pytest.raises(Refused, match=f"{said}.*interlock people invite ada"):
            use(link)
    with pytest.raises(Refused, match="not made here"):
        kept.whose(link[:-1] + "f")


def test_an_answer_is_taken_once_and_only_for_the_last_beginning(kept: Invitations) -> None:
    link = kept.invite("ada", 60)
    _, first = kept.begin(link)
    _, second = kept.begin(link)
    assert first != second
    assert kept.take(link) == ("ada", second)
    with pytest.raises(Refused, match="Press the button again"):
        kept.take(link)


def test_what_was_offered_is_found_by_its_persons_words_alone(kept: Invitations) -> None:
    for name in ("ada", "bob"):
        kept.offer(kept.invite(name, 60), key(name), "192.0.2.7")
    said = words("ada", key("ada"))
    assert kept.matching("ada", said.upper().replace("-", "  ")).key == key("ada")
    for other in (words("bob", key("bob")), words("ada", key("bob")), ""):
        kept.offer(kept.invite("ada", 60), key("ada"), "192.0.2.7")
        with pytest.raises(Refused, match="not the words"):
            kept.matching("ada", other)
    with pytest.raises(NotFound, match="interlock people invite eve"):
        kept.matching("eve", said)


def test_three_wrong_words_throw_it_away(kept: Invitations) -> None:
    kept.offer(kept.invite("ada", 60), key(), "192.0.2.7")
    for said in ("not the words", "not the words", "thrown away"):
        with pytest.raises(Refused, match=said):
            kept.matching("ada", "babab-babab-babab-babab")
    with pytest.raises(NotFound):
        kept.matching("ada", words("ada", key()))


def test_an_offer_ends_by_time_by_being_added_and_with_its_person(kept: Invitations, clock: Clock) -> None:
    def offered() -> None:
        kept.offer(kept.invite("ada", 60), key(), "192.0.2.7")
        assert [offer.person for offer in kept.offered()] == ["ada"]

    offered()
    kept.added("another")
    assert kept.offered()
    kept.added(key().id)
    assert not kept.offered()
    offered()
    kept.end("ada")
    assert not kept.offered()
    offered()
    clock.now += 3_600
    assert not kept.offered()
