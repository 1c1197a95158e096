"""People's yeses, judged from the entries alone: each was used at most once, in its time, and by what it was for.

What a disk refused and held after all (`log.late`) may stand beside another account of the same step: a request that
such an entry is about is not judged by its steps, only by what was released.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.model.errors import LedgerPolicyFailed

_ENDS = frozenset(
    {"done", "failed", "denied", "expired", "lapsed", "withdrawn", "superseded", "revoked", "drifted"}
)  # fmt: skip
_SLACK = 5.0  # seconds between the daemon's look at its clock and the entry's time
_STEPS = frozenset({"approval.decision", "approval.ticket", "approval.use", "approval.end"})


@dataclass(slots=True)
class _Request:
    digest: str
    decide_by: str
    state: str = "pending"
    execute_by: str = ""
    ticket: str = ""
    used: int = -1  # the entry of its use
    released: int = -1  # the intent that it let pass
    wrong: list[str] = field(default_factory=list)
    entries: set[int] = field(default_factory=set)


class Yeses:
    """Fed with every entry in order."""

    def __init__(self) -> None:
        self._requests: dict[int, _Request] = {}
        self._late: set[int] = set()
        self.failures: list[str] = []

    def feed(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        """Take one entry. What has not the form of this version's entries is no evidence of anything."""
        if kind == "approval.request":
            self._requests[index] = _Request(str(body.get("digest", "")), str(body.get("decide_by", "")))
        elif kind in _STEPS:
            request = self._requests.get(body.get("request", -1))
            change = body.get("change")
            if request is not None and isinstance(change, Mapping) and "from" in body:
                request.entries.add(index)
                self._step(request, index, kind, time, body, change)
        elif kind in {"intent", "run"} and isinstance(body.get("approval"), int):
            self._released(index, body["approval"])
        elif kind == "log.late":
            first, count = body.get("first"), body.get("count")
            if isinstance(first, int) and isinstance(count, int):
                self._late.update(range(first, first + count))

    def judge(self) -> None:
        """Raises LedgerPolicyFailed when a yes let pass what it was not for, or more than once."""
        for number, request in self._requests.items():
            if request.wrong and not request.entries & self._late:
                self.failures.append(f"request {number}: {request.wrong[0]}")
        if self.failures:
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            raise LedgerPolicyFailed(f"{self.failures[0]}{more}. The log is sound; the daemon that wrote it was not.")

    def _step(
        self, request: _Request, index: int, kind: str, time: str, body: Mapping[str, Any], change: Mapping[str, Any]
    ) -> None:
        wrong, after = request.wrong, str(change.get("state", ""))
        if request.state in _ENDS:
            wrong.append(f"entry {index} goes on with it after it was {request.state}")
        if body["from"] != request.state:
            wrong.append(f"entry {index} takes it for {body['from']!s:.20}, and it was {request.state}")
        if body.get("digest") != request.digest:
            wrong.append(f"entry {index} is about another action than was asked about")
        if kind == "approval.decision" and after in {"partial", "approved"} and _after(time, request.decide_by):
            wrong.append(f"the yes of entry {index} came after its time, {request.decide_by}")
        if kind == "approval.ticket":
            request.ticket = str(change.get("ticket", ""))
        if kind == "approval.use":
            if request.used >= 0:
                wrong.append(f"its yes was used by entry {request.used} and again by entry {index}")
            if not request.ticket or body.get("ticket") != request.ticket:
                wrong.append(f"entry {index} used its yes without its ticket")
            if _after(time, request.execute_by):
                wrong.append(f"entry {index} used its yes after its time, {request.execute_by}")
            request.used = index
        if change.get("execute_by"):
            request.execute_by = str(change["execute_by"])
        request.state = after

    def _released(self, index: int, number: int) -> None:
        request = self._requests.get(number)
        if request is None or request.used < 0:
            self.failures.append(f"entry {index} was released under request {number}, and no yes to that was used")
        elif request.released >= 0:
            self.failures.append(f"entries {request.released} and {index} were both released under request {number}")
        else:
            request.released = index


def _after(time: str, limit: str) -> bool:
    """Whether an entry's time lies beyond a limit; where one of them is no time, it does."""
    try:
        return (datetime.fromisoformat(time) - datetime.fromisoformat(limit)).total_seconds() > _SLACK
    except (ValueError, TypeError):
        return True
