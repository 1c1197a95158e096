"""What moved HEAD since it was last looked at, as entries: which commits are new, who made them, and from what.

git's own log of HEAD says what it did. Which of its lines came while an agent's action was under way is known from when
Interlock looked, not from the times in it: whoever commits can write any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from interlock.changes.provenance.gitread import Facts, Moved, Repo
from interlock.changes.provenance.journal import COMMIT, Journal
from interlock.changes.provenance.text import digest
from interlock.model.errors import StateError

if TYPE_CHECKING:
    from interlock.changes.provenance.observer import Deed

_MAKES = re.compile(r"(commit|rebase|cherry-pick|revert|merge|am|pull)\b")
_HOW = re.compile(r"[a-z-]+(?: \([a-z-]+\))*")
_MOST = 500  # commits of one look
_NONE = re.compile(r"0+")


def seen(
    repo: Repo,
    journal: Journal,
    moved: Sequence[Moved],
    where: dict[str, Any],
    under_way: Sequence[Deed],
    ended: Deed | None,
    count: int,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The commits that git's log of HEAD shows and the journal does not know; `count` of its lines were seen (-1: it is
    not known how many).
    """
    start = count if 0 <= count <= len(moved) else _start(moved, journal)
    found = [one for one in _made(moved, start) if one[0].new not in journal.commits][-_MOST:]
    by, intent = _by(under_way, ended)
    for move, source in found:
        for fact in _facts(repo, move.new):
            body = {
                **where,
                "commit": fact.commit,
                "tree": fact.tree,
                "parents": list(fact.parents[:16]),
                "author": author_key(fact),
                "how": _how(move.how),
                "by": by,
            }
            if source:
                body["source"] = source
            yield COMMIT, body | ({"intent": intent} if intent >= 0 else {})


def author_key(fact: Facts) -> str:
    """A digest of who wrote a commit and when: a rebase, an amend and a cherry-pick keep it."""
    return digest(fact.author.encode())[:32]


def _made(moves: Sequence[Moved], start: int) -> list[tuple[Moved, list[str]]]:
    """The moves from `start` on that made a commit, each with what it was made from."""
    found: list[tuple[Moved, list[str]]] = []
    tip = ""
    for at, moved in enumerate(moves):
        if moved.how.startswith("rebase") and "(start)" in moved.how:
            tip = moved.old
        elif moved.how.startswith("rebase") and "(finish)" in moved.how:
            tip = ""
        elif at >= start and _MAKES.match(moved.how) and "Fast-forward" not in moved.how and moved.old != moved.new:
            amended = "(amend)" in moved.how and not _NONE.fullmatch(moved.old)
            source = [tip] if tip else [moved.old] if amended else []
            found.append((moved, source))
    return found


def _start(moves: Sequence[Moved], journal: Journal) -> int:
    """The first move that the journal has not seen: after the last one to a commit that it knows."""
    known = set(journal.commits)
    for at in range(len(moves) - 1, -1, -1):
        if moves[at].new in known:
            return at + 1
    for at in range(len(moves) - 1, -1, -1):
        if moves[at].new == journal.head:
            return at + 1
    return 0 if not journal.head else len(moves)


def _by(under_way: Sequence[Deed], ended: Deed | None) -> tuple[str, int]:
    able = [deed for deed in under_way if not deed.bounded]
    if ended is None or ended.bounded:
        return ("unknown", -1) if able else ("person", -1)
    return ("agent", ended.intent) if ended.git and not able else ("unknown", -1)


def _how(said: str) -> str:
    match = _HOW.match(said)
    return match[0][:60] if match else ""


def _facts(repo: Repo, commit: str) -> list[Facts]:
    try:
        return repo.facts([commit])
    except StateError:
        return []  # it was made and is gone again
