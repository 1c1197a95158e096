"""A restore point of a repository: taken before a git command, completed after it, and put back by undo.

Before: refs, HEAD, stash and index are noted, and what git does not have (changed files, untracked ones) goes into the
store like any pre-image. After: what the command changed of files that git did have is found by comparing the indexes,
and the objects that nothing names any more are packed beside the point, outside of the repository: no later `git gc`
can take them, and the repository shows no refs that its owner did not make (docs/decisions/0016).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from interlock.containment import repository
from interlock.containment.point import ABSENT, FILE, SYMLINK, After, Entry, Left, Point, Was
from interlock.containment.preimage import Keeper, Limits, Vault, after, seen
from interlock.containment.repository import Call, Repository, Snapshot
from interlock.containment.shelf import Shelf
from interlock.model.action import Ran
from interlock.model.effect import Effect
from interlock.model.errors import InterlockError, StateError

KIND = "git"
# Commands after which no file of the working tree is another one.
_LIGHT = frozenset(
    {"add", "stage", "commit", "branch", "tag", "push", "fetch", "config", "gc", "reflog", "notes", "remote", "repack",
     "update-ref", "symbolic-ref", "pack-refs", "prune", "maintenance"}
)  # fmt: skip
# Commands that may throw objects away at once: until they are packed, what the point names is held by refs of our own.
_SWEEPS = frozenset({"gc", "prune", "reflog", "repack", "maintenance", "filter-branch", "filter-repo"})
_STATE = (
    "config", "MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "MERGE_RR", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD",
    "ORIG_HEAD", "AUTO_MERGE", "SQUASH_MSG", "BISECT_LOG", "BISECT_START", "BISECT_TERMS", "BISECT_NAMES",
)  # fmt: skip
_STATE_TREES = ("rebase-merge", "rebase-apply", "sequencer")
# What git itself writes at every turn: kept file by file as well, so that it can be put back to the byte and the time.
_OWN = ("HEAD", "index", "COMMIT_EDITMSG", "FETCH_HEAD", "packed-refs")
_OWN_TREES = ("refs", "logs")
_OWN_LIMITS = Limits(files=4_000, size=32 << 20, seconds=2.0)
_FRAMES = 1_000  # directories whose times are noted; each costs the agent some 60 microseconds
_PACKED = 256 << 20  # bytes of objects kept for one point
_HELD_SECONDS = 86_400.0
_REPOSITORIES = 4  # of one action
_TAKES = frozenset({"-c", "--exec-path", "--namespace", "--config-env", "--super-prefix"})
_END = re.compile(rb"flags: [0-9a-f]+\n")  # of one entry in a listing of an index
_ROW = re.compile(
    rb"(\d{6}) ([0-9a-f]{40,64}) 0\t[^\0]+\0 *ctime: [^\n]*\n *mtime: (\d+):(\d+)\n[^\n]*\n"
    rb" *uid: (\d+)\tgid: (\d+)\n *size: (\d+)\t"
)


class Moment(msgspec.Struct, frozen=True):
    """The repositories of one action at one moment. `whole`: files were kept too; `held`: by refs of our own."""

    found: tuple[Snapshot, ...]
    whole: bool = False
    held: bool = False
    untracked: tuple[tuple[bytes, ...], ...] = ()  # what git did not track: names, directories with a slash at the end


class Row(NamedTuple):
    """One entry of an index, with what it knows of the file in the working tree."""

    mode: int
    object: str
    size: int
    mtime: int
    uid: int
    gid: int


def command(effect: Effect) -> str:
    """The git command behind an effect: `reset` of `git reset`; "" where it is none."""
    first, _, rest = effect.via.partition(" ")
    return rest.partition(" ")[0] if first == "git" else ""


def folders(here: Sequence[Ran], workspace: str) -> list[str]:
    """The directories in which an action runs git; the workspace where that is not clear."""
    found: dict[str, None] = {}
    for ran in here:
        if ran.argv[0].rpartition("/")[2] == "git":
            found[_folder(ran)] = None
    return list(found)[:_REPOSITORIES] or [workspace]


def _folder(ran: Ran) -> str:
    at, words = ran.cwd, iter(ran.argv[1:])
    for word in words:
        if word == "-C":
            at = os.path.join(at, next(words, "."))
        elif word in _TAKES:
            next(words, None)
        elif not word.startswith("-"):
            break
    return at


class GitPoints:
    """Takes and completes the restore points."""

    def __init__(self, call: Call, shelf: Shelf, vault: Vault) -> None:
        self._call = call
        self._shelf = shelf
        self._vault = vault

    def before(
        self, name: str, where: Sequence[str], keeper: Keeper, effects: Sequence[Effect], *, ignored: bool
    ) -> bool:
        """Take one, and give the keeper what git does not have. Returns whether there is one.

        Raises StateError: a repository cannot be read.
        """
        commands = {command(effect) for effect in effects} - {""}
        repositories = {repo.top: repo for repo in self._repositories(where, keeper)}
        if not repositories:
            return False
        whole = not commands <= _LIGHT
        moment = self._take(name, repositories.values(), whole=whole)
        if all(keeper.reaches(os.fsencode(repo.common)) for repo in repositories.values()):
            self._keep_own(name, repositories.values())
        for repo in repositories.values():
            self._keep(repo, keeper, whole=whole, ignored=ignored)
            if "worktree" in commands:
                keeper.tree(os.fsencode(os.path.join(repo.common, "worktrees")))
        if not _SWEEPS.isdisjoint(commands):
            moment = msgspec.structs.replace(moment, held=True)
            self._hold(name, moment)
        self._shelf.write(name, "git", msgspec.msgpack.encode(moment))
        return True

    def note(self, name: str, where: Sequence[Repository], *, own: bool) -> None:
        """Take one without the files of the working tree: an undo keeps those itself. Raises StateError, OSError.

        `own`: git's own files too.
        """
        if own:
            self._keep_own(name, where)
        self._shelf.write(name, "git", msgspec.msgpack.encode(self._take(name, where, whole=False)), durable=True)

    def after(self, name: str, limits: Limits) -> After:
        """Complete one; returns the files that turn out to be changed, for the point of the same name."""
        was = self.moment(name, "git")
        now = Moment(tuple(repository.snapshot(self._call, one.where) for one in was.found))
        self._shelf.write(name, "git-after", msgspec.msgpack.encode(now))
        if (own := self.own(name)) is not None:
            self._shelf.write(name, "own-after", msgspec.msgpack.encode(after(own, _OWN_LIMITS)))
        found: dict[bytes, Was] = {}
        for number, (old, new) in enumerate(zip(was.found, now.found, strict=True)):
            changed, folders = (
                self._changed(name, number, old.where) if was.whole or old.listing != new.listing else ({}, frozenset())
            )
            self._pack(name, number, old, new, [row.object for row in changed.values() if row is not None])
            if was.whole:
                known = {one.path for one in self._point(name).was}
                untracked = was.untracked[number]
                found |= {one.path: one for one in self._files(old.where, changed, untracked, known, limits)}
                found |= {one.path: one for one in _came(old.where.top, found.values(), folders, untracked, known)}
        if was.held:
            self._release(name, was)
            self._shelf.drop(name, "held")
        return After(tuple(Left(path, seen(path)) for path in found), tuple(found.values()))

    def moment(self, name: str, part: str) -> Moment:
        """What was noted. Raises NotFound, StateError."""
        return msgspec.msgpack.decode(self._shelf.read(name, part), type=Moment)

    def own(self, name: str) -> Point | None:
        """Git's own files before; None where they were not kept. Raises StateError."""
        return self._shelf.decoded(name, "own", Point) if self._shelf.has(name, "own") else None

    def own_after(self, name: str) -> After | None:
        """The same after. Raises StateError."""
        return self._shelf.decoded(name, "own-after", After) if self._shelf.has(name, "own-after") else None

    def _keep_own(self, name: str, where: Iterable[Repository]) -> None:
        keeper = Keeper(self._vault, lambda _: False, within="/", limits=_OWN_LIMITS)
        for repo in where:
            for folder in {os.fsencode(repo.folder), os.fsencode(repo.common)}:
                for part in _OWN:
                    keeper.path(os.path.join(folder, part.encode()))
                for part in _OWN_TREES:
                    keeper.tree(os.path.join(folder, part.encode()))
        if not any(keeper.lost()):
            self._shelf.write(name, "own", msgspec.msgpack.encode(keeper.point(name)))

    def _point(self, name: str) -> Point:
        return self._shelf.point(name) if self._shelf.has(name, "point") else Point(name)

    def _repositories(self, where: Sequence[str], keeper: Keeper) -> Iterator[Repository]:
        for folder in where:
            with contextlib.suppress(StateError):  # no repository: then there is nothing of one to lose
                repo = repository.find(self._call, folder)
                if keeper.reaches(os.fsencode(repo.top)):
                    yield repo

    def _take(self, name: str, where: Iterable[Repository], *, whole: bool) -> Moment:
        found, untracked = [], []
        for number, repo in enumerate(where):
            found.append(repository.snapshot(self._call, repo))
            try:
                with open(repo.index, "rb") as file:
                    self._shelf.write(name, f"index-{number}", file.read())
            except FileNotFoundError:
                self._shelf.write(name, f"index-{number}", b"")
            names = self._listed(repo, "--others", "--directory") if whole else []
            untracked.append(tuple(names))
        return Moment(tuple(found), whole=whole, untracked=tuple(untracked))

    def _listed(self, repo: Repository, *words: str) -> list[bytes]:
        return [part for part in self._call(repo.top, "ls-files", "-z", *words).split(b"\0") if part]

    def _dirty(self, repo: Repository) -> list[bytes]:
        """Tracked files that are not what the index says, by their times or their content. No filter is run for it."""
        named = self._call(repo.top, "config", "-z", "--name-only", "--get-regexp", r"^filter\.", fine=(0, 1))
        drivers = {os.fsdecode(key).rpartition(".")[0] for key in named.split(b"\0") if key}
        off = [f"{driver}.{part}=" for driver in drivers for part in ("clean", "smudge", "process")]
        off += [f"{driver}.required=false" for driver in drivers]
        words = [word for setting in off for word in ("-c", setting)]
        listed = self._call(repo.top, *words, "diff-files", "--name-only", "-z", "--ignore-submodules=all")
        return [part for part in listed.split(b"\0") if part]

    def _keep(self, repo: Repository, keeper: Keeper, *, whole: bool, ignored: bool) -> None:
        folder = os.fsencode(repo.folder)
        for name in _STATE if repo.folder == repo.common else _STATE[1:]:
            keeper.path(os.path.join(folder, name.encode()))
        for name in _STATE_TREES:
            keeper.tree(os.path.join(folder, name.encode()))
        if not whole:
            return
        standard = () if ignored else ("--exclude-standard",)
        top = os.fsencode(repo.top)
        keeper.frame(top)
        folders = _folders(self._listed(repo, "--cached"))
        for folder in folders if len(folders) <= _FRAMES else ():
            keeper.frame(os.path.join(top, folder))
        for listed in (self._dirty(repo), self._listed(repo, "--others", *standard)):
            keeper.many(top, listed)

    def _entries(self, repo: Repository, index: str) -> dict[bytes, bytes]:
        """The entries of an index file as git lists them, by path; b"" for those of a merge under way."""
        raw = self._call(repo.top, "ls-files", "-s", "--debug", "-z", settings={"GIT_INDEX_FILE": index})
        found = {}
        for entry in _END.split(raw):
            head, _, rest = entry.partition(b"\t")
            if rest:
                found[rest.partition(b"\0")[0]] = entry if head.endswith(b" 0") else b""
        return found

    def _changed(self, name: str, number: int, where: Repository) -> tuple[dict[bytes, Row | None], frozenset[bytes]]:
        """Paths that the command may have changed, with what the index before it knew of each; and its directories."""
        kept = self._shelf.path(name, f"index-{number}")
        before = self._entries(where, str(kept)) if kept.stat().st_size else {}
        now = self._entries(where, where.index) if os.path.exists(where.index) else {}
        # A file that was replaced by the same content has another time: that is put back as well.
        paths = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
        paths |= {*self._dirty(where), *self._listed(where, "--others", "--exclude-standard")}
        # INVARIANT: None means that the index had no such path. One whose entry says nothing clear is left alone.
        rows = {path: _row(before[path]) for path in paths & before.keys()}
        meant = {path: rows.get(path) for path in sorted(paths) if path not in before or rows[path] is not None}
        return meant, _folders(before)

    def _files(
        self,
        where: Repository,
        changed: dict[bytes, Row | None],
        untracked: Sequence[bytes],
        known: set[bytes],
        limits: Limits,
    ) -> Iterator[Was]:
        top = os.fsencode(where.top)
        already = {name for name in untracked if not name.endswith(b"/")}
        folders = tuple(name for name in untracked if name.endswith(b"/"))
        wanted: list[tuple[bytes, Row]] = []
        for path, row in changed.items():
            full = os.path.join(top, path)
            if full in known:
                continue
            if row is not None:
                wanted.append((full, row))
            elif path not in already and not path.startswith(folders or (b"\0",)):
                yield Was(full, Entry())
        yield from self._from_git(where, wanted, limits)

    def _from_git(self, where: Repository, wanted: Sequence[tuple[bytes, Row]], limits: Limits) -> Iterator[Was]:
        """Files as git has them, moved into the store: they will be there when git has thrown them away."""
        fits: list[tuple[bytes, Row]] = []
        spent = 0
        for full, row in wanted:
            if row.mode & 0o170000 == 0o160000:
                continue  # a submodule is a repository of its own
            spent += row.size
            if spent > limits.size or len(fits) >= limits.files:
                yield Was(full, Entry(FILE), lost="there was too much to keep")
            else:
                fits.append((full, row))
        feed = "".join(f"{row.object}\n" for _, row in fits).encode()
        said = self._call(where.top, "cat-file", "--batch", feed=feed, most=4 * limits.size) if fits else b""
        place = 0
        for full, row in fits:
            line, _, _ = said[place : place + 256].partition(b"\n")
            parts = line.split(b" ")
            if len(parts) != 3:
                yield Was(full, Entry(FILE), lost="git does not have it")
                place += len(line) + 1
                continue
            start = place + len(line) + 1
            place = start + int(parts[2]) + 1
            yield self._as_it_was(full, row, said[start : place - 1])

    def _as_it_was(self, full: bytes, row: Row, raw: bytes) -> Was:
        if row.mode & 0o170000 == 0o120000:
            return Was(full, Entry(SYMLINK, 0o777, row.uid, row.gid, mtime=row.mtime, target=raw))
        if row.size not in (0, len(raw)):
            raw = raw.replace(b"\n", b"\r\n")  # the one conversion of git's own that changes the size
            if row.size != len(raw):
                return Was(full, Entry(FILE), lost="git keeps it through a filter (git-lfs or alike)")
        mode = _mode(full, row)
        digest = self._vault.put(raw, durable=False)
        return Was(full, Entry(FILE, mode, row.uid, row.gid, len(raw), row.mtime, digest))

    def _pack(self, name: str, number: int, old: Snapshot, new: Snapshot, blobs: Sequence[str]) -> None:
        """Keep the objects that nothing in the repository names any more."""
        lines = [*repository.commits(old), *(f"^{named}" for named in repository.commits(new))]
        feed = "\n".join(lines).encode() + b"\n"
        listed = self._call(old.where.top, "rev-list", "--objects", "--ignore-missing", "--stdin", feed=feed)
        objects = {line.split(b" ", 1)[0] for line in listed.splitlines()} | {blob.encode() for blob in blobs}
        if objects:
            feed = b"\n".join(sorted(objects)) + b"\n"
            packed = self._call(old.where.top, "pack-objects", "-q", "--stdout", feed=feed, most=_PACKED)
            self._shelf.write(name, f"pack-{number}", packed)

    def tidy(self, now: float) -> None:
        """Take back the refs that hold objects for actions whose outcome nobody reported. Never raises."""
        for name in self._shelf.with_part("held"):
            if self._shelf.taken(name) < now - _HELD_SECONDS:
                with contextlib.suppress(InterlockError, OSError):  # the repository is gone, and its refs with it
                    self._release(name, self.moment(name, "git"))
                with contextlib.suppress(OSError):
                    self._shelf.drop(name, "held")

    def _hold(self, name: str, moment: Moment) -> None:
        self._shelf.write(name, "held", b"")
        for one in moment.found:
            named = sorted({*repository.commits(one), *self._staged(one)})
            lines = "".join(f"create refs/interlock/{name}/{n} {value}\n" for n, value in enumerate(named))
            if lines:
                self._call(one.where.top, "update-ref", "--stdin", feed=lines.encode())

    def _staged(self, one: Snapshot) -> set[str]:
        """Contents that only the index names."""
        tree = one.head if repository.is_commit(one.head) or one.head.removeprefix("ref: ") in one.refs else ""
        if not tree:
            return set()
        listed = self._call(one.where.top, "diff-index", "--cached", "--no-renames", "-z", "HEAD").split(b"\0")
        words = [row.split(b" ") for row in listed if row.startswith(b":")]
        return {row[3].decode() for row in words if row[1] not in (b"000000", b"160000")}

    def _release(self, name: str, moment: Moment) -> None:
        for one in moment.found:
            own = self._call(one.where.top, "for-each-ref", "--format=delete %(refname)", f"refs/interlock/{name}/")
            if own:
                self._call(one.where.top, "update-ref", "--stdin", feed=own)


