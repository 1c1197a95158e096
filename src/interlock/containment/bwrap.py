"""A plan run by the system's bubblewrap, where Interlock's own launcher may not make namespaces.

Ubuntu's AppArmor, for one, lets only `/usr/bin/bwrap` make them. Bubblewrap has no overlay that is fast enough, so
the command works on a copy of the workspace; and nothing inside could hand listeners out, so there is no network at
all.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from interlock.containment.minding import Bounds, End, Word, mind
from interlock.containment.places import Look, What, environment, look, places
from interlock.containment.plan import Plan, Write
from interlock.model.errors import StateError

UNBUILT = 125  # the sandbox could not be built; the command has not run
TIMED_OUT = 124
_ENDED = 128 + signal.SIGKILL
_LIMITS = {
    "as": resource.RLIMIT_AS,
    "cpu": resource.RLIMIT_CPU,
    "fsize": resource.RLIMIT_FSIZE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
    "data": resource.RLIMIT_DATA,
}
# The shell finds the program in the new PATH and gives the statuses that shells give where it cannot.
_START = ("/bin/sh", "-c", 'exec "$@"', "sh")


class Bubblewrap(NamedTuple):
    """The program, what it can do, and what it is given: an empty file to cover others with, a filter of calls."""

    program: Path
    empty: Path
    disable_userns: bool
    calls: bytes = b""  # a seccomp program; empty: none


def arguments(plan: Plan, means: Bubblewrap, looked: Look, *, status: int, calls: int | None) -> tuple[str, ...]:
    """What bubblewrap is called with. `status` and `calls` are the descriptors it is given.

    Raises StateError for a plan that bubblewrap cannot carry out: never a weaker sandbox instead.
    """
    if plan.write is Write.OVERLAY:
        raise StateError("bubblewrap here has no overlay: the command needs a copy of the workspace")
    if plan.listeners:
        raise StateError("in bubblewrap a command has no network; this machine cannot contain one that needs it")
    out = ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"]
    out += ["--die-with-parent", "--cap-drop", "ALL", "--json-status-fd", str(status)]
    if means.disable_userns:
        out.append("--disable-userns")
    if calls is None:
        out.append("--new-session")  # no filter to refuse typing into the terminal
    else:
        out += ["--seccomp", str(calls)]
    out += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    sealed = []
    for place in places(plan, looked):
        if place.what is What.WORKSPACE:
            writable = plan.write is Write.BIND
            out += ["--bind", plan.source, place.path] if writable else ["--ro-bind", place.path, place.path]
        elif place.what is What.SHOW:
            out += ["--ro-bind", place.path, place.path]
        elif place.what is What.FRESH:
            everybody = "tmp" in place.path or place.path == "/dev/shm"  # noqa: S108 - the sandbox's own
            out += ["--perms", "1777" if everybody else "0755", "--size", str(plan.fresh_bytes), "--tmpfs", place.path]
        elif place.directory:
            out += ["--perms", "0755", "--size", str(1 << 20), "--tmpfs", place.path]
            sealed.append(place.path)
        else:
            out += ["--ro-bind", str(means.empty), place.path]
    for path in sealed:  # only now: holes in them had to be made first
        out += ["--remount-ro", path]
    return (*out, "--chdir", plan.cwd, "--", *_START, *plan.argv)


class Ended(NamedTuple):
    """The exit status, `UNBUILT` where there was no sandbox; and whether it was ended for the memory that it used."""

    status: int
    over: bool = False


def run(plan: Plan, means: Bubblewrap, environ: dict[str, str], word: Callable[[], Word] = lambda: Word.GO) -> Ended:
    """Run the plan with this process's standard streams, as long as the `word` of the lease lets it.

    Every process of the run is dead when this returns. Belongs in a process of its own: it changes what signals do.
    """
    with contextlib.ExitStack() as held:
        reading, writing = os.pipe()
        held.callback(os.close, reading)
        with contextlib.ExitStack() as given:
            given.callback(os.close, writing)
            calls = in_memory(means.calls) if means.calls else None
            if calls is not None:
                given.callback(os.close, calls)
            words = arguments(plan, means, look, status=writing, calls=calls)
            process = subprocess.Popen(  # noqa: S603 - the program is the one that the tier was tested with
                [str(means.program), *words],
                env=environment(plan, environ),
                pass_fds=[writing] if calls is None else [writing, calls],
                preexec_fn=lambda: _limit(plan),  # noqa: PLW1509 - there are no other threads
            )
        held.enter_context(_signals(process))
        told = int(json.loads(_line(reading) or "{}").get("child-pid", 0))
        first = _handle(told)
        if first is not None:
            held.callback(os.close, first)
        outer = os.pidfd_open(process.pid)  # not waited for yet, so it is this one
        held.callback(os.close, outer)
        why = mind(outer, told, Bounds(plan.wall, dict(plan.limits).get("memory", 0), plan.fresh), word, process.kill)
        process.wait()
        if first is not None:
            select.select([first], [], [])  # the namespace's first process ends after all others
        ended = json.loads(_line(reading) or "{}")
    if why is End.BY_ITSELF:
        return Ended(int(ended.get("exit-code", UNBUILT)))
    return Ended(TIMED_OUT if why is End.LATE else _ENDED, why is End.OVER)


def _limit(plan: Plan) -> None:
    """In the new process, before bubblewrap: what is inherited counts within the new user namespace."""
    for name, number in plan.limits:
        if name == "memory":  # of all processes together: that is minded
            continue
        which = _LIMITS[name]
        _, most = resource.getrlimit(which)
        value = number if most == resource.RLIM_INFINITY else min(number, most)
        resource.setrlimit(which, (value, value))


def in_memory(data: bytes) -> int:
    """A descriptor that reads these bytes."""
    found = os.memfd_create("calls")
    os.write(found, data)
    os.lseek(found, 0, os.SEEK_SET)
    return found


@contextlib.contextmanager
def _signals(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What the terminal sends is for the command; what ends this process ends the sandbox first."""
    wanted = {signal.SIGINT: signal.SIG_IGN, signal.SIGQUIT: signal.SIG_IGN}
    old = {number: signal.signal(number, what) for number, what in wanted.items()}
    for number in (signal.SIGTERM, signal.SIGHUP):
        old[number] = signal.signal(number, lambda *_: process.kill())
    try:
        yield
    finally:
        for number, before in old.items():
            signal.signal(number, before)


def _line(status: int) -> bytes:
    """One line of what bubblewrap tells; empty when it has ended."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(status, 1)):
        line += byte
    return line


def _handle(pid: int) -> int | None:
    """A handle of a process that does not come to mean another one; None when it is gone."""
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid) if pid else None
    return None
