"""Symbolic execution against Python itself, and what is decided of pairs whose truth is known."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

z3 = pytest.importorskip("z3")

from benchmarks.symbolic import examples  # noqa: E402 - after the extra

from changes.formal.versions import PAIRS, Versions  # noqa: E402
from changes.making import change  # noqa: E402
from interlock.changes import tools  # noqa: E402
from interlock.changes.conduct import conduct  # noqa: E402
from interlock.changes.finding import Verdict, Weight  # noqa: E402
from interlock.changes.formal import differ, solving  # noqa: E402
from interlock.changes.formal.differ import Answer  # noqa: E402
from interlock.changes.formal.pure import Pair  # noqa: E402
from interlock.changes.formal.symbolic.decide import decide  # noqa: E402
from interlock.changes.formal.symbolic.paths import Program  # noqa: E402
from interlock.changes.formal.symbolic.values import Raised, lifted, lowered  # noqa: E402
from interlock.changes.stages import stages  # noqa: E402

contained = pytest.mark.skipif(not tools.confined(), reason="nothing here contains the change's code")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_what_is_said_of_a_pair_is_so(pair: Versions) -> None:
    said = decide("f", (pair.before, pair.after), pair.kinds, seconds=20, loosened=False)
    assert said.answer == ("EXAMPLE" if pair.differ else "PROVED"), said.reason
    if pair.differ:
        given = {name: eval(text) for name, text in said.given.items()}
        assert _python(pair.before, given) != _python(pair.after, given)
    else:
        solver = z3.Solver()
        solver.from_string(said.proof.split("(check-sat)")[0])
        assert solver.check() == z3.unsat


def _python(source: str, given: dict[str, Any]) -> tuple[str, Any]:
    space: dict[str, Any] = {}
    exec(source, space)
    try:
        found = space["f"](**given)
    except Exception as error:
        return "raises", type(error).__name__
    return type(found).__name__, found


def _symbolic(source: str, given: dict[str, Any]) -> tuple[str, Any]:
    """The one end whose conditions hold on constant arguments."""
    ends = Program(source, until=time.monotonic() + 20).ends("f", {name: lifted(one) for name, one in given.items()})
    (end,) = [end for end in ends if z3.is_true(z3.simplify(z3.simplify(z3.And(*end.state.where))))]
    if isinstance(end.to, Raised):
        return "raises", end.to.name
    solver = z3.Solver()
    assert solver.check() == z3.sat
    found = lowered(solver.model(), end.to)
    return type(found).__name__, found


class _Chance:
    """Makes expressions of a kind out of a random number's seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def one(self, kind: str, deep: int = 3) -> str:
        pick = self.chance.choice
        if deep == 0:
            leaves = {
                "int": ["n", "m", "0", "1", "-3", "7"], "bool": ["b", "True", "False"],
                "str": ["s", "t", "''", "'a'", "'ab'"],
            }  # fmt: skip
            return pick(leaves[kind])
        i, j = (self.one("int", deep - 1) for _ in range(2))
        s, t = (self.one("str", deep - 1) for _ in range(2))
        p, q = (self.one("bool", deep - 1) for _ in range(2))
        made = {
            "int": [f"({i} + {j})", f"({i} - {j})", f"({i} * {j})", f"({i} // {j})", f"({i} % {j})", f"-{i}",
                    f"abs({i})", f"min({i}, {j})", f"max({i}, {j})", f"({i} if {p} else {j})", f"{s}.find({t})",
                    f"({p} + {i})", f"~{i}", f"({i} & 7)", f"({i} >> 2)", f"({i} << 3)", f"({i} ** 2)", f"ord({s})",
                    f"{{1: {3}, 2: 5}}.get({i}, 9)", f"({i}, {j})[{p}]", f"sum(({i}, {j}))", f"int({p})",
                    f"{s}.index({t})", f"len({s})"],
            "bool": [f"({i} < {j})", f"({i} <= {j} < {i})", f"({s} == {t})", f"({s} < {t})", f"({s} in {t})",
                     f"({p} and {q})", f"({p} or {q})", f"{s}.startswith({t})", f"({i} in (1, 2, {j}))", f"bool({s})",
                     f"({p} == {i})", f"({p} ^ {q})", f"{s}.endswith(({t}, 'a'))", "(s is None)", f"all(({p}, {q}))",
                     f"(not {p})",
                     f"isinstance({p}, int)", f"(({i} > {j}) != ({s} >= {t}))"],
            "str": [f"({s} + {t})", f"{s}[{i}]", f"{s}[{i}:]", f"{s}[:{i}]", f"{s}[{i}:{j}]", f"({s} if {p} else {t})",
                    "f'{n}-{s}{b}'", f"str({i})", f"str({p})", f"{s}.removeprefix({t})", f"{s}.removesuffix({t})",
                    f"({s} or {t})", f"({s} and {t})", f"({s} * 2)"],
        }  # fmt: skip
        return pick(made[kind])

    def program(self) -> str:
        kind = self.chance.choice(["int", "bool", "str"])
        value, other, third = (self.one(kind) for _ in range(3))
        shapes = (
            f"    return {value}",
            f"    if {self.one('bool')}:\n        return {value}\n    return {other}",
            f"    try:\n        x = {value}\n    except (ValueError, IndexError):\n        x = {other}\n    return x",
            f"    x = {value}\n    for i in range({self.chance.randrange(4)}):\n        if {self.one('bool', 2)}:\n"
            f"            break\n        x = {other}\n    else:\n        x = {third}\n    return (x, n)",
            f"    while n > 3:\n        n -= 2\n        if {self.one('bool', 2)}:\n            continue\n"
            f"        m += 1\n    return {value}",
            f"    assert {self.one('bool')}\n    return g({value})\n\ndef g(x, y=3):\n    return (x, y)",
        )
        return "def f(n, m, b, s, t):\n" + self.chance.choice(shapes) + "\n"


