"""How much of people's yes there is: the ladder that policy is asked on."""

from __future__ import annotations

from enum import StrEnum


class Rung(StrEnum):
    """The ladder of hypothetical approvals on which a request is evaluated, in this order."""

    NONE = "none"
    ONE = "one"
    ONE_STRONG = "one_strong"
    TWO_STRONG = "two_strong"
