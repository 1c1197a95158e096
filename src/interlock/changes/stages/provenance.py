"""Stage *provenance*: what stands behind the change's commits, as far as it is proved.

An attestation travels as a note (`interlock attest --notes`); the keys that may have signed it are the base's to name.
One that does not hold always stops. Where there is none, the commit's own words about agents are shown as claims, which
anybody can write; the base may ask for more.
"""

from __future__ import annotations

import hashlib
from typing import Any

from interlock.changes.change import Change, Commit
from interlock.changes.finding import Finding, Weight
from interlock.changes.provenance.attest import unapproved
from interlock.changes.provenance.claims import claims
from interlock.changes.stage import Found, Plain
from interlock.ledger.verify import check_attestation
from interlock.model.errors import LedgerTampered, LedgerUnverifiable


def run(change: Change) -> Found:
    """Judge what is said of each commit."""
    findings: list[Finding] = []
    proved = claimed = 0
    lines: dict[str, int] = {}
    for commit in change.commits:
        if commit.note is not None and change.config.provenance.keys:
            said = _checked(commit, change.config.provenance.keys)
            if isinstance(said, Finding):
                findings.append(said)
                continue
            proved += 1
            inside: dict[str, Any] = said["predicate"]["buildDefinition"]["internalParameters"]
            for kind, count in dict(inside.get("lines", {})).items():
                lines[kind] = lines.get(kind, 0) + int(count)
            findings += _grave(commit, unapproved(said))
            continue
        found = claims(commit.author, commit.message)
        claimed += bool(found)
        if change.config.provenance.require:
            findings.append(_absent(commit))
        elif found:
            findings.append(_claim(commit, found[0].agent, found[0].words))
    facts = {"commits": str(len(change.commits)), "proved": str(proved), "claimed": str(claimed)}
    return Found(findings=tuple(findings), facts=facts | {f"lines.{kind}": str(n) for kind, n in sorted(lines.items())})


def _checked(commit: Commit, keys: tuple[str, ...]) -> dict[str, Any] | Finding:
    """What a key of the base has signed of a commit; what is wrong where none has."""
    wrong = ""
    for key in keys:
        try:
            return check_attestation(commit.note or b"", commit.raw, key)
        except (LedgerTampered, LedgerUnverifiable) as error:
            wrong = wrong or str(error)
    return Finding(
        rule="provenance/invalid", weight=Weight.BLOCK, path="", anchor=commit.name, text=wrong[:300],
        title=f"The attestation of commit {commit.name[:12]} does not hold.",
        why="It is not of this commit, was changed, or none of the keys that the base trusts has signed it.",
        fix="Attest it again where it was made (interlock attest --notes), or remove the note.",
    )  # fmt: skip


def _grave(commit: Commit, entries: list[int]) -> list[Finding]:
    if not entries:
        return []
    named = ", ".join(f"#{entry}" for entry in entries[:10])
    return [
        Finding(
            rule="provenance/unapproved", weight=Weight.BLOCK, path="", anchor=commit.name,
            title=f"Grave actions behind commit {commit.name[:12]} had no yes: {named}.",
            why="They needed a person's approval by policy, and the ledger shows none.",
            fix="Have a person look at them (interlock why N) and make the change again.",
        )
    ]  # fmt: skip


def _absent(commit: Commit) -> Finding:
    return Finding(
        rule="provenance/absent", weight=Weight.REVIEW, path="", anchor=commit.name,
        title=f"Commit {commit.name[:12]} has no attestation that can be checked.",
        why="The base asks for one of each commit ([provenance] require), signed with a key that it names.",
        fix="Run interlock attest --notes where it was made, and push refs/notes/interlock.",
    )  # fmt: skip


def _claim(commit: Commit, agent: str, words: str) -> Finding:
    return Finding(
        rule="provenance/claimed", weight=Weight.NOTE, path="", anchor=commit.name, text=words,
        title=f"Commit {commit.name[:12]} says that {agent} wrote it or part of it: a claim, not proved.",
    )  # fmt: skip


def reads(change: Change) -> str:
    """The commits and their notes: the trees do not say them."""
    digest = hashlib.sha256()
    for commit in change.commits:
        for part in (commit.raw, commit.note or b""):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


STAGE = Plain("provenance", run, version="1", budget=10.0, reads=reads)