def _compare(seeds: range) -> None:
    for seed in seeds:
        maker = _Chance(seed)
        source, pick = maker.program(), maker.chance.choice
        given = {"n": pick([-7, -1, 0, 1, 2, 9]), "m": pick([-4, 0, 3]), "b": pick([True, False]),
                 "s": pick(["", "a", "ab", "bca", "a\u00e9\\"]), "t": pick(["", "a", "b"])}  # fmt: skip
        assert _symbolic(source, given) == _python(source, given), (seed, source, given)


def test_it_computes_as_python_does() -> None:
    _compare(range(150))


@pytest.mark.slow
def test_it_computes_as_python_does_at_length() -> None:
    _compare(range(150, 4_000))


@pytest.mark.slow
def test_what_is_decided_of_random_pairs_is_so() -> None:
    """A proof holds on arguments that nobody chose; an example tells the versions apart."""
    counted = dict.fromkeys(("PROVED", "EXAMPLE", "OPEN"), 0)
    kinds = {"n": "int", "m": "int", "b": "bool", "s": "str", "t": "str"}
    for seed in range(150):
        maker = _Chance(seed)
        old, chance = maker.program(), maker.chance
        new = old.replace(
            *chance.choice([(" + ", " - "), (" < ", " <= "), (" and ", " or "), (" * ", " * 1 * "), ("0", "1")])
        )
        said = decide("f", (old, new), kinds, seconds=2, loosened=False)
        counted[said.answer] += 1
        if said.answer == "EXAMPLE":
            given = {name: eval(text) for name, text in said.given.items()}
            assert _python(old, given) != _python(new, given), (seed, old, new, given)
        for _ in range(100 if said.answer == "PROVED" else 0):
            texts = "".join(chance.choices("ab\u00e9", k=chance.randrange(4))), chance.choice(["", "a", "b"])
            numbers = chance.randrange(-9, 9), chance.randrange(-9, 9)
            given = dict(zip("nmbst", (*numbers, chance.random() < 0.5, *texts), strict=True))
            assert _python(old, given) == _python(new, given), (seed, old, new, given)
    assert counted["PROVED"] > 10
    assert counted["EXAMPLE"] > 10


