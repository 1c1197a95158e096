"""Control groups (cgroup v2): processes held together with whatever they start, to be bounded, frozen and ended as one.

No process leaves a group by detaching, forking or renaming itself, which is what makes a freeze or an end of a group
true where a walk over process ids can only hope. Groups are directories that the kernel makes: nothing else is kept.

A group is made below a directory of Interlock's own, as high in the tree as this user may write: root's at the top, an
ordinary user's in the part that systemd delegates. Which processes an ordinary user may move there is the kernel's to
say: it wants both ends to lie in that part. So whether it works is tried, and said, never assumed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from interlock.model.errors import StateError

CONTROLLERS = ("memory", "pids")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_PREFIX = "interlock-"  # of our directories
_OWNER = (
    "of-"  # and of the empty group in each that names the process whose it is, so that none is swept while it lives
)
_OLD = 600.0  # seconds; one that names nobody may be about to
_TURNS = 0.002  # seconds between two looks at a group that is changing
_PATIENCE = 2.0  # seconds; a process that the disk or a device holds may take longer to freeze or to die


class Bounds(msgspec.Struct, frozen=True):
    """What a group may use up; 0 is no bound. Bytes of memory (swap is not given beside it), and processes."""

    memory: int = 0
    processes: int = 0


class Events(msgspec.Struct, frozen=True):
    """What the kernel has counted of a group."""

    populated: bool  # whether any process is left in it
    frozen: bool
    killed_for_memory: int = 0
    refused_processes: int = 0


class Group:
    """One group. The processes of a `Group` object may change at any time; what is returned was so a moment ago."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Whether the kernel still has it."""
        return self.path.is_dir()

    def add(self, pid: int) -> bool:
        """Move a process, with all its threads; what it starts from then on is born in the group.

        What it started before stays where it is: see `add_tree`. False where no such process is left.
        Takes some 10 ms: the kernel waits for all processors. Raises StateError where the kernel does not allow it.
        """
        try:
            _put(self.path / "cgroup.procs", str(pid))
        except ProcessLookupError:
            return False
        except OSError as error:
            raise StateError(
                f"process {pid} cannot be moved to {self.path}: {error.strerror}. "
                "A user's processes can be moved only inside of the part that systemd delegates to that user."
            ) from error
        return True

    def add_tree(self, pid: int) -> tuple[int, ...]:
        """Move a process and all that descends from it, until none is found outside. Raises StateError.

        A descendant whose parent died belongs to somebody else by then, and is not found.
        """
        moved: dict[int, None] = {}
        while left := [one for one in _tree(pid) if one not in moved]:
            for one in left:
                moved[one] = None
                self.add(one)
        return tuple(moved)

    def members(self) -> tuple[int, ...]:
        """The processes in it, by id; empty also where the group is gone."""
        try:
            return tuple(int(line) for line in (self.path / "cgroup.procs").read_text().split())
        except OSError:
            return ()

    def freeze(self, patience: float = _PATIENCE) -> bool:
        """Stop all of it. True once no process of it runs; False where some are not stopped yet: they will be.

        Raises StateError.
        """
        self._write("cgroup.freeze", "1")
        return _until(lambda: self.events().frozen, patience)

    def thaw(self) -> None:
        """Let it go on. Raises StateError."""
        self._write("cgroup.freeze", "0")

    def kill(self, patience: float = _PATIENCE) -> bool:
        """End all of it, frozen or not. True once nothing of it is left; False where something has yet to die.

        Raises StateError.
        """
        try:
            _put(self.path / "cgroup.kill", "1")
        except FileNotFoundError:
            if self.exists:
                self._kill_each()  # before Linux 5.14
        except OSError as error:
            raise StateError(f"{self.path} cannot be ended: {error.strerror}. {_NEXT}") from error
        return _until(lambda: not self.events().populated, patience)

    def events(self) -> Events:
        """What the kernel has counted; of a group that is gone, that nothing is in it."""
        own, memory, processes = (_pairs(self.path / f"{name}.events") for name in ("cgroup", "memory", "pids"))
        return Events(
            populated=own.get("populated", 0) == 1,
            frozen=own.get("frozen", 0) == 1,
            killed_for_memory=memory.get("oom_kill", 0),
            refused_processes=processes.get("max", 0),
        )

    def remove(self) -> bool:
        """Give it back. False where processes are in it; true also where it is gone already."""
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def bound(self, bounds: Bounds) -> bool:
        """Set what it may use up; false where the kernel offers one of the wanted bounds nowhere here."""
        wanted = []
        if bounds.memory:
            # Ended as a whole: half of a build that goes on without the other half helps nobody.
            wanted += [("memory.max", bounds.memory), ("memory.oom.group", 1)]
        if bounds.processes:
            wanted.append(("pids.max", bounds.processes))
        try:
            for name, value in wanted:
                _put(self.path / name, str(value))
            if bounds.memory:
                with contextlib.suppress(OSError):  # a kernel that does not count swap has no such file
                    _put(self.path / "memory.swap.max", "0")
        except OSError:
            return False
        return True

    def _kill_each(self) -> None:
        with contextlib.suppress(StateError):
            self.freeze()  # so that none is born while the others die
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(StateError):
            self.thaw()

    def _write(self, name: str, value: str) -> None:
        try:
            _put(self.path / name, value)
        except OSError as error:
            raise StateError(f"{self.path / name} cannot be written: {error.strerror}. {_NEXT}") from error


