"""What a loss is worth as evidence: the same loss, alone and in a function that becomes another."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from changes.making import change
from interlock.changes import finding
from interlock.changes.guards import odds, verbs
from interlock.changes.guards.files import functions
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.weight import Weight, decided, weighed
from interlock.changes.stages.guards import STAGE

KEPT = "    rows = read(name)\n    return rows\n"
CHECKED = "    if len(name) > limit:\n        return None\n"
REWRITTEN = "".join(f"    part{n} = collect{n}(source{n}, into=bucket{n})\n" for n in range(40))


def loss(before: str, after: str, path: str = "shop/lists.py") -> Loss:
    """The one loss of a changed function."""
    [found] = losses(functions(path, before), functions(path, after))
    return found


def test_a_refusal_that_alone_is_gone_is_looked_at_and_one_that_went_with_all_else_is_a_note() -> None:
    alone = loss(f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n{KEPT}")
    among = loss(f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n{REWRITTEN}{KEPT}")
    assert weighed(alone) is weighed(among) is Weight.REVIEW
    assert (decided(alone), decided(among)) == (Weight.REVIEW, Weight.NOTE)
    assert odds.odds(alone, note=False) > odds.least() > odds.odds(among, note=False)


def test_where_the_base_says_critical_no_rewriting_makes_a_loss_ordinary() -> None:
    among = loss(f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n{REWRITTEN}{KEPT}")
    assert decided(among, critical=True) is Weight.BLOCK


def test_what_its_form_blocks_stays_blocked_however_much_is_written_around_it() -> None:
    checked = "    if not user.is_admin:\n        raise PermissionError\n"
    before, after = f"def authorize(user, name):\n{checked}{KEPT}", f"def authorize(user, name):\n{REWRITTEN}{KEPT}"
    found = losses(functions("shop/auth.py", before), functions("shop/auth.py", after))
    assert Weight.BLOCK in {decided(one) for one in found}


def test_the_report_says_why_nobody_is_asked(tmp_path: Path) -> None:
    before, after = f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n{REWRITTEN}{KEPT}"
    [told] = STAGE.run(change(tmp_path, {"shop/lists.py": before}, {"shop/lists.py": after})).findings
    assert told.weight is finding.Weight.NOTE
    assert "Nobody is asked" in told.why


def test_of_what_nothing_was_learned_the_form_decides() -> None:
    """A bound of ten that became eleven was looked at: of such losses there were too few to learn from."""
    moved = loss("MAX_ROWS = 10\n", "MAX_ROWS = 11\n")
    assert moved.sign is Sign.NUDGED
    assert not odds.known(moved)
    assert odds.odds(moved, note=True) >= odds.least()
    assert decided(moved) is weighed(moved) is Weight.NOTE


def test_moving_lines_and_indenting_them_is_no_rewriting() -> None:
    assert odds.rewriting("a = b\nc = d\n", "if x:\n    c = d\n\n    a = b\n") == (1, 0, 2, 0)


@settings(max_examples=20)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_more_new_names_a_function_has_the_less_a_loss_in_it_says(few: int, more: int) -> None:
    def at(names: int) -> float:
        lines = "".join(f"    new{n}\n" for n in range(names))
        return odds.odds(loss(f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n{lines}{KEPT}"), note=False)

    assert (at(few) >= at(more)) is (few <= more) or few == more


def test_each_feature_of_the_sheet_is_one_that_a_loss_can_have() -> None:
    one = loss(f"def rows(name):\n{CHECKED}{KEPT}", f"def rows(name):\n    tell()\n{KEPT}")
    plain = {"note", "telling", "exchanged", "moved", "outweighed", "new lines", "old lines", "new names", "old names"}
    learned = set(odds._sheet().feature)
    assert odds.features(one, note=True).keys() - plain == {f"sign {one.sign.value}", f"family {one.family}"}
    assert {name.partition(" ")[2] for name in learned - plain if name.startswith("sign ")} <= {s.value for s in Sign}
    assert all(name.startswith(("sign ", "family ")) for name in learned - plain)
    assert verbs.family("escape") is not None
    assert "family escape" in learned
