"""The life of an approval request. Everything that affects the state machine lives in this file.

The diagram in `docs/architecture.md` is drawn from `TRANSITIONS` by `diagram()`.
"""

from __future__ import annotations

from enum import StrEnum

from interlock.model.errors import Refused


class State(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    PARTIAL = "partial"  # approved by some of those it needs
    APPROVED = "approved"
    EXECUTING = "executing"  # the yes was used, once
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    EXPIRED = "expired"  # nobody decided in time
    LAPSED = "lapsed"  # approved, and not used in time


class Event(StrEnum):
    """What can happen to it."""

    APPROVE_SOME = "approve in part"
    APPROVE = "approve"
    DENY = "deny"
    REDEEM = "redeem"
    SUCCEED = "succeed"
    FAIL = "fail"
    DECIDE_BY = "decide-by passed"
    EXECUTE_BY = "execute-by passed"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.PENDING, Event.APPROVE_SOME): State.PARTIAL,
    (State.PENDING, Event.APPROVE): State.APPROVED,
    (State.PENDING, Event.DENY): State.DENIED,
    (State.PENDING, Event.DECIDE_BY): State.EXPIRED,
    (State.PARTIAL, Event.APPROVE_SOME): State.PARTIAL,
    (State.PARTIAL, Event.APPROVE): State.APPROVED,
    (State.PARTIAL, Event.DENY): State.DENIED,
    (State.PARTIAL, Event.DECIDE_BY): State.EXPIRED,
    (State.APPROVED, Event.DENY): State.DENIED,
    (State.APPROVED, Event.REDEEM): State.EXECUTING,
    (State.APPROVED, Event.EXECUTE_BY): State.LAPSED,
    (State.EXECUTING, Event.SUCCEED): State.DONE,
    (State.EXECUTING, Event.FAIL): State.FAILED,
}

OPEN = frozenset({State.PENDING, State.PARTIAL})
LIVE = OPEN | {State.APPROVED}


def step(state: State, event: Event) -> State:
    """The next state. Raises Refused when the event cannot happen to a request in that state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Refused(f"this request is {state.value}: {event.value} is not possible any more.") from None


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING.value}"]
    lines += [f"    {a.value} --> {b.value}: {event.value}" for (a, event), b in TRANSITIONS.items()]
    terminal = [s for s in State if not any(a is s for a, _ in TRANSITIONS)]
    lines += [f"    {state.value} --> [*]" for state in terminal]
    return "\n".join(lines)
