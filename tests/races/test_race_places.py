"""Approve, then mutate: the directory, or the program that a name leads to, is another one."""

from __future__ import annotations

import pytest

from interlock.broker.places import settled
from races.ground import FEW, counts, needs_launcher, race
from races.harness import NEVER, Attack, House

pytestmark = needs_launcher


@pytest.mark.attacker("cwd")
@pytest.mark.parametrize("count", counts("cwd"))
def test_working_directory_behind_a_link(house: House, attack: Attack, count: int) -> None:
    race(house, attack, "sh job.sh", count, str(house.project / "current"))


@pytest.mark.attacker("cwd")
def test_directory_that_the_command_goes_to(house: House, attack: Attack) -> None:
    race(house, attack, "cd current && sh ./job.sh", FEW["cwd"])


@pytest.mark.attacker("path")
@pytest.mark.parametrize("count", counts("path"))
def test_path(house: House, attack: Attack, count: int) -> None:
    if not any(settled(path, 1) for path in ("/media", "/mnt", "/srv")):
        pytest.skip("no empty directory of the system's here")
    race(house, attack, f"{NEVER}; tool", count)
