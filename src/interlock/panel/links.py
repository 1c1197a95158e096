"""Queries of the panel's addresses: they carry names which agents choose, and the time range of the page. Pure.

A template writes the path itself (`href="/agents/session?{{ node.query }}"`), so that no link leads out of the panel.
"""

from __future__ import annotations

from interlock.panel.carried import address
from interlock.panel.screen import Visit
from interlock.panel.span import USUAL


def session(agent: str, name: str, visit: Visit, **more: str | int) -> str:
    """The query of a session's timeline."""
    return query(visit, agent=agent, session=name, **more)


def query(visit: Visit, **said: str | int) -> str:
    """A query, in the time range of the page it stands on; what is empty or -1 is left out."""
    kept = {name: value for name, value in said.items() if value not in ("", -1)}
    if visit.span.name != USUAL:
        kept["range"] = visit.span.name
    return address(kept)


def number(visit: Visit, name: str, otherwise: int) -> int:
    """A whole number in the address; what is none is taken for the usual one."""
    said = visit.query.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 12 else otherwise
