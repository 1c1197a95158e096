"""Each family is one command family, told well: what it costs, why it is watched, what to do instead; and that is allowed."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from corpus.scoring import _PERSON, _PRINCIPAL
from interlock.broker.config import Config
from interlock.broker.judge import judge
from interlock.effects.catalogue import packaged
from interlock.model.action import Action
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

FAMILIES = packaged().families
_SHELVES = resources.files("interlock.effects.catalogue").joinpath("families")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load([layer()])


def test_there_are_as_many_families_as_the_project_says():
    assert len(FAMILIES) >= 150


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_a_family_says_what_it_costs_and_why_it_is_watched(family):
    assert family.about
    assert len(family.examples) >= 3
    if family.severity != "none":
        assert family.why, "a family that can do harm says why it is watched"
        assert family.instead, "a family that can do harm says what to do instead"


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_what_a_family_offers_instead_is_itself_allowed(family, engine):
    texts = {family.instead, *(command.instead for command in family.commands.values())}
    for offered in {text for part in texts for text in re.findall(r"`([^`]+)`", part)}:
        action = Action(
            tool="Bash", input={"command": offered}, cwd="/home/dev/app", principal=_PRINCIPAL, gate="check"
        )
        judged = judge(
            action,
            workspace="/home/dev/app",
            config=Config(),
            engine=engine,
            person=_PERSON,
            now=0.0,
            containment="none",
        )
        assert judged.decision.verdict.value == "allow", f"`{offered}`: {judged.decision.rules}"
