"""Why?: a command or an event with its syntax, effects, rules and verdict; what a rule of one's own would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.model.errors import InterlockError
from interlock.panel.carried import typed
from interlock.panel.screen import Screen, Visit

_TONES = {"allow": "good", "ask": "warn", "deny": "bad"}
_TAKES = {"one": "one person", "one_strong": "one person, strong", "two_strong": "two people, strong"}
AGENTS = ("claude", "codex")


class Piece(msgspec.Struct, frozen=True):
    """One line of the syntax."""

    depth: int
    kind: str
    text: str
    note: str


class Answer(msgspec.Struct, frozen=True):
    """A verdict and what it comes from."""

    verdict: str
    tone: str
    takes: str
    tier: int
    contained: bool
    effects: tuple[str, ...]
    rules: tuple[str, ...]
    why: str
    instead: str
    unread: tuple[str, ...]
    workspace: str


class Changed(msgspec.Struct, frozen=True):
    """A recorded action that would come out otherwise."""

    entry: int
    text: str
    before: str
    after: str
    tone: str


class Other(msgspec.Struct, frozen=True):
    """What the rule that was written would do."""

    problem: str
    answer: Answer | None
    changed: tuple[Changed, ...]
    changed_total: int
    tried: int


class View(msgspec.Struct, frozen=True):
    """The page: what was asked, and the answer where there is one."""

    text: str
    cwd: str
    agent: str
    policy: str
    contained: bool
    rule: str = ""  # of those in force, the one that `policy` is another text for
    problem: str = ""
    summary: str = ""
    syntax: tuple[Piece, ...] = ()
    answer: Answer | None = None
    other: Other | None = None


def view(asked: View, found: Mapping[str, Any]) -> View:
    """What the daemon answered, as the page shows it."""
    text = found["text"]
    pieces = tuple(
        Piece(one["depth"], one["kind"], text[one["start"] : one["end"]], one["note"]) for one in found["syntax"]
    )
    other = found["other"]
    return msgspec.structs.replace(
        asked,
        summary=found["summary"],
        syntax=pieces,
        answer=_answer(found["answer"]),
        other=None if other is None else _other(other),
    )


def _answer(one: Mapping[str, Any]) -> Answer:
    return Answer(
        verdict=one["verdict"],
        tone=_TONES[one["verdict"]],
        takes=_TAKES.get(one["rung"], "") if one["verdict"] == "ask" else "",
        tier=one["tier"],
        contained=one["contained"],
        effects=tuple(one["effects"]),
        rules=tuple(one["rules"]),
        why=one["why"],
        instead=one["instead"],
        unread=tuple(f"{part['text']}: {part['why']}" for part in one["unread"]),
        workspace=one["workspace"],
    )


def _other(one: Mapping[str, Any]) -> Other:
    return Other(
        problem=one["problem"],
        answer=None if one["answer"] is None else _answer(one["answer"]),
        changed=tuple(
            Changed(
                each["entry"], f"{each['tool']}: {each['text']}", each["before"], each["after"], _TONES[each["after"]]
            )
            for each in one["changed"]
        ),
        changed_total=one["changed_total"],
        tried=one["tried"],
    )


async def load(visit: Visit) -> View:
    """Read and judge what stands in the address, so that a link shows what its sender saw."""
    query = visit.query
    agent = query.get("agent", "")
    asked = View(
        text=typed(query, "text"),
        cwd=typed(query, "cwd"),
        agent=agent if agent in AGENTS else "",
        policy=typed(query, "policy"),
        contained=query.get("contained") == "1",
        rule=typed(query, "rule"),
    )
    if asked.rule and not asked.policy:
        asked = await _written(visit, asked)
    if not asked.text.strip():
        return asked
    try:
        found = await visit.ask(
            "why.explain",
            text=asked.text,
            cwd=asked.cwd,
            agent=asked.agent,
            policy=asked.policy,
            contained=asked.contained,
            rule=asked.rule,
        )
    except InterlockError as error:
        return msgspec.structs.replace(asked, problem=str(error))
    return view(asked, found)


async def _written(visit: Visit, asked: View) -> View:
    """With the text of the rule that is to be tried otherwise, as it stands."""
    try:
        rules = await visit.ask("why.rules", workspace="")
    except InterlockError as error:
        return msgspec.structs.replace(asked, problem=str(error))
    text = next((one["written"] for one in rules if one["id"] == asked.rule), "")
    return msgspec.structs.replace(asked, policy=text, rule=asked.rule if text else "")


SCREENS = (Screen("why", "/why", "Why?", "why.html", load),)
