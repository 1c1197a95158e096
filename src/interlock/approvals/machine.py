"""The life of an approval request. Everything that affects the state machine lives in this file.

The diagram in `docs/reference/approvals.md` is drawn from `TRANSITIONS` by `diagram()`.

Of an action that policy allows or forbids by itself no request is kept: those two states are its `intent` and its
`denial` entry.
"""

from __future__ import annotations

from enum import StrEnum

from interlock.model.errors import Refused


class State(StrEnum):
    """Where an action stands."""

    PROPOSED = "proposed"  # an agent wants it
    ALLOWED = "allowed"  # by policy alone
    FORBIDDEN = "forbidden"  # whoever says yes
    PENDING = "pending"  # a person is asked
    PARTIAL = "partial"  # approved by some of those it needs
    APPROVED = "approved"
    TICKETED = "ticketed"  # the yes is in the broker's hand, bound to one launch
    EXECUTING = "executing"  # the yes was used, once
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    EXPIRED = "expired"  # nobody decided in time
    LAPSED = "lapsed"  # approved, and not used in time
    WITHDRAWN = "withdrawn"  # nobody wants it any more: the session ended, the call is gone
    SUPERSEDED = "superseded"  # the same call stands for another action now, on another card
    REVOKED = "revoked"  # a freeze, a kill, other rules, an approver who is none any more
    DRIFTED = "drifted"  # approved, and another action when it was to be launched


class Event(StrEnum):
    """What can happen to it."""

    ALLOW = "policy allows"
    FORBID = "policy forbids"
    ASK = "policy asks"
    APPROVE_SOME = "approve in part"
    APPROVE = "approve"
    DENY = "deny"
    TICKET = "issue a ticket"
    RETURN = "the ticket comes back unused"
    LAUNCH = "redeem the ticket"
    SUCCEED = "succeed"
    FAIL = "fail"
    DECIDE_BY = "decide-by passed"
    EXECUTE_BY = "execute-by passed"
    WITHDRAW = "withdraw"
    SUPERSEDE = "supersede"
    REVOKE = "revoke"
    DRIFT = "drift"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.PROPOSED, Event.ALLOW): State.ALLOWED,
    (State.PROPOSED, Event.FORBID): State.FORBIDDEN,
    (State.PROPOSED, Event.ASK): State.PENDING,
    (State.PENDING, Event.APPROVE_SOME): State.PARTIAL,
    (State.PENDING, Event.APPROVE): State.APPROVED,
    (State.PENDING, Event.DENY): State.DENIED,
    (State.PENDING, Event.DECIDE_BY): State.EXPIRED,
    (State.PENDING, Event.WITHDRAW): State.WITHDRAWN,
    (State.PENDING, Event.SUPERSEDE): State.SUPERSEDED,
    (State.PENDING, Event.REVOKE): State.REVOKED,
    (State.PARTIAL, Event.APPROVE_SOME): State.PARTIAL,
    (State.PARTIAL, Event.APPROVE): State.APPROVED,
    (State.PARTIAL, Event.DENY): State.DENIED,
    (State.PARTIAL, Event.DECIDE_BY): State.EXPIRED,
    (State.PARTIAL, Event.WITHDRAW): State.WITHDRAWN,
    (State.PARTIAL, Event.SUPERSEDE): State.SUPERSEDED,
    (State.PARTIAL, Event.REVOKE): State.REVOKED,
    (State.APPROVED, Event.TICKET): State.TICKETED,
    (State.APPROVED, Event.DENY): State.DENIED,
    (State.APPROVED, Event.EXECUTE_BY): State.LAPSED,
    (State.APPROVED, Event.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Event.REVOKE): State.REVOKED,
    (State.APPROVED, Event.DRIFT): State.DRIFTED,
    (State.TICKETED, Event.LAUNCH): State.EXECUTING,
    (State.TICKETED, Event.RETURN): State.APPROVED,
    (State.TICKETED, Event.DENY): State.DENIED,
    (State.TICKETED, Event.EXECUTE_BY): State.LAPSED,
    (State.TICKETED, Event.WITHDRAW): State.WITHDRAWN,
    (State.TICKETED, Event.REVOKE): State.REVOKED,
    (State.TICKETED, Event.DRIFT): State.DRIFTED,
    (State.EXECUTING, Event.SUCCEED): State.DONE,
    (State.EXECUTING, Event.FAIL): State.FAILED,
}

OPEN = frozenset({State.PENDING, State.PARTIAL})  # people can still say yes
GIVEN = frozenset({State.APPROVED, State.TICKETED})  # they have, and it was not used yet
LIVE = OPEN | GIVEN
TERMINAL = frozenset(state for state in State if not any(before is state for before, _ in TRANSITIONS))


def step(state: State, event: Event) -> State:
    """The next state. Raises Refused when the event cannot happen to a request in that state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Refused(f"this request is {state.value}: {event.value} is not possible any more.") from None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PROPOSED.value}"]
    lines += [f"    {a.value} --> {b.value}: {event.value}" for (a, event), b in TRANSITIONS.items()]
    lines += [f"    {state.value} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines)
