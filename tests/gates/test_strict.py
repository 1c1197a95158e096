"""An event that two readers could read in two ways is not read at all."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.gates.hooks.strict import EVENT_LIMIT, NESTING_LIMIT, decode_object, directory_field, text_field
from interlock.model.errors import AgentError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON, max_size=5), st.booleans())
def test_what_json_means_is_what_is_read(value: dict[str, Any], ascii_only: bool) -> None:
    assert decode_object(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8")) == value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1} {"a":2}', "not JSON"),
        (b'{"a":1}\0', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"x":[{"command":"ls","command":"rm"}]}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "too long"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b'{"a":["x",{"b":"\\uDC00\\uD800"}]}', "surrogate"),
        (b'{"a":"\n"}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "deeper"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeper"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "deeper"),
        (b" " * (EVENT_LIMIT + 1), "8 MiB"),
    ],
    ids=range(30),
)
def test_doubtful_events_are_refused_with_the_reason(raw: bytes, words: str) -> None:
    with pytest.raises(AgentError, match=words):
        decode_object(raw)


def test_a_whole_surrogate_pair_is_text() -> None:
    assert decode_object(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_nesting_up_to_the_limit_is_read() -> None:
    inner = NESTING_LIMIT - 1
    decode_object(b'{"a":' + b"[" * inner + b"]" * inner + b"}")


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_an_agent_error(raw: bytes) -> None:
    with contextlib.suppress(AgentError):
        decode_object(raw)


def test_fields() -> None:
    assert text_field({"a": None}, "a") == ""
    assert text_field({}, "a") == ""
    for body in ({"a": 1}, {"a": ["x"]}, {"a": True}, {"a": "x" * 300}):
        with pytest.raises(AgentError):
            text_field(body, "a")
    with pytest.raises(AgentError, match="has no `a`"):
        text_field({"a": ""}, "a", required=True)
    for path in ("relative", "~/x", "/a\0b", "/" + "x" * 5000):
        with pytest.raises(AgentError):
            directory_field({"cwd": path}, "cwd", required=False)
