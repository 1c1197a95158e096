"""Grants and rules: what was said yes to in advance, an end to it, what could be granted, and the rules in force."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.model.counts import many
from interlock.model.errors import InterlockError, Refused, UsageError
from interlock.panel.acts import by_hand, too_quick
from interlock.panel.carried import typed
from interlock.panel.screen import Act, Screen, Visit

_DAYS = {"one": 7, "one_strong": 1}  # how long a suggested grant holds; a strong one a working day
_OVER = 30  # grants that hold no more, the newest


class Grant(msgspec.Struct, frozen=True):
    """One grant."""

    id: int
    standing: str
    patterns: tuple[str, ...]
    agent: str
    session: str
    workspace: str
    until: str
    left: str
    by: str
    why: str
    role: str


class Suggested(msgspec.Struct, frozen=True):
    """What people keep saying yes to. `draft` is what the daemon is asked for, word by word."""

    draft: str
    fingerprint: str
    word: str  # its first: what is typed to grant it by keyboard
    strong: bool
    patterns: tuple[str, ...]
    workspace: str
    agent: str
    yeses: int
    examples: tuple[str, ...]
    would: tuple[str, ...]
    would_total: int
    problem: str
    days: int


class Rule(msgspec.Struct, frozen=True):
    """One rule in force."""

    id: str
    layer: str
    effect: str
    tier: int
    why: str


class View(msgspec.Struct, frozen=True):
    """The page."""

    live: tuple[Grant, ...]
    over: tuple[Grant, ...]
    suggested: tuple[Suggested, ...]
    roles: tuple[str, ...]
    rules: tuple[Rule, ...]
    policy: str
    problem: str
    wanted: str


def view(
    grants: Sequence[Mapping[str, Any]],
    suggested: Sequence[Mapping[str, Any]],
    roles: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    policy: str,
    problem: str,
    wanted: str = "",
) -> View:
    """What the daemon answered, as the page shows it."""
    shown = [_grant(one) for one in grants]
    held = [f"session {one['session']} is {one['role']}" for one in roles.get("restricting", ())]
    chosen = [Rule(one["id"], one["layer"], one["effect"], one["tier"], one["why"]) for one in rules]
    return View(
        live=tuple(one for one in shown if one.standing == "live"),
        over=tuple([one for one in reversed(shown) if one.standing != "live"][:_OVER]),
        suggested=tuple(_suggested(one) for one in suggested),
        roles=tuple(held),
        rules=tuple(one for one in chosen if wanted.lower() in f"{one.id} {one.why} {one.layer}".lower()),
        policy=policy,
        problem=problem,
        wanted=wanted,
    )


def pattern(one: Mapping[str, Any]) -> str:
    """A pattern in words."""
    via = f" by {', '.join(one['via'])}" if one.get("via") else ""
    return f"{', '.join(one['verbs'])} {one['kind']} {one['name']} in {', '.join(one['environments'])}{via}"


def _grant(one: Mapping[str, Any]) -> Grant:
    uses, used = one.get("uses", 0), one.get("used", 0)
    return Grant(
        id=one["id"],
        standing=one["standing"],
        patterns=tuple(map(pattern, one["patterns"])),
        agent=one.get("agent", ""),
        session=one.get("session", ""),
        workspace=one.get("workspace", ""),
        until=one.get("until", ""),
        left=f"{uses - used} of {many(uses, 'use')} left" if uses else f"used {many(used, 'time')}",
        by=one.get("given_by", ""),
        why=one.get("why", ""),
        role=one.get("role", ""),
    )


def _suggested(one: Mapping[str, Any]) -> Suggested:
    return Suggested(
        draft=json.dumps(one["draft"], sort_keys=True),
        fingerprint=one["fingerprint"],
        word=one["fingerprint"].split("-", 1)[0],
        strong=one["rung"] == "one_strong",
        patterns=tuple(map(pattern, one["patterns"])),
        workspace=one["workspace"],
        agent=one["agent"],
        yeses=len(one["requests"]),
        examples=tuple(one["examples"]),
        would=tuple(f"{passed['tool']}: {passed['text']}" for passed in one["would"]),
        would_total=one["would_total"],
        problem=one["problem"],
        days=_DAYS.get(one["rung"], 1),
    )


async def load(visit: Visit) -> View:
    """Ask for all of it at once; rules that are refused are said, and the rest is shown."""
    grants, suggested, roles, status = await asyncio.gather(
        visit.ask("grants", all=True),
        visit.ask("suggestions"),
        visit.ask("role.list", workspace=""),
        visit.ask("status"),
    )
    rules, problem = [], ""
    try:
        rules = await visit.ask("why.rules", workspace="")
    except InterlockError as error:
        problem = str(error)
    return view(grants, suggested, roles, rules, status["policy"], problem, typed(visit.query, "find"))


async def revoke(visit: Visit, sent: Mapping[str, str]) -> str:
    """End a grant: from now on a person is asked again."""
    number = sent.get("subject", "")
    if not number.isascii() or not number.isdigit():
        raise UsageError("a grant is named by its number.")
    await visit.ask("grant.revoke", id=int(number), because=sent.get("because", ""))
    return "/grants"


async def give(visit: Visit, sent: Mapping[str, str]) -> str:
    """Give a grant that was suggested, as it was shown. Raises Refused where it would be another."""
    too_quick(sent, visit.now)
    shown = sent.get("subject", "")
    suggested = [_suggested(one) for one in await visit.ask("suggestions")]
    one = next((one for one in suggested if one.fingerprint and one.fingerprint == shown), None)
    if one is None:
        raise Refused("what is suggested has changed since it was shown. Load the page again.")
    if not one.strong:  # a strong one takes the code, which is more
        by_hand(sent, one.word)
    draft: dict[str, Any] = json.loads(one.draft)
    code = sent.get("typed", "").strip().lower()
    await visit.ask(
        "grant.give", **draft, seconds=one.days * 86_400, code=code, why="suggested from what people said yes to"
    )
    return "/grants"


SCREENS = (Screen("grants", "/grants", "Grants and rules", "grants.html", load, ("grants",)),)
ACTS = (Act("/grants/revoke", revoke), Act("/grants/give", give))
