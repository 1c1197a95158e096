"""Which changes are held whatever their name: links, losses, noise; and that any tree is judged, and in time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from containment.workspaces import ROOT, SEGMENTS, Link, Sides, changes, facts, held
from interlock.containment.change import Change, Facts
from interlock.containment.grave import findings
from interlock.containment.graves.rules import book


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("a", "/etc/passwd", True),
        ("a", "../x", True),
        ("d/a", "../../x", True),
        ("d/a", "../x", False),
        ("a", "b/c", False),
        ("a", "b/../../x", True),
        ("d/a", "b/../x", True),
        ("a", f"{ROOT}/b", False),
        ("a", f"{ROOT}/../b", True),
        ("a", f"{ROOT}x", True),
        ("a", "/proc/self/root", True),
        ("result", "/nix/store/abc-x", False),
        ("a", "/nix/store/../../etc", True),
        ("a", "~", False),
        (".venv/bin/python", "/usr/bin/python3.11", False),
        (".venv/bin/python", "/tmp/python3", True),
        (".venv/bin/git", "/usr/bin/git", True),
        ("node_modules/.bin/tsc", "../typescript/bin/tsc", False),
        ("node_modules/.bin/tsc", "../../../evil", True),
        (".claude", "stuff", True),
        ("x/.vscode", "stuff", True),
        (".git/hooks", "../hooks", True),
        (".git", "other", True),
        ("CLAUDE.md", "notes.txt", True),
    ],
)
def test_links_that_lead_out_or_stand_in_place_are_held(path: str, target: str, out: bool) -> None:
    assert bool(held({}, {path: Link(target)})) is out


def test_many_files_lost_of_which_git_has_no_copy_are_held() -> None:
    many = {f"notes/{n}.txt": "x" * 50 for n in range(300)}
    assert len(held(many, {})) == 300
    assert len(held(many, dict.fromkeys(many, ""))) == 300, "emptied"
    assert not held(many, {}, saved=many)
    assert not held(dict(list(many.items())[:150]), {})
    assert not held({f"node_modules/{n}/index.js": "x" for n in range(3000)}, {})


def test_files_that_become_noise_are_held() -> None:
    noise = random.Random(7)
    plain = {f"notes/{n}.txt": f"line {n} of some plain text\n" * 80 for n in range(12)}
    assert len(held(plain, {name: noise.randbytes(2000) for name in plain})) == 12
    renamed = {f"{name}.locked": noise.randbytes(2000) for name in plain}
    assert len(held(plain, renamed)) == 24
    assert not held(plain, {name: str(text) + "more\n" for name, text in plain.items()})
    assert not held({}, {f"img/{n}.png": noise.randbytes(2000) for n in range(50)})


def test_what_the_history_had_before_passes() -> None:
    """`git checkout` and `git merge` bring back what the repository held before the agent came."""
    after = {"conftest.py": "x", ".github/workflows/ci.yml": "x"}
    assert not held({}, after, vouched=after)
    assert set(held({}, after, vouched=["conftest.py"])) == {".github/workflows/ci.yml"}


def test_a_copy_of_the_project_brings_nothing_new() -> None:
    """`git worktree add` was held for the scripts and the workflows that the workspace itself has."""
    top = {"package.json": '{"scripts": {"a": "b"}}', ".vscode/tasks.json": "x", "examples/.envrc": "x"}
    assert not held(top, {**top, "wt/package.json": top["package.json"], "copies/wt/.vscode/tasks.json": "x"})
    assert held(top, {**top, "wt/package.json": '{"scripts": {"a": "c"}}'})
    assert held(top, {**top, ".envrc": "x"}), "what slept in a directory is in force at the top"
    assert held({"evil.json": "x"}, {"evil.json": "x", ".claude/settings.json": "x"})


def test_a_file_whose_time_alone_changed_passes() -> None:
    change = Change("conftest.py", "changed", facts("x"), facts("x"))
    assert not findings([change], Sides({"conftest.py": "x"}, {"conftest.py": "x"}))


def test_a_directory_that_goes_as_a_whole_is_taken_apart() -> None:
    before = {".claude/settings.json": "{}", ".claude/notes": "x"}
    gone = Change(".claude", "deleted", Facts("directory", entries=2))
    assert [h.path for h in findings([gone], Sides(before, {}))] == [".claude"]
    repository = Change(".git", "deleted", Facts("directory", entries=9))
    assert next(h.path for h in findings([repository], Sides({".git/HEAD": "x"}, {}))) == ".git"


def test_a_directory_with_many_files_of_which_nobody_has_a_copy_is_held_as_one() -> None:
    """`rm -rf data` is one change, and its files were counted under names that no change had: it was committed."""
    before = {f"data/f{n}": "precious" for n in range(300)}
    gone = Change("data", "deleted", Facts("directory", entries=300))
    assert [h.path for h in findings([gone], Sides(before, {}))] == ["data"]


def test_a_directory_that_hands_its_group_on_is_held() -> None:
    change = Change("notes", "mode", Facts("directory", mode=0o755), Facts("directory", mode=0o2777))
    assert [h.rule for h in findings([change], Sides({}, {}))] == ["special-mode"]
    plain = Change("notes", "mode", Facts("directory", mode=0o755), Facts("directory", mode=0o700))
    assert not findings([plain], Sides({}, {}))


def test_a_tree_of_thousands_of_levels_is_judged_in_time() -> None:
    """Each directory's whole path was folded name by name: 4,096 levels took eleven seconds."""
    paths = ["/".join(["d"] * depth) for depth in range(1, 4097)]
    deep = [Change(path, "created", after=Facts("directory", mode=0o755)) for path in paths]
    began = time.perf_counter()
    assert not findings(deep, Sides({}, {}))
    assert time.perf_counter() - began < 2


def test_thousands_of_changes_are_judged_in_time() -> None:
    """A commit of 2,500 changes has a quarter of a second: a hundred patterns tried on each name took twice that."""
    tree = {f"src/d{n % 50}/f{n}.py": f"line {n}\n" * 50 for n in range(2500)}
    after = {path: text + "more\n" for path, text in tree.items()}
    steps = list(changes(tree, after))
    findings(steps, Sides(tree, after))  # loads the data
    began = time.perf_counter()
    assert not findings(steps, Sides(tree, after))
    assert time.perf_counter() - began < 0.5


@given(st.dictionaries(st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join), st.binary(max_size=40), max_size=12))
def test_any_tree_is_judged_and_every_finding_names_a_change(tree: dict[str, bytes]) -> None:
    found = held({}, tree)
    assert set(found) <= set(tree)
    assert all(finding.why and finding.rule for finding in found.values())


def test_every_rule_says_why_and_has_its_own_name() -> None:
    rules = book().rules
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.why for rule in rules)
