"""What stood at the paths of an uncontained action, kept before the action is released.

An edit by an agent's own tool, or a command whose reading names what it changes, runs in the open. What it would change
is copied into the store first, within bounds; what is too much, or secret, is left where it is, and
that is said.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from interlock.containment import walk
from interlock.containment.point import ABSENT, DIRECTORY, FILE, OTHER, SYMLINK, After, Entry, Left, Point, Was
from interlock.model.effect import Effect, Kind, Verb
from interlock.model.errors import StateError

CHANGING = frozenset({Verb.WRITE, Verb.CREATE, Verb.OVERWRITE, Verb.DELETE, Verb.CONFIGURE})
PLACES = frozenset({Kind.FILE, Kind.DIRECTORY, Kind.SECRET, Kind.AGENT_CONFIG, Kind.TERRAFORM_STATE})
_WILD = "*?["
_HASHED = 256 << 20  # bytes of one file; half a second
_SECRET = "it holds secrets, which are never copied"  # noqa: S105 - a sentence
_UNKEPT = "it is a device, a pipe or a socket"


class Vault(Protocol):
    """The store of pre-images (`store.Store`), as this room needs it."""

    def put(self, raw: bytes, *, durable: bool = True) -> str:
        """Keep these bytes; returns their SHA-256. Raises OSError."""

    def put_file(self, fd: int, *, durable: bool = True) -> str:
        """Keep what an open file holds. Raises OSError, StateError."""

    def __contains__(self, digest: object) -> bool: ...

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The bytes again, checked. Raises StateError when they are gone or damaged, perhaps after the last piece."""


class Limits(msgspec.Struct, frozen=True):
    """How much one action's pre-images may take. The agent waits for them; its hook shows signs of life meanwhile."""

    files: int = 5_000
    size: int = 64 << 20
    seconds: float = 5.0


class Wanted(msgspec.Struct, frozen=True):
    """A path that an action would change. `whole`: what lies below it too. `wild`: it is a pattern."""

    path: str
    whole: bool = False
    wild: bool = False


def wanted(effects: Iterable[Effect]) -> tuple[Wanted, ...]:
    """What the effects name of files. Pure."""
    found: dict[str, Wanted] = {}
    for effect in effects:
        resource = effect.resource
        if effect.verb not in CHANGING or resource.kind not in PLACES or not resource.name.startswith("/"):
            continue
        whole = resource.kind is Kind.DIRECTORY and effect.verb is not Verb.CREATE
        known = found.get(resource.name)
        wild = any(character in resource.name for character in _WILD)
        found[resource.name] = Wanted(resource.name, whole or (known is not None and known.whole), wild)
    return tuple(found.values())


