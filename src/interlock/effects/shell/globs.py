"""Pathname expansion against the names that the world shows. Source: bash 5.2 manual, 3.5.8."""

from __future__ import annotations

from interlock.effects.shell import patterns
from interlock.model.world import World

MAX_NAMES = 128  # names one pattern may stand for; beyond, it stays a pattern
MAX_DIRECTORIES = 64  # directories one pattern may look into
_WILD = frozenset("*?[")


def expand(pieces: list[tuple[str, bool]], cwd: str, world: World) -> list[str] | None:
    """The names that match; [] when none do; None when it cannot be told (unknown directory, too many)."""
    segments = _segments(pieces)
    if segments is None:
        return None
    rooted = bool(segments) and not segments[0]
    found = ["/"] if rooted else [""]
    for index, segment in enumerate(segments):
        if not segment:
            continue
        last = index == len(segments) - 1
        found_next = _level(found, segment, cwd, world, last=last)
        if found_next is None:
            return None
        found = found_next
        if not found:
            return []
    if not segments[-1]:
        found = [name + "/" for name in found if world.kind(_absolute(name, cwd)) == "directory"]
    return found


def live(pieces: list[tuple[str, bool]]) -> bool:
    """Whether anything unquoted in it can match a name other than itself: `[` alone is the name of a command."""
    opened = False
    for text, quoted in pieces:
        if not quoted and ("*" in text or "?" in text):
            return True
        if not quoted and not opened and "[" in text:
            opened = True
            text = text.partition("[")[2]  # noqa: PLW2901
        if opened and "]" in text:
            return True
    return False


def _segments(pieces: list[tuple[str, bool]]) -> list[list[tuple[str, bool]]] | None:
    """The pattern cut at slashes."""
    segments: list[list[tuple[str, bool]]] = [[]]
    for text, quoted in pieces:
        if "**" in text and not quoted:
            return None  # one star without globstar, any depth with it
        parts = text.split("/")
        if parts[0]:
            segments[-1].append((parts[0], quoted))
        segments.extend([(part, quoted)] if part else [] for part in parts[1:])
    return segments


def _absolute(name: str, cwd: str) -> str:
    return name if name.startswith("/") else f"{cwd.rstrip('/')}/{name}" if name else cwd


def _level(
    bases: list[str], segment: list[tuple[str, bool]], cwd: str, world: World, *, last: bool
) -> list[str] | None:
    out: list[str] = []
    wild = any(not quoted and not _WILD.isdisjoint(text) for text, quoted in segment)
    tokens = patterns.compile_pattern(segment)
    if len(bases) > MAX_DIRECTORIES:
        return None
    for base in bases:
        prefix = base if not base or base.endswith("/") else base + "/"
        if not wild:
            name = prefix + "".join(text for text, _ in segment)
            if not last or world.kind(_absolute(name, cwd)) is not None:
                out.append(name)
            continue
        names = world.names(_absolute(base, cwd))
        if names is None:
            if last and len(bases) > 1 and world.kind(_absolute(base, cwd)) not in ("directory", "symlink"):
                continue
            return None
        dotted = bool(tokens) and tokens[0] == "."
        for entry in names:
            if entry.startswith(".") and not dotted:
                continue
            matched = patterns.matches(tokens, entry)
            if matched is None:
                return None
            if matched:
                out.append(prefix + entry)
        if len(out) > MAX_NAMES:
            return None
    return out
