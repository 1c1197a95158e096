"""The selector language: what it reads, what it refuses, and the third answer."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.model.errors import SelectorError
from interlock.model.selector import EVERYTHING, FIELDS, Match, Selector, glob, parse

YES, NO, UNSURE = Match.YES, Match.NO, Match.UNSURE
_OF = {"agent": frozenset({"claude"}), "tool": frozenset({"Bash", "Edit"}), "model": None}


def match(text: str) -> Match:
    return parse(text).match(lambda field: _OF.get(field, frozenset()))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('agent = "claude"', YES),
        ('agent != "claude"', NO),
        ('agent = "codex"', NO),
        ('tool = "Edit"', YES),  # one of its values is enough
        ('tool in ["Read", "Bash"]', YES),
        ('not tool in ["Read"]', YES),
        ('tool not in ["Read", "Bash"]', NO),
        ('agent like "cl?u*"', YES),
        ('agent not like "cl?u*"', NO),
        ('mcp = "github"', NO),  # known to be none
        ('mcp != "github"', YES),
        ('model = "m"', UNSURE),
        ('model != "m"', UNSURE),
        ('not (model = "m")', UNSURE),
        ('model = "m" and agent = "claude"', UNSURE),
        ('model = "m" and agent = "codex"', NO),
        ('model = "m" or agent = "claude"', YES),
        ('model = "m" or agent = "codex"', UNSURE),
        (EVERYTHING, YES),
        (f"not {EVERYTHING}", NO),
        ('agent = "x" or agent = "claude" and tool = "Edit"', YES),  # and binds closer
        ('(agent = "x" or agent = "claude") and tool = "Nope"', NO),
        (' agent="claude"and(tool="Edit") ', YES),
    ],
)
def test_what_it_answers(text: str, answer: Match) -> None:
    assert match(text) is answer


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ('agent "x"', "wanted"),
        ("agent = x", "double quotes"),
        ('agent = "x', "character 9"),
        ('agent = "x" tool = "y"', "`and`, `or`, or the end"),
        ('host = "x"', "unknown field `host`"),
        ("agent in []", "double quotes"),
        ('agent in ["a" "b"]', "`]`"),
        ('(agent = "a"', "`)`"),
        ('agent = "a")', "the end"),
        ("and", "unknown field `and`"),
        ("not", "ends too early"),
        ('agent == "a"', "double quotes"),
        ('agent = "a" and', "ends too early"),
        ('agent = "a"; drop', "wanted"),
        ("(" * 40 + 'agent = "a"' + ")" * 40, "nested deeper"),
        (" or ".join(['agent = "a"'] * 65), "more than 64"),
        ('agent = "' + "a" * 2_000 + '"', "characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(SelectorError, match=re.escape(says)):
        parse(text)


def test_an_unknown_field_is_answered_with_the_list() -> None:
    with pytest.raises(SelectorError) as refused:
        parse('hostname = "x"')
    assert all(field in str(refused.value) for field in FIELDS)


def parse_quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_VALUES = st.text(st.characters(codec="utf-8"), max_size=6)
_TESTS = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(sorted(FIELDS)), _VALUES.map(parse_quoted)),
    st.builds("{} != {}".format, st.sampled_from(sorted(FIELDS)), _VALUES.map(parse_quoted)),
    st.builds("{} like {}".format, st.sampled_from(sorted(FIELDS)), _VALUES.map(parse_quoted)),
    st.just(EVERYTHING),
)
_TEXTS = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or {}".format, inner, inner),
        st.builds("not ({})".format, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=8,
)
_LOOKUPS = st.dictionaries(st.sampled_from(sorted(FIELDS)), st.one_of(st.none(), st.frozensets(_VALUES, max_size=2)))


@given(_TEXTS, _LOOKUPS)
def test_the_canonical_text_means_the_same(text: str, of: dict[str, frozenset[str] | None]) -> None:
    def lookup(field: str) -> frozenset[str] | None:
        return of.get(field, frozenset())

    found = parse(text)
    again = parse(str(found))
    assert str(again) == str(found)
    assert again.match(lookup) is found.match(lookup)


@given(_TEXTS, _LOOKUPS, st.sampled_from(sorted(FIELDS)), st.frozensets(_VALUES, max_size=2))
def test_unsure_is_said_only_where_knowing_could_matter(
    text: str, of: dict[str, frozenset[str] | None], field: str, value: frozenset[str]
) -> None:
    """To learn a fact never turns a sure answer into another one."""
    found: Selector = parse(text)
    before = found.match(lambda name: None if name == field else of.get(name, frozenset()))
    after = found.match(lambda name: value if name == field else of.get(name, frozenset()))
    assert before is UNSURE or after is before


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_globs_are_those_of_the_shell(pattern: str, text: str) -> None:
    assert glob(pattern, text) == bool(re.fullmatch(fnmatch.translate(pattern), text))


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not glob("*a" * 200 + "b", "a" * 5_000)
