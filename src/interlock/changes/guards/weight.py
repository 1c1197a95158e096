"""What a loss weighs: shown, looked at by a person, or the change is stopped. Pure."""

from __future__ import annotations

import enum

from interlock.changes.guards.loss import Loss, Sign


class Weight(enum.StrEnum):
    """What one loss does to the verdict."""

    BLOCK = "block"
    REVIEW = "review"
    NOTE = "note"


_GRAVE = frozenset(
    {Sign.EXIT, Sign.CALL, Sign.WEAKER, Sign.DENIED, Sign.TURNED, Sign.UNSAFE, Sign.DELETED, Sign.HOLD, Sign.DECORATOR}
)
_LOOK = _GRAVE | {Sign.KEYWORD, Sign.LITERAL, Sign.PATTERN, Sign.ALLOWED, Sign.CONDITION}


def weighed(loss: Loss, *, critical: bool = False) -> Weight:
    """The weight of one loss; `critical`: the configuration of the base says that its path is."""
    if (critical or loss.critical) and loss.sign in _GRAVE:
        return Weight.BLOCK
    return Weight.REVIEW if loss.sign in _LOOK else Weight.NOTE
