"""The DNS answerer by itself: any bytes are answered or dropped, and only an allowed name gets an address."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containment.egress.world import question, read_answer
from interlock.containment.egress import dns
from interlock.containment.egress.fakes import Fakes

FAKE = IPv4Address("127.64.0.1")


def lookup(name: bytes) -> IPv4Address | None:
    return FAKE if name.lower() == b"good.example" else None


@given(st.binary(max_size=5000))
def test_any_bytes_are_answered_or_dropped(message: bytes) -> None:
    answer = dns.respond(message, lambda _: FAKE)
    assert answer.message is None or len(answer.message) <= 512


@given(st.binary(min_size=12, max_size=400), st.integers(0, 11), st.binary(min_size=1, max_size=4))
def test_a_damaged_question_is_answered_or_dropped(rest: bytes, at: int, junk: bytes) -> None:
    whole = bytearray(question("good.example") + rest)
    whole[at : at + len(junk)] = junk
    answer = dns.respond(bytes(whole), lookup)
    if answer.message is not None:
        assert answer.message[:2] == whole[:2]
        assert answer.message[2] & 0x80, "a response, or two answerers would talk to each other for ever"


@given(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4), st.integers(0, 65535))
def test_only_the_allowed_name_is_ever_answered(labels: list[bytes], kind: int) -> None:
    body = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", kind, 1)
    answer = dns.respond(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + body, lookup)
    if [label.lower() for label in labels] != [b"good", b"example"]:
        assert not answer.allowed
        assert answer.message is not None
        assert FAKE.packed not in answer.message[12 + len(body) :]


@pytest.mark.parametrize(
    "labels",
    [
        [b"good.example"],  # a dot within a label
        [b"good", b"example\0"],
        [b"good\0evil", b"example"],
        [b"good", b"example", b"evil"],
        [b"evilgood", b"example"],
        [b" good", b"example"],
    ],
)
def test_a_label_cannot_be_spelled_into_an_allowed_name(labels: list[bytes]) -> None:
    body = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", 1, 1)
    assert not dns.respond(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + body, lookup).allowed


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (question("good.example")[:-3], 1),
        (struct.pack("!6H", 0x1234, 0x100, 2, 0, 0, 0) + question("good.example")[12:] * 2, 1),
        (struct.pack("!6H", 0x1234, 0x100, 1, 1, 0, 0) + question("good.example")[12:], 1),
        (struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", 1),
        (struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\4good\xc0\x0c\0\1\0\1", 1),
        (struct.pack("!6H", 0x1234, 0x100, 1, 0, 0, 0) + b"\0\0\1\0\1", 1),
        (question("good.example", flags=0x2900), 4),
        (question("good.example", klass=255), 5),
    ],
)
def test_what_is_no_plain_question_is_an_error(message: bytes, code: int) -> None:
    answer = dns.respond(message, lookup)
    assert answer.message is not None
    assert answer.message[3] & 15 == code
    assert not answer.allowed


def test_an_answer_is_never_answered() -> None:
    assert dns.respond(question("good.example", flags=0x8180), lookup).message is None


def test_an_answer_repeats_its_question_in_the_case_it_was_asked() -> None:
    """Resolvers that mix the case to know forged answers want their own spelling back."""
    asked = question("gOOd.ExamPle", edns=True)
    answer = dns.respond(asked, lookup).message
    assert answer is not None
    assert read_answer(answer) == (0, ["127.64.0.1"])
    assert asked[12:-11] in answer
    assert answer.endswith(b"\0\0\x29\x04\xd0\0\0\0\0\0\0")


def test_a_run_may_ask_for_so_many_names_and_no_more() -> None:
    fakes = Fakes()
    addresses = {fakes.address(f"a{n}.example") for n in range(4096)}
    assert len(addresses) == 4096
    assert all(one.is_loopback and fakes.name(one) for one in addresses)
    answer = dns.respond(question("one.more.example"), lambda name: fakes.address(name.decode()))
    assert answer.message is not None
    assert answer.message[3] & 15 == 2
    assert fakes.address("a7.example") in addresses, "those that were given out stay"
