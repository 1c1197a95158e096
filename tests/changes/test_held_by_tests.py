"""Which behaviour is new, which tests reach it, which faults are put into it, and what the stage says of them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import room
from interlock.changes.cache import Cache
from interlock.changes.change import Change
from interlock.changes.conduct import conduct
from interlock.changes.finding import Result, Verdict
from interlock.changes.stages import stages
from interlock.changes.testing.lines import behaviours
from interlock.changes.testing.mutants import mutants
from interlock.changes.testing.suite import affected, holds_tests

needs_room = pytest.mark.skipif(not room.usable(), reason="requires bubblewrap")
RULES = f'[tests]\ncommand = ["{sys.executable}", "-m", "pytest"]\n'
PAY = "def pay(a, b):\n    if b <= 0:\n        raise ValueError('no')\n    return a - b\n"
MORE = "def pay(a, b):\n    if b <= 0 or b > a:\n        raise ValueError('no')\n    return a - b\n"
TESTS = """import pytest
from bank.pay import pay


def test_pay():
    assert pay(3, 1) == 2


def test_no():
    with pytest.raises(ValueError):
        pay(1, 0)
"""
HOLDS = (
    TESTS + "\n\ndef test_more():\n    with pytest.raises(ValueError):\n        pay(1, 2)\n    assert pay(1, 1) == 0\n"
)
BASE: Files = {
    ".interlock/gate.toml": RULES, "src/bank/__init__.py": "", "src/bank/pay.py": PAY, "tests/test_pay.py": TESTS
}  # fmt: skip


def judged(made: Change) -> Result:
    return conduct(made, stages(["tests"]))[0]


def rules(result: Result) -> dict[str, str]:
    return {f.rule.removeprefix("tests/"): f.weight.value for f in result.findings}


def of(tmp_path: Path, after: Files, base: Files = BASE) -> Result:
    return judged(change(tmp_path, base, after))


# Which behaviour is new.


def names(tmp_path: Path, before: str, after: str) -> dict[str, set[int]]:
    (file,) = change(tmp_path, {"a.py": before}, {"a.py": after}).files
    return {one.name: set(one.lines) for one in behaviours(file)}


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("def f():\n    return 1\n", 'def f():\n    """Say one."""\n    # a comment\n    return 1\n', {}),
        ("def f(a):\n    return a\n", "import os\n\n\ndef f(a: int) -> int:\n    return a\n", {}),
        ("def f():\n    return 1\n", "def f():\n    return 2\n", {"f": {2}}),
        ("X = 1\n", "X = 2\n", {"<module>": {1}}),
        ("def f():\n    return 1\n\n\ndef g():\n    return 2\n", "def f():\n    return 1\n", {}),
        ("X = 1\n", "X = 1\n\n\ndef g():\n    return 2\n", {"g": {5}}),
        ("class A:\n    def f(self):\n        return 1\n",
         "class A:\n    def f(self):\n        return 2\n", {"A.f": {3}}),
        ("def f(a):\n    if a:\n        raise X\n    return a\n", "def f(a):\n    return a\n", {"f": {2}}),
        ("def f():\n    def g():\n        return 1\n    return g\n",
         "def f():\n    def g():\n        return 2\n    return g\n", {"f.g": {3}}),
        ("def f(a):\n    return a\n", "def f(a=1):\n    return a\n", {"f": {2}}),
    ],
)  # fmt: skip
def test_only_what_does_something_else_is_new(
    tmp_path: Path, before: str, after: str, new: dict[str, set[int]]
) -> None:
    assert names(tmp_path, before, after) == new


# Which tests reach it.


def test_tests_are_chosen_by_their_imports_near_ones_first() -> None:
    texts = {
        "src/p/__init__.py": "", "src/p/a.py": "", "src/p/b.py": "from . import a\n",
        "src/p/sub/__init__.py": "", "src/p/sub/c.py": "from ..b import (\n    x,\n    y,\n)\n",
        "tests/test_a.py": "import p.a\n", "tests/deep/test_c.py": "from p.sub import c\n", "tests/test_none.py": "",
        "tests/deep/conftest.py": "", "tests/deep/test_d.py": "",
    }  # fmt: skip
    assert affected(["src/p/a.py"], texts) == (["tests/test_a.py", "tests/deep/test_c.py"], 0)
    assert affected(["src/p/sub/c.py"], texts) == (["tests/deep/test_c.py"], 0)
    assert affected(["tests/deep/conftest.py"], texts)[0] == ["tests/deep/test_c.py", "tests/deep/test_d.py"]
    assert holds_tests("tests/test_x.py")
    assert not holds_tests("tests/conftest.py")


# Which faults are put into it.

FAULTY = '''def f(a, b):
    """Say."""
    if a < b and not a:
        raise ValueError(f"{a + 1}")
    log.info("x")
    save(a)
    for x in b:
        if x is None:
            break
    return (a) == (b), a + 1, "x" + "y", True
'''


def test_every_fault_is_one_place_and_still_a_program(tmp_path: Path) -> None:
    (file,) = change(tmp_path, {"a.py": ""}, {"a.py": FAULTY}).files
    data = FAULTY.encode()
    found = mutants(data, behaviours(file), 100)
    for mutant in found:
        text = mutant.applied(data)
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(data))
        assert text.count(b"\n") == data.count(b"\n")
    said = {mutant.said(data) for mutant in found}
    assert said == {
        "`<` → `<=`", "`and` → `or`", "`not` → ``", "`raise ValueError(f\"{a + 1}\")` → `pass`", "`save(a)` → `pass`",
        "`is` → `is not`", "`break` → `continue`", "`(a) == (b), a + 1, \"x\" + \"y\", True` → `None`", "`==` → `!=`",
        "`+` → `-`", "`1` → `2`", "`True` → `False`",
    }  # fmt: skip
    assert found[0].rank == 0
    assert [m.said(data) for m in mutants(data, behaviours(file), 3)] == [m.said(data) for m in found[:3]]


# What the stage says.


def test_without_a_table_nothing_runs_and_the_report_says_so(tmp_path: Path) -> None:
    result = of(tmp_path, {"a.py": "x = 2\n", "conftest.py": "1 / 0\n"}, {"a.py": "x = 1\n"})
    assert result.verdict is Verdict.PASS
    assert "no [tests] table" in result.notes[0]


def test_the_change_cannot_name_its_own_command(tmp_path: Path) -> None:
    result = of(tmp_path, {"a.py": "x = 2\n", ".interlock/gate.toml": RULES}, {"a.py": "x = 1\n"})
    assert "no [tests] table" in result.notes[0]


def test_where_nothing_contains_the_tests_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "usable", lambda: False)
    result = of(tmp_path / "r", {"src/bank/pay.py": MORE, "conftest.py": f"open('{tmp_path}/ran', 'w')\n"})
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "bubblewrap" in result.problems[0]
    assert not (tmp_path / "ran").exists()


@needs_room
@pytest.mark.slow
def test_a_behaviour_is_held_by_a_test_that_fails_without_it(tmp_path: Path) -> None:
    made = change(tmp_path / "r", BASE, {"src/bank/pay.py": MORE, "tests/test_pay.py": HOLDS})
    stage, cache = stages(["tests"]), Cache(tmp_path / "cache")
    result = conduct(made, stage, cache=cache)[0]
    assert result.verdict is Verdict.PASS, result
    assert result.facts["fail without"] == "1"
    assert int(result.facts["killed"]) == int(result.facts["mutants"]) > 0
    assert conduct(made, stage, cache=cache)[0].cached


@needs_room
@pytest.mark.slow
def test_a_behaviour_that_no_test_tells_wants_a_person(tmp_path: Path) -> None:
    assert rules(of(tmp_path, {"src/bank/pay.py": MORE})) == {"unheld": "review", "mutant": "note"}


@needs_room
@pytest.mark.slow
def test_another_shape_of_the_same_is_held_by_tests_that_notice_every_fault(tmp_path: Path) -> None:
    same = PAY.replace("    return a - b\n", "    rest = a - b\n    return rest\n")
    assert of(tmp_path, {"src/bank/pay.py": same}).verdict is Verdict.PASS


@needs_room
@pytest.mark.slow
def test_lines_that_no_test_runs(tmp_path: Path) -> None:
    result = of(tmp_path, {"src/bank/pay.py": PAY + "\n\ndef back(a):\n    return a + 1\n"})
    assert rules(result) == {"uncovered": "review"}
    assert result.findings[0].line == 8


@needs_room
@pytest.mark.slow
def test_new_tests_that_pass_without_the_change_prove_nothing(tmp_path: Path) -> None:
    empty = TESTS + "\n\ndef test_more():\n    assert pay(5, 1) == 4\n"
    assert {"unproved", "unheld"} <= set(rules(of(tmp_path, {"src/bank/pay.py": MORE, "tests/test_pay.py": empty})))


@needs_room
@pytest.mark.slow
def test_tests_of_the_base_are_the_oracle_whatever_the_change_makes_of_them(tmp_path: Path) -> None:
    less = "def pay(a, b):\n    return a - b\n"
    result = of(
        tmp_path, {"src/bank/pay.py": less, "tests/test_pay.py": TESTS.partition("\n\n\ndef test_no")[0] + "\n"}
    )
    assert rules(result)["oracle"] == "review"
    assert "test_no" in next(f.title for f in result.findings if f.rule == "tests/oracle")


@needs_room
@pytest.mark.slow
def test_failing_tests_stop_and_those_that_failed_before_do_not(tmp_path: Path) -> None:
    assert rules(of(tmp_path / "a", {"src/bank/pay.py": PAY.replace("a - b", "a + b")})) == {"failing": "block"}
    base = BASE | {"tests/test_pay.py": TESTS + "\n\ndef test_old():\n    assert False\n"}
    assert rules(of(tmp_path / "b", {"src/bank/pay.py": PAY + "X = 1\n"}, base))["failing"] == "note"


@needs_room
@pytest.mark.slow
def test_a_flaky_test_is_named_and_is_no_evidence(tmp_path: Path) -> None:
    """It fails when it runs among others and passes when it is run anew; it runs the new lines, and holds nothing."""
    flaky = (
        TESTS
        + "\n\ndef test_more():\n    import sys\n    pay(3, 1)\n    assert any('::' in word for word in sys.argv)\n"
    )
    base = BASE | {".interlock/gate.toml": RULES}
    found = rules(of(tmp_path, {"src/bank/pay.py": MORE, "tests/test_pay.py": flaky}, base))
    assert found["flaky"] == "review"
    assert "failing" not in found
    assert found["unheld"] == "review"
    known = RULES + 'quarantine = ["tests/test_pay.py::test_more"]\n'
    found = rules(
        of(
            tmp_path / "b",
            {"src/bank/pay.py": MORE, "tests/test_pay.py": flaky},
            base | {".interlock/gate.toml": known},
        )
    )
    assert "flaky" not in found
    assert found["unheld"] == "review"


@needs_room
@pytest.mark.slow
@pytest.mark.parametrize(
    ("conftest", "why"),
    [
        ("import os\nos._exit(0)\n", "told of no test"),
        ("import os, time\nwhile os.fork():\n    pass\ntime.sleep(99)\n", "gave no answer"),
        ("x = [bytearray(1 << 28) for _ in range(40)]\n", "told of no test"),
        ("import urllib.request as r\nr.urlopen('http://192.0.2.1/', timeout=3)\n", "told of no test"),
        ("def pytest_sessionfinish(session):\n    session.exitstatus = 0\n", ""),
        ("def pytest_collection_modifyitems(items):\n    items.clear()\n", "status 5"),
    ],
)
def test_a_conftest_that_attacks_is_no_pass(tmp_path: Path, conftest: str, why: str) -> None:
    broken = {"src/bank/pay.py": PAY.replace("a - b", "a + b"), "tests/conftest.py": conftest}
    result = of(tmp_path, broken)
    assert result.verdict is not Verdict.PASS
    assert why in " ".join(result.problems)


@needs_room
@pytest.mark.slow
def test_the_change_does_not_say_which_tests_pytest_finds(tmp_path: Path) -> None:
    quiet = "[tool.pytest.ini_options]\naddopts = '--deselect tests/test_pay.py'\npython_files = 'none_*.py'\n"
    broken: Files = {"src/bank/pay.py": PAY.replace("a - b", "a + b"), "pyproject.toml": quiet}
    assert rules(of(tmp_path, broken)) == {"failing": "block"}


@needs_room
@pytest.mark.slow
def test_another_command_than_pytest_is_asked_for_its_status(tmp_path: Path) -> None:
    base: Files = {
        ".interlock/gate.toml": '[tests]\ncommand = "/bin/sh tests/run"\n',
        "a.js": "1\n",
        "tests/run": "grep -q 1 a.js\n",
    }
    assert rules(of(tmp_path / "a", {"a.js": "2\n"}, base)) == {"failing": "block"}
    assert of(tmp_path / "b", {"a.js": "12\n"}, base).verdict is Verdict.PASS
    same: Files = {"a.js": "12\n", "tests/run": "grep -q 1 a.js || exit 1\n"}
    assert rules(of(tmp_path / "c", same, base)) == {"unproved": "review"}
