"""The planted suite: what the gate stops of mistakes, and of harmless changes that look like them (docs/gate.md)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from changes.corpus import Yard, applied, cases, stopped


def test_the_suite_is_large_enough_and_fits_its_projects() -> None:
    count = Counter(case.bad for case in cases() if applied(case))
    assert count[True] >= 150
    assert count[False] >= 150
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)


@pytest.mark.slow
@pytest.mark.parametrize("held", [False, True])
def test_nine_in_ten_mistakes_are_stopped_and_one_in_twenty_harmless_changes_at_most(
    tmp_path: Path, held: bool
) -> None:
    yard, found, total = Yard(tmp_path), Counter[bool](), Counter[bool]()
    for case in cases():
        if case.held is held:
            total[case.bad] += 1
            found[case.bad] += stopped(yard.change(case))
    assert found[True] / total[True] >= 0.90
    assert found[False] / total[False] <= 0.05
