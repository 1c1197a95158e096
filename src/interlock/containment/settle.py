"""The end of a run: what it changed is listed, judged and, where it may be, committed. The rest is kept beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from interlock.containment import changes as listing
from interlock.containment.change import SECRET, ChangeSet, from_bytes, load, shown, to_bytes
from interlock.containment.clone import clone
from interlock.containment.commit import NotCommitted, commit
from interlock.containment.diff import diff
from interlock.containment.grave import Held, findings
from interlock.containment.removal import remove_tree
from interlock.containment.returned import returned
from interlock.containment.sides import Sides
from interlock.containment.tracked import keeping
from interlock.containment.vouch import Vouch

DROPPED = "it was to be dropped"
_COMMITS = 1_000  # transactions of one run: the first, and those of a person's later decisions


class Workplace(msgspec.Struct, frozen=True):
    """One run's own directory. Paths absolute; `began` in nanoseconds, by the clock that stamps files."""

    folder: Path
    workspace: str
    began: int

    @classmethod
    def make(
        cls, folder: Path, workspace: str, *, copy: bool = False, secret: Callable[[str], bool] | None = None
    ) -> Workplace:
        """A new one; with `copy`, the layer is a copy of the workspace, in which files with credentials are empty.

        Raises OSError, StateError (too large for a copy); nothing is left behind then.
        """
        folder.mkdir(mode=0o700, parents=True)
        # The layer's own directory stands for the workspace's: inside it shows as that, so it must look like it.
        mode = os.stat(workspace).st_mode & 0o7777
        for name, bits in (("upper", mode), ("work", 0o700)):
            (folder / name).mkdir()
            os.chmod(folder / name, bits)
        # What changes while the copy is under way has changed after the run began.
        place = cls(folder, workspace, listing.start(folder))
        if copy:
            try:
                _copy(workspace, folder, secret)
            except BaseException:
                with suppress(OSError):
                    remove_tree(folder)
                raise
        (folder / "run").write_bytes(to_bytes([place.workspace, place.began]))
        return place

    @classmethod
    def open(cls, folder: Path) -> Workplace | None:
        """One that was made before; None where there is none. Raises OSError, ValueError."""
        try:
            workspace, began = from_bytes((folder / "run").read_bytes(), tuple[str, int])
        except FileNotFoundError:
            return None
        return cls(folder, workspace, began)

    @property
    def upper(self) -> Path:
        """The layer that the run writes to."""
        return self.folder / "upper"

    @property
    def baseline(self) -> listing.Baseline | None:
        """What the copy was when it was made; None where the layer is an overlay's. Raises OSError, ValueError."""
        try:
            return from_bytes((self.folder / "baseline").read_bytes(), dict[str, tuple[int, int]])
        except FileNotFoundError:
            return None

    @property
    def work(self) -> Path:
        """The overlay's own working directory."""
        return self.folder / "work"

    @property
    def left(self) -> Path:
        """The record of what is held."""
        return self.folder / "held"


class Settled(msgspec.Struct, frozen=True):
    """What came of a run. `committed` are paths; `transaction` the folder of the commit, for undo, "" for none."""

    changes: ChangeSet
    committed: tuple[str, ...]
    held: tuple[Held, ...]
    transaction: str = ""


Commits = tuple[frozenset[str], frozenset[str]]  # people's, and agents', as `Histories.trusted` gives them


def settle(
    place: Workplace,
    *,
    secret: Callable[[str], bool],
    instead: tuple[str, str] | None = None,
    commits: Commits = (frozenset(), frozenset()),
) -> Settled:
    """List, judge and commit; `instead` is the rule and the reason by which nothing at all is committed.

    What is as in people's `commits` is not held for what it says.

    Never loses anything: what is not committed stays in the layer. Raises OSError where the layer or the workspace
    cannot be read, StateError where a failed commit could not be taken back.
    """
    with _both(place) as (upper, live):
        known, back = place.baseline, returned(place.folder)
        if known is None:
            found = listing.overlay(upper, live, began=place.began, secret=secret, back=back)
        else:
            found = listing.copied(upper, live, known, began=place.began, secret=secret, back=back)
        with closing(Vouch(place.workspace, *commits)) as vouch:
            judged = findings(found, Sides(place.workspace, live, upper, whole=known is not None, vouch=vouch))
    held = {finding.path: finding for finding in judged}
    for change in found:
        if instead is not None:
            held.setdefault(change.path, Held(change.path, *instead))
        elif not change.may_commit:
            held.setdefault(change.path, Held(change.path, "not-committed", ", ".join(change.notes)))
        elif not change.can_undo and change.before.kind != "none":
            held.setdefault(change.path, Held(change.path, "secret", "it holds credentials, and could not be undone"))
    if instead is not None and instead[1] == DROPPED:
        clean(place)
        return Settled(found, (), tuple(held.values()))
    return _commit(place, found, held, [change.path for change in found if change.path not in held], secret)


