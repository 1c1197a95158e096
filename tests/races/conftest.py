"""A house, and the attacker of the class that a test names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from races.ground import prepare
from races.harness import Attack, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    if not made.bound.holds(str(made.project)):
        pytest.skip("no overlay can lie on a directory here")
    made.write("report.txt", "all is well\n", 0o644)
    return made


@pytest.fixture
def attack(request: pytest.FixtureRequest, house: House) -> Iterator[Attack]:
    """The attacker of the class that the test names."""
    kind = request.node.get_closest_marker("attacker").args[0]
    prepare(kind, house)
    made = Attack(kind, house.project)
    yield made
    made.close()
