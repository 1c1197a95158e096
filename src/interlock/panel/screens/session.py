"""A session's timeline: every action with its effects, verdict, containment, what it changed, and its way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.panel import links
from interlock.panel.carried import address
from interlock.panel.deeds import Deed, deeds
from interlock.panel.screen import Screen, Visit
from interlock.panel.screens.agents import where


class View(msgspec.Struct, frozen=True):
    """The page. `older` leads to the page before."""

    agent: str
    session: str
    subagent: str
    workspace: str
    model: str
    person: str
    closed: bool
    actions: int
    asks: int
    stopped: int
    failed: int
    alarms: int
    entries: int
    deeds: tuple[Deed, ...]
    older: str
    whole: str
    halt: str  # the query of the page that stops it
    record: str  # and of the one that records an incident of it
    read: int
    of: int


def view(visit: Visit, found: Mapping[str, Any], subagent: str) -> View:
    """What the daemon answered, as the page shows it."""
    line = found["line"]
    shown = [deed for deed in deeds(found["entries"]) if not subagent or deed.subagent == subagent]
    agent, session = line["agent"], line["session"]
    older = links.session(agent, session, visit, subagent=subagent, before=found["before"])
    return View(
        agent=agent,
        session=session,
        subagent=subagent,
        workspace=line["workspace"],
        model=line["model"],
        person=line["person"],
        closed=line["closed"],
        actions=line["actions"],
        asks=line["asks"],
        stopped=line["stopped"],
        failed=line["failed"],
        alarms=line["alarms"],
        entries=line["entries"],
        deeds=tuple(shown),
        older=older if found["before"] >= 0 else "",
        whole=links.session(agent, session, visit),
        halt=address({"what": "pause", "where": where(agent, session, subagent)}),
        record=address({"session": session}),
        read=found["read"],
        of=found["of"],
    )


async def load(visit: Visit) -> View:
    """One page of it, the newest first."""
    agent, session = visit.query.get("agent", ""), visit.query.get("session", "")
    found = await visit.ask(
        "history.session",
        agent=agent,
        session=session,
        before=links.number(visit, "before", 1 << 32),
        since=int(visit.span.since),
    )
    return view(visit, found, visit.query.get("subagent", ""))


SCREENS = (Screen("session", "/agents/session", "Session", "session.html", load, ("sessions", "inbox")),)
