"""What is to be judged, out of a repository: the merge base, both sides of files, the new lines, the base's rules."""

from __future__ import annotations

import os

from interlock.changes import config
from interlock.changes.change import LARGEST, Change, Commit, FileChange, Kind, Span, Version
from interlock.changes.magic import form
from interlock.changes.patch import Hunk, hunks
from interlock.changes.provenance.notes import REF as NOTES
from interlock.changes.provenance.notes import REVIEWS
from interlock.changes.repo import Repo
from interlock.model.errors import InternalError, UsageError

_FILES = 20_000  # of one change; a change of generated code that is larger is not judged line by line
_BYTES = 128 << 20  # of all versions together
_COMMITS = 1_000  # of one change whose provenance is looked at
_NONE = "0" * 40
# The driver, converter and attributes of a repository decide nothing: all is text, nothing is left out.
_DIFF = (
    "diff-tree", "-r", "-M", "-l2000", "--no-ext-diff", "--no-textconv", "--no-color", "--text", "--full-index",
    "--ignore-submodules=none", "--submodule=short", "--no-indent-heuristic", "--diff-algorithm=histogram",
)  # fmt: skip


def parse(span: str | None, repo: Repo) -> tuple[str, str]:
    """`BASE..HEAD`, `BASE` or nothing, as two names. Raises UsageError, NotFound."""
    if not span:
        return repo.default(), "HEAD"
    base, dots, head = span.partition("...") if "..." in span else span.partition("..")
    if span.startswith("-") or (dots and not base):
        raise UsageError(f"{span!r} is no range. Write BASE..HEAD, such as origin/main..HEAD.")
    return base, head or "HEAD"


def take(repo: Repo, base: str, head: str, *, today: str = "") -> Change:
    """The change.

    Args:
        repo: the repository.
        base: what it is to be merged into; its configuration is the one in force.
        head: the last commit of the change.
        today: an ISO date, by which waivers end.

    Raises:
        NotFound: a commit is missing, or nothing is common.
        ConfigError: the base's configuration cannot be used.
        OperatorError: git cannot say.
    """
    base_commit, head_commit = repo.commit(base), repo.commit(head)
    forks = repo.fork(base_commit, head_commit)
    problems = []
    if len(forks) > 1:
        problems.append(
            "the histories were merged criss-cross: there are several merge bases, and one of them was used"
        )
    if repo.grafted:
        problems.append("the repository has a file of grafts (.git/info/grafts), which pretends other parents")
    named = {"base": base_commit, "fork": forks[0], "head": head_commit}
    found = repo.trees(named.values())
    trees = {name: found[commit] for name, commit in named.items()}
    rules = config.read(_one(repo, trees["base"], config.PATH))
    commits, left_out = _commits(repo, base_commit, head_commit)
    files, more = _files(repo, trees["fork"], trees["head"])
    return Change(
        Span(base_commit, head_commit, forks[0], trees), files, rules, listing=repo.listing,
        read=lambda oids: {oid: content for oid, (_, content) in repo.blobs(oids, LARGEST).items()},
        commits=commits,
        problems=(*problems, *left_out, *more), today=today,
    )  # fmt: skip


def _commits(repo: Repo, base: str, head: str) -> tuple[tuple[Commit, ...], list[str]]:
    found = repo.commits(base, head, _COMMITS + 1)
    more = [f"the change has more than {_COMMITS} commits: what stands behind the oldest was not looked at"]
    names = list(found)[:_COMMITS]
    notes, reviews = (repo.notes(ref, names, LARGEST) for ref in (NOTES, REVIEWS))
    commits = []
    for name in names:
        head_lines, _, message = found[name].partition(b"\n\n")
        author = next((row[7:] for row in head_lines.split(b"\n") if row.startswith(b"author ")), b"")
        who = author.rpartition(b">")[0] + b">"
        said = message.decode("utf-8", "replace")
        commits.append(
            Commit(name, who.decode("utf-8", "replace"), said, found[name], notes.get(name), reviews.get(name))
        )
    return tuple(commits), more if len(found) > _COMMITS else []


