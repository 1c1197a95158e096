"""What SQL of a migration locks or loses that `static.toml` does not know, statement by statement. Pure.

Text that is in no statement known here says nothing: this reads shapes of statements, and is no parser of SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from interlock.changes.code import parts

_NAME = r"""(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?["`\[]?(?:\w+["`\]]?\.["`\[]?)?(\w+)"""
_TABLE = re.compile(rf"\s*CREATE\s+(?:\w+\s+){{0,2}}TABLE\s+{_NAME}", re.IGNORECASE)
_ALTER = re.compile(rf"\s*ALTER\s+TABLE\s+{_NAME}", re.IGNORECASE)
_INDEX = re.compile(
    rf"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY\b)(?:IF\s+NOT\s+EXISTS\s+)?[\w\"`]*\s*\bON\s+{_NAME}",
    re.IGNORECASE,
)
_VALID = r"(?![^;]{0,400}\bNOT\s+VALID\b)"
_CHECKED = "This constraint is checked on every row while others wait."
_REWRITES = "Every row is written anew, or read, while others wait."


class Doubtful(NamedTuple):
    """One statement: where it begins in the text, its rule's name, a sentence, what to do, and whether it is grave."""

    at: int
    rule: str
    title: str
    fix: str
    grave: bool = True


_ALTERED = tuple(
    (re.compile(pattern, re.IGNORECASE), rule, title, fix)
    for pattern, rule, title, fix in (
        (rf"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?(?:FOREIGN\s+KEY|CHECK)\b{_VALID}", "locks", _CHECKED,
         "Add it NOT VALID, and validate it apart."),
        (r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?(?:UNIQUE|PRIMARY\s+KEY)\b(?!\s+USING\b)", "locks", _CHECKED,
         "Build the index CONCURRENTLY first, and use it."),
        (r"\bALTER\s+(?:COLUMN\s+)?\S+\s+SET\s+NOT\s+NULL\b", "locks", _CHECKED,
         "Add a CHECK that is NOT VALID, validate it, and then set it."),
        (r"\b(?:MODIFY|CHANGE)\s+(?:COLUMN\s+)?\S+\s+\w", "locks", _REWRITES,
         "Add a new column, and fill it in steps."),
        (r"\bADD\s+(?:COLUMN\s+)?[^;]{0,200}\bDEFAULT\s+(?!now\b|current_)\w+\s*\(", "locks", _REWRITES,
         "Add it without a default, set the default, and fill it in steps."),
        (r"\bDROP\s+(?!COLUMN\b|CONSTRAINT\b|INDEX\b|KEY\b|PRIMARY\b|FOREIGN\b|CHECK\b|NOT\b|DEFAULT\b|IDENTITY\b"
         r"|EXPRESSION\b|PARTITION\b|TABLE\b|IF\b)[\"`]?\w", "loses", "A migration takes data away for good.",
         "Stop using it first, keep a copy, and drop it in a later release."),
    )
)  # fmt: skip
_ALL_ROWS = re.compile(r"\s*UPDATE\s+(?:ONLY\s+)?[\w.\"`]+\s+SET\b(?![^;]*\bWHERE\b)", re.IGNORECASE)
_ADDS = re.compile(
    r"\s*(?:CREATE|COMMENT|INSERT|GRANT|SET|SELECT|BEGIN|COMMIT|ALTER\s+TABLE\s+\S+\s+ADD)\b", re.IGNORECASE
)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """(where it begins, its text without comments and what stands in quotes), for each statement."""
    bare, at = parts(text, "x.sql").bare, 0
    for part in bare.split(";"):
        if part.strip():
            yield at + len(part) - len(part.lstrip()), part.strip()
        at += len(part) + 1


def doubtful(text: str, *, embedded: bool = False) -> Iterator[Doubtful]:
    """What is doubtful. `embedded`: it stands in a program, where `static.toml` does not see how it ends."""
    rows = list(statements(text))
    created = {match[1].lower() for _, part in rows if (match := _TABLE.match(part))}
    for at, part in rows:
        if (match := _INDEX.match(part)) and match[1].lower() not in created:
            yield Doubtful(
                at, "locks", "Building this index stops all writes to the table.", "Build it CONCURRENTLY.", grave=False
            )
        if (match := _ALTER.match(part)) and match[1].lower() not in created:
            rest = part[match.end() :]
            for pattern, rule, title, fix in _ALTERED:
                if pattern.search(rest):
                    yield Doubtful(at, rule, title, fix)
        if embedded and _ALL_ROWS.match(part):
            yield Doubtful(at, "loses", "Every row is overwritten.", "Say which rows, and keep what they were.")


def adds_only(text: str) -> bool:
    """Whether every statement adds something, or changes nothing."""
    return all(_ADDS.match(part) for _, part in statements(text))
