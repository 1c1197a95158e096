"""Whose a line is: the parts that went into it, and what they are called together. Pure.

A part is the ledger index of an agent's action, or one of three words. A line that two hands worked on has both parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from interlock.model.errors import StateError

Part = int | str
Owner = tuple[Part, ...]

HUMAN: Owner = ("h",)  # it came in while no agent's action was under way that could have written it
UNKNOWN: Owner = ("u",)  # nobody can say
BASE: Owner = ("b",)  # it was committed already when Interlock first saw the file: the commit says whose it is
_WORDS = frozenset({"h", "u", "b"})


class Author(StrEnum):
    """What a line's parts are called together."""

    HUMAN = "human"
    AGENT = "agent"
    MIXED = "mixed"
    UNKNOWN = "unknown"


def agent(entry: int) -> Owner:
    """The owner of what one action wrote; `entry` is its intent in the ledger."""
    return (entry,)


def author(owner: Owner) -> Author:
    """The kind. A part that nobody knows does not hide the one that is known."""
    acted = any(isinstance(part, int) for part in owner)
    if "h" in owner:
        return Author.MIXED if acted else Author.HUMAN
    return Author.AGENT if acted else Author.UNKNOWN


def actions(owner: Owner) -> tuple[int, ...]:
    """The agents' actions in it, the oldest first."""
    return tuple(sorted(part for part in owner if isinstance(part, int)))


def together(owners: Iterable[Owner]) -> Owner:
    """The owner of what all of these went into."""
    parts = {part for owner in owners for part in owner}
    if len(parts) > 1:
        parts.discard("u")
    return tuple(sorted(parts, key=_order)) or UNKNOWN


def resolved(owner: Owner, base: Owner) -> Owner:
    """The owner once it is known whose its committed part was."""
    return together((tuple(part for part in owner if part != "b"), base)) if "b" in owner else owner


def definite(owner: Owner) -> bool:
    """Whether every part of it is known."""
    return "u" not in owner and "b" not in owner


def packed(owners: Sequence[Owner]) -> list[list[Part]]:
    """Runs of equal owners: `[[count, part, …], …]`."""
    runs: list[list[Part]] = []
    for owner in owners:
        if runs and tuple(runs[-1][1:]) == owner:
            runs[-1][0] = int(runs[-1][0]) + 1
        else:
            runs.append([1, *owner])
    return runs


def unpacked(runs: Iterable[Sequence[Part]]) -> list[Owner]:
    """The other way. Raises StateError for what `packed` would not have written."""
    owners: list[Owner] = []
    for count, *parts in runs:
        if not isinstance(count, int) or count < 1 or not parts:
            raise StateError("a record of who wrote what is damaged: its runs make no sense.")
        if any(isinstance(part, str) and part not in _WORDS for part in parts):
            raise StateError("a record of who wrote what is damaged: it names an owner that there is not.")
        owners += [tuple(parts)] * count
    return owners


def _order(part: Part) -> tuple[int, Part]:
    return (1, part) if isinstance(part, int) else (0, part)
