"""Ending Interlock by its number: the incident drill found that `kill -9 PID` was one's own process like any other."""

from __future__ import annotations

import pytest

from interlock.effects.read import read_action
from interlock.model import labels
from interlock.model.action import Action, Principal
from interlock.model.effect import Breadth, Effect, Kind
from interlock.model.world import Nowhere, Setting

SETTING = Setting(cwd="/w", home="/home/dev", user="dev", workspace="/w", interlock_processes=(4242,))


def killed(command: str) -> list[Effect]:
    action = Action(
        tool="Bash", input={"command": command}, cwd="/w", principal=Principal(agent="claude", session="s"), call_id="c"
    )
    return [
        effect for effect in read_action(action, SETTING, Nowhere()).effects if effect.resource.kind is Kind.PROCESS
    ]


@pytest.mark.parametrize("command", ["kill -9 4242", "kill 4242", "kill -- -4242", "kill 17 4242", "P=4242; kill $P"])
def test_the_daemon_by_its_number_is_guarded(command: str) -> None:
    assert any(labels.GUARD in effect.resource.labels for effect in killed(command))


@pytest.mark.parametrize("command", ["kill -9 $(pgrep -f interlock)", "pgrep -f interlock | xargs kill", "kill $PID"])
def test_a_number_that_is_not_known_may_be_anybodys(command: str) -> None:
    (effect,) = killed(command)
    assert effect.scale.breadth is Breadth.ALL


@pytest.mark.parametrize("command", ["kill 4711", "sleep 9 & kill $!", "kill %1", "kill -TERM 4711"])
def test_ones_own_processes_are_neither(command: str) -> None:
    effects = [effect for effect in killed(command) if effect.verb.value == "delete"]
    assert effects
    for effect in effects:
        assert labels.GUARD not in effect.resource.labels
        assert effect.scale.breadth is Breadth.ONE


@pytest.mark.parametrize(
    "command",
    [
        "npm start & PID=$!; sleep 2; kill $PID",
        'node a.js & SERVER_PID=$!; kill "$SERVER_PID"',
        "P=$(lsof -ti:3000); kill -9 ${P}",
        "lsof -ti :3000 | xargs -r kill -9",
        "pgrep -f vite | xargs kill",
    ],
)
def test_a_variable_and_a_pipe_keep_which_processes_they_hold(command: str) -> None:
    assert all(effect.scale.breadth is not Breadth.ALL for effect in killed(command))


@pytest.mark.parametrize(
    "command",
    [
        "PID=$!; PID=$X; kill $PID",
        "PID=$(pgrep node); kill $PID",
        "pgrep node | xargs kill -9",
        "pgrep -u dev | xargs kill",
        "kill $(pgrep -u dev)",
        "killall node",
        "pkill -f '.*python.*'",
    ],
)
def test_the_name_of_a_runtime_is_everything_that_runs_on_it(command: str) -> None:
    assert any(effect.scale.breadth is Breadth.ALL for effect in killed(command))
