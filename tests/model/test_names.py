"""Patterns of names, as grants and tokens use them."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from interlock.model.grant import literal, named

_TEXT = st.text(alphabet="ab/*\\\n", max_size=12)


def reference(pattern: str) -> re.Pattern[str]:
    """The same pattern as a regular expression, part by part."""
    parts = re.findall(r"\\.|\*\*|\*|.", pattern, re.DOTALL)
    words = {"**": ".*", "*": "[^/]*"}
    return re.compile("".join(words.get(p, re.escape(p[1:] if len(p) == 2 else p)) for p in parts), re.DOTALL)


@given(_TEXT, _TEXT)
def test_a_pattern_matches_what_its_expression_matches(pattern: str, name: str) -> None:
    assert named(pattern, name) == (reference(pattern).fullmatch(name) is not None)


@given(_TEXT)
def test_a_literal_matches_itself(name: str) -> None:
    assert named(literal(name), name)


def test_the_holder_of_a_token_cannot_keep_the_daemon_busy_with_a_pattern() -> None:
    """Story: a token was narrowed to `*a*a*a…b`; the first action under it held every agent's decision for hours."""
    began = time.process_time()
    assert not named("**a" * 170 + "b", "/" + "a" * 20_000)
    assert time.process_time() - began < 2
