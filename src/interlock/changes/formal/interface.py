"""Findings on OpenAPI descriptions that a change touches. What cannot be read or compared is a problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from interlock.changes import shapes
from interlock.changes.change import Change, FileChange, Kind, Version
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal.described import ENDINGS, Unreadable, described, document, looks
from interlock.changes.formal.openapi import Broken, broken
from interlock.changes.formal.references import Documents
from interlock.changes.formal.referring import referring
from interlock.changes.formal.schemas import Side, TooMuch


def judged(change: Change, problems: list[str], notes: list[str]) -> Iterator[Finding]:
    """What callers of a service lose by the change of its description, or of a document that this refers to."""
    for file in change.files:
        if not shapes.is_test(file.path):
            yield from _file(file, change, problems, notes)
    for path in referring(change, notes):
        text = (change.read(path) or b"").decode("utf-8", "replace")
        try:
            before, after = described(path, text), described(path, text)  # each side writes its references anew
        except Unreadable:
            continue  # the change did not touch it, and it promises nothing
        if before is not None and after is not None:
            yield from _compared(_Pair(path, path, before, after), change, problems, notes)


def _file(file: FileChange, change: Change, problems: list[str], notes: list[str]) -> Iterator[Finding]:
    old, new = file.before, file.after
    if old is None or not _may_describe(old):
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
        yield _finding(file.path, Broken(f"The description of the interface in {old.path} is gone."))
        return
    try:
        # Read whatever its words look like: a key can be written with escapes.
        after = document(new.path, new.text)
    except Unreadable as error:
        problems.append(f"{file.path}: the interface cannot be compared: {error}")
        return
    yield from _compared(
        _Pair(old.path, file.path, before, after if isinstance(after, dict) else {}), change, problems, notes
    )


class _Pair(NamedTuple):
    """A description on both sides, with its path on each."""

    was: str
    path: str
    before: dict[str, Any]
    after: dict[str, Any]


def _compared(pair: _Pair, change: Change, problems: list[str], notes: list[str]) -> Iterator[Finding]:
    def side(path: str, whole: dict[str, Any], *, after: bool) -> Side:
        def read(name: str) -> str | None:
            content = change.read(name, after=after)
            return None if content is None else content.decode("utf-8", "replace")

        return Side(whole, Documents(path, whole, read).at)

    try:
        sentences, outside = broken(side(pair.was, pair.before, after=False), side(pair.path, pair.after, after=True))
    except Unreadable as error:
        problems.append(f"{pair.path}: the interface cannot be compared: {error}")
        return
    except TooMuch:
        problems.append(f"{pair.path}: the interface cannot be compared: it holds too much")
        return
    if outside:
        notes.append(f"{pair.path}: what lies elsewhere was not followed: {', '.join(sorted(outside)[:3])}")
    yield from (_finding(pair.path, one) for one in sentences)


def _may_describe(side: Version) -> bool:
    return side.kind is Kind.TEXT and looks(side.path, side.text)


def _finding(path: str, one: Broken) -> Finding:
    if one.admits:
        why, fix = "Whoever can reach the service can call it.", "Ask for what was asked, or have a person confirm it."
        rule = "formal/interface-asks-less"
    else:
        why, fix = "Whoever calls it as before fails.", "Keep it beside the new one until nobody uses it."
        rule = "formal/interface-breaks"
    return Finding(
        rule=rule, weight=Weight.BLOCK if one.grave else Weight.REVIEW, path=path, anchor=one.title,
        title=one.title[:400], why=why, fix=fix,
    )  # fmt: skip
