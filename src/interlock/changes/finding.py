"""What a stage found, what that weighs, and the lattice of verdicts. Pure.

A stage never states its verdict: it follows from what it found and from what it could not look at. So no stage can say
PASS over a file that it did not understand.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

MOST = 500  # findings of one stage that are kept; more is a problem of its own


class Verdict(enum.StrEnum):
    """What a stage, or the gate, says. BLOCK is worse than INCONCLUSIVE, and that is worse than PASS."""

    PASS = "PASS"  # noqa: S105 - a verdict
    INCONCLUSIVE = "INCONCLUSIVE"  # at least a person has to look
    BLOCK = "BLOCK"


_ORDER = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.BLOCK)


class Weight(enum.StrEnum):
    """What one finding does to the verdict of its stage."""

    BLOCK = "block"  # the change is stopped
    REVIEW = "review"  # a person has to look: INCONCLUSIVE
    NOTE = "note"  # shown, and nothing else


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is worth a reader's time.

    `rule` is `stage/name`; `line` counts from 1 in the new version (0: the file as a whole, or a line that is gone).
    `anchor` is what makes it this finding and no other one beside rule and path: a normalised line, a name. Never a
    number of a line, which moves; never a secret, which is hashed here but shown where a stage puts it in `text`.
    """

    rule: str
    weight: Weight
    path: str
    title: str  # what is wrong, one sentence
    line: int = 0
    end: int = 0
    anchor: str = ""
    why: str = ""  # why that matters
    fix: str = ""  # what to do about it
    text: str = ""  # the line itself, without secrets
    waived: str = ""  # by whom and why, where a waiver of the base covers it

    @property
    def place(self) -> str:
        """Where: `src/a.py:12`, the file alone where no line is known, or the change where it is about no file."""
        return f"{self.path}:{self.line}" if self.line else self.path or "the change"

    @property
    def fingerprint(self) -> str:
        """32 hex digits: stable under moved lines, other indentation, and other stages."""
        key = "\0".join((self.rule, self.path, squeezed(self.anchor)))
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's answer. `problems`: what it could not look at, a sentence each: each makes it INCONCLUSIVE."""

    stage: str
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader may want to know; no verdict follows from it
    facts: dict[str, str] = {}  # named results for the attestation and the risk score
    seconds: float = 0.0
    budget: float = 0.0
    cached: bool = False
    unasked: bool = False  # the base asks for nothing that this stage looks for: no verdict to be proud of
    skipped: str = ""  # why it did not run, by the configuration of the base

    @property
    def verdict(self) -> Verdict:
        """The worst of what it found and could not look at."""
        return worst(
            [_WEIGHED[f.weight] for f in self.findings if not f.waived] + [Verdict.INCONCLUSIVE] * bool(self.problems)
        )


_WEIGHED: Mapping[Weight, Verdict] = {
    Weight.BLOCK: Verdict.BLOCK,
    Weight.REVIEW: Verdict.INCONCLUSIVE,
    Weight.NOTE: Verdict.PASS,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The join of the lattice; of nothing it is PASS."""
    return max(verdicts, key=_ORDER.index, default=Verdict.PASS)


def squeezed(text: str) -> str:
    """Text without what a formatter changes: white space at its ends, and how much of it stands within."""
    return re.sub(r"\s+", " ", text).strip()


def fresh(
    before: Iterable[Finding], after: Iterable[Finding], *, renamed: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """The findings that the change adds: a multiset difference, so that a second copy of an old finding is new.

    Args:
        before: found in the base, with its paths.
        after: found in the change.
        renamed: old path -> new path.
    """
    moved = renamed or {}
    known = Counter(msgspec.structs.replace(f, path=moved.get(f.path, f.path)).fingerprint for f in before)
    new = []
    for finding in after:
        if known[finding.fingerprint] > 0:
            known[finding.fingerprint] -= 1
        else:
            new.append(finding)
    return tuple(new)
