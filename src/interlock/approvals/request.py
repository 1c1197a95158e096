"""What is asked of a person, and what people have said to it."""

from __future__ import annotations

import msgspec

from interlock.approvals.machine import State
from interlock.model.action import Principal
from interlock.model.decision import Rung


class Approver(msgspec.Struct, frozen=True):
    """Who decides: the uid that the kernel vouches for, and its login name."""

    uid: int
    name: str


class Vote(msgspec.Struct, frozen=True):
    """One person's yes: `strong` when the person typed the fingerprint's code."""

    approver: Approver
    strong: bool
    at: str


class Request(msgspec.Struct, frozen=True):
    """A question to a person. `id` is the ledger index of the entry that asked. Times are RFC 3339."""

    id: int
    digest: str
    fingerprint: str
    state: State
    rung: Rung
    tier: int
    principal: Principal
    tool: str
    text: str  # the exact action, redacted
    effects: tuple[str, ...]
    rules: tuple[str, ...]
    why: str
    asked_at: str
    decide_by: str
    execute_by: str = ""
    votes: tuple[Vote, ...] = ()
    because: str = ""  # the feedback that came with a no
    decided_by: str = ""
    undo: str = ""  # what undo will be able to do about it
    preview: tuple[str, ...] = ()  # what was looked at before the question was asked, a line each
