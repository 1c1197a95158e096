"""What a line of `refs/notes/interlock-reviews` says of a change's last commit, and whether it counts. Pure.

The gate's stage *review* and `interlock verify --commit` both ask here, so a review holds for one as for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlock.changes import chain, passkeyreview, signedreview
from interlock.changes.chain import Word
from interlock.changes.change import Change, Commit
from interlock.changes.config import Reviewer
from interlock.changes.signedreview import About
from interlock.ledger.verify import check_review
from interlock.model.errors import LedgerTampered, LedgerUnverifiable


def about(change: Change) -> About:
    """What a review of this change has to be of."""
    return About(change.head, change.trees["head"], change.fork, change.trees["fork"])


def word(line: bytes, last: Commit, change: Change) -> Word | None:
    """What a line says of `last`; None for one of a log that is not ours to judge.

    Raises:
        signedreview.Unknown: it is a person's own signature, and does not count.
        Refused, LedgerTampered: something is wrong with it.
    """
    of, today, gone = about(change), change.today, change.withdrawn
    if (by_hand := signedreview.signed(line)) is not None:
        said, who = signedreview.check(by_hand, of, change.config.reviewer, today, gone)
        return _anothers(said, who, change)
    if (signed := passkeyreview.inside(line)) is not None:
        reviewer = passkeyreview.reviewer(signed, change.config.reviewer)
        if reviewer is not None:
            return _anothers(passkeyreview.check(signed, reviewer, of, today, gone), reviewer, change)
    found = logged(line, last, change.config.provenance.keys)
    if found is None:
        if signed is not None:
            raise signedreview.Unknown("its passkey is no reviewer's in the base's gate.toml, and its log is not named")
        return None
    kept = passkeyreview.found(found["predicate"])
    return chain.word(found) if kept is None else passkeyreview.recorded(kept, found["predicate"], of, today, gone)


def logged(line: bytes, commit: Commit, keys: Sequence[str]) -> dict[str, Any] | None:
    """A review that a log with one of these keys has signed; None for another log's. Raises LedgerTampered."""
    wrong: LedgerTampered | None = None
    for key in keys:
        try:
            return check_review(line, commit.raw, key)
        except LedgerUnverifiable:
            continue
        except LedgerTampered as error:
            wrong = error
    if wrong is not None:
        raise wrong
    return None


def _anothers(said: Word, who: Reviewer, change: Change) -> Word:
    """The word of a reviewer who made no commit of the change. Raises Unknown.

    An address is only what a commit says of itself, but nobody gives it to be counted less.
    """
    if any(f"<{email}>".lower() in row for email in who.emails for one in change.commits for row in _hands_of(one)):
        raise signedreview.Unknown(f"{who.name} is an author of this change by its commits")
    return said


def _hands_of(commit: Commit) -> list[str]:
    """The lines of a commit's object that name its author and committer, in small letters."""
    head = commit.raw.partition(b"\n\n")[0].decode("utf-8", "replace").lower()
    return [row for row in head.split("\n") if row.startswith(("author ", "committer "))]
