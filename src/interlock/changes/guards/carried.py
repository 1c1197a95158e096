"""Whether work went behind a new condition together with the check that it stands behind. Pure.

A check that is asked only sometimes now is weaker where the work goes on without it, and none the less where the work
is done only then as well. That is told by the lines: what followed the check follows it still, as deep beside it as it
was, and stands nowhere else.
"""

from __future__ import annotations

import ast
import re
from collections import Counter

from interlock.changes.guards.atoms import parsed
from interlock.changes.guards.guard import Function, Guard

_CLOSING = re.compile(r"[\s)\]};,]*(?:else\b[\s:{]*|finally\b[\s:{]*|end)?$")
_ELSE = re.compile(r"\belse\s*$")
_FEW = 3  # characters: a shorter line is like too many others
_MOST = 2_000  # lines of a function that is looked through


def carried(before: Function, after: Function, was: Guard, now: Guard) -> bool:
    """Whether what followed a check in `before` follows it in `after`, and goes on nowhere without it.

    Args:
        before: the function as it was.
        after: the same function in the new version.
        was: the check as it stood.
        now: the same check, behind another condition.
    """
    old, new = before.source.split("\n"), after.source.split("\n")
    i, j = was.line - before.line, now.line - after.line
    if max(len(old), len(new)) > _MOST or not (0 <= i < len(old) and 0 <= j < len(new)):
        return False
    deeper = _indent(new[j]) - _indent(old[i])
    beside = deeper < 0 or (not deeper and _parts(was) != _parts(now))
    if old[i].strip() != new[j].strip() or beside or _ELSE.search(new[j - 1]):
        return False  # one more branch beside it: the work goes on in that one too
    work = _following(old, i)
    mine, theirs = (Counter(line.strip() for line in side) for side in (old, new))
    kept = [(text, depth + deeper) for text, depth in work if text in theirs]
    return (
        bool(kept)
        and 2 * len(kept) > len(work)
        and all(theirs[text] <= mine[text] and _beside(new, j, text, depth) for text, depth in kept)
    )


def _beside(lines: list[str], at: int, text: str, depth: int) -> bool:
    """Whether a line stands so deep after the one at `at`, before that block ends."""
    least = min(depth, _indent(lines[at]))
    for line in lines[at + 1 :]:
        if line.strip() and _indent(line) < least:
            return False
        if line.strip() == text and _indent(line) == depth:
            return True
    return False


def _following(lines: list[str], at: int) -> list[tuple[str, int]]:
    """The work after the line at `at`, with how deep it stands: of the innermost block around it that has any."""
    depth = _indent(lines[at])
    found: list[tuple[str, int]] = []
    body = True
    for line in lines[at + 1 :]:
        if not line.strip():
            continue
        here = _indent(line)
        if body and here > depth:
            continue  # of the check itself
        body = False
        if here < depth:
            if found:
                break
            depth = here
        if not _CLOSING.match(line) and len(line.strip()) > _FEW:
            found.append((line.strip(), here))
    return found


def _parts(guard: Guard) -> int:
    """How many conditions lead to it."""
    tree = parsed(guard.within) if guard.within else None
    return (
        len(tree.values) if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else int(bool(guard.within))
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
