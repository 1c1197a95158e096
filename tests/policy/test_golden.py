"""The golden matrix and the reference: what the packaged set says, as text under review."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.model.effect import Kind, Verb
from interlock.policy import matrix, reference
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer
from interlock.policy.wording import instead

ENGINE = Engine.load([layer()])
HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "reference" / "policy.md"


def test_the_matrix_is_as_reviewed() -> None:
    """After a wanted change: python -m interlock.policy.matrix > tests/policy/matrix.txt, and read the diff."""
    assert matrix.text(ENGINE) == (HERE / "matrix.txt").read_text("utf-8")


def test_every_rule_decides_a_cell() -> None:
    """A rule that decides nothing is dead, or shadowed, or misspelt. `approved` decides on the later rungs only."""
    assert set(ENGINE.rules) - matrix.determining(ENGINE) == {"approved"}


def test_every_verb_on_every_kind_has_an_answer() -> None:
    pairs = {(verb, line.split()[1]) for line in matrix.pairs(ENGINE) for verb in line.split()[0].split("|")}
    assert len(pairs) == len(Verb) * len(Kind)


def test_the_reference_is_the_code() -> None:
    """python -m interlock.policy.reference > docs/reference/policy.md"""
    assert DOCUMENT.read_text("utf-8") == reference.markdown(ENGINE)


def test_the_example_in_the_reference_loads_below_the_defaults() -> None:
    example = re.findall(r"```cedar\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)[0]
    assert "no-schema-changes" in Engine.load([layer(), Layer("project", {"example.cedar": example})]).rules


@pytest.mark.parametrize("rule", ENGINE.rules.values(), ids=lambda rule: rule.id)
def test_every_packaged_rule_is_complete(rule: object) -> None:
    from interlock.policy.rules import Rule

    assert isinstance(rule, Rule)
    assert rule.matches
    assert rule.spares or rule.id in {"deploy"}
    assert not rule.why.endswith(".")
    assert rule.written.startswith(rule.effect)
    assert rule.written.endswith(";")


def test_what_is_offered_instead_can_be_listed() -> None:
    offered = dict(ENGINE.instead_examples())
    assert offered["changes-lost"] == "git stash"
    assert instead(["changes-lost"], ENGINE.rules) == "put it aside first: `git stash`."