class Groups:
    """Interlock's own directory of groups; `controllers` are those whose bounds hold in it."""

    def __init__(self, path: Path, controllers: frozenset[str]) -> None:
        self.path = path
        self.controllers = controllers

    def make(self, name: str, bounds: Bounds | None = None) -> Group:
        """The group of that name, made if need be; bounds that nothing here can hold are not set.

        Raises StateError.
        """
        group = self.open(name)
        try:
            group.path.mkdir(exist_ok=True)
        except OSError as error:
            raise StateError(f"the group {group.path} cannot be made: {error.strerror}. {_NEXT}") from error
        if bounds is not None:
            memory = bounds.memory if "memory" in self.controllers else 0
            group.bound(Bounds(memory, bounds.processes if "pids" in self.controllers else 0))
        return group

    def open(self, name: str) -> Group:
        """The group of that name, which may not exist. Raises StateError for what is no name."""
        if not _NAME.fullmatch(name):
            raise StateError(f"{name[:80]!r} is no name of a group. Use small letters, digits, dots and dashes.")
        return Group(self.path / name)

    def all(self) -> tuple[Group, ...]:
        """The groups that exist."""
        with contextlib.suppress(OSError):
            found = sorted(one for one in self.path.iterdir() if one.is_dir() and not one.name.startswith(_OWNER))
            return tuple(Group(one) for one in found)
        return ()

    def sweep(self) -> None:
        """Give the empty ones back whose maker was killed before it could; one that is just being made is left."""
        for group in self.all():
            word, _, maker = group.path.name.partition("-")
            if not (word == "run" and maker.isdecimal() and _alive(maker)):
                group.remove()

    def leave(self) -> None:
        """Give it all back, as far as nothing is in it."""
        self.sweep()
        for path in (self.path / f"{_OWNER}{os.getpid()}", self.path):
            with contextlib.suppress(OSError):
                path.rmdir()


def find(name: str, *, mounts: str | None = None, own: str | None = None) -> tuple[Groups | None, str]:
    """Interlock's directory of groups on this machine, called `name`, and why there is none (else empty).

    Tried by freezing and ending a process of our own in it. `mounts` and `own` are what the kernel says of this process
    in `/proc/self/mountinfo` and `/proc/self/cgroup`. Raises StateError for what is no name.
    """
    if not _NAME.fullmatch(name):
        raise StateError(f"{name[:80]!r} is no name of a group. Use small letters, digits, dots and dashes.")
    mounts = _read("/proc/self/mountinfo") if mounts is None else mounts
    own = _read("/proc/self/cgroup") if own is None else own
    why = "cgroup v2 is not mounted here"
    for parent in candidates(mounts, own):
        path = parent / name
        _sweep_beside(parent)
        try:
            (path / f"{_OWNER}{os.getpid()}").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = f"no group can be made in {parent}: {error.strerror}"
            continue
        groups = Groups(path, _enabled(path))
        groups.sweep()
        why = _tried(groups)
        if not why:
            return groups, ""
        groups.leave()
    return None, why


