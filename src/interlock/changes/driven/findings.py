"""What the walks through changed files say of the change: where its new version is looser than the old one."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.changes import room
from interlock.changes.change import Change
from interlock.changes.driven import driver
from interlock.changes.driven.driver import Asked, Walked, Way
from interlock.changes.finding import Finding, Weight
from interlock.model.counts import many

UNCONTAINED = (
    "changed modules were not walked through: nothing here contains them (bubblewrap is not there, or may not be used)"
)
_MOST = 10  # files
_LONG = 300  # characters of each part of a sentence: the room's words are the change's
_TOLD = 3  # of one file
# A change that is looser here and stricter there exchanges one check for another: the walks say nothing of its worth.
_ONE_SIDED = 10

_TITLES = {
    "accepts": "{entry}() accepts what it refused: {call} {was} before, and {now} now.",
    "says-yes": "{entry}() says yes where it said no: {call} {was} before, and {now} now.",
    "raw": "{entry}() hands on a stranger's text as it comes: {call} {was} before, and {now} now.",
    "does-more": "{entry}() does again what it did once: {call} {was} before, and {now} now.",
    "tells-more": "{entry}() tells more than it did: {call} {was} before, and {now} now.",
    "pollutes": "{entry}() changes what every object has: {call} {was} before, and {now} now.",
    "less-chance": "{entry}() draws less chance than it did: {call} {was} before, and {now} now.",
}


def judged(change: Change, notes: list[str], facts: dict[str, str], *, seconds: float) -> Iterator[Finding]:
    """Walk through the changed files that can be; what was walked goes into `facts`, what was not into `notes`."""
    asked = driver.asked(change)
    if not asked:
        return
    if not room.usable():
        notes.append(UNCONTAINED)
        return
    asked.sort(key=lambda one: -sum(len(hunk.new) + len(hunk.old) for hunk in one.file.hunks))
    if len(asked) > _MOST:
        notes.append(f"{len(asked) - _MOST} more files were not walked through")
    found = driver.walked(change, asked[:_MOST], notes, seconds=seconds)
    notes += dict.fromkeys(note for one, walked in zip(asked, found, strict=False) if (note := _note(one, walked)))
    for walked in found:
        facts[f"walked {walked.path}"] = walked.why or said(walked)
        yield from told(walked)


def _note(one: Asked, walked: Walked) -> str:
    if walked.why == driver.NO_NODE:
        return f"changed modules of JavaScript and TypeScript were not walked through: {driver.NO_NODE}"
    telling = walked.why not in ("", driver.NOTHING) and one.runs == "node"
    return f"{walked.path} was not walked through: {walked.why}" if telling else ""


def programs() -> str:
    """What modules can be run in here, beside Python."""
    return driver.node() or "no Node.js"


def said(walked: Walked) -> str:
    """How much was walked, and which way it differed."""
    among = f" ({walked.among[:_LONG]})" if walked.among else ""
    return f"{walked.calls} calls; looser in {walked.times(1)}, stricter in {walked.times(-1)}{among}"


def told(walked: Walked) -> Iterator[Finding]:
    """The findings of one file: where it is looser, more than once, and hardly anywhere stricter."""
    looser = sorted((one for one in walked.ways if one.way == 1 and one.times > 1), key=lambda one: -one.times)
    if walked.times(1) < _ONE_SIDED * walked.times(-1):
        looser = []
    for one in looser[:_TOLD]:
        yield _finding(walked.path, one)


def _finding(path: str, one: Way) -> Finding:
    call = f"{one.call}, after {many(one.steps, 'other call', 'other calls')}," if one.steps else one.call
    parts = {"entry": one.entry, "call": call, "was": one.was, "now": one.now}
    title = _TITLES[one.kind].format_map({name: text[:_LONG] for name, text in parts.items()})
    return Finding(
        rule=f"formal/walk-{one.kind}", weight=Weight.REVIEW, path=path, anchor=f"{parts['entry'][:_LONG]} {one.kind}",
        title=title,
        why="Both versions were called alike, with arguments made up from how they use them, in containment.",
        fix="See that this is what was asked for.", text=one.call[:_LONG],
    )  # fmt: skip
