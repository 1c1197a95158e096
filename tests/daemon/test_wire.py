"""The bytes on the socket."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.daemon.wire import (
    PAYLOAD_LIMIT,
    Door,
    Reply,
    done,
    hold,
    parse_header,
    parse_response,
    request,
)
from interlock.model.errors import AgentError, DaemonUnreachable

NONCE = "0123456789abcdef"
bodies = st.binary(max_size=200)


@given(st.sampled_from(Door), bodies)
def test_a_request_is_read_as_it_was_written(door: Door, payload: bytes) -> None:
    line, _, rest = request(door, "claude", NONCE, 5000, payload).partition(b"\n")
    header = parse_header(line)
    assert (header.door, header.agent, header.nonce, header.deadline) == (door, "claude", NONCE, 5000)
    assert (header.length, rest) == (len(payload), payload)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1",
        b"ILK2 hook claude 0123456789abcdef 5 5",
        b"ILK1 hook Claude 0123456789abcdef 5 5",
        b"ILK1 hook claude 0123 5 5",
        b"ILK1 hook claude 0123456789abcdef -5 5",
        b"ILK1 hook claude 0123456789abcdef 5 5 ",
    ],
)
def test_anything_else_is_no_request(line: bytes) -> None:
    with pytest.raises(AgentError):
        parse_header(line)


def test_a_hundred_megabytes_are_refused_by_their_announcement() -> None:
    with pytest.raises(AgentError, match="limit"):
        parse_header(f"ILK1 hook claude {NONCE} 5000 {PAYLOAD_LIMIT + 1}".encode())


@given(st.integers(0, 255), bodies, bodies, st.integers(0, 5), st.data())
def test_an_answer_is_whole_or_nothing(status: int, out: bytes, err: bytes, holds: int, data: st.DataObject) -> None:
    raw = hold(NONCE, 5000) * holds + done(NONCE, Reply(status, out, err))
    assert parse_response(raw, NONCE) == Reply(status, out, err)
    cut = data.draw(st.integers(0, len(raw) - 1))
    assert parse_response(raw[:cut], NONCE) is None


@given(bodies)
def test_an_answer_with_another_nonce_is_garbage(out: bytes) -> None:
    with pytest.raises(DaemonUnreachable, match="garbled"):
        parse_response(done("f" * 16, Reply(0, out, b"")), NONCE)


def test_bytes_after_the_answer_are_garbage() -> None:
    with pytest.raises(DaemonUnreachable, match="longer"):
        parse_response(done(NONCE, Reply(0, b"yes", b"")) + b"!", NONCE)


@given(st.binary(min_size=1, max_size=400))
def test_noise_never_becomes_an_answer(noise: bytes) -> None:
    with contextlib.suppress(DaemonUnreachable):
        assert parse_response(noise, NONCE) is None
