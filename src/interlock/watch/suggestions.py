"""What could be granted, because people have said yes to it again and again: mined from the ledger alone.

A shape is what a request asks for without its names. Five yeses, no no, within 14 days make a suggestion; its names are
what those requests had in common. It is only a suggestion: a person looks at what else it would have let pass, and
gives it, or does not. Transcripts are never read for this, because an agent could write them to say anything.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from interlock.model.grant import Pattern, literal, unescaped
from interlock.watch.seen import Seen

KINDS = ("approval.request", "approval.decision")
YESES = 5
DAYS = 14
_TEXT = 200  # characters of a question that are shown as an example
_LIKED = {"approved", "partial"}


class Suggestion(NamedTuple):
    """A grant that people's answers speak for."""

    patterns: tuple[Pattern, ...]
    workspace: str
    agent: str
    rung: str
    requests: tuple[int, ...]  # those that people said yes to
    examples: tuple[str, ...]


class _Asked(NamedTuple):
    """What is kept of a question; of all of them at once, so no more than is needed."""

    entry: int
    patterns: tuple[Pattern, ...]
    agent: str
    workspace: str
    rung: str
    text: str


def _asked(entry: Seen) -> _Asked:
    body = entry.body
    patterns = msgspec.convert(body.get("grantable", []), tuple[Pattern, ...])
    agent, text = body["principal"].get("agent", ""), str(body["text"])[:_TEXT]
    return _Asked(entry.index, patterns, agent, body.get("workspace", ""), body["rung"], text)


def suggestions(
    entries: Iterable[Seen], *, now: float, covered: Sequence[tuple[Pattern, ...]] = ()
) -> list[Suggestion]:
    """From entries of `KINDS`, oldest first; `covered` are the patterns of grants that hold already.

    The most often answered first.
    """
    asked: dict[int, _Asked] = {}
    shapes: dict[str, list[_Asked]] = {}
    refused: set[str] = set()
    for entry in entries:
        if entry.time < now - DAYS * 86_400:
            continue
        if entry.kind == "approval.request":
            asked[entry.index] = _asked(entry)
        elif (request := asked.get(entry.body["request"])) is not None and request.patterns:
            shape = _shape(request)
            if entry.body["change"]["state"] in _LIKED:
                shapes.setdefault(shape, []).append(request)
            else:
                refused.add(shape)
    known = {frozenset(patterns) for patterns in covered}
    found = [_suggest(group) for shape, group in shapes.items() if shape not in refused and len(group) >= YESES]
    kept = [one for one in found if one is not None and frozenset(one.patterns) not in known]
    return sorted(kept, key=lambda one: -len(one.requests))


def _shape(request: _Asked) -> str:
    bare = sorted(
        msgspec.json.encode(msgspec.structs.replace(pattern, name="")).decode() for pattern in request.patterns
    )
    return "\n".join([request.agent, request.workspace, request.rung, *bare])


def _suggest(group: Sequence[_Asked]) -> Suggestion | None:
    first = group[0]
    patterns = []
    for place, pattern in enumerate(first.patterns):
        if any(place >= len(one.patterns) for one in group):
            return None
        name = common(tuple(dict.fromkeys(unescaped(one.patterns[place].name) for one in group)))
        if name is None:
            return None
        patterns.append(msgspec.structs.replace(pattern, name=name))
    return Suggestion(
        patterns=tuple(patterns),
        workspace=first.workspace,
        agent=first.agent,
        rung=first.rung,
        requests=tuple(one.entry for one in group),
        examples=tuple(dict.fromkeys(one.text for one in group))[:5],
    )


def common(names: Sequence[str]) -> str | None:
    """The narrowest pattern with one star that covers all names: same directory, same start. None where none is.

    Of `origin/fix-a` and `origin/fix-b` it is `origin/fix-*`; of names in different directories there is none.
    """
    if len(names) == 1:
        return literal(names[0])
    folders = {posixpath.dirname(name) for name in names}
    if len(folders) != 1:
        return None
    folder = folders.pop()
    start = posixpath.commonprefix([posixpath.basename(name) for name in names])
    # Half a word is an accident: the star begins where a word does.
    while start and start[-1].isalnum():
        start = start[:-1]
    if not folder and not start:
        return None
    return literal(posixpath.join(folder, start)) + "*"
