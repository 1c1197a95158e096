"""Every example in every family file holds: the examples are the catalogue's tests."""

from __future__ import annotations

from interlock.effects.catalogue import packaged
from interlock.effects.catalogue.examples import check


def test_examples_hold() -> None:
    assert not [f"{family.name}: {said}" for family in packaged().families for said in check(packaged(), family)]


def test_every_family_has_examples() -> None:
    assert not [family.name for family in packaged().families if not family.examples]
