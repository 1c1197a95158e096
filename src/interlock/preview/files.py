"""Files that would be lost: how many, how large, and which of them git does not have."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from interlock.model.counts import many
from interlock.model.effect import Breadth, Effect, Kind, Known, Reversibility, Scale, Verb
from interlock.preview.finding import Asked, Finding, Tools, Unseen
from interlock.preview.git import Git

_MOST = 50_000  # files of one look
_NAMED = 5  # names on the card
_LOSING = frozenset({Verb.DELETE, Verb.OVERWRITE})
_WILD = "*?["


class Found(NamedTuple):
    """The files below a path, links not followed. `whole`: all were seen."""

    files: tuple[str, ...]
    size: int
    whole: bool


def look(asked: Asked, tools: Tools) -> Iterator[Finding]:
    """One finding for each effect that removes or replaces several files."""
    for place, effect in enumerate(asked.effects):
        if _several(effect):
            yield _looked(place, effect, asked, tools)


def _several(effect: Effect) -> bool:
    resource = effect.resource
    return (
        effect.verb in _LOSING
        and resource.kind in (Kind.FILE, Kind.DIRECTORY)
        and resource.name.startswith("/")
        and (resource.kind is Kind.DIRECTORY or effect.scale.breadth is not Breadth.ONE)
    )


def _looked(place: int, effect: Effect, asked: Asked, tools: Tools) -> Finding:
    name = effect.resource.name
    if effect.via.startswith("git"):
        return _uncommitted(place, effect, asked, tools)
    found = below(name, tools)
    if not found.files:
        return Finding(f"{name}: there is nothing there now", place, _scale(0, effect))
    said = f"{name}: {_files(len(found.files), whole=found.whole)}, {_size(found.size)}"
    if not found.whole:
        return Finding(said, place, _scale(len(found.files), effect, known=Known.ESTIMATE))
    try:
        lost = _lost(found.files, name, tools)
    except Unseen as error:
        return Finding(f"{said}; {error}", place, _scale(len(found.files), effect))
    if not lost:
        undo = Reversibility.RECOVERABLE if effect.reversibility is Reversibility.IRREVERSIBLE else None
        return Finding(f"{said}; git has every one of them", place, _scale(len(found.files), effect), undo)
    return Finding(f"{said}; git does not have {_named(lost, name)}", place, _scale(len(found.files), effect))


def below(name: str, tools: Tools) -> Found:
    """Every file that a path or a pattern stands for."""
    files: list[str] = []
    size = 0
    for start in _expanded(name, tools):
        for path in _walk(start):
            if len(files) >= _MOST or not tools.deadline.left():
                return Found(tuple(files), size, whole=False)
            try:
                facts = os.lstat(path)
            except OSError:
                continue
            files.append(path)
            size += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return Found(tuple(files), size, whole=True)


def _expanded(name: str, tools: Tools) -> Iterator[str]:
    if not any(c in name for c in _WILD) or os.path.lexists(name):
        yield name
        return
    import glob

    for number, path in enumerate(glob.iglob(name, recursive=True, include_hidden=False)):
        if number >= _MOST or not tools.deadline.left():
            raise Unseen("the pattern matches too much to be counted")
        yield path


def _walk(start: str) -> Iterator[str]:
    if os.path.islink(start) or not os.path.isdir(start):
        if os.path.lexists(start):
            yield start
        return
    for folder, _, names in os.walk(start, followlinks=False):
        yield from (os.path.join(folder, name) for name in names)


def _lost(files: tuple[str, ...], name: str, tools: Tools) -> list[str]:
    """Those of the files whose content no git object holds: untracked ones, and tracked ones that were changed."""
    git = Git(_folder(name), tools)
    top = os.path.realpath(git.top)
    inside = {os.path.relpath(os.path.realpath(os.path.dirname(f)) + "/" + os.path.basename(f), top): f for f in files}
    if any(path.startswith(".git/") for path in inside):
        raise Unseen("git's own directory is among them")
    kept = {entry.path for entry in git.tracked(_folder(name)) if entry.path in inside and git.has(entry)}
    return sorted(path for path in inside if path not in kept)


def _folder(name: str) -> str:
    """The nearest directory above a name or pattern that exists; git's index is asked from there."""
    path = name
    while any(c in path for c in _WILD) or not os.path.isdir(path):
        above = os.path.dirname(path)
        if above == path:
            return "/"
        path = above
    return path


def _uncommitted(place: int, effect: Effect, asked: Asked, tools: Tools) -> Finding:
    """`git checkout`, `reset`, `restore` and `clean`: what git was never given."""
    name = effect.resource.name
    git = Git(_folder(name), tools)
    if effect.via.startswith("git clean"):
        spared = () if _cleans_ignored(asked) else ("--exclude-standard",)
        others = git.ask("ls-files", "-z", "--others", *spared, "--full-name", "--", ".")
        lost = [path for path in others.split("\0") if path]
        what = "files that git has never had"
    else:
        lost = git.uncommitted(name)
        what = "files with changes that were never committed"
    if not lost:
        return Finding(f"{name}: no {what}", place, _scale(0, effect), Reversibility.RECOVERABLE)
    return Finding(f"{name}: {what}: {_named(lost, name)}", place, _scale(len(lost), effect))


def _cleans_ignored(asked: Asked) -> bool:
    """Whether a `git clean` among the commands also takes what git is told to ignore."""
    cleans = [ran.argv for ran in asked.here if "clean" in ran.argv and ran.argv[0].rpartition("/")[2] == "git"]
    return not cleans or any(re.fullmatch(r"-[a-wyzA-Z]*[xX]\w*", word) for argv in cleans for word in argv)


def _scale(count: int, effect: Effect, known: Known = Known.COUNT) -> Scale:
    breadth = effect.scale.breadth
    return Scale(breadth=breadth, count=count, unit="files", known=known)


def _named(paths: list[str], name: str) -> str:
    shown = ", ".join(os.path.basename(path) or path for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f"{len(paths)} ({shown}{more})" if paths else name


def _files(count: int, *, whole: bool) -> str:
    return many(count, "file") if whole else f"more than {count} files"


def _size(size: int) -> str:
    amount, unit = float(size), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, bigger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
