"""Agents and sessions: who is at work, below whom, doing what, under which grants; pause and kill for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from interlock.model.errors import AgentError
from interlock.model.selector import And, Comparison, one_session, parse
from interlock.panel import links
from interlock.panel.acts import by_hand, too_quick
from interlock.panel.card import OPEN
from interlock.panel.screen import Act, Screen, Visit

_TONES = {"allow": "good", "ask": "warn", "deny": "bad"}


class Node(msgspec.Struct, frozen=True):
    """An agent's session, or a sub-agent in one. `where` is the selector that means just this node."""

    agent: str
    session: str
    where: str
    query: str
    subagent: str = ""
    kind: str = ""
    workspace: str = ""
    model: str = ""
    live: bool = True
    verdict: str = ""
    tone: str = "calm"
    doing: str = ""
    entry: int = -1
    at: str = ""
    actions: int = 0
    asks: int = 0
    stopped: int = 0
    waits: int = 0
    alarms: int = 0
    halted: tuple[str, ...] = ()
    paused: bool = False
    grants: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()


class View(msgspec.Struct, frozen=True):
    """The page. `read` of `of` entries are in the index."""

    live: tuple[Node, ...]
    past: tuple[Node, ...]
    total: int
    next: str
    read: int
    of: int


def where(agent: str, session: str, subagent: str = "") -> str:
    """The selector that means one session of one agent, or one sub-agent of it."""
    this = one_session(agent, session)
    return str(And((*this.parts, Comparison("subagent", (subagent,))))) if subagent else str(this)


def spellings(meant: str) -> tuple[str, ...]:
    """The selectors of orders that hold this very node: its own, and the one without its agent, as people write it."""
    node = parse(meant).node
    if not isinstance(node, And):
        return (meant,)
    rest = tuple(part for part in node.parts if not (isinstance(part, Comparison) and part.field == "agent"))
    return meant, str(rest[0] if len(rest) == 1 else And(rest))


def view(
    visit: Visit,
    sessions: Sequence[Mapping[str, Any]],
    known: Mapping[str, Any],
    inbox: Sequence[Mapping[str, Any]],
    orders: Sequence[Mapping[str, Any]],
    grants: Sequence[Mapping[str, Any]],
) -> View:
    """What the daemon answered, as a tree."""
    lines = {(line["agent"], line["session"]): line for line in known["sessions"]}
    at_work = {(one["agent"], one["session"]): one for one in sessions}
    waits: dict[tuple[str, str, str], int] = {}
    for request in inbox:
        if request["state"] in OPEN:
            who = request["principal"]
            key = (who["agent"], who["session"], who.get("subagent", ""))
            waits[key] = waits.get(key, 0) + 1
    live = [_node(visit, one, lines.get(key, {}), waits, orders, grants) for key, one in reversed(at_work.items())]
    past = [
        _node(visit, line, line, waits, orders, (), live=False) for key, line in lines.items() if key not in at_work
    ]
    more = links.query(visit, start=known["next"]) if known["next"] >= 0 else ""
    return View(tuple(live), tuple(past), known["total"], more, known["read"], known["of"])


def _node(
    visit: Visit,
    one: Mapping[str, Any],
    line: Mapping[str, Any],
    waits: Mapping[tuple[str, str, str], int],
    orders: Sequence[Mapping[str, Any]],
    grants: Sequence[Mapping[str, Any]],
    *,
    live: bool = True,
) -> Node:
    agent, session = one["agent"], one["session"]
    meant = where(agent, session)
    deeds = line.get("children", {})
    halted = _halted(meant, orders)
    children = (
        _child(visit, agent, session, child, deeds.get(child["id"]), waits, orders)
        for child in (one["children"] if live else ())
    )
    return Node(
        agent=agent,
        session=session,
        where=meant,
        query=links.session(agent, session, visit),
        workspace=one["workspace"],
        model=line.get("model", "") or one.get("facts", {}).get("model", ""),
        live=live,
        **_deed(line.get("doing")),
        actions=line.get("actions", 0),
        asks=line.get("asks", 0),
        stopped=line.get("stopped", 0),
        alarms=line.get("alarms", 0),
        waits=waits.get((agent, session, ""), 0),
        halted=tuple(map(_ordered, halted)),
        paused=any(order["what"] == "pause" for order in halted),
        grants=tuple(_granted(grant) for grant in grants if _holds(grant, one)),
        children=tuple(children),
    )


