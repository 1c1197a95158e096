"""The ledger as screens ask for it: each session's entries and last deed, and counts over time. Pure.

Folded entry by entry, so that a page looks up what it shows and never reads the whole ledger: by session, the numbers
of its entries; by time (five minutes of the last day, hours before), agent, model, person and tier, how much was done,
asked, stopped and failed.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

FINE, COARSE = 300, 3_600  # seconds of one count: of the last day, and of all time
_DAY = 26 * 3_600  # seconds for which the fine ones are kept: a day, and room for one that has just begun
_TIDY = 3_600 // FINE  # slots between two looks for fine ones that are too old
_DECISIONS = 50_000  # kept for times to decide; the oldest go first
_CHILDREN = 200  # sub-agents of one session
_NOBODY = 0xFFFF_FFFF  # no session: entries of the daemon itself
_ACTIONS = frozenset({"intent", "denial"})

Key = tuple[str, str]
Bucket = tuple[int, str, str, str, int]  # slot, agent, model, person, tier


class Who(msgspec.Struct):
    """A principal, as entries hold it."""

    agent: str = ""
    session: str = ""
    subagent: str = ""
    subagent_type: str = ""
    model: str = ""
    person: str = ""


class _Change(msgspec.Struct):
    state: str = ""
    decided_by: str = ""


class _Body(msgspec.Struct):
    principal: Who = msgspec.field(default_factory=Who)
    tool: str = ""
    text: str = ""
    verdict: str = ""
    tier: int = 0
    workspace: str = ""
    intent: int = -1
    request: int = -1
    change: _Change = msgspec.field(default_factory=_Change)
    result: dict[str, Any] = {}


class _Entry(msgspec.Struct):
    time: str
    body: _Body


class Doing(msgspec.Struct):
    """The last deed of an agent or a sub-agent."""

    entry: int
    time: float
    verdict: str
    tool: str
    text: str
    kind: str = ""  # of a sub-agent


class Line(msgspec.Struct):
    """One session: where it works, what it did, and the numbers of its entries."""

    agent: str
    session: str
    workspace: str = ""
    model: str = ""
    person: str = ""
    opened: float = 0.0
    last: float = 0.0
    closed: bool = False
    actions: int = 0
    asks: int = 0
    stopped: int = 0
    failed: int = 0
    alarms: int = 0
    doing: Doing | None = None
    children: dict[str, Doing] = {}
    entries: array[int] = msgspec.field(default_factory=lambda: array("I"))

    def facts(self) -> dict[str, Any]:
        """All but the entries, as plain data."""
        body = {name: getattr(self, name) for name in self.__struct_fields__ if name != "entries"}
        return {**msgspec.to_builtins(body), "entries": len(self.entries)}


class Decided(msgspec.Struct, frozen=True):
    """One person's answer; `seconds` from the question to it."""

    time: float
    agent: str
    model: str
    person: str
    tier: int
    yes: bool
    seconds: float


