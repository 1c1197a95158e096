"""Edits of a settings file change what they must, and not one byte more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.gates.install.document import Document
from interlock.model.errors import OperatorError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
BODY = st.dictionaries(TEXT.filter(lambda key: key != "hooks"), VALUE, max_size=4)
INDENT = st.sampled_from([None, 0, 1, 2, 4, "\t"])


def written(body: Any, indent: Any, newline: str) -> bytes:
    return json.dumps(body, indent=indent, ensure_ascii=False).replace("\n", newline).encode()


@given(BODY, INDENT, st.sampled_from(["\n", "\r\n"]), VALUE)
def test_what_was_put_in_comes_out_without_a_trace(body: dict[str, Any], indent: Any, newline: str, value: Any) -> None:
    raw = written(body, indent, newline)
    document = Document(raw, "f")
    document.ensure(("hooks", "Event"), [])
    document.append(("hooks", "Event"), value)
    assert document.value == body | {"hooks": {"Event": [value]}}
    document.remove(("hooks",))
    assert document.value == body
    if body:
        assert document.raw == raw


@given(BODY, INDENT, st.lists(VALUE, max_size=3), VALUE)
def test_neighbours_stay_as_they_were(body: dict[str, Any], indent: Any, others: list[Any], value: Any) -> None:
    whole = body | {"hooks": {"A": others, "B": []}}
    raw = written(whole, indent, "\n")
    document = Document(raw, "f")
    document.append(("hooks", "A"), value)
    assert document.value == body | {"hooks": {"A": [*others, value], "B": []}}
    document.remove(("hooks", "A", len(others)))
    assert document.value == whole
    if others:
        assert document.raw == raw


@given(st.lists(VALUE, min_size=1, max_size=4), INDENT, st.data())
def test_any_element_can_be_removed(values: list[Any], indent: Any, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    document = Document(written({"x": values}, indent, "\n"), "f")
    document.remove(("x", index))
    assert document.value == {"x": values[:index] + values[index + 1 :]}


def test_odd_but_valid_writing_is_kept() -> None:
    raw = b'{ "a" : 1 ,\n\n   "b":[ 1,2 ]  ,"c":"\\u0041}]\\""}\n\n'
    document = Document(raw, "f")
    document.ensure(("hooks", "E"), [])
    assert document.text.startswith('{ "a" : 1 ,\n\n   "b":[ 1,2 ]  ,"c":"\\u0041}]\\""')
    assert document.text.endswith("}\n\n")
    document.remove(("hooks",))
    assert document.raw == raw


def test_it_looks_as_if_its_owner_had_written_it() -> None:
    document = Document(b'{\n    "model": "x"\n}\n', "f")
    document.ensure(("hooks", "E"), [])
    document.append(("hooks", "E"), {"k": 1})
    assert document.text == (
        '{\n    "model": "x",\n    "hooks": {\n        "E": [\n            {\n                "k": 1\n            }\n'
        "        ]\n    }\n}\n"
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a":1,}', "not valid JSON .line 1, column"),
        (b"// c\n{}", "not valid JSON"),
        (b"[]", "JSON object"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"h":{"x":1,"x":2}}', "twice"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not valid JSON|cannot be read"),
        (b"[" * 100_000, "cannot be read|not valid"),
        (b'{"a":"' + b"x" * 5_000_000 + b'"}', "larger than"),
    ],
    ids=range(9),
)
def test_a_file_in_doubt_is_not_touched(raw: bytes, words: str) -> None:
    with pytest.raises(OperatorError, match=words):
        Document(raw, "settings.json")


def test_something_else_in_the_way() -> None:
    for raw in (b'{"hooks":[]}', b'{"hooks":"x"}', b'{"hooks":{"E":{}}}', b'{"hooks":{"E":null}}'):
        with pytest.raises(OperatorError, match="hooks"):
            Document(raw, "f").ensure(("hooks", "E"), [])
