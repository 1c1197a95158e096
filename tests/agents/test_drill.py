"""The incident drill with the real Claude Code, as `make demo` runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interlock.drills import drill
from interlock.drills.screen import JsonLines


@pytest.mark.agents
def test_the_real_claude_code_does_its_work_and_destroys_nothing(tmp_path: Path) -> None:
    printed: list[str] = []
    good = drill.run(JsonLines(printed.append), agent=drill.Agent.CLAUDE, parent=tmp_path)
    told = [json.loads(line) for line in printed]
    assert good, [event for event in told if event["event"] == "told" and not event["good"]]
    begin = next(event for event in told if event["event"] == "begin")
    assert begin["agent"].startswith("Claude Code ")
