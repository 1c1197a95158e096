"""What a protection that a change took away is, and how its loss shows. Pure."""

from __future__ import annotations

import enum

import msgspec

from interlock.changes.guards.replaced import Stands


class Sign(enum.StrEnum):
    """How a loss shows."""

    EXIT = "exit-lost"
    ANSWER = "answer-lost"  # an early answer that is no refusal
    CONDITION = "condition-lost"
    BARE = "bare-condition-lost"  # a condition in which nothing tells that it protects
    CALL = "call-lost"
    COMMON = "common-call-lost"  # of a verb that is too common to say much
    DECORATOR = "decorator-lost"
    HOLD = "hold-lost"
    KEYWORD = "keyword-lost"
    TURNED = "keyword-turned"
    LITERAL = "literal-lost"
    EVERYDAY = "common-literal-lost"  # of a word that is too common to say much
    PATTERN = "pattern-weaker"
    SLOW = "slow-pattern-added"
    OTHER_PATTERN = "pattern-changed"
    DENIED = "denied-entry-lost"
    ALLOWED = "allowed-entry-added"
    UNSAFE = "unsafe-call"
    WEAKER = "condition-weaker"
    REPLACED = "condition-replaced"  # by a weaker one
    CHANGED = "condition-changed"  # by one of which nobody can say whether it is as strong
    NARROWER = "condition-narrower"  # it stands behind another condition now
    HANDLER = "handler-lost"
    DELETED = "guard-function-deleted"
    UNWRAPPED = "call-around-lost"  # a call around a value, whatever it is called
    UNBOUNDED = "bound-lost"  # the last argument of a call that takes how much
    RAISED = "limit-moved"  # a number under a bound's name lets in more
    NUDGED = "limit-moved-a-little"
    UNUSED = "parameter-unused"  # it is given what it does not look at any more
    SHARED = "key-shared"  # it is no part any more of what something is kept under
    UNREAD = "constant-unread"  # a constant lies there that it read
    OPENED = "error-answered"  # an error that ended it is answered now
    SWALLOWED = "error-swallowed"  # what ended it where it failed is left to fail
    CAUGHT = "more-caught"  # every error is caught where some were
    REPEATED = "repeats-counted"  # what comes twice counts twice
    PUBLISHED = "private-published"  # a private field is one for everybody
    OVERRIDDEN = "value-overridden"  # what was worked out here is only a fallback
    UNCOUNTED = "count-lost"  # it goes by what it no longer writes
    UNAWAITED = "call-unawaited"  # what it waited for is only started
    PARTED = "steps-parted"  # others come between a check and what it was for
    ANYWAY = "finally-lost"  # what was done whatever happened is done only where all goes well
    HALF = "rollback-lost"  # what was written stays where the rest of it failed
    UNMASKED = "mask-lost"  # what stood in the place of what is not shown
    CONSTRAINT = "constraint-lost"  # of a table that is made still
    OVERWRITABLE = "field-overwritable"  # it is written before what a stranger sent, which writes over it
    LATE = "checked-too-soon"  # it is made plain after it was checked
    TWICE = "asked-twice"  # one answer is checked, another one used
    FORMAT = "format-given"  # a text that it is given is a format now
    LENIENT = "yes-assumed"  # nothing said is yes
    ONE_SIDED = "distance-one-sided"  # compared in one direction alone
    MISSING = "missing-let-through"  # who leaves it out is refused no more
    BYPASSED = "filter-bypassed"  # what a helper kept back is read without it
    IN_TEXT = "part-for-member"  # a part of a text, where it was one of a list
    KEPT_ON = "secret-kept"  # a session, or what is good once, is not taken away any more
    UNROUTED = "route-unguarded"  # what stood before a handler in a table of routes
    KIND = "kind-untested"  # a condition no longer asks of which kind something is


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One protection that is gone, in the new version's place (`line` 0: the function is gone).

    `text`: the guard as it stood. `instead`: what stands there now. `conditions`: when it rejected, and when
    anything in the new function does, for the prover; `sources`: the function before and after.
    `condition`: the guard's own, where it is one. `outweighed`: what stronger guard the function gained in its place.
    `moved`: where the same guard stands now without being seen to lead here; `beside`: that is on the same road, for
    something calls both. `stands`: how a condition that took its place stands to it by its words; `alone`: the two,
    without what leads to them, for the prover; `bare`: it does not ask who somebody is or what they may, where the old
    one did.
    """

    sign: Sign
    family: str
    path: str
    function: str
    line: int
    was: int
    text: str
    instead: str = ""
    condition: str = ""
    outweighed: str = ""
    conditions: tuple[str, str] | None = None
    alone: tuple[str, str] | None = None
    stands: Stands | None = None
    bare: bool = False
    sources: tuple[str, str] = ("", "")
    moved: str = ""
    beside: bool = False
    critical: bool = False
    reason: str = ""
