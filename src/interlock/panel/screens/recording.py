"""Recording an incident: first what it comes from and what stands behind that, then the word of whoever records it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from interlock.model.errors import InterlockError, UsageError
from interlock.panel.acts import too_quick
from interlock.panel.carried import typed
from interlock.panel.screen import Act, Screen, Visit
from interlock.panel.screens.incidents import behind, facts

SEVERITIES = ("low", "medium", "high", "critical")
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
)  # as a browser's field has it: without a zone
_NUMBER = re.compile(r"#?(\d{1,11})", re.ASCII)


class Origin(msgspec.Struct, frozen=True):
    """What it would be of, and what stands behind that. `subject` is what the form names: that is what is recorded."""

    subject: str
    of: tuple[tuple[str, str, str], ...]  # kind, name, and where
    behind: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    unattested: int


class View(msgspec.Struct, frozen=True):
    """The page. `problem` says why what the address names leads to nothing."""

    entries: str
    session: str
    origin: Origin | None
    problem: str
    severities: tuple[str, ...]


def subject(entries: list[int], session: str) -> str:
    """What a form to record an incident is about: numbers of entries, and a session, which may hold any character."""
    return f"{','.join(map(str, entries))} {session}"


def origin(entries: list[int], session: str, found: Mapping[str, Any]) -> Origin:
    """What the daemon answered, as the page shows it."""
    of = [("commit", commit["commit"][:12], commit["repository"]) for commit in found["commits"]]
    of += [("action", f"#{entry}", "") for entry in found["actions"]]
    of += [("session", name, "") for name in found["sessions"]]
    said = found["behind"]
    return Origin(subject(entries, session), tuple(of), behind(said), facts(said), found["unattested"])


def numbers(text: str) -> list[int]:
    """The numbers of entries as somebody types them: `417, #431`. Raises UsageError."""
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    found = [_NUMBER.fullmatch(part) for part in parts]
    wrong = next((part for part, number in zip(parts, found, strict=True) if number is None), None)
    if wrong is not None:
        raise UsageError(f"{wrong[:40]!r} is no number of an entry. The Ledger and Changes screens show them.")
    return list(dict.fromkeys(int(number[1]) for number in found if number is not None))


def moment(text: str) -> str:
    """When it happened, as the daemon takes it; "" for now. Raises UsageError."""
    said = text.strip()
    if said and _MOMENT.fullmatch(said) is None:
        raise UsageError(f"{said[:40]!r} is no time. Write it in UTC, like 2026-11-29T10:00. Nothing was recorded.")
    return f"{said}+00:00" if said else ""


async def load(visit: Visit) -> View:
    """What an incident of what the address names would be traced to. Looking records nothing."""
    entries, session = typed(visit.query, "entries"), typed(visit.query, "session")
    session = session if session.strip() else ""
    found, problem = None, ""
    if entries.strip() or session:
        try:
            asked = numbers(entries)
            found = origin(asked, session, await visit.ask("incident.origin", **_of(asked, session)))
        except InterlockError as error:
            problem = str(error)
    return View(entries, session, found, problem, SEVERITIES)


async def record(visit: Visit, sent: Mapping[str, str]) -> str:
    """Record one of what was shown. Raises UsageError, Refused, NotFound."""
    entries, _, session = sent.get("subject", "").partition(" ")
    too_quick(sent, visit.now)
    made = await visit.ask(
        "incident.record",
        what=" ".join(sent.get("what", "").split()),
        severity=sent.get("severity", ""),
        at=moment(sent.get("at", "")),
        **_of(numbers(entries), session),
    )
    return f"/incidents/{made['entry']}"


def _of(entries: list[int], session: str) -> dict[str, Any]:
    return {"entries": entries, "sessions": [session] if session else []}


SCREENS = (Screen("incident-record", "/incidents/record", "Record an incident", "recording.html", load),)
ACTS = (Act("/incidents/new", record),)
