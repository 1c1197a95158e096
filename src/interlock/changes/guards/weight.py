"""What a loss weighs: shown, looked at by a person, or the change is stopped. Pure.

`weighed` goes by the form alone, by sets that were chosen on one half of the projects of `benchmarks/guards`; `decided`
by what such a loss is worth as evidence, too.
"""

from __future__ import annotations

import enum

from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.odds import known, least, odds
from interlock.changes.guards.replaced import Stands


class Weight(enum.StrEnum):
    """What one loss does to the verdict."""

    BLOCK = "block"
    REVIEW = "review"
    NOTE = "note"


# They stop the change where it is critical, and are looked at elsewhere.
_GRAVE = frozenset(
    {
        *(
            Sign.EXIT,
            Sign.CALL,
            Sign.WEAKER,
            Sign.REPLACED,
            Sign.DENIED,
            Sign.TURNED,
            Sign.UNSAFE,
            Sign.DELETED,
            Sign.HOLD,
            Sign.MISSING,
            Sign.OVERWRITABLE,
            Sign.UNROUTED,
        ),
        Sign.DECORATOR,
    }
)
# They are looked at everywhere.
_LOOK = _GRAVE | {
    *(
        Sign.KEYWORD,
        Sign.LITERAL,
        Sign.PATTERN,
        Sign.OTHER_PATTERN,
        Sign.SLOW,
        Sign.ALLOWED,
        Sign.CONDITION,
        Sign.NARROWER,
        Sign.UNWRAPPED,
        Sign.UNBOUNDED,
        Sign.RAISED,
        Sign.KIND,
        Sign.REPEATED,
        Sign.PUBLISHED,
        Sign.OVERRIDDEN,
        Sign.PARTED,
        Sign.UNAWAITED,
        Sign.UNCOUNTED,
        Sign.UNUSED,
        Sign.UNREAD,
        Sign.SHARED,
        Sign.OPENED,
        Sign.SWALLOWED,
        Sign.CAUGHT,
        Sign.ANYWAY,
        Sign.HALF,
        Sign.UNMASKED,
        Sign.CONSTRAINT,
        Sign.LATE,
        Sign.TWICE,
        Sign.FORMAT,
        Sign.LENIENT,
        Sign.ONE_SIDED,
        Sign.BYPASSED,
        Sign.IN_TEXT,
        Sign.KEPT_ON,
    )
}
# Every fifth ordinary change shows one of these: they are looked at where it is critical.
_FAINT = frozenset({Sign.BARE, Sign.ANSWER, Sign.NUDGED, Sign.EVERYDAY})


def decided(loss: Loss, *, critical: bool = False, looser: bool = False) -> Weight:
    """What one loss does to the verdict: by its form, and by how often ordinary changes lose such a thing as well.

    `critical`: the configuration of the base says that its path is. There the form alone decides, and wherever it stops
    the change: who rewrites a whole function around a check makes the loss of it look ordinary. It decides as well
    where nothing was learned of such losses. `looser`: a bound is proved to let in more.
    """
    form = formed(loss, critical=critical, looser=looser)
    if critical or form is Weight.BLOCK or not known(loss):
        return form
    return Weight.REVIEW if odds(loss, note=form is Weight.NOTE) >= least() else Weight.NOTE


def formed(loss: Loss, *, critical: bool = False, looser: bool = False) -> Weight:
    """The weight by the form and by what is proved; the arguments are those of `decided`."""
    form = weighed(loss, critical=critical)
    return Weight.REVIEW if looser and form is Weight.NOTE else form


def weighed(loss: Loss, *, critical: bool = False) -> Weight:
    """The weight of one loss by its form; `critical`: the configuration of the base says that its path is."""
    grave = critical or loss.critical
    if loss.outweighed or (loss.beside and not grave):
        return Weight.NOTE
    if loss.sign is Sign.CHANGED and loss.stands is Stands.UNKNOWN and (grave or loss.bare):
        return Weight.REVIEW
    if loss.sign is Sign.CHANGED and loss.stands is Stands.PROVABLE and loss.bare:
        return Weight.REVIEW
    if grave and loss.sign in _GRAVE:
        return Weight.BLOCK
    return Weight.REVIEW if loss.sign in _LOOK or (grave and loss.sign in _FAINT) else Weight.NOTE