def _sweep_beside(parent: Path) -> None:
    """Give back the directories of installations whose process was killed."""
    with contextlib.suppress(OSError):
        for path in parent.glob(f"{_PREFIX}*"):
            owners = [one for one in path.glob(f"{_OWNER}*") if not _alive(one.name.removeprefix(_OWNER))]
            for one in owners:
                one.rmdir()
            if owners or path.stat().st_mtime < time.time() - _OLD:
                Groups(path, frozenset()).leave()


def _alive(pid: str) -> bool:
    return Path("/proc", pid).exists()


def candidates(mounts: str, own: str) -> Iterator[Path]:
    """Where groups could be made, highest first: the directories above this process's own, and that one.

    The higher, the more processes share a part of the tree with it, which is what the kernel wants of a move.
    """
    here = next((line[3:] for line in own.splitlines() if line.startswith("0::/")), "")
    for line in mounts.splitlines():
        before, dash, after = line.partition(" - ")
        fields = before.split()
        if not dash or len(fields) < 5 or after.split()[0] != "cgroup2":
            continue
        top = Path(fields[4].encode().decode("unicode_escape"))
        inside = here.removeprefix(fields[3].rstrip("/")).strip("/")
        parts = [] if ".." in inside.split("/") else [part for part in inside.split("/") if part]
        for depth in range(len(parts) + 1):
            yield top.joinpath(*parts[:depth])
        return


def _enabled(path: Path) -> frozenset[str]:
    """The controllers whose bounds hold for the groups inside, switched on as far as that can be."""
    # The parent's switch makes them available here; where it is on already, or is not ours, nothing changes.
    for directory in (path.parent, path):
        for controller in CONTROLLERS:
            with contextlib.suppress(OSError):
                if controller not in _words(directory / "cgroup.subtree_control"):
                    _put(directory / "cgroup.subtree_control", f"+{controller}")
    return frozenset(_words(path / "cgroup.subtree_control")) & frozenset(CONTROLLERS)


def _tried(groups: Groups) -> str:
    """Freeze and end a process of our own; what is wrong, or nothing."""
    group = groups.make("trial")
    try:
        sleeper = subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL)
    except OSError as error:
        return f"nothing can be started to try it with: {error.strerror}"
    try:
        group.add(sleeper.pid)
        if not group.freeze() or sleeper.pid not in group.members():
            return f"processes in {groups.path} are not frozen"
        group.thaw()
        return "" if group.kill() else f"processes in {groups.path} are not ended"
    except StateError as error:
        return str(error)
    finally:
        with contextlib.suppress(StateError):
            group.thaw()
        sleeper.kill()
        sleeper.wait()
        group.remove()


def _tree(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        with contextlib.suppress(OSError):  # it is gone
            for thread in os.listdir(f"/proc/{one}/task"):
                waiting += map(int, _words(Path(f"/proc/{one}/task/{thread}/children")))


def _until(done: Callable[[], bool], patience: float) -> bool:
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() >= end:
            return False
        time.sleep(_TURNS)
    return True


def _put(path: Path, text: str) -> None:
    """One write: the kernel takes each as one order. The file is the kernel's, so it is never made."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def _words(path: Path) -> Iterable[str]:
    return _read(str(path)).split()


def _pairs(path: Path) -> dict[str, int]:
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise StateError(f"{path} cannot be read: {error.strerror}. {_NEXT}") from error
        return {}
    return {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdecimal()}


_NEXT = "`interlock doctor` says what this machine allows."

__all__ = ["CONTROLLERS", "Bounds", "Events", "Group", "Groups", "candidates", "find"]