class Keeper:
    """Takes the pre-images of one action; without a vault it only finds out what could be kept."""

    def __init__(
        self,
        vault: Vault | None,
        secret: Callable[[str], bool],
        *,
        within: str,
        limits: Limits | None = None,
        durable: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._durable = durable
        self._secret = secret
        self._within = os.fsencode(os.path.realpath(within)).rstrip(b"/") + b"/"
        self._limits = limits or Limits()
        self._now = now
        self._end = now() + self._limits.seconds
        self._files = 0
        self._size = 0
        self._was: dict[bytes, Was] = {}
        self._trees: list[bytes] = []
        self._held = walk.Held()

    def take(self, what: Sequence[Wanted]) -> None:
        """Keep what stands at these paths. Never raises for what it finds: what cannot be kept is said in the point."""
        for one in what:
            for path in self._expanded(one):
                self._take(path, whole=one.whole)

    def path(self, path: bytes) -> None:
        """Keep what stands at one real path, and nothing below it."""
        self._take(path, whole=False, follow=False)

    def links(self, names: Iterable[str]) -> None:
        """Keep those of a command's words that name links: a change of the file behind one may replace the link."""
        for name in names:
            if "\0" not in name and os.path.islink(name):
                self._take(os.fsencode(name), whole=False, follow=False)

    def tree(self, path: bytes) -> None:
        """Keep what stands at one real path, and everything below it."""
        self._take(path, whole=True, follow=False)

    def many(self, top: bytes, names: Sequence[bytes]) -> None:
        """Keep these, by names below a directory; each that there is no more room for is a loss of its own."""
        for name in names:
            path = os.path.join(top, name.rstrip(b"/"))
            if self._spent():
                self._lose(path, Entry(OTHER), "there was too much to keep")
            else:
                self.path(path)

    def reaches(self, path: bytes) -> bool:
        """Whether a real path lies within what this keeper may copy."""
        return self._inside(path)

    def frame(self, path: bytes) -> None:
        """Note the time of a directory."""
        self._was.setdefault(path, Was(path, walk.facts(path), frame=True))

    def point(self, name: str) -> Point:
        """Everything kept so far; the keeper is done with it."""
        self._held.close()
        return Point(id=name, was=tuple(self._was.values()), trees=tuple(self._trees))

    def lost(self) -> Iterator[tuple[str, str]]:
        """What could not be kept, and why."""
        yield from ((os.fsdecode(was.path), was.lost) for was in self._was.values() if was.lost)

    def _expanded(self, one: Wanted) -> Iterator[bytes]:
        path = os.fsencode(one.path)
        if not one.wild or os.path.lexists(path):
            yield path
            return
        fixed = path
        while any(character in fixed for character in b"*?["):
            fixed = os.path.dirname(fixed)
        pattern = one.path.replace("/**/", "/*")
        try:
            for found, entry in walk.below(os.path.realpath(fixed)):
                if self._spent():
                    self._lose(fixed, walk.facts(fixed), "what the pattern stands for is too much to keep")
                    return
                if entry.kind != DIRECTORY and fnmatch.fnmatchcase(os.fsdecode(found), pattern):
                    yield found
        except OSError as error:
            self._lose(fixed, Entry(DIRECTORY), f"it cannot be read: {error.strerror}")

    def _take(self, given: bytes, *, whole: bool, follow: bool = True) -> None:
        folder, name = os.path.split(given.rstrip(b"/"))
        path = os.path.join(os.path.realpath(folder), name)
        if not self._inside(path):
            return
        try:
            self._surroundings(path)
            entry = walk.facts(path)
            if whole and entry.kind == DIRECTORY:
                self._tree(path)
                return
            if whole and entry.kind == ABSENT:
                self._trees.append(path)
            self._one(path, entry)
        except OSError as error:
            self._lose(path, Entry(OTHER), f"it cannot be read: {error.strerror}")
            return
        if entry.kind == SYMLINK and follow:
            leads = os.path.realpath(path)
            if self._inside(leads) and leads not in self._was and walk.facts(leads).kind != SYMLINK:
                self._take(leads, whole=whole)

    def _inside(self, path: bytes) -> bool:
        return (path + b"/").startswith(self._within)

    def _surroundings(self, path: bytes) -> None:
        """The directories that the action may have to make, and the one whose time it moves."""
        folder = os.path.dirname(path)
        while self._inside(folder):
            entry = walk.facts(folder)
            if entry.kind not in (ABSENT, DIRECTORY):
                self._one(folder, entry)  # something else stands where a directory would have to be
                return
            self._was.setdefault(folder, Was(folder, entry, frame=entry.kind == DIRECTORY))
            if entry.kind == DIRECTORY:
                return
            folder = os.path.dirname(folder)

    def _tree(self, top: bytes) -> None:
        listed = []
        for path, entry in walk.below(top):
            listed.append((path, entry))
            self._size += entry.size
            if self._spent(len(listed)):
                # Half a directory is no undo: nothing of it is kept, and that is said.
                self._size -= sum(entry.size for _, entry in listed)
                self._lose(top, listed[0][1], "there was too much to keep")
                return
        self._size -= sum(entry.size for _, entry in listed)
        self._trees.append(top)
        for path, entry in listed:
            self._one(path, entry)

    def _one(self, path: bytes, entry: Entry) -> None:
        known = self._was.get(path)
        if known is not None and not known.frame:
            return
        self._files += 1
        self._size += entry.size
        if entry.kind == OTHER:
            self._lose(path, entry, _UNKEPT)
        elif entry.kind != FILE:
            self._was[path] = Was(path, entry)
        elif self._secret(os.fsdecode(path)):
            self._lose(path, entry, _SECRET)
        elif self._spent():
            self._size -= entry.size
            self._lose(path, entry, "there was too much to keep")
        else:
            self._was[path] = self._kept(path, entry)

    def _kept(self, path: bytes, entry: Entry) -> Was:
        if self._vault is None:
            return Was(path, entry)
        try:
            descriptor = walk.open_file(self._held.at(os.path.dirname(path)), os.path.basename(path))
            try:
                if walk.still(descriptor, entry):
                    return Was(
                        path,
                        msgspec.structs.replace(entry, digest=self._vault.put_file(descriptor, durable=self._durable)),
                    )
            finally:
                os.close(descriptor)
        except StateError as error:
            return Was(path, entry, lost=str(error))
        except OSError as error:
            return Was(path, entry, lost=f"it cannot be kept: {error.strerror}")
        return Was(path, entry, lost="it changed while it was read")

    def _spent(self, more: int = 0) -> bool:
        limits = self._limits
        return self._files + more > limits.files or self._size > limits.size or self._now() > self._end

    def _lose(self, path: bytes, entry: Entry, why: str) -> None:
        self._was[path] = Was(path, entry, lost=why)


def after(point: Point, limits: Limits | None = None, now: Callable[[], float] = time.monotonic) -> After:
    """What is there now, once the action's outcome is known."""
    bounds = limits or Limits()
    end = now() + bounds.seconds
    left = [Left(was.path, seen(was.path, was.entry)) for was in point.was]
    known = {was.path for was in point.was}
    found: list[Was] = []
    # A path that was not there and is a directory now came with everything in it.
    came = [one.path for one, was in zip(left, point.was, strict=True) if _came(was, one.entry)]
    for tree in (*point.trees, *came):
        try:
            for path, _ in walk.below(tree):
                if path not in known and len(found) < bounds.files and now() < end:
                    known.add(path)
                    found.append(Was(path, Entry()))
                    left.append(Left(path, seen(path)))
        except OSError:
            continue  # it became unreadable: what is new in it stays, and undo says that the directory is not empty
    return After(tuple(left), tuple(found))


def _came(was: Was, now: Entry) -> bool:
    return now.kind == DIRECTORY and was.entry.kind != DIRECTORY and not was.lost


def seen(path: bytes, known: Entry | None = None) -> Entry:
    """What stands at a path, with the digest of a file; that of `known` where it is still the very same file."""
    try:
        entry = walk.facts(path)
        if entry.kind != FILE:
            return entry
        if known is not None and known.digest and untouched(entry, known):
            return msgspec.structs.replace(entry, digest=known.digest)
        if entry.size > _HASHED:
            return entry  # it is then known by its inode, size and time alone
        with walk.parent(path) as (directory, name):
            descriptor = walk.open_file(directory, name)
        with open(descriptor, "rb") as file:
            return msgspec.structs.replace(entry, digest=hashlib.file_digest(file, "sha256").hexdigest())
    except FileNotFoundError:
        return Entry()
    except OSError:
        return Entry(OTHER)


def untouched(one: Entry, other: Entry) -> bool:
    """Whether both are one file that nobody wrote in between, by what the file system says."""
    return (one.kind, one.place, one.size, one.mtime, one.mode) == (
        other.kind, other.place, other.size, other.mtime, other.mode
    )  # fmt: skip
