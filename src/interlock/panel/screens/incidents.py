"""Incidents: what went wrong, what it was traced to, and closing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.model.counts import many
from interlock.model.errors import AgentError
from interlock.panel import links, words
from interlock.panel.acts import by_hand, too_quick
from interlock.panel.screen import Act, Screen, Visit
from interlock.panel.troubles import tone

_SHOWN = 200  # incidents of one page; and
_ACTIONS = 50  # actions of one incident
_ENDS = ("mended", "mistaken")


class Row(msgspec.Struct, frozen=True):
    """One incident. `of` is what it names, `behind` in words what stood behind that when it was recorded."""

    entry: int
    what: str
    severity: str
    state: str
    tone: str
    at: str
    by: str
    of: tuple[str, ...]
    behind: str


class View(msgspec.Struct, frozen=True):
    """The open ones whenever they were, and of the closed ones those that were closed in the time of the page."""

    open: tuple[Row, ...]
    closed: tuple[Row, ...]
    more: int
    older: int


class Named(msgspec.Struct, frozen=True):
    """One thing that an incident names. More about it stands at the page of `entry` (-1: nowhere), of a session at that
    of `query`.
    """

    kind: str
    name: str
    beside: str
    entry: int = -1
    query: str = ""


class Traced(msgspec.Struct, frozen=True):
    """One action behind it. `query` is that of its session's timeline."""

    entry: int
    tool: str
    text: str
    agent: str
    session: str
    query: str
    model: str
    prompt: str


class Closed(msgspec.Struct, frozen=True):
    """How one ended."""

    entry: int
    at: str
    by: str
    because: str


class Incident(msgspec.Struct, frozen=True):
    """One incident, whole; `time` is when it was recorded."""

    row: Row
    time: str
    named: tuple[Named, ...]
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    traced: tuple[Traced, ...]
    more: int
    closed: Closed | None


def row(one: Mapping[str, Any]) -> Row:
    """One of the daemon's, as a line of the list."""
    of = [f"commit {commit['commit'][:12]}" for commit in one["commits"]]
    of += [f"action #{entry}" for entry in one["actions"]]
    of += [f"session {session}" for session in one["sessions"]]
    return Row(
        entry=one["entry"],
        what=one["what"],
        severity=one["severity"],
        state=one["state"],
        tone=tone(one["state"]),
        at=one["at"],
        by=one["by"],
        of=tuple(of),
        behind=behind(one["behind"]),
    )


def behind(said: Mapping[str, Any]) -> str:
    """Who stood behind it, in words: `3 actions of claude, claude-sonnet-4`."""
    if not said["actions"]:
        return "no action that is known"
    agents = f" of {', '.join(said['agents'])}" if said["agents"] else ""
    return ", ".join((f"{many(said['actions'], 'action')}{agents}", *said["models"]))


def view(incidents: list[dict[str, Any]], since: float) -> View:
    """What the daemon answered, the newest first, as the list shows it."""
    open_ = [one for one in incidents if one["state"] == "open"]
    over = [one for one in incidents if one["state"] != "open"]
    recent = [one for one in over if words.seconds(one["closed"]["time"]) >= since]
    shown = recent[: max(0, _SHOWN - len(open_))]
    return View(
        open=tuple(map(row, open_[:_SHOWN])),
        closed=tuple(map(row, shown)),
        more=max(0, len(open_) - _SHOWN) + len(recent) - len(shown),
        older=len(over) - len(recent),
    )


def incident(visit: Visit, found: Mapping[str, Any]) -> Incident:
    """One, with links to all that it was traced to."""
    closed = found.get("closed")
    return Incident(
        row=row(found),
        time=found["recorded"],
        named=tuple(_named(visit, found)),
        facts=facts(found["behind"]),
        traced=tuple(_traced(visit, act) for act in found["traced"][:_ACTIONS]),
        more=max(0, len(found["traced"]) - _ACTIONS) + found["more"],
        closed=Closed(closed["entry"], closed["time"], closed["by"], closed["because"]) if closed else None,
    )


def facts(said: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Agents, models, prompts and tools, as far as they are known."""
    titles = (("Agents", "agents"), ("Models", "models"), ("Tools", "tools"), ("Prompts", "prompts"))
    return tuple((title, tuple(said[name])) for title, name in titles if said[name])


def _named(visit: Visit, found: Mapping[str, Any]) -> list[Named]:
    agents = {str(act.get("session", "")): str(act.get("agent", "")) for act in found["traced"]}
    told = [
        Named("commit", commit["commit"][:12], commit["repository"], entry)
        for commit, entry in zip(found["commits"], found["attested"], strict=True)
    ]
    told += [Named("action", f"#{entry}", "", entry) for entry in found["actions"]]
    for session in found["sessions"]:
        agent = agents.get(session, "")
        told.append(Named("session", session, agent, query=links.session(agent, session, visit) if agent else ""))
    return told


def _traced(visit: Visit, act: Mapping[str, Any]) -> Traced:
    agent, session = str(act.get("agent", "")), str(act.get("session", ""))
    return Traced(
        entry=act["entry"],
        tool=act.get("tool", ""),
        text=act.get("text", ""),
        agent=agent,
        session=session,
        query=links.session(agent, session, visit) if session else "",
        model=act.get("model", ""),
        prompt=act.get("prompt", ""),
    )


async def load(visit: Visit) -> View:
    """All that are open, and those that were closed lately."""
    return view((await visit.ask("incident.list"))["incidents"], visit.span.since)


async def load_incident(visit: Visit) -> Incident:
    """One of them."""
    return incident(visit, await visit.ask("incident.show", id=visit.path["id"]))


async def close(visit: Visit, sent: Mapping[str, str]) -> str:
    """Close one. Raises AgentError, Refused: it cannot be opened again, so a key alone does not do it."""
    number, how = visit.path["id"], sent.get("how", "")
    if how not in _ENDS:
        raise AgentError("say how it ended: it was mended, or it was none. Nothing was closed.")
    too_quick(sent, visit.now)
    by_hand(sent, "close")
    because = " ".join(sent.get("because", "").split())
    await visit.ask("incident.close", id=number, because=because, **{"as": how})
    return f"/incidents/{number}"


SCREENS = (
    Screen("incidents", "/incidents", "Incidents", "incidents.html", load, ("incidents",)),
    Screen("incident", "/incidents/{id:int}", "An incident", "incident.html", load_incident, ("incidents",)),
)
ACTS = (Act("/incidents/{id:int}/close", close),)
