"""What the agent is told. It says what was stopped, which rule, what to do instead, and whether to retry.

An agent that cannot tell "a person said no" from "a rule said no" tries variants, so each sentence says which it was.
"""

from __future__ import annotations

from interlock.approvals.machine import State
from interlock.approvals.request import Request
from interlock.model.decision import Decision


def denied(decision: Decision, entry: int) -> str:
    """A rule said no."""
    return _join("Interlock:", decision.why, _instead(decision), f"Details for a person: interlock why {entry}.")


def said_no(request: Request) -> str:
    """A person said no."""
    return _join(
        f"A person ({request.decided_by}) looked at this and said no (request {request.id}).",
        request.because and f'Their words: "{request.because}".',
        "Do not retry it or try variants: change the plan, or ask the user.",
    )


def waiting(request: Request, decision: Decision) -> str:
    """Nobody has decided yet."""
    return _join(
        "Interlock:",
        decision.why,
        _instead(decision),
        f"A person decides on request {request.id} (interlock inbox). Go on with other work; after the yes, make "
        "exactly the same call again and it will run.",
    )


def drifted(request: Request) -> str:
    """The yes is there, and the action is not the one that it was for any more."""
    return (
        f"A person said yes to request {request.id}, but meanwhile something changed that it depends on (a file that "
        "it runs, the rules, a freeze, how it can be started), so it is not run. If it is still wanted make the same "
        "call again: it is judged as it is then."
    )


def ended(request: Request) -> str:
    """The question ended without a usable yes."""
    number, because = request.id, f" ({request.because})" if request.because else ""
    if request.state in {State.EXECUTING, State.DONE, State.FAILED}:
        return (
            f"The yes to request {number} was for one call, and an identical one has used it. If it must run "
            "once more, make the call again: that asks anew."
        )
    match request.state:
        case State.EXPIRED:
            return f"Nobody decided on request {number} in time. Ask the user whether it is still wanted."
        case State.SUPERSEDED:
            return (
                f"Request {number} was about this call as it was before; it stands for another action now, which has "
                "a question of its own. Make the call again only if it is still wanted."
            )
        case State.REVOKED:
            return (
                f"Request {number} was taken back{because}: a yes to it, if there was one, does not count any more. "
                "Do not retry it: ask the user."
            )
    return (
        f"Request {number} is {request.state.value}{because}; no yes to it can be used. Ask the user before you retry."
    )


def before(request: Request) -> str:
    """How the question about this very action ended the last time, where no answer of a person's came of it."""
    number, because = request.id, f" ({request.because})" if request.because else ""
    match request.state:
        case State.EXPIRED:
            return f"Nobody decided on request {number} in time; the question is asked again."
        case State.LAPSED:
            return f"The yes to request {number} was not used in time; the question is asked again."
        case State.REVOKED | State.WITHDRAWN:
            return f"Request {number} was taken back{because}; the question is asked again."
    return ""


def in_order(request: Request) -> str:
    """It stands in a plan whose order counts, and what comes before it has not been run."""
    step = request.plan
    assert step is not None  # noqa: S101 - the caller looked
    return (
        f"This is step {step.number} of {step.of} of an approved plan, and the plan is to be run in its order: "
        f"request {step.before} comes first."
    )


def approved(request: Request) -> str:
    """What the person said along with the yes; "" where they said nothing."""
    return (
        f'{request.decided_by} approved this (request {request.id}) and says: "{request.because}"'
        if request.because
        else ""
    )


def too_long(decision: Decision, length: int) -> str:
    """It needs a yes, and is longer than a person could read."""
    return _join(
        "Interlock:",
        decision.why,
        f"It has {length} characters: no person can read that, so nobody is asked. Put what it does into a file of the "
        "project and run that, or make it shorter.",
    )


def flooded(decision: Decision, many: int) -> str:
    """The people have been asked as often as they may be."""
    return _join(
        "Interlock:",
        decision.why,
        f"It needs a person's yes, and people here were asked {many} times within the last hour, which is as often as "
        "they may be. Do not ask for more: go on with what needs nobody's yes, or end your turn.",
    )


def full(decision: Decision, problem: str) -> str:
    """Too many questions wait already."""
    return _join("Interlock:", decision.why, problem)


def unreadable(problem: str) -> str:
    """The call itself could not be taken."""
    return f"Interlock could not read this call, so it is not run: {problem} Send it again in the tool's normal form."


def broken(problem: str) -> str:
    """Interlock cannot do its work."""
    return (
        f"Interlock cannot answer safely, so this is not run: {problem} "
        "A person can look with `interlock status` and `interlock doctor`. Do not retry in a loop."
    )


def _instead(decision: Decision) -> str:
    return f"Instead: {decision.instead.rstrip('.')}." if decision.instead else ""


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
