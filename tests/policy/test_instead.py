"""What a rule offers instead is itself allowed: an agent that follows the advice must not be stopped again."""

from __future__ import annotations

import pytest

from interlock.effects.read import read_action
from interlock.model.action import Action, Principal
from interlock.model.decision import Context, Verdict
from interlock.model.world import Nowhere, Setting
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ENGINE = Engine.load([layer()])
SETTING = Setting(cwd="/code/app", home="/home/ana", user="ana", workspace="/code/app")


@pytest.mark.parametrize(("rule", "command"), ENGINE.instead_examples())
def test_the_advice_of_a_rule_is_allowed(rule: str, command: str) -> None:
    action = Action("Bash", {"command": command}, "/code/app", Principal("claude", "s"))
    decision = ENGINE.decide(action.principal, read_action(action, SETTING, Nowhere()).effects, Context())
    assert decision.verdict is Verdict.ALLOW, f"{rule} offers {command!r}: {decision.why}"


def test_there_is_advice() -> None:
    assert len(ENGINE.instead_examples()) > 10