@pytest.mark.parametrize(
    ("body", "kinds", "why"),
    [
        ("return x / 2", {"x": "int"}, "operator Div"),
        ("return x.split(',')", {"x": "str"}, "method split"),
        ("return x", {"x": "float"}, "of the kind float"),
        ("return x", {"x": ""}, "nobody says"),
        ("x.append(1)\n    return x", {"x": "list[int]"}, "method append"),
        ("while x:\n        x = x + 1 if x > 0 else x - 1\n    return 1", {"x": "bool"}, ""),
        ("return any(1 // c for c in x)", {"x": "list[int]"}, "may not be come to"),
    ],
)
def test_what_is_not_read_is_not_decided(body: str, kinds: dict[str, str], why: str) -> None:
    text = f"def f(x):\n    {body}\n"
    said = decide("f", (text, text.replace("return ", "return 1 and ", 1)), kinds, seconds=5, loosened=False)
    if why:
        assert (said.answer, why in said.reason) == ("OPEN", True), said


def test_what_takes_too_long_is_not_decided() -> None:
    hard = "def f(a, b, c):\n    return a * a * a + b * b * b == c * c * c + {}\n"
    kinds = dict.fromkeys("abc", "int")
    said = decide("f", (hard.format(42), hard.format(114)), kinds, seconds=0.3, loosened=False)
    assert said.answer == "OPEN"
    assert said.reason in ("z3 needed too long", "there was no more time")


@contained
def test_an_example_of_the_solver_is_run_before_it_is_believed() -> None:
    rare = Pair("f", 1, "def f(n):\n    return n\n", "def f(n):\n    return 0 if n == 7654321 else n\n", {"n": "int"})
    same = rare._replace(after="def f(n):\n    return n + 0\n")
    # `strip` is an unknown function to the solver: its example is none.
    blank = Pair("f", 1, "def f(s):\n    return s.strip().strip()\n", "def f(s):\n    return s.strip()\n", {"s": "str"})
    found = solving.deepened([rare, same, blank], [Answer("TESTED 300")] * 3, seconds=15)
    assert (found[0].label, found[0].given, found[0].now) == ("COUNTEREXAMPLE", "n=7654321", "0")
    assert (found[1].label, found[1].reason) == ("PROVED IN BOUND, TESTED 300", "n: int")
    assert "(check-sat)" in found[1].proof
    assert found[2].label == "TESTED 300"
    assert found[2].reason.startswith("not decided")


@contained
def test_a_refusal_that_examples_do_not_meet_is_found_by_the_solver(tmp_path: Path) -> None:
    old = "def f(n: int) -> int:\n    if n * 1000 == 7654000:\n        raise ValueError\n    return n\n"
    new = "def f(n: int) -> int:\n    return n\n"
    result = conduct(change(tmp_path, {"m.py": old}, {"m.py": new}), stages(["formal"]))[0]
    assert result.facts["m.py:f"] == "COUNTEREXAMPLE"
    (finding,) = result.findings
    assert (finding.rule, finding.weight) == ("formal/accepts-more", Weight.REVIEW)
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_solver_that_does_not_answer_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> tuple[int, bytes]:
        return -14, b'{"answer": "PROV'

    monkeypatch.setattr(tools, "run", dies)
    monkeypatch.setattr(differ, "run", lambda *_, **__: [])
    pair = Pair("f", 1, "", "", {"n": "int"})
    (found,) = solving.deepened([pair], [Answer("TESTED 300")], seconds=1)
    assert (found.label, found.reason) == ("TESTED 300", "not decided: there was no more time")


def test_the_benchmark_asks_what_the_examples_are_asked() -> None:
    """It wrote the question itself, which had come to hold more since: it ended with an error, and nobody ran it."""
    pair = next(pair for pair in PAIRS if pair.differ)
    ((said, seconds),) = examples([pair]).values()
    assert (said, seconds > 0) == ("differ", True)
