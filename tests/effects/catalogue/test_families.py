"""Every example in every family file holds: the examples are the catalogue's tests."""

from __future__ import annotations

import pytest

from interlock.effects.catalogue import packaged
from interlock.effects.catalogue.examples import check

FAMILIES = packaged().families


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_examples_hold(family):
    assert list(check(packaged(), family)) == []


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_every_family_has_examples(family):
    assert family.examples, f"{family.name} has no examples"
