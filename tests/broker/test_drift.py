"""What a contained run did against what was foreseen."""

from __future__ import annotations

import pytest

from broker.test_inside import judged
from interlock.broker.drift import drift

W = "/code/app"


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("rm -rf src", ["src", "src/a.py"]),
        ("find . -name '*.py' -delete", ["a.py", "src/deep/b.py"]),
        ("git reset --hard HEAD~1", ["src/a.py", ".git/index", ".git/HEAD"]),
        ("mkdir -p out/deep && touch out/deep/x", ["out", "out/deep", "out/deep/x"]),
        ("pytest -q", [".pytest_cache/v/cache/lastfailed", "report.xml"]),
        ('eval "$TASK"', ["anything"]),
        ("truncate -s 0 notes.md", ["notes.md"]),
    ],
)
def test_what_was_foreseen_is_no_drift(command: str, changed: list[str]) -> None:
    assert drift(judged(command, "none").reading.effects, W, changed, []) == ()


def test_a_change_elsewhere_is_drift() -> None:
    effects = judged("rm -rf src", "none").reading.effects
    assert drift(effects, W, ["src", "docs/index.md"], []) == ("changed docs/index.md",)


def test_a_host_that_nobody_foresaw_is_drift_whatever_ran() -> None:
    assert drift(judged("pytest -q", "none").reading.effects, W, [], ["evil.example", "evil.example"]) == (
        "tried to reach evil.example",
    )


def test_a_host_of_a_command_that_fetches_is_none() -> None:
    assert drift(judged("npm ci", "none").reading.effects, W, [], ["registry.npmjs.org"]) == ()


def test_of_an_unknown_command_nothing_was_foreseen_so_nothing_is_drift() -> None:
    assert drift(judged("frobnicate src", "none").reading.effects, W, ["anything"], ["host.example"]) == ()


def test_what_git_notes_when_it_looks_is_none() -> None:
    effects = judged("git status", "none").reading.effects
    assert drift(effects, W, [".git/index"], []) == ()
    assert drift(effects, W, [".git/index", ".git/config"], []) == ("changed .git/config",)
