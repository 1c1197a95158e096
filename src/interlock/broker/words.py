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
        "it runs, the rules, a freeze), so it is not run. If it is still wanted make the same call again: that asks "
        "about it as it is now."
    )


def ended(request: Request) -> str:
    """The question ended without a usable yes."""
    if request.state in {State.EXECUTING, State.DONE, State.FAILED}:
        return (
            f"The yes to request {request.id} was for one call, and an identical one has used it. If it must run "
            "once more, make the call again: that asks anew."
        )
    if request.state is State.EXPIRED:
        return f"Nobody decided on request {request.id} in time. Ask the user whether it is still wanted."
    return f"Request {request.id} is {request.state.value}; its yes cannot be used. Ask the user before trying again."


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