class History:
    """The fold. `take` every entry once, in order."""

    def __init__(self) -> None:
        self.size = 0
        self.sessions: dict[Key, Line] = {}
        self.decisions: list[Decided] = []
        self.kinds: dict[str, array[int]] = {}
        self._lines: list[Line] = []
        self._numbers: dict[Key, int] = {}
        self._whose = array("I")  # entry -> number of its session
        self._asked: dict[int, tuple[float, Who, int]] = {}
        self._fine: dict[Bucket, list[int]] = {}
        self._coarse: dict[Bucket, list[int]] = {}
        self._latest = 0.0
        self._tidied = 0  # the slot of the last such look
        self._decode = msgspec.json.Decoder(_Entry).decode

    def take(self, index: int, kind: str, raw: bytes) -> None:
        """The next entry; one that cannot be understood counts for nothing, and keeps its number."""
        number = _NOBODY
        try:
            entry = self._decode(raw)
            number = self._fold(index, kind, _seconds(entry.time), entry.body)
        except (msgspec.DecodeError, ValueError):
            pass
        self._whose.append(number)
        of_kind = self.kinds.get(kind)
        if of_kind is None:
            of_kind = self.kinds[kind] = array("I")
        of_kind.append(index)
        self.size = index + 1
        if number != _NOBODY:
            self._lines[number].entries.append(index)

    def recent(self, since: float) -> list[Line]:
        """The sessions with an entry from `since` on, the last one first."""
        found = [line for line in self.sessions.values() if line.last >= since]
        return sorted(found, key=lambda line: -line.last)

    def counts(self, since: float) -> tuple[int, dict[Bucket, list[int]]]:
        """Actions, prompts, stopped and failed, by time and whose; and how many seconds one count is long."""
        recent = since >= self._latest - _DAY + FINE
        length, counted = (FINE, self._fine) if recent else (COARSE, self._coarse)
        first = int(since) // length
        return length, {bucket: counts for bucket, counts in counted.items() if bucket[0] >= first}

    def _fold(self, index: int, kind: str, time: float, body: _Body) -> int:
        number = self._session(body, time)
        if number == _NOBODY:
            return number
        line = self._lines[number]
        line.last = max(line.last, time)
        line.model = body.principal.model or line.model
        if kind in _ACTIONS:
            self._action(line, index, time, body)
        elif kind == "approval.request":
            self._asked[index] = (time, body.principal, body.tier)
            line.asks += 1
            self._count(time, line, body.principal, body.tier, 1)
        elif kind == "approval.decision":
            self._decided(time, body)
        elif kind == "outcome":
            if body.result.get("ok") is False:
                line.failed += 1
                self._count(time, line, body.principal, 0, 3)
        elif kind == "alarm":
            line.alarms += 1
        elif kind in {"session.open", "session.close"}:
            line.closed = kind == "session.close"
            line.opened = line.opened or time
            line.workspace = body.workspace or line.workspace
        return number

    def _session(self, body: _Body, time: float) -> int:
        """The number of the session that an entry is about: its own, or that of the entry which it follows."""
        who = body.principal
        if not who.session:
            before = body.intent if body.intent >= 0 else body.request
            return self._whose[before] if 0 <= before < len(self._whose) else _NOBODY
        line = self.sessions.get((who.agent, who.session))
        if line is None:
            line = self.sessions[who.agent, who.session] = Line(who.agent, who.session, person=who.person, opened=time)
            self._numbers[who.agent, who.session] = len(self._lines)
            self._lines.append(line)
        return self._numbers[who.agent, who.session]

    def _action(self, line: Line, index: int, time: float, body: _Body) -> None:
        who = body.principal
        line.actions += 1
        line.stopped += body.verdict == "deny"
        deed = Doing(index, time, body.verdict, body.tool, body.text[:400], who.subagent_type)
        if who.subagent:
            line.children.pop(who.subagent, None)
            line.children[who.subagent] = deed
            if len(line.children) > _CHILDREN:
                line.children.pop(next(iter(line.children)))
        else:
            line.doing = deed
        self._count(time, line, who, body.tier, 0)
        if body.verdict == "deny":
            self._count(time, line, who, body.tier, 2)

    def _decided(self, time: float, body: _Body) -> None:
        asked = self._asked.get(body.request)
        if asked is None or not body.change.decided_by:
            return
        since, who, tier = asked
        yes = body.change.state != "denied"
        model = who.model or self.sessions[who.agent, who.session].model
        seconds = max(0.0, time - since)
        self.decisions.append(Decided(time, who.agent, model, body.change.decided_by, tier, yes, seconds))
        if len(self.decisions) > _DECISIONS:
            del self.decisions[: _DECISIONS // 10]

    def _count(self, time: float, line: Line, who: Who, tier: int, what: int) -> None:
        whose = (line.agent, who.model or line.model, who.person or line.person, tier)
        self._latest = max(self._latest, time)
        for length, counted in ((FINE, self._fine), (COARSE, self._coarse)):
            bucket = (int(time) // length, *whose)
            counts = counted.get(bucket)
            if counts is None:
                counts = counted[bucket] = [0, 0, 0, 0]
            counts[what] += 1
        if (slot := int(self._latest) // FINE) >= self._tidied + _TIDY:
            first, self._tidied = int(self._latest - _DAY) // FINE, slot
            self._fine = {bucket: counts for bucket, counts in self._fine.items() if bucket[0] >= first}


class Total(msgspec.Struct):
    """What stands in one row of a table. `per_100` are prompts per 100 actions."""

    name: str
    actions: int = 0
    prompts: int = 0
    stopped: int = 0
    failed: int = 0
    per_100: float = 0.0

    def add(self, counts: Sequence[int]) -> None:
        """Count these too."""
        self.actions += counts[0]
        self.prompts += counts[1]
        self.stopped += counts[2]
        self.failed += counts[3]
        self.per_100 = round(100 * self.prompts / self.actions, 2) if self.actions else 0.0


class Times(msgspec.Struct, frozen=True):
    """How long answers took, in seconds, and how many were yes."""

    name: str
    decisions: int
    yes: int
    half: float
    most: float  # of nine in ten


def overview(history: History, *, since: float, now: float, points: int = 48, owner: str = "") -> dict[str, Any]:
    """Insights from `since` to `now`: totals by tier, agent, model and person, a series, and times to decide."""
    length, counted = history.counts(since)
    tables: dict[str, dict[str, Total]] = {"tier": {}, "agent": {}, "model": {}, "person": {}}
    total = Total("all")
    start = min((bucket[0] for bucket in counted), default=int(now) // length)
    slots = max(1, int(now) // length + 1 - start)
    step = -(-slots // points)
    series = [Total(str((start + place * step) * length)) for place in range(-(-slots // step))]
    for (slot, agent, model, person, tier), counts in counted.items():
        total.add(counts)
        names = {
            "tier": str(tier),
            "agent": agent or "?",
            "model": model or "not said",
            "person": person or owner or "?",
        }
        for table, name in names.items():
            rows = tables[table]
            (rows.get(name) or rows.setdefault(name, Total(name))).add(counts)
        place = (slot - start) // step
        if 0 <= place < len(series):
            series[place].add(counts)
    decided = [one for one in history.decisions if one.time >= since]
    return {
        "total": msgspec.to_builtins(total),
        **{f"by_{name}": [msgspec.to_builtins(rows[key]) for key in sorted(rows)] for name, rows in tables.items()},
        "series": [msgspec.to_builtins(one) for one in series],
        "step": step * length,
        **{
            f"times_by_{name}": [msgspec.to_builtins(one) for one in _times(decided, name)]
            for name in ("person", "agent", "model", "tier")
        },
    }


def _times(decided: Sequence[Decided], by: str) -> list[Times]:
    groups: dict[str, list[Decided]] = {}
    for one in decided:
        groups.setdefault(str(getattr(one, by)) or "not said", []).append(one)
    return [_time(name, group) for name, group in sorted(groups.items())]


def _time(name: str, group: Sequence[Decided]) -> Times:
    seconds = sorted(one.seconds for one in group)
    half, most = seconds[(len(seconds) - 1) // 2], seconds[min(len(seconds) - 1, len(seconds) * 9 // 10)]
    return Times(name, len(group), sum(one.yes for one in group), round(half, 1), round(most, 1))


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
