"""The residual-risk register of docs/security.md: every row is shown by a test, and what is open is shown to be open.

A test here that starts to fail is good news: close the row.
"""

from __future__ import annotations

import re
from pathlib import Path

from interlock.broker.config import Config
from interlock.broker.judge import Person, judge
from interlock.effects.redact import redact
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ROOT = Path(__file__).parents[2]


def test_every_row_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\| (R\d+) \|.*\| ([^|]+) \|$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == [f"R{number}" for number in range(1, len(rows) + 1)]
    for name, tests in rows:
        for path in re.findall(r"`(tests/[\w/.]+)`", tests):
            assert (ROOT / path).exists(), f"{name} names {path}"


def test_r5_project_code_may_do_anything_the_user_may(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "test_evil.py").write_text("import shutil\nshutil.rmtree('/home/dev')\n")
    judged = judge(
        Action(tool="Bash", input={"command": "pytest -q"}, cwd=str(tmp_path), principal=Principal("claude", "s")),
        workspace=str(tmp_path),
        config=Config(),
        engine=Engine.load([layer()]),
        person=Person(name="dev", home="/home/dev", own_paths=()),
        now=0.0,
    )
    assert judged.decision.verdict is Verdict.ALLOW


def test_r6_a_secret_of_an_unknown_shape_is_not_recognised() -> None:
    assert redact("deploy --with tulip-harbour-seventeen") == "deploy --with tulip-harbour-seventeen"
