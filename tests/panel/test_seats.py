"""Links are used once and in time, sessions are bound and end, tokens are for one thing."""

from __future__ import annotations

import itertools

import pytest

from interlock.model.errors import Refused
from interlock.panel import seats
from interlock.panel.seats import (
    Admitted,
    Means,
    Owner,
    Role,
    Seats,
    check_form,
    check_script,
    form_token,
    script_token,
)

ADA = Owner("ada", 1000)


class Time:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Seats, Time]:
    clock, numbers = Time(), itertools.count(1)
    return Seats(clock, lambda size: next(numbers).to_bytes(size, "big")), clock


def test_a_link_is_used_once() -> None:
    room, _ = made()
    link = room.link(ADA)
    assert room.whose(link) == ADA
    assert room.whose(link) == ADA, "looking at it uses nothing up"
    cookie, seat = room.enter(link, Admitted("7 1", 9))
    assert room.seat(cookie) is not None
    assert seat.decides
    assert room.whose(link) is None
    with pytest.raises(Refused, match="used already"):
        room.enter(link, Admitted("7 1", 9))


def test_a_link_ends_after_two_minutes() -> None:
    room, clock = made()
    link = room.link(ADA)
    clock.now += seats.LINK_SECONDS
    with pytest.raises(Refused):
        room.enter(link, Admitted("7 1", 9))


def test_a_cookie_from_before_the_login_never_becomes_a_session() -> None:
    """Session fixation: the id of a session is made when it begins."""
    room, _ = made()
    planted = "00" * 32
    cookie, _ = room.enter(room.link(ADA), Admitted("7 1", 9))
    assert cookie != planted
    assert room.seat(planted) is None


def test_sessions_end_when_idle_and_at_the_end_of_the_day() -> None:
    room, clock = made()
    cookie, _ = room.enter(room.link(ADA), Admitted("7 1", 9))
    for _ in range(5):
        clock.now += seats.IDLE_SECONDS - 1
        assert room.seat(cookie) is not None
    clock.now += seats.IDLE_SECONDS
    assert room.seat(cookie) is None
    other, _ = room.enter(room.link(ADA), Admitted("7 1", 9))
    for _ in range(6):
        clock.now += seats.LONGEST_SECONDS / 6
        last = room.seat(other)
    assert last is None


@pytest.mark.parametrize(("role", "process"), [("reader", Admitted("7 1", 9)), ("person", ""), ("reader", "")])
def test_a_reader_and_an_unseen_program_decide_nothing(role: seats.Role, process: str) -> None:
    room, _ = made()
    _, seat = room.enter(room.link(Owner("ada", 1000, role)), Admitted(process, 9))
    assert not seat.decides


def test_a_forms_token_is_for_one_act_on_one_subject_in_one_session() -> None:
    room, clock = made()
    _, one = room.enter(room.link(ADA), Admitted("7 1", 9))
    _, two = room.enter(room.link(ADA), Admitted("7 1", 9))
    token = form_token(one, "/requests/4/decide", "4:ab", clock.now)
    assert check_form(one, "/requests/4/decide", "4:ab", token) == clock.now
    moment, _, mac = token.partition(".")
    for seat, act, subject, sent in (
        (two, "/requests/4/decide", "4:ab", token),
        (one, "/requests/5/decide", "4:ab", token),
        (one, "/requests/4/decide", "4:ac", token),
        (one, "/requests/4/decide", "4:ab", f"{int(moment) - 1}.{mac}"),
        (one, "/requests/4/decide", "4:ab", ""),
        (one, "/requests/4/decide", "4:ab", "é.é"),
    ):
        with pytest.raises(Refused):
            check_form(seat, act, subject, sent)


def test_a_scripts_token_is_of_one_session() -> None:
    room, _ = made()
    _, one = room.enter(room.link(ADA), Admitted("7 1", 9))
    _, two = room.enter(room.link(ADA), Admitted("7 1", 9))
    check_script(one, script_token(one))
    for wrong in (script_token(two), "", "ü"):
        with pytest.raises(Refused):
            check_script(one, wrong)


@pytest.mark.parametrize(("means", "role", "decides"), [
    ("link", "person", False), ("passkey", "person", True), ("oidc", "person", True), ("oidc", "reader", False),
])  # fmt: skip
def test_who_signed_in_from_another_machine_decides_without_a_process(means: Means, role: Role, decides: bool) -> None:
    room, _ = made()
    _, seat = room.enter(room.link(Owner("ada", -1, role, means)), Admitted("", 9, "192.0.2.7"))
    assert (seat.decides, seat.address, seat.login) == (decides, "192.0.2.7", 9)
