"""What is asked of a person, and what people have said to it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from interlock.approvals.machine import State
from interlock.approvals.needs import Needs
from interlock.ledger.entry import canonical
from interlock.model.action import Principal
from interlock.model.decision import Rung
from interlock.model.grant import Pattern

# Of a request, what a person is shown, and so what a decision speaks of: everything but where it stands.
SHOWN = (
    "agent_spawns", "beware", "claim", "decide_by", "digest", "effects", "fingerprint", "needs", "plan", "preview",
    "principal", "replaces", "rules", "text", "tier", "tool", "undo", "why", "whole",
)  # fmt: skip


class Approver(msgspec.Struct, frozen=True):
    """Who decides at a terminal: the uid that the kernel vouches for, and its login name."""

    uid: int
    name: str


class Vote(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person's yes. `how` is "uid" (the kernel knew the caller), "panel" (said in a session of the panel), "ssh" or
    "passkey"; `key` is the id of that key.

    It is `strong` when the person signed, or typed the fingerprint's code. `since` is the entry that added the person:
    somebody of the same name who came later is somebody else.
    """

    name: str
    at: str
    how: str = "uid"
    key: str = ""
    strong: bool = False
    since: int = -1


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request's place in a plan: the plan's entry, its number from 1 on, of how many, and whether order matters."""

    plan: int
    number: int
    of: int
    ordered: bool = False
    before: int = -1  # the request that must have been launched first, in an ordered plan


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question to people. `id` is the ledger index of the entry that asked. Times are RFC 3339."""

    id: int
    digest: str
    fingerprint: str
    state: State
    rung: Rung
    tier: int
    principal: Principal
    tool: str
    text: str  # the exact action, redacted; where it does not fit an entry, its beginning, and `whole` names all of it
    effects: tuple[str, ...]
    rules: tuple[str, ...]
    why: str
    asked_at: str
    decide_by: str
    needs: Needs = Needs()
    nonce: str = ""  # makes its challenge one of a kind
    policy: str = ""  # the digest of the rules it was judged by
    workspace: str = ""
    epoch: int = 0  # of the halts, when it was asked
    call: str = ""  # digest of the call as the agent wrote it: what it stands for may change
    alike: str = ""  # digest of its shape: requests of one shape are shown, and can be answered, together
    claim: str = ""  # what the agent says of it: unverified
    beware: tuple[str, ...] = ()
    undo: str = ""  # what undo will be able to do about it
    preview: tuple[str, ...] = ()  # what was looked at before the question was asked, a line each
    agent_spawns: bool = False  # the agent itself starts it, so between the yes and the start it could still change
    bound: str = ""  # digest of how Interlock starts it, and of what that leaves open; "" where the agent does
    whole: dict[str, Any] = {}  # the content store's descriptor of the whole card, where it is longer than an entry
    plan: Step | None = None
    grantable: tuple[Pattern, ...] = ()  # the narrowest grant that would have let it pass; () where none could
    replaces: int = -1  # the request that this one superseded
    level: int = 0  # how many groups beyond the first are asked by now
    execute_by: str = ""
    votes: tuple[Vote, ...] = ()
    because: str = ""  # the words that came with a no, or with a yes
    decided_by: str = ""
    decided_how: str = ""  # as `Vote.how`, of the last word that counted
    ticket: str = ""

    @property
    def session(self) -> tuple[str, str]:
        """Whose question it is: agent and session."""
        return self.principal.agent, self.principal.session

    @property
    def same_call(self) -> tuple[str, ...]:
        """Equal for all requests about one call, whatever it stood for when each was asked; () where it has none."""
        return same_call(self.call, self.principal)


def same_call(call: str, principal: Principal) -> tuple[str, ...]:
    """The call as it was written (its digest), and who wrote it; () for no call."""
    return (call, principal.agent, principal.session, principal.subagent) if call else ()


def shown(request: Request) -> bytes:
    """The canonical text of what a person is shown of a request."""
    every = msgspec.to_builtins(request)
    return canonical({"schema": "interlock/card/v1", **{name: every[name] for name in SHOWN if name in every}})


def shown_digest(request: Request) -> str:
    """Its SHA-256: a decision names what the person saw."""
    return hashlib.sha256(shown(request)).hexdigest()


def challenge(log: str, request: Request) -> str:
    """What a decision must name to be about this very request: recomputed from what is stored, never taken."""
    fields = {
        "schema": "interlock/challenge/v1",
        "log": log,
        "request": request.id,
        "digest": request.digest,
        "nonce": request.nonce,
        "epoch": request.epoch,
    }
    return hashlib.sha256(canonical(fields)).hexdigest()
