"""A room in which code of the repository that is judged may run: the tests of a change, and what they start.

That code is the change's own, so it is taken to be hostile. Bubblewrap gives it the system's programs, the interpreter
that the base's configuration names, the folder it works on and nothing else: no network, no home, no variables, no
other process. Its time, memory, processes and output are bounded together, and all of it is ended at its end. Where
bubblewrap may not be used there is no room, and nothing runs.

What the room does not give is truth: tests run in one process with the code they test, and code that wants to forge
its own test results can.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from interlock.changes.descendants import below, resident
from interlock.preview.finding import Deadline, Unseen
from interlock.preview.process import Machine

TREE = "/tree"  # where the folder stands in the room
_MEMORY = 2 << 30  # bytes that everything in one room holds together; a stage may have no more either
_PROCESSES = 256
_FILE = 256 << 20  # bytes of one file that is written, and of all in /tmp
_OUTPUT = 64 << 20
_LOOK = 0.05  # seconds between looks at what is held: a bomb of forks has some hundreds by then
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "mime.types", "nsswitch.conf", "ssl/certs"
)  # fmt: skip

# Of each process; what they take together is watched from outside.
_LIMITS = ("/usr/bin/prlimit", "--core=0", f"--fsize={_FILE}", f"--data={_MEMORY}", f"--nproc={_PROCESSES}", "--")


class NoRoom(Exception):
    """Nothing here can contain a program; the message says what is missing."""


class Ended(NamedTuple):
    """How a program ended. `why`: it was ended, and for what; "" where it ended itself."""

    status: int
    out: bytes
    why: str = ""


class Room(NamedTuple):
    """A folder, and what is seen beside it. `reads` are absolute; `binds` are (outside, inside) pairs, read-only."""

    folder: Path
    reads: tuple[str, ...] = ()
    writable: bool = False
    binds: tuple[tuple[str, str], ...] = ()

    def run(self, argv: Sequence[str], *, seconds: float, env: Mapping[str, str]) -> Ended:
        """Run a program to its end, or until it has taken more than it may.

        Raises:
            NoRoom: there is nothing to contain it with.
        """
        if not usable():
            raise NoRoom("bubblewrap is not installed, or this system does not let it make a room")
        watch = _Watch()
        machine = Machine(Deadline(seconds), started=watch.begin)
        try:
            status, out = machine.take(("bwrap", *self._words(env), "--", *_LIMITS, *argv), "/", most=_OUTPUT)
        except Unseen as error:
            return Ended(-1, b"", watch.why or str(error).replace("bwrap", Path(argv[0]).name, 1))
        finally:
            watch.end()
        return Ended(status, out, watch.why)

    def _words(self, env: Mapping[str, str]) -> Iterator[str]:
        yield from _HULL
        for path in self.reads:
            yield from ("--ro-bind", path, path)
        yield from ("--bind" if self.writable else "--ro-bind", str(self.folder), TREE)
        for outside, inside in self.binds:
            yield from ("--ro-bind", outside, inside)
        yield from ("--chdir", TREE, "--clearenv")
        settings = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - its own
        for name, value in (settings | dict(env)).items():
            yield from ("--setenv", name, value)


def prefixes(where: str) -> Iterator[str]:
    """Folders that a program in a `bin` comes with: its own, that of what it links to, an environment's interpreter."""
    found = [os.path.dirname(os.path.dirname(path)) for path in (where, os.path.realpath(where))]
    try:
        with open(os.path.join(found[0], "pyvenv.cfg"), encoding="utf-8") as file:
            homes = [line.partition("=")[2].strip() for line in file if line.partition("=")[0].strip() == "home"]
    except OSError:
        homes = []
    found += [os.path.dirname(home) for home in homes]
    people = os.path.expanduser("~")
    for folder in dict.fromkeys(os.path.abspath(path) for path in found):
        # A program of the system is seen anyway; one right below somebody's home does not show that home.
        if not folder.startswith("/usr") and not (people + "/").startswith(folder.rstrip("/") + "/"):
            yield folder


def _hull() -> tuple[str, ...]:
    words = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "room"]
    words += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = f"/{name}"
        if os.path.islink(path):
            words += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            words += ["--ro-bind", path, path]
    for name in _ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return (*words, "--dev", "/dev", "--proc", "/proc", "--size", str(_FILE), "--tmpfs", "/tmp")  # noqa: S108 - its own


_HULL = _hull()


@cache
def usable() -> bool:
    """Whether a room can be made here."""
    try:
        status, _ = Machine(Deadline(5.0)).take(("bwrap", *_HULL, "--", *_LIMITS, "/usr/bin/true"), "/")
    except Unseen:
        return False
    return status == 0


class _Watch:
    """Looks at what everything below one process takes together, and ends it when that is too much."""

    def __init__(self) -> None:
        self.why = ""
        self._over, self._thread = threading.Event(), threading.Thread()

    def begin(self, pid: int) -> None:
        """Called with the process that was started."""
        self._thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """It is over."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self, pid: int) -> None:
        while not self._over.wait(_LOOK):
            pids = below(pid)
            if len(pids) > _PROCESSES:
                self.why = f"it had more than {_PROCESSES} processes"
            elif resident(pids) > _MEMORY:
                self.why = f"it took more than {_MEMORY >> 30} GiB of memory"
            if self.why:
                for one in (pid, *pids[:_PROCESSES]):
                    _kill(one)
                return


def _kill(pid: int) -> None:
    import signal

    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
