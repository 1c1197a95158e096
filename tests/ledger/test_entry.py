"""Entries: one encoding of each value, and nothing in them that two readers could read differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.ledger.entry import MAX_DEPTH, MAX_ENTRY_BYTES, MAX_INTEGER, Entry, decode, encode
from interlock.ledger.verify.notes import read_entry
from interlock.model.errors import InternalError, LedgerTampered

from .logs import TIME

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(TEXT, VALUES, max_size=5)


@settings(deadline=None)
@given(BODIES)
def test_what_is_written_is_read_back_by_the_writer_and_by_the_verifier(body: dict[str, Any]) -> None:
    raw = encode("key.add", body, TIME)
    assert decode(raw) == Entry("key.add", TIME, body)
    assert read_entry(raw, 0) == ("key.add", TIME, body)


@settings(deadline=None)
@given(BODIES, st.randoms())
def test_the_order_of_keys_does_not_matter(body: dict[str, Any], chance: Any) -> None:
    shuffled = list(body.items())
    chance.shuffle(shuffled)
    assert encode("intent", dict(shuffled), TIME) == encode("intent", body, TIME)


def test_the_bytes_of_an_entry() -> None:
    raw = encode("intent", {"b": [1, None, True], "a": "ü\n\u2028"}, TIME)
    assert raw.decode() == (
        '{"body":{"a":"ü\\n\u2028","b":[1,null,true]},"schema":"interlock/intent/v1","time":"2026-11-21T02:00:00Z"}'
    )


@pytest.mark.parametrize(
    "body",
    [
        {"x": 1.0},
        {"x": float("nan")},
        {"x": 2**53},
        {"x": -(2**53)},
        {1: "x"},
        {"x": b"bytes"},
        {"x": "\ud800"},
        {"\udfff": 1},
        {"x": {1, 2}},
        {"x": "y" * MAX_ENTRY_BYTES},
        ["not an object"],
    ],
)
def test_what_may_not_stand_in_an_entry_is_our_own_fault(body: Any) -> None:
    with pytest.raises(InternalError):
        encode("intent", body, TIME)


def test_nesting_is_bounded() -> None:
    body: dict[str, Any] = {}
    for _ in range(MAX_DEPTH - 1):
        body = {"x": body}
    encode("intent", body, TIME)
    with pytest.raises(InternalError, match="nested"):
        encode("intent", {"x": body}, TIME)


@pytest.mark.parametrize("kind", ["", "Intent", "a/b", "a b", "a..b", ".a", "x" * 65, "ünder"])
def test_kinds_are_plain_words(kind: str) -> None:
    with pytest.raises(InternalError):
        encode(kind, {}, TIME)


@pytest.mark.parametrize(
    "time",
    [
        "",
        "2026-11-21",
        "2026-11-21T02:00:00",
        "2026-11-21T02:00:00+00:00",
        "2026-13-21T02:00:00Z",
        "2026-11-21t02:00:00Z",
    ],
)
def test_times_are_rfc_3339_in_utc(time: str) -> None:
    with pytest.raises(InternalError):
        encode("intent", {}, time)


GOOD = '{"body":{"a":1},"schema":"interlock/intent/v1","time":"2026-11-21T02:00:00Z"}'


@pytest.mark.parametrize(
    "raw",
    [
        GOOD.replace('"a":1', '"a":1,"a":1'),
        GOOD.replace('"a":1', '"a":1,"a":2'),
        GOOD.replace('"a":1', '"a":1.0'),
        GOOD.replace('"a":1', '"a":1e3'),
        GOOD.replace('"a":1', '"a":NaN'),
        GOOD.replace('"a":1', '"a":-0'),
        GOOD.replace('"a":1', '"a": 1'),
        GOOD.replace('"a":1', '"b":1,"a":1'),
        GOOD.replace('"a":1', '"a":"\\u0041"'),
        GOOD.replace('"a":1', '"a":9007199254740992'),
        GOOD.replace('{"a":1}', "[1]"),
        GOOD.replace("interlock/intent/v1", "interlock/intent/v2"),
        GOOD.replace("interlock/intent/v1", "other/intent/v1"),
        GOOD.replace('"time"', '"when"'),
        GOOD.replace("Z", "+00:00"),
        GOOD + " ",
        GOOD[:-1],
        "[]",
        "",
        "[" * 100_000,
    ],
)
def test_anything_that_encode_would_not_have_written_is_refused(raw: str) -> None:
    with pytest.raises(LedgerTampered):
        decode(raw.encode())
    with pytest.raises(LedgerTampered):
        read_entry(raw.encode(), 7)


def test_bytes_that_are_not_utf8_are_refused() -> None:
    raw = GOOD.encode().replace(b'"a":1', b'"a":"\xff"')
    with pytest.raises(LedgerTampered):
        decode(raw)
    with pytest.raises(LedgerTampered):
        read_entry(raw, 7)


def test_the_verifier_names_the_entry() -> None:
    with pytest.raises(LedgerTampered, match="entry 7 is not in canonical form"):
        read_entry(json.dumps(json.loads(GOOD)).encode(), 7)
