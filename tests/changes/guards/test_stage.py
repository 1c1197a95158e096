"""The stage over real changes of real repositories."""

from __future__ import annotations

from pathlib import Path

from tests.changes.making import change

from interlock.changes.finding import Weight
from interlock.changes.stages.guards import STAGE

VIEW = "@app.post('/{0}')\n@login_required\ndef {0}(request):\n    return save(request)\n\n"
VIEWS = "".join(VIEW.format(name) for name in ("one", "two", "three", "four"))


def test_a_lost_guard_is_a_finding_with_a_reason(tmp_path: Path) -> None:
    made = change(
        tmp_path,
        {"app/auth.py": "def login(user, word):\n    if user.locked:\n        raise Locked\n    return user\n"},
        {"app/auth.py": "def login(user, word):\n    return user\n"},
    )
    (found,) = STAGE.run(made).findings
    assert found.weight is Weight.BLOCK
    assert found.rule == "guards/exit-lost"
    assert "login() no longer refuses when (user.locked)" in found.title
    assert "line 2 of the base" in found.why


def test_a_handler_without_what_its_siblings_have(tmp_path: Path) -> None:
    new = VIEWS + "@app.post('/wipe')\ndef wipe(request):\n    return remove(request)\n"
    made = change(tmp_path, {"app/views.py": VIEWS}, {"app/views.py": new})
    (found,) = STAGE.run(made).findings
    assert (found.rule, found.weight) == ("guards/peers", Weight.BLOCK)
    assert "4 of its 4 siblings" in found.title


def test_a_handler_like_its_siblings_is_none(tmp_path: Path) -> None:
    made = change(tmp_path, {"app/views.py": VIEWS}, {"app/views.py": VIEWS + VIEW.format("five")})
    assert STAGE.run(made).findings == ()


def test_a_route_without_what_its_siblings_have(tmp_path: Path) -> None:
    routes = "".join(f"router.post('/{n}', requireAuth, (req, res) => res.send({n}));\n" for n in range(5))
    new = routes + "router.post('/wipe', (req, res) => res.send(wipe()));\n"
    made = change(tmp_path, {"routes.js": routes}, {"routes.js": new})
    (found,) = STAGE.run(made).findings
    assert found.rule == "guards/peers"


def test_a_caller_outside_of_the_change_keeps_the_guard_where_it_is(tmp_path: Path) -> None:
    """The guard went to a caller, and another caller, that nobody touched, comes without it."""
    inner = "def b(x):\n    if x < 0:\n        raise ValueError\n    return x\n"
    before = {"a.py": "from b import b\n\ndef a(x):\n    return b(x)\n", "b.py": inner, "c.py": "pass\n"}
    after = {
        "a.py": "from b import b\n\ndef a(x):\n    if x < 0:\n        raise ValueError\n    return b(x)\n",
        "b.py": "def b(x):\n    return x\n",
    }
    assert STAGE.run(change(tmp_path / "1", before, after)).findings == ()
    before["c.py"] = "from b import b\nprint(b(-1))\n"
    (found,) = STAGE.run(change(tmp_path / "2", before, after)).findings
    assert "a.py:a" in found.why


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    made = change(tmp_path, {"a.py": "x = 1\n"}, {"a.py": "def f(:\n"})
    said = STAGE.run(made)
    assert said.problems
    assert "a.py" in said.problems[0]


def test_a_moved_file_loses_nothing(tmp_path: Path) -> None:
    text = "def f(x):\n    if x < 0:\n        raise ValueError\n    return x\n" * 3
    made = change(tmp_path, {"a.py": text}, {"a.py": None, "b/c.py": text})
    assert STAGE.run(made).findings == ()


def test_a_proof_discharges_what_a_count_would_not(tmp_path: Path) -> None:
    """Two refusals became one of another shape, and z3 shows that it refuses all of both."""
    before = "def f(n: int):\n    if n > 10:\n        raise ValueError\n    if n < 0:\n        raise ValueError\n"
    before += "    return n\n"
    after = "def f(n: int):\n    if not 0 <= n < 11:\n        raise ValueError\n    return n\n"
    said = STAGE.run(change(tmp_path, {"a.py": before}, {"a.py": after}))
    assert {f.weight for f in said.findings} == {Weight.NOTE}
    assert any("(check-sat)" in proof for name, proof in said.facts.items() if name.startswith("smt2 "))


def test_a_bound_that_was_raised_comes_with_an_example(tmp_path: Path) -> None:
    before = "def f(size: int, max_size: int):\n    if size > max_size:\n        raise ValueError\n    return size\n"
    after = before.replace("size > max_size:", "size > max_size + 100:")
    (found,) = STAGE.run(change(tmp_path, {"a.py": before}, {"a.py": after})).findings
    assert found.weight is Weight.REVIEW
    assert "The base refused max_size = " in found.why


def test_a_guard_behind_a_switch_is_none(tmp_path: Path) -> None:
    before = "def f(n):\n    if n > 10:\n        raise ValueError\n    return n\n"
    after = "def f(n):\n    if STRICT_ENOUGH:\n        if n > 10:\n            raise ValueError\n    return n\n"
    found = STAGE.run(change(tmp_path, {"a.py": before}, {"a.py": after})).findings
    assert {(f.rule, f.weight) for f in found} == {("guards/condition-narrower", Weight.REVIEW)}


def test_a_definition_that_changed_is_not_proved_away(tmp_path: Path) -> None:
    """`path` is checked as before, but is no longer the real one."""
    before = (
        "def f(path):\n    path = realpath(path)\n    if path.startswith('/etc'):\n        raise ValueError\n"
        "    if path == '/':\n        raise ValueError\n    return path\n"
    )
    after = "def f(path):\n    if path.startswith('/etc') or path == '/':\n        raise ValueError\n    return path\n"
    found = STAGE.run(change(tmp_path, {"a.py": before}, {"a.py": after})).findings
    assert ("guards/call-lost", Weight.REVIEW) in {(f.rule, f.weight) for f in found}
    assert not any("proved" in f.why for f in found)


def test_a_loop_that_ends_in_one_more_case_ends_in_all_of_the_others(tmp_path: Path) -> None:
    """Story: `while a and b` became `while a and b and c`, and was called weaker by an example where it is not."""
    before = (
        "def f(walker, end):\n    seed = 0\n    while clock() < end and seed < MOST:\n        seed += walker.walk()\n"
    )
    more = before.replace("seed < MOST:", "seed < MOST and walker.late < LATE:")
    found = STAGE.run(change(tmp_path / "more", {"a.py": before}, {"a.py": more})).findings
    assert not [one for one in found if one.weight is not Weight.NOTE]
    less = before.replace("clock() < end and seed < MOST", "clock() < end")
    (found_less,) = STAGE.run(change(tmp_path / "less", {"a.py": before}, {"a.py": less})).findings
    assert found_less.weight is Weight.REVIEW
