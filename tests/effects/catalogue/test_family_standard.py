"""Each family is one command family, told well: what it costs, why it is watched, what to do instead, what passes."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from corpus.scoring import decide
from interlock.effects.catalogue import packaged
from interlock.effects.catalogue.family import Family
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine


@functools.cache
def families() -> tuple[Family, ...]:
    """All of them, compiled; not where the tests are collected, which each worker does for itself."""
    return packaged().families


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load([layer()])


def allowed(engine: Engine, command: str) -> bool:
    """Does the default policy let it through without a question?"""
    return decide(engine, "Bash", {"command": command}, "/home/dev/app")[1].decision.verdict.value == "allow"


def test_there_are_as_many_families_as_the_project_says():
    said = re.search(r"more than (\d+) families", (Path(__file__).parents[3] / "README.md").read_text("utf-8"))
    assert said is not None
    assert len(families()) > int(said[1]) >= 400


def test_a_family_speaks_of_programs_by_the_names_they_have() -> None:
    """The story: a name that another family had was given a tail (`jscs-x`, `shuf_`), and so both were accepted."""
    assert not [name for family in families() for name in family.commands if name.endswith(("-x", "_"))]


def test_a_family_says_what_it_costs_and_why_it_is_watched() -> None:
    silent = [family.name for family in families() if not family.about or len(family.examples) < 3]
    watched = [family for family in families() if family.severity != "none"]  # it can do harm
    silent += [family.name for family in watched if not family.why or not family.instead]
    assert not silent


def test_a_family_shows_what_is_let_through_and_what_is_not(engine: Engine) -> None:
    one_sided = []
    for family in families():
        free = [allowed(engine, example) for example in family.examples]
        if not any(free):
            one_sided.append(f"{family.name}: no example shows what may be done freely")
        if family.severity in ("high", "critical") and all(free):
            one_sided.append(f"{family.name}: no example shows what is so severe")
    assert not one_sided


def test_what_a_family_offers_instead_is_itself_allowed(engine: Engine) -> None:
    stopped = []
    for family in families():
        texts = {family.instead, *(command.instead for command in family.commands.values())}
        offered = {text for part in texts for text in re.findall(r"`([^`]+)`", part)}
        stopped += [f"{family.name}: {text}" for text in sorted(offered) if not allowed(engine, text)]
    assert not stopped
