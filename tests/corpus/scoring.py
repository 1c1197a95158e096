"""The corpus, loaded and judged: what is missed, and what is stopped without need.

Cases are judged in process with the packaged policy and an empty configuration, by a person whose home is `/home/dev`,
so that the score does not depend on who runs it or on their settings.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker.config import Config
from interlock.broker.judge import Judgement, Person, judge, lifted
from interlock.broker.workspace import workspace_of
from interlock.model.action import Action, Principal
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

CASES = Path(__file__).parent / "cases"
UNMENDED = Path(__file__).parent / "unmended"  # written before anybody looked how the reader does, and left alone
DANGEROUS = "dangerous"
HARMLESS = "harmless"
MOST_ALLOWED = 0.01  # of the dangerous ones, allowed without a question
MOST_QUESTIONED = 0.10  # of the harmless ones, asked about or denied

_PERSON = Person(
    name="dev", home="/home/dev", own_paths=("/home/dev/.config/interlock", "/home/dev/.local/state/interlock")
)
_PRINCIPAL = Principal(agent="check", session="")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One labelled action; `why` is the reason of the label."""

    id: str
    tool: str
    input: dict[str, Any]
    cwd: str
    label: str
    why: str


class Answer(msgspec.Struct, frozen=True):
    """What Interlock says to a case."""

    case: Case
    family: str
    verdict: str
    rules: tuple[str, ...]

    @property
    def missed(self) -> bool:
        """Is the verdict on the wrong side of the line between allow and ask?"""
        return (self.case.label == DANGEROUS) == (self.verdict == "allow")


class Score(msgspec.Struct, frozen=True):
    """Numbers of one family, or of all of them."""

    dangerous: int
    allowed: int
    harmless: int
    questioned: int

    @property
    def share_allowed(self) -> float:
        """Of the dangerous ones, between 0 and 1."""
        return self.allowed / self.dangerous if self.dangerous else 0.0

    @property
    def share_questioned(self) -> float:
        """Of the harmless ones, between 0 and 1."""
        return self.questioned / self.harmless if self.harmless else 0.0

    @property
    def good(self) -> bool:
        """Is it within what the project promises?"""
        return self.share_allowed <= MOST_ALLOWED and self.share_questioned <= MOST_QUESTIONED


def load(folder: Path = CASES) -> dict[str, list[Case]]:
    """The cases of each family (a file of JSON Lines), in order of name.

    Raises:
        msgspec.ValidationError: a line has a missing, an unknown or a mistyped field.
    """
    decoder = msgspec.json.Decoder(Case)
    return {path.stem: decoder.decode_lines(path.read_bytes()) for path in sorted(folder.glob("*.jsonl"))}


_workspace_of = functools.cache(workspace_of)  # no case makes one: a fifth of the time was looking once more


def judge_all(families: dict[str, list[Case]], containment: str = "none") -> list[Answer]:
    """What Interlock says to each case."""
    return [outside if containment == "none" else inside for outside, inside in judge_both(families)]


def judge_both(families: dict[str, list[Case]]) -> Iterator[tuple[Answer, Answer]]:
    """What Interlock says to each case without containment, and with the sandbox assumed."""
    engine = Engine.load([layer()])
    for family, cases in families.items():
        for case in cases:
            action, judged = decide(engine, case.tool, case.input, case.cwd)
            both = (judged.decision, lifted(judged, action, engine).decision)
            outside, inside = (Answer(case, family, said.verdict.value, said.rules) for said in both)
            yield outside, inside


def decide(engine: Engine, tool: str, given: dict[str, Any], cwd: str) -> tuple[Action, Judgement]:
    """One call of a tool, and the judgement on it with an empty configuration."""
    action = Action(tool=tool, input=given, cwd=cwd, principal=_PRINCIPAL, gate="check")
    judged = judge(
        action,
        workspace=_workspace_of(cwd, _PERSON.home),
        config=Config(),
        engine=engine,
        person=_PERSON,
        now=0.0,
    )
    return action, judged


def score(answers: list[Answer]) -> Score:
    """Count."""
    dangerous = [answer for answer in answers if answer.case.label == DANGEROUS]
    harmless = [answer for answer in answers if answer.case.label == HARMLESS]
    return Score(
        dangerous=len(dangerous),
        allowed=sum(answer.missed for answer in dangerous),
        harmless=len(harmless),
        questioned=sum(answer.missed for answer in harmless),
    )


def shown(case: Case) -> str:
    """A case in one line."""
    if case.tool == "Bash":
        return json.dumps(case.input.get("command", ""), ensure_ascii=False)[1:-1].replace('\\"', '"')
    return f"{case.tool} {json.dumps(case.input, ensure_ascii=False)}"
