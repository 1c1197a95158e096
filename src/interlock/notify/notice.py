"""What a message says, and the texts it is made of. Pure.

A message comes from what Interlock read, never from what an agent says of itself, and holds no link but the panel's:
an address in it that came from outside is written so that no program makes a link of it (`https[:]//`).
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from interlock.model.counts import many
from interlock.model.visible import visible

_LISTED = 5  # questions, or effects of one; the rest is counted
_LONG = 300  # characters of one line; whoever wants the whole follows the link


class Ask(msgspec.Struct, frozen=True):
    """A question that waits. Times in seconds; `alike` names its shape; `groups` are asked in their order."""

    id: int
    tier: int
    agent: str
    session: str
    workspace: str
    effects: tuple[str, ...]
    asked: float
    decide_by: float
    alike: str = ""
    groups: tuple[str, ...] = ()
    level: int = 0


class Incident(msgspec.Struct, frozen=True):
    """Something that a person should know of now. `entry` is where the ledger says it."""

    entry: int
    name: str
    text: str
    agent: str = ""
    session: str = ""


class Message(msgspec.Struct, frozen=True):
    """What one target is sent, whatever its way. `lines` are plain text that shows itself; `link` may be ""."""

    id: str
    title: str
    lines: tuple[str, ...]
    link: str
    urgent: bool
    tier: int
    requests: tuple[int, ...] = ()
    incident: str = ""

    @property
    def text(self) -> str:
        """Its lines, and where to look."""
        return "\n".join((*self.lines, self.where))

    @property
    def where(self) -> str:
        """Where a person answers: the panel, or a command where no panel's address is known."""
        if self.link:
            return self.link
        return f"interlock inbox {self.requests[0]}" if len(self.requests) == 1 else "interlock inbox"

    def facts(self) -> dict[str, Any]:
        """As a program takes it."""
        return {
            "schema": "interlock/notice/v1",
            "id": self.id,
            "title": self.title,
            "lines": list(self.lines),
            "link": self.link,
            "urgent": self.urgent,
            "tier": self.tier,
            "requests": list(self.requests),
            "incident": self.incident,
        }


def plain(text: str) -> str:
    """A text from outside as one line of a message."""
    shown = visible(text).replace("://", "[:]//")
    return shown if len(shown) <= _LONG else f"{shown[:_LONG]} … ({many(len(shown) - _LONG, 'more character')})"


def asked(asks: list[Ask], *, bare: bool, panel: str, key: str, note: str = "") -> Message:
    """That these questions wait; `key` tells messages about the same questions apart. At least one."""
    tier = max(ask.tier for ask in asks)
    one = asks[0]
    if len(asks) == 1:
        title = f"Interlock asks: question {one.id}, tier {one.tier}"
        lines = [] if bare else [_who(one), *_effects(one)]
        link = f"{panel}/requests/{one.id}" if panel else ""
    else:
        title = f"Interlock asks: {len(asks)} questions, up to tier {tier}"
        lines = [] if bare else [_short(ask) for ask in asks[:_LISTED]]
        if not bare and len(asks) > _LISTED:
            lines.append(f"and {len(asks) - _LISTED} more")
        link = f"{panel}/inbox" if panel else ""
    if note:
        lines.insert(0, note)
    requests = tuple(ask.id for ask in asks)
    return Message(_id(key, requests), title, tuple(lines), link, tier >= 3, tier, requests)


def happened(incident: Incident, *, bare: bool, panel: str, key: str) -> Message:
    """That there was an incident."""
    who = plain(f"{incident.agent} {incident.session[:8]}").strip()
    lines = () if bare else tuple(filter(None, (who, plain(incident.text))))
    link = f"{panel}/ledger/{incident.entry}" if panel else ""
    name = plain(incident.name)
    return Message(_id(key, (incident.entry,)), f"Interlock: {name}", lines, link, True, 4, (), name)


def enough(limit: int, waiting: int, *, panel: str, key: str) -> Message:
    """That no more messages come for now, because there were so many."""
    lines = (f"{limit} messages within an hour is the limit here: no more until the hour is over.", f"{waiting} wait.")
    link = f"{panel}/inbox" if panel else ""
    return Message(_id(key, ()), "Interlock: more questions than messages", lines, link, True, 4)


def trial(name: str, *, panel: str, key: str) -> Message:
    """A message that only shows that messages arrive."""
    lines = (f"A trial of the target {plain(name)}. Nothing waits because of it.",)
    return Message(_id(key, ()), "Interlock: a trial message", lines, f"{panel}/inbox" if panel else "", False, 0)


def _who(ask: Ask) -> str:
    project = ask.workspace.rstrip("/").rsplit("/", 1)[-1]
    return plain(f"{ask.agent} {ask.session[:8]}{f' in {project}' if project else ''}")


def _short(ask: Ask) -> str:
    first = plain(ask.effects[0]) if ask.effects else "an action that could not be read"
    more = f" (and {len(ask.effects) - 1} more effects)" if len(ask.effects) > 1 else ""
    return f"#{ask.id} tier {ask.tier}, {_who(ask)}: {first}{more}"


def _effects(ask: Ask) -> list[str]:
    lines = [f"would {plain(effect)}" for effect in ask.effects[:_LISTED]]
    if len(ask.effects) > _LISTED:
        lines.append(f"and {len(ask.effects) - _LISTED} more effects")
    return lines or ["an action that could not be read"]


def _id(key: str, numbers: tuple[int, ...]) -> str:
    return hashlib.sha256(f"{key} {numbers}".encode()).hexdigest()[:32]
