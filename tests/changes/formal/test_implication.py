"""Whether the new guard refuses all that the old one did: against every value, and on conditions of known answer."""

from __future__ import annotations

import random
import time

import pytest

pytest.importorskip("z3")

from tests.changes.formal import pairs

from interlock.changes.formal.implication import Answer, implied

KNOWN = [
    # old, new, answer
    ("x > 10", "x >= 10", Answer.PROVED),
    ("x > 10", "x > 11", Answer.WEAKER),
    ("x > 10", "x >= 11", Answer.INCONCLUSIVE),  # of whole numbers it is the same, of others it is not
    ("not (x <= 3)", "x > 3", Answer.INCONCLUSIVE),  # NaN was refused, and is no more
    ("x > 3", "not (x <= 3)", Answer.PROVED),
    ("len(s) > 10", "len(s) >= 11", Answer.PROVED),  # a length is whole
    ("k == 'a' or k == 'b'", "k in ('b', 'a')", Answer.PROVED),
    ("k in ('a', 'b', 'c')", "k in ('a', 'b')", Answer.WEAKER),
    ("not user.admin", "not user.admin and not debug", Answer.WEAKER),
    ("not user.admin", "not user.admin or not user.active", Answer.PROVED),
    ("p.startswith('/')", "p.startswith('/') and p != '/'", Answer.WEAKER),
    ("p.startswith('/a')", "p.startswith('/')", Answer.PROVED),
    ("p is None or p == ''", "not p", Answer.PROVED),
    ("not p", "p is None", Answer.WEAKER),
    ("f(x)", "g(x)", Answer.INCONCLUSIVE),
    ("(y := f(x))", "y", Answer.INCONCLUSIVE),
    ("x > 3", "x > 'a'", Answer.INCONCLUSIVE),
    ("x == 'a' or x > 3", "x > 3 and x != 'a'", Answer.INCONCLUSIVE),
    ("x > (", "x", Answer.INCONCLUSIVE),
    ("x == 1", "x == True", Answer.PROVED),
    ("_('a === b')", "_('a === b')", Answer.PROVED),
]


@pytest.mark.parametrize(("old", "new", "answer"), KNOWN)
def test_known_answers(old: str, new: str, answer: Answer) -> None:
    got = implied(old, new)
    assert got.answer is answer, got


def test_a_weaker_guard_comes_with_what_it_lets_through() -> None:
    got = implied("size > 100", "size > 1000")
    assert 100 < got.example["size"] <= 1000  # type: ignore[operator]


def test_what_is_annotated_is_believed() -> None:
    assert implied("x > 10", "x >= 11", annotated={"x": "int"}).answer is Answer.PROVED


def test_a_name_with_another_definition_is_another_thing() -> None:
    """`path = realpath(path)` went, and the check of `path` stayed."""
    assert implied("not inside(path)", "not inside(path)", moved=frozenset({"path"})).answer is Answer.INCONCLUSIVE


def test_a_proof_can_be_run_again() -> None:
    import z3

    proof = implied("a and b", "a").proof
    solver = z3.Solver()
    solver.from_string(proof)
    assert solver.check() == z3.unsat


def agree(seed: int, count: int) -> list[float]:
    """Hold `count` random pairs against every value; how much processor time each proof took, in seconds."""
    chance, took = random.Random(seed), []
    for _ in range(count):
        old, new = pairs.pair(chance)
        started = time.process_time()
        got = implied(old, new, annotated=pairs.TYPES)
        took.append(time.process_time() - started)
        found = pairs.let_through(old, new)
        if got.answer is Answer.INCONCLUSIVE:
            pytest.fail(f"no answer: {old!r} -> {new!r}: {got.reason}")
        if found is not None:
            assert got.answer is Answer.WEAKER, (old, new, found)
        elif got.answer is Answer.WEAKER:  # a text longer than those tried
            world = {k: v for k, v in got.example.items() if k in pairs.used(f"({old}, {new})")}
            assert eval(old, {"len": len}, world)
            assert not eval(new, {"len": len}, world)
            assert len(str(world.get("s", ""))) > 4 or not {"n", "m"}.isdisjoint(world)
    return took


def test_random_pairs_agree_with_every_value() -> None:
    agree(1, 60)


@pytest.mark.slow
def test_a_thousand_random_pairs_agree_and_are_quick() -> None:
    took = sorted(agree(2, 1000))
    assert took[949] <= 0.15, took[949]  # 0.05 on a machine that does nothing else
