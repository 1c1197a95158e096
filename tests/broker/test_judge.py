"""Reading and deciding together."""

from __future__ import annotations

import pytest

from interlock.broker.config import Config
from interlock.broker.judge import READER_FAILED, Person, judge
from interlock.effects import read
from interlock.model.action import Action, Principal
from interlock.model.decision import Rung, Verdict
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine


def test_a_reader_that_breaks_stops_the_action_and_no_yes_lifts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Story: a person approved a command whose script nobody had read; the yes bound none of its content."""

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(read, "_read", broken)
    judged = judge(
        Action(tool="Bash", input={"command": "./deploy.sh"}, cwd="/srv/x", principal=Principal("claude", "s")),
        workspace="/srv/x",
        config=Config(),
        engine=Engine.load([layer()]),
        person=Person(name="dev", home="/home/dev", own_paths=()),
        now=0.0,
    )
    assert (judged.decision.verdict, judged.decision.rung) == (Verdict.DENY, Rung.NONE)
    assert judged.decision.rules == (READER_FAILED,)
    assert "KeyError" in judged.reading.summary
