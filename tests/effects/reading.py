"""What tests of readers ask: what one command says, what a text does, and what is decided about it in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interlock.broker.config import Config
from interlock.broker.judge import Person, judge
from interlock.effects.catalogue import interpret
from interlock.effects.catalogue.examples import SETTING, Files, invocation
from interlock.effects.invocation import Interpretation
from interlock.effects.shell import read_shell
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.model.effect import Effect
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ENGINE = Engine.load([layer()])


def say(command: str, files: dict[str, str] | None = None) -> Interpretation:
    """One command, as the catalogue reads it."""
    return interpret(invocation(command), SETTING, Files(files or {}))


def effects(command: str, files: dict[str, str] | None = None) -> tuple[Effect, ...]:
    """A text for the shell, in the workspace of the examples."""
    return read_shell(command, SETTING, Files(files or {}), interpret, cwd=SETTING.cwd).effects


def verdict(project: Path, tool: str, given: dict[str, Any]) -> Verdict:
    """What the default policy says to a call in a real folder."""
    judged = judge(
        Action(tool=tool, input=given, cwd=str(project), principal=Principal("claude", "s")),
        workspace=str(project),
        config=Config(),
        engine=ENGINE,
        person=Person(name="dev", home="/home/dev", own_paths=()),
        now=0.0,
        containment="none",
    )
    return judged.decision.verdict


def shell(project: Path, command: str) -> Verdict:
    """The same for a text for the shell."""
    return verdict(project, "Bash", {"command": command})