def _came(
    top: str, found: Iterable[Was], folders: frozenset[bytes], untracked: Sequence[bytes], known: set[bytes]
) -> Iterator[Was]:
    """The directories that came with files that were not there before: neither git's nor anybody else's."""
    start = os.path.join(os.fsencode(top), b"")
    theirs = tuple(name for name in untracked if name.endswith(b"/")) or (b"\0",)
    came = _folders(was.path.removeprefix(start) for was in found if was.entry.kind == ABSENT)
    for folder in sorted(came - folders):
        if start + folder not in known and not (folder + b"/").startswith(theirs):
            yield Was(start + folder, Entry())


def _folders(names: Iterable[bytes]) -> frozenset[bytes]:
    """Every directory above these names, but for the top."""
    found: set[bytes] = set()
    for name in names:
        above = os.path.dirname(name)
        while above and above not in found:
            found.add(above)
            above = os.path.dirname(above)
    return frozenset(found)


def _row(entry: bytes) -> Row | None:
    match = _ROW.match(entry)
    if match is None:
        return None
    mode, name, seconds, nanoseconds, uid, gid, size = match.groups()
    mtime = int(seconds) * 1_000_000_000 + int(nanoseconds)
    return Row(int(mode, 8), name.decode(), int(size), mtime, int(uid), int(gid))


def _mode(full: bytes, row: Row) -> int:
    """Git knows of a file's mode only whether it is executable; the rest is what the user's mask leaves of it."""
    wide = 0o777 if row.mode & 0o111 else 0o666
    now = seen_mode(full)
    if now is not None:
        return (now | (now & 0o444) >> 2) if row.mode & 0o111 else now & ~0o111
    folder = os.path.dirname(full)
    while (above := seen_mode(folder)) is None:
        folder = os.path.dirname(folder)
    return wide & above & 0o777


def seen_mode(path: bytes) -> int | None:
    """The mode of what stands at a path, if anything does."""
    try:
        return os.stat(path, follow_symlinks=False).st_mode & 0o777
    except OSError:
        return None