def left(place: Workplace) -> ChangeSet | None:
    """What of a run is held; None where nothing is."""
    try:
        return load(place.left)
    except FileNotFoundError:
        return None


def untouched(place: Workplace) -> bool:
    """Whether the run wrote nothing at all: then there is nothing to list or judge. Raises OSError."""
    if (place.folder / "baseline").exists():
        return False  # a copy is compared
    with os.scandir(place.upper) as listed:
        if next(listed, None) is not None:
            return False
    same = (place.upper.stat().st_mode ^ os.stat(place.workspace).st_mode) & 0o7777 == 0
    return same and all(name.startswith("user.overlay.") for name in os.listxattr(place.upper))


class Waiting(msgspec.Struct, frozen=True):
    """One change that waits: what it is, whether git keeps the path, and its text as a diff."""

    path: str
    what: str
    git: str = ""
    diff: tuple[str, ...] = ()


def waiting(place: Workplace, *, most: int = 200, with_diffs: int = 20) -> tuple[Waiting, ...]:
    """What of a run is held, for a person who decides: the first `with_diffs` of it with their diffs."""
    found = left(place)
    if found is None:
        return ()
    kept = keeping(place.workspace, found)
    all_of_it = []
    with _both(place) as (upper, live):
        for number, change in enumerate(found.changes[:most]):
            lines: tuple[str, ...] = ()
            if number < with_diffs and change.may_commit and SECRET not in change.notes:
                with suppress(OSError):
                    lines = diff(change, upper, live).lines
            all_of_it.append(Waiting(shown(change.path), change.what, str(kept.get(change.path, "")), lines))
    return tuple(all_of_it)


def decide(place: Workplace, *, let_through: bool, secret: Callable[[str], bool] | None = None) -> Settled:
    """A person's decision on what is held: commit it, or drop it. Raises FileNotFoundError when nothing is."""
    found = load(place.left)
    if let_through:
        return _commit(place, found, {}, [change.path for change in found], secret)
    clean(place)
    return Settled(found, (), ())


def _commit(
    place: Workplace,
    found: ChangeSet,
    held: dict[str, Held],
    wanted: list[str],
    secret: Callable[[str], bool] | None = None,
) -> Settled:
    folder = next(place.folder / f"commit{n}" for n in range(_COMMITS) if not (place.folder / f"commit{n}").exists())
    paths: frozenset[str] = frozenset()
    transaction = ""
    if wanted:
        try:
            done = commit(folder, place.workspace, str(place.upper), found, wanted, secret=secret)
        except NotCommitted as error:
            for path in wanted:
                held.setdefault(path, Held(path, "not-committed", str(error)))
        else:
            paths, transaction = done.paths, str(done.folder or "")
            for refused in done.refused:
                held.setdefault(refused.path, Held(refused.path, "conflict", refused.why))
    rest = found.without(paths)
    if len(rest):
        rest.save(place.left)
    else:
        clean(place)
    return Settled(
        found, tuple(path for path in (c.path for c in found) if path in paths), tuple(held.values()), transaction
    )


@contextmanager
def _both(place: Workplace) -> Iterator[tuple[int, int]]:
    upper = os.open(place.upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        live = os.open(place.workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield upper, live
        finally:
            os.close(live)
    finally:
        os.close(upper)


def _copy(workspace: str, folder: Path, secret: Callable[[str], bool] | None) -> None:
    source = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        target = os.open(folder / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            clone(source, target, secret=secret)
            (folder / "baseline").write_bytes(to_bytes(listing.baseline(target)))
        finally:
            os.close(target)
    finally:
        os.close(source)


def clean(place: Workplace) -> None:
    """Drop what is left of the layer of a run of which nothing is held; its transactions stay, for undo."""
    for directory in (place.upper, place.work):
        with suppress(OSError):
            remove_tree(directory)
    place.left.unlink(missing_ok=True)
