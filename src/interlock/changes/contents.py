"""What of a change nobody can read line by line, or is not what its name says; a part of stage *scope*."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

from interlock.changes.change import FileChange, Kind, Version
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight

_Said = tuple[str, str, str]  # rule, title, fix
_LONGEST_LINK = 1_024  # bytes of where a link leads


@cache
def patterns(name: str) -> tuple[str, ...]:
    """Patterns of paths of a table of `data/scope.toml`."""
    data = tomllib.loads(resources.files("interlock.changes.data").joinpath("scope.toml").read_text("utf-8"))
    return tuple(data[name]["paths"].split())


def unread(file: FileChange) -> Iterator[Finding]:
    """What a person has to see because no stage can."""
    new, old = file.after, file.before
    if new is None or (old and (old.oid, old.mode, _ending(old)) == (new.oid, new.mode, _ending(new))):
        return
    for name, title, fix in _why(new):
        yield Finding(rule=f"scope/{name}", weight=Weight.REVIEW, path=file.path, anchor=new.oid, title=title, fix=fix)
    if new.executable and not (old and old.executable):
        yield from _runs(new)


def _ending(side: Version) -> str:
    return side.path.rpartition(".")[2].lower()


def _runs(new: Version) -> Iterator[Finding]:
    if new.kind is Kind.BINARY:
        yield Finding(
            rule="scope/program", weight=Weight.BLOCK, path=new.path, anchor=new.oid,
            title="A compiled program is added.", why="Nobody can review what it does.", fix="Commit its source.",
        )  # fmt: skip
    elif new.kind is Kind.TEXT and not new.data.startswith(b"#!"):
        yield Finding(
            rule="scope/executable", weight=Weight.REVIEW, path=new.path, anchor=new.oid,
            title="The file may be run now, and its first line does not say by what: the shell takes its lines as "
            "commands.",
            fix="Take the right to run away (git update-index --chmod=-x), or begin it with #!.",
        )  # fmt: skip


def _why(new: Version) -> Iterator[_Said]:
    if new.kind is Kind.SUBMODULE:
        yield (
            "submodule",
            f"A submodule now stands at {new.oid[:12]}: its code is not part of this change.",
            "Review that commit in its own repository.",
        )
    elif new.kind is Kind.HUGE:
        yield (
            "huge",
            f"The file has {new.size >> 20} MiB and was not read.",
            "Split it, or keep generated data out of the repository.",
        )
    elif new.kind is Kind.LINK:
        target = new.data.decode("utf-8", "replace")
        if _outside(target):
            said = (
                f"A link leads out of its folder: {target}" if target else "Where a link leads is too long to be read."
            )
            yield "link", said, "Link to a file of the same folder, or copy it."
    elif new.form is not None and new.form.sort == "pointer":
        yield "elsewhere", f"The file is {new.form.name}: no stage saw it.", "A person looks at the content itself."
    else:
        yield from _by_content(new)


def _outside(target: str) -> bool:
    if not target or len(target) > _LONGEST_LINK or target.startswith(("/", "~")) or "\\" in target:
        return True
    parts = target.lower().split("/")
    return ".." in parts or ".git" in parts or bool(re.match(r"[a-z]:", target, re.IGNORECASE))


def _by_content(new: Version) -> Iterator[_Said]:
    """By its bytes, and by its name only where these say nothing."""
    form, shows = new.form, matches(new.path, patterns("media"))
    if form is not None and form.more:
        yield (
            "polyglot",
            f"The file is {form.name} and {form.more} in one.",
            "Commit the two as two files, or only the one.",
        )
    if shows and (form is None or form.sort != "media") and new.size:
        what = form.name if form else "text" if new.kind is Kind.TEXT else "nothing that is known"
        fix = "Give it the name of what it is, or have a person say where it comes from."
        yield (
            "disguised",
            f"By its name the file only shows or sounds ({shows}), but it is {what}: nobody looks into it.",
            fix,
        )
    elif form is not None and form.sort in ("archive", "program", "document"):
        yield "opaque", f"The file is {form.name}: it was not unpacked, and no stage could read it.", _FROM
    elif new.kind is Kind.BINARY and (matches(new.path, patterns("source")) or (form and form.sort == "text")):
        how = f" but {form.name}" if form else ""
        yield "encoding", f"The file is not UTF-8{how}: no stage could read it.", "Save it as UTF-8."
    elif new.kind is Kind.BINARY and matches(new.path, patterns("opaque")):
        yield (
            "opaque",
            "The file holds others, or code that is no text: it was not unpacked, and no stage could read it.",
            _FROM,
        )
    elif new.kind is Kind.BINARY and form is None:
        yield "opaque", "The file is no text and nothing that is known: no stage could read it.", _FROM


_FROM = "Commit what it is made of, or have a person say where it comes from."
