"""What stands behind a commit, as a statement that anybody can check: SLSA provenance v1 of an agent's commit. Pure.

The builder is Interlock, the agent is not trusted: what it was told and what it is stands among the external
parameters, what Interlock saw (lines, actions, approvals, tests) among the internal ones. Prompts are named by digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.changes.provenance.gitread import Facts
from interlock.changes.provenance.story import action

KIND = "attestation"  # of ledger entry
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:interlock:build:agent-commit:v1"
GRAVE = 3  # the tier from which an action needs a person
_MOST = 200  # actions that one attestation names, beside the grave ones: of these none is left out
_TESTS = re.compile(
    r"\b(pytest|tox|nox|unittest|(?:npm|yarn|pnpm|bun)(?: run)? test|jest|vitest|mocha|go test|cargo test|make test|"
    r"ctest|gradle\w* test|mvn test|rspec|phpunit|dotnet test)\b"
)
_KEPT = ("entry", "agent", "session", "subagent", "person", "tool", "tier", "verdict", "approval", "grants")


class Behind(msgspec.Struct, frozen=True):
    """All that is known of a commit: its new lines by author, the actions that wrote them, the tests before it."""

    lines: Mapping[str, int]
    acts: Sequence[Mapping[str, Any]]
    tests: Sequence[Mapping[str, Any]]
    how: str = ""
    by: str = "unknown"
    left_out: int = 0  # files whose lines were not looked at: binary, or too many
    person: str = ""  # whose machine it is: lines of a person are theirs


def subjects(fact: Facts, raw: bytes) -> list[dict[str, Any]]:
    """The commit and its tree. `raw` is the commit object, whose SHA-256 holds where SHA-1 does not."""
    digest = hashlib.sha256(raw).hexdigest()
    return [
        {"name": f"commit/{fact.commit}", "digest": {"gitCommit": fact.commit, "sha256": digest}},
        {"name": f"tree/{fact.tree}", "digest": {"gitTree": fact.tree}},
    ]


def predicate(fact: Facts, behind: Behind, origin: str, made: str) -> dict[str, Any]:
    """What is said of them. `origin` names the log, `made` is an RFC 3339 time."""
    acts = _named(behind.acts)
    sessions = {f"{act['agent']}/{act['session']}": act for act in acts if act.get("session")}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "sessions": sorted(sessions),
                "models": sorted({str(act["model"]) for act in acts if act.get("model")}),
                "prompts": sorted({str(act["prompt"]) for act in acts if act.get("prompt")}),
                "tools": dict(sorted(Counter(str(act.get("tool", "")) for act in acts).items())),
            },
            "internalParameters": {
                "lines": dict(behind.lines),
                "actions": [{name: act[name] for name in _KEPT if name in act} for act in acts],
                "approvals": sorted({int(act["approval"]) for act in acts if act.get("approval") is not None}),
                "tests": list(behind.tests),
                "committed": {"by": behind.by, "how": behind.how},
                **({"person": behind.person} if behind.person else {}),
                **({"filesLeftOut": behind.left_out} if behind.left_out else {}),
                **({"actionsLeftOut": len(behind.acts) - len(acts)} if len(behind.acts) > len(acts) else {}),
            },
            "resolvedDependencies": [{"digest": {"gitCommit": parent}} for parent in fact.parents],
        },
        "runDetails": {
            "builder": {"id": f"urn:interlock:log:{origin}"},
            "metadata": {"invocationId": fact.commit, "finishedOn": made},
        },
    }


def _named(acts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every grave action and the first of the others, in their order: what is not named cannot be asked for its yes."""
    named, others = [], 0
    for act in acts:
        others += not _grave(act)
        if _grave(act) or others <= _MOST:
            named.append(act)
    return named


def _grave(act: Mapping[str, Any]) -> bool:
    return int(act.get("tier") or 0) >= GRAVE


def tested(entries: Sequence[tuple[int, str, Mapping[str, Any]]], sessions: set[str]) -> list[dict[str, Any]]:
    """The runs of tests of these sessions among (index, kind, entry) of intents and outcomes, with how they ended."""
    found: dict[int, dict[str, Any]] = {}
    for index, kind, entry in entries:
        body = entry.get("body", {})
        if kind == "intent":
            said = action(index, entry)
            if said.get("session") in sessions and (match := _TESTS.search(str(body.get("text", "")))):
                found[index] = {"entry": index, "runner": match[1], "passed": None}
        elif (intent := body.get("intent")) in found and isinstance(result := body.get("result"), Mapping):
            found[intent]["passed"] = result.get("ok") is True and not result.get("interrupted")
    return list(found.values())


def unapproved(said: Mapping[str, Any]) -> list[int]:
    """The grave actions of a statement that no person and no grant said yes to, by their entries."""
    inside = said["predicate"]["buildDefinition"]["internalParameters"]
    return [
        int(act["entry"])
        for act in inside["actions"]
        if _grave(act) and act.get("approval") is None and not act.get("grants")
    ]


def bundle(envelope: bytes, entry: bytes, proof: str, kind: str = KIND) -> bytes:
    """Envelope, entry and proof of inclusion as one JSON document, as it travels in a note or a file. `kind` is the
    entry's.
    """
    said = {
        "schema": f"interlock.{kind}/1",
        "envelope": json.loads(envelope),
        "entry": entry.decode(),
        "proof": proof,
    }
    return json.dumps(said, sort_keys=True, indent=1).encode() + b"\n"