def _child(
    visit: Visit,
    agent: str,
    session: str,
    child: Mapping[str, Any],
    deed: Mapping[str, Any] | None,
    waits: Mapping[tuple[str, str, str], int],
    orders: Sequence[Mapping[str, Any]],
) -> Node:
    meant = where(agent, session, child["id"])
    halted = _halted(meant, orders)
    return Node(
        agent=agent,
        session=session,
        where=meant,
        query=links.session(agent, session, visit, subagent=child["id"]),
        subagent=child["id"],
        kind=child["type"],
        live=bool(child["live"]),
        **_deed(deed),
        waits=waits.get((agent, session, child["id"]), 0),
        halted=tuple(map(_ordered, halted)),
        paused=any(order["what"] == "pause" for order in halted),
    )


def _halted(meant: str, orders: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The orders in force that are about this very node."""
    about = spellings(meant)
    return [order for order in orders if order["active"] and order["where"] in about]


def _ordered(order: Mapping[str, Any]) -> str:
    return f"{order['what']} #{order['id']} by {order['by'] or 'Interlock itself'}"


def _deed(deed: Mapping[str, Any] | None) -> dict[str, Any]:
    if not deed:
        return {}
    at = datetime.fromtimestamp(deed["time"], UTC).isoformat()
    verdict = deed["verdict"]
    said = {"verdict": verdict, "tone": _TONES.get(verdict, "calm"), "entry": deed["entry"], "at": at}
    return said | {"doing": f"{deed['tool']}: {deed['text']}"}


def _holds(grant: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """Whether a grant can count for this session."""
    return (
        grant["standing"] == "live"
        and grant.get("agent", "") in {"", one["agent"]}
        and grant.get("session", "") in {"", one["session"]}
        and (grant.get("workspace", "") or one["workspace"]) == one["workspace"]
    )


def _granted(grant: Mapping[str, Any]) -> str:
    first = grant["patterns"][0]
    more = f" and {len(grant['patterns']) - 1} more" if len(grant["patterns"]) > 1 else ""
    return f"#{grant['id']} {', '.join(first['verbs'])} {first['kind']} {first['name']}{more}"


async def load(visit: Visit) -> View:
    """Ask for all of it at once."""
    since, start = int(visit.span.since), links.number(visit, "start", 0)
    sessions, known, inbox, halts, grants = await asyncio.gather(
        visit.ask("sessions.list"),
        visit.ask("history.sessions", since=since, start=start),
        visit.ask("inbox"),
        visit.ask("halt.list"),
        visit.ask("grants"),
    )
    return view(visit, sessions, known, inbox, halts["orders"], grants)


async def halt(visit: Visit, sent: Mapping[str, str]) -> str:
    """Pause or kill one node. Raises Refused, AgentError."""
    what = sent.get("what", "")
    if what not in {"pause", "kill"}:
        raise AgentError("a node is paused or killed.")
    too_quick(sent, visit.now)
    if what == "kill":
        by_hand(sent, "kill")
    await visit.ask("halt.order", what=what, where=sent.get("subject", ""), reason=sent.get("because", ""))
    return "/agents"


async def resume(visit: Visit, sent: Mapping[str, str]) -> str:
    """Let a paused node go on: every pause that is about it and nothing else ends. Raises Refused, SelectorError."""
    too_quick(sent, visit.now)
    by_hand(sent, "resume")
    await visit.ask("halt.resume", where=list(spellings(sent.get("subject", ""))))
    return "/agents"


SCREENS = (Screen("agents", "/agents", "Agents and sessions", "agents.html", load, ("sessions", "halts", "grants")),)
ACTS = (Act("/agents/halt", halt), Act("/agents/resume", resume))