def _one(repo: Repo, tree: str, path: str) -> bytes | None:
    row = repo.call("ls-tree", "-z", "--full-tree", tree, "--", f":(literal){path}").rstrip(b"\0")
    if not row:
        return None
    mode, _, oid = row.partition(b"\t")[0].decode().split(" ")
    if not mode.startswith("100"):
        raise UsageError(f"{path} of the base is no file.")
    return repo.blobs([oid], LARGEST)[oid][1]


def _files(repo: Repo, fork: str, head: str) -> tuple[tuple[FileChange, ...], list[str]]:
    rows = _rows(repo.call(*_DIFF, "--raw", "-z", fork, head))
    if len(rows) > _FILES:
        return (), [f"the change has {len(rows)} files; no more than {_FILES} are read. Split it"]
    blobs = repo.blobs((oid for row in rows for _, mode, oid in row if _blob(mode)), LARGEST)
    problems = [
        f"{path}: its content is not in this clone"
        for row in rows
        for path, mode, oid in row
        if _blob(mode) and blobs[oid][0] < 0
    ]
    total = sum(len(content or b"") for _, content in blobs.values())
    if total > _BYTES:
        blobs = {oid: (size, None) for oid, (size, _) in blobs.items()}
        problems.append(f"the change has {total >> 20} MiB of text; no more than {_BYTES >> 20} are read. Split it")
    try:
        found = hunks(repo.call(*_DIFF, "-p", "-U0", fork, head)) if rows else []
    except ValueError as error:
        raise InternalError(f"the patch of this change cannot be read: {error}") from error
    if len(found) != len(rows):
        raise InternalError(f"git names {len(rows)} files and shows {len(found)}")
    files = []
    for (old, new), lines in zip(rows, found, strict=True):
        before, after = _version(old, blobs), _version(new, blobs)
        files.append(FileChange(before, after, tuple(lines) or _whole(before, after)))
    return tuple(files), problems


_Side = tuple[str, str, str]  # path, mode, object


def _rows(raw: bytes) -> list[tuple[_Side, _Side]]:
    """The files as `--raw -z` lists them. What changed its type (a file, now a link) is two rows, as in the patch."""
    parts = iter(raw.split(b"\0"))
    rows: list[tuple[_Side, _Side]] = []
    for facts in parts:
        if not facts:
            continue
        old_mode, new_mode, old, new, status = facts.decode().lstrip(":").split(" ")
        path = os.fsdecode(next(parts))
        to = os.fsdecode(next(parts)) if status[0] in "RC" else path
        if status[0] == "C":  # a copy: its source stays where it is
            old_mode = "000000"
        before, after = (path, old_mode, old), (to, new_mode, new)
        if status[0] == "T":
            rows += [(before, (path, "000000", _NONE)), ((path, "000000", _NONE), after)]
        else:
            rows.append((before, after))
    return rows


def _blob(mode: str) -> bool:
    return mode in ("100644", "100755", "100664", "120000")


def _version(side: _Side, blobs: dict[str, tuple[int, bytes | None]]) -> Version | None:
    path, mode, oid = side
    if mode == "000000":
        return None
    if mode == "160000":
        return Version(path, mode, oid, Kind.SUBMODULE, 0)
    size, data = blobs[oid]
    if mode == "120000":
        return Version(path, mode, oid, Kind.LINK, size, data or b"")
    if data is None:
        return Version(path, mode, oid, Kind.HUGE, size)
    if _readable(data):
        return Version(path, mode, oid, Kind.TEXT, size, data, form(data))
    return Version(path, mode, oid, Kind.BINARY, size, form=form(data))


def _readable(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _whole(before: Version | None, after: Version | None) -> tuple[Hunk, ...]:
    """The lines of a file that is all new (a copy) or all gone, where the patch shows none."""
    if before is not None and after is not None:
        return ()
    old, new = (range(1, len(side.lines) + 1) if side else range(1, 1) for side in (before, after))
    return (Hunk(old, new),) if len(old) or len(new) else ()
