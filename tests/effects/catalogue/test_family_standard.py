"""Each family is one command family, told well: what it costs, why it is watched, what to do instead, what passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpus.scoring import decide
from interlock.effects.catalogue import packaged
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

FAMILIES = packaged().families
each_family = pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load([layer()])


def allowed(engine: Engine, command: str) -> bool:
    """Does the default policy let it through without a question?"""
    return decide(engine, "Bash", {"command": command}, "/home/dev/app")[1].decision.verdict.value == "allow"


def test_there_are_as_many_families_as_the_project_says():
    said = re.search(r"more than (\d+) families", (Path(__file__).parents[3] / "README.md").read_text("utf-8"))
    assert said is not None
    assert len(FAMILIES) > int(said[1]) >= 400


@each_family
def test_a_family_speaks_of_programs_by_the_names_they_have(family):
    """The story: a name that another family had was given a tail (`jscs-x`, `shuf_`), and so both were accepted."""
    assert not [name for name in family.commands if name.endswith(("-x", "_"))]


@each_family
def test_a_family_says_what_it_costs_and_why_it_is_watched(family):
    assert family.about
    assert len(family.examples) >= 3
    if family.severity != "none":
        assert family.why, "a family that can do harm says why it is watched"
        assert family.instead, "a family that can do harm says what to do instead"


@each_family
def test_a_family_shows_what_is_let_through_and_what_is_not(family, engine):
    assert any(allowed(engine, example) for example in family.examples), "no example shows what may be done freely"
    if family.severity in ("high", "critical"):
        assert not all(allowed(engine, example) for example in family.examples), "no example shows what is so severe"


@each_family
def test_what_a_family_offers_instead_is_itself_allowed(family, engine):
    texts = {family.instead, *(command.instead for command in family.commands.values())}
    for offered in {text for part in texts for text in re.findall(r"`([^`]+)`", part)}:
        assert allowed(engine, offered), offered
