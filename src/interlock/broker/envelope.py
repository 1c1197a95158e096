"""The exact thing a person says yes to.

The envelope is built by the broker from what it read itself, never by the agent. Its SHA-256 is the action's digest;
the fingerprint is that digest in a form two people can compare aloud.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from interlock.broker.facts import Facts
from interlock.broker.judge import Judgement
from interlock.model.action import Action
from interlock.model.fingerprint import fingerprint

# What an agent says of a call beside the call itself; nothing that runs depends on it.
CLAIMS = ("description", "justification", "explanation", "reason")


class Envelope(msgspec.Struct, frozen=True):
    """The action's digest (64 hex digits) and its fingerprint (four words and eight hex digits)."""

    digest: str
    fingerprint: str


def seal(action: Action, judged: Judgement) -> Envelope:
    """Digest everything that, if it changed, would make it another action.

    The agent's id of the call is left out on purpose: the same action tried again is the same action.
    """
    fields = {
        "schema": "interlock/envelope/v2",
        "agent": action.principal.agent,
        "session": action.principal.session,
        "subagent": action.principal.subagent,
        "tool": action.tool,
        "input": hashlib.sha256(canonical(essential(action))).hexdigest(),
        "cwd": action.cwd,
        "operands": judged.operands,
        "effects": hashlib.sha256(msgspec.json.encode(judged.reading.effects)).hexdigest(),
        "policy": judged.decision.policy_digest,
        "frozen": sorted(judged.frozen),
        "sandbox": judged.context.containment,
        "depends": dependencies(judged.facts),
    }
    if action.warrant is not None:
        fields["token"] = action.warrant.link  # a yes to what one token asks for is none for another's
    digest = hashlib.sha256(canonical(fields)).digest()
    return Envelope(digest=digest.hex(), fingerprint=fingerprint(digest))


def dependencies(facts: Facts) -> dict[str, object]:
    """What the action depends on beside its words, as the digest takes it."""
    return {
        "cwd": msgspec.to_builtins(facts.cwd),
        "operands": [msgspec.to_builtins(one) for one in facts.operands],
        "programs": [msgspec.to_builtins(one) for one in facts.programs],
        "environment": facts.environment,
        "state": msgspec.to_builtins(facts.state),
    }


def essential(action: Action) -> dict[str, Any]:
    """The input without what a command's call says of itself: an agent that makes the same call again words it anew."""
    if action.tool != "Bash":
        return action.input
    return {name: value for name, value in action.input.items() if name not in CLAIMS}


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces; a lone surrogate becomes its escape, so every decoded input has bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=True).encode()
