"""How arguments are found: from patterns that the code names, and from how it uses what it is given."""

import random
import re

import pytest

from interlock.changes.driven.inside.texts import constants, matching
from interlock.changes.driven.inside.unknown import Shape, told, unknown


@pytest.mark.parametrize("pattern", [r"JOB_[A-Z0-9_]{1,40}", r"(?:ab|cd)+\d{3}", r"[^/]+\.txt", r"\w+@\w+"])
def test_texts_that_a_pattern_matches(pattern: str) -> None:
    found = matching(pattern)
    assert found
    assert all(re.fullmatch(pattern, text) for text in found)


def test_a_plain_text_or_a_broken_pattern_matches_nothing_more() -> None:
    assert matching("hello") == []
    assert matching("[a-") == []


def test_constants_without_docstrings() -> None:
    found = constants('"""Words."""\nA = 5\ndef f():\n    "more words"\n    return "x", 1.5, b"y"\n')
    assert found == {"text": ["x"], "number": [5], "real": [1.5], "bytes": [b"y"]}


def test_an_argument_becomes_what_is_asked_of_it() -> None:
    shape = Shape()
    one = unknown(shape, random.Random(1))
    _ = one["owner"].lower(), one["left"] < 5, one["tags"].append(1)
    for part in one["lines"]:
        _ = part.price * 2
    assert shape.kind == "mapping"
    assert shape.keys["owner"].kind == "text"
    assert (shape.keys["left"].kind, shape.keys["left"].beside) == ("number", [5])
    assert shape.keys["tags"].kind == shape.keys["lines"].kind == "list"
    callee = Shape()
    unknown(callee, random.Random(1)).send(5)
    assert callee.kind == "object"
    assert callee.fields["send"].kind == "callable"


def test_an_error_of_code_in_c_tells_what_it_wants() -> None:
    shape = Shape()
    try:
        re.match("a", unknown(shape, random.Random(1)))  # type: ignore[call-overload]
    except TypeError as error:
        told(str(error))
    assert shape.kinds["given"]
    assert {"text", "bytes"} & set(shape.kinds)
