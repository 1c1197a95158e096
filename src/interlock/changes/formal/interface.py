"""Findings on OpenAPI descriptions that a change touches. What cannot be read or compared is a problem."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.changes import shapes
from interlock.changes.change import FileChange, Kind, Version
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal.described import ENDINGS, Unreadable, described, document, looks
from interlock.changes.formal.openapi import Broken, broken
from interlock.changes.formal.schemas import TooMuch


def judged(file: FileChange, problems: list[str], notes: list[str]) -> Iterator[Finding]:
    """What callers of the service lose by the change of one file."""
    old, new = file.before, file.after
    if old is None or not _may_describe(old) or shapes.is_test(file.path):
        return
    try:
        before = described(old.path, old.text)
    except Unreadable:
        before = None  # what the base has and nobody can read promises nothing; the new one is still looked at
        if new is not None and _may_describe(new):
            problems.append(f"{file.path}: the interface cannot be compared: its old version cannot be read")
    if before is None:
        return
    if new is None or new.kind is not Kind.TEXT or not new.path.endswith(ENDINGS):
        yield _finding(file, Broken(f"The description of the interface in {old.path} is gone."))
        return
    try:
        # Read whatever its words look like: a key can be written with escapes.
        after = document(new.path, new.text)
        sentences, outside = broken(before, after if isinstance(after, dict) else {})
    except Unreadable as error:
        problems.append(f"{file.path}: the interface cannot be compared: {error}")
        return
    except TooMuch:
        problems.append(f"{file.path}: the interface cannot be compared: it holds too much")
        return
    if outside:
        notes.append(f"{file.path}: what lies in other files was not followed: {', '.join(sorted(outside)[:3])}")
    yield from (_finding(file, one) for one in sentences)


def _may_describe(side: Version) -> bool:
    return side.kind is Kind.TEXT and looks(side.path, side.text)


def _finding(file: FileChange, one: Broken) -> Finding:
    if one.admits:
        why, fix = "Whoever can reach the service can call it.", "Ask for what was asked, or have a person confirm it."
        rule = "formal/interface-asks-less"
    else:
        why, fix = "Whoever calls it as before fails.", "Keep it beside the new one until nobody uses it."
        rule = "formal/interface-breaks"
    return Finding(
        rule=rule, weight=Weight.BLOCK if one.grave else Weight.REVIEW, path=file.path, anchor=one.title,
        title=one.title[:400], why=why, fix=fix,
    )  # fmt: skip
