"""What this machine can contain a command with: the strongest means that really worked when it was tried.

Kernels, distributions and outer containers each forbid something else, and say so nowhere. So every tier is tried
with a small run that must write where it may, fail where it may not, and see nothing of the host's processes and
network.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path

import msgspec

from interlock.containment import bwrap, remedies
from interlock.containment.bwrap import Bubblewrap
from interlock.containment.calls import calls_filter
from interlock.containment.places import look
from interlock.containment.plan import Plan, Write

_SECONDS = 10.0  # a trial takes a hundredth of one


class Name(StrEnum):
    """The tiers, strongest first. There is no tier beyond them that would contain less and say nothing."""

    OVERLAY = "overlay"  # own namespaces, copy-on-write
    COPY = "copy"  # own namespaces, on a copy of the workspace
    BWRAP = "bwrap"  # the system's bubblewrap, on a copy
    NONE = "none"  # nothing contains here; policy is told so


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """What contains, where its layers go, what was found on the way, and why it is not a better one."""

    name: Name
    place: str = ""  # a directory for upper layers and copies; empty for none
    program: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    why: tuple[str, ...] = ()  # for each better tier that was tried, in order
    group: str = ""  # the directory in which runs get cgroups of their own; empty where there is none
    controllers: tuple[str, ...] = ()  # those whose bounds hold there
    no_group: str = ""  # why there is none

    @property
    def contains(self) -> bool:
        """Whether anything does."""
        return self.name is not Name.NONE

    @property
    def network(self) -> bool:
        """Whether a contained command can be given the hosts of a list."""
        return self.launched

    @property
    def launched(self) -> bool:
        """Whether our own launcher builds the sandbox: what only it can do (see programs, pass a network) is done."""
        return self.name in (Name.OVERLAY, Name.COPY)

    @property
    def memory(self) -> str:
        """What holds the bound on memory of a run as a whole: `group` (the kernel), `watch` (we look), or nothing."""
        if not self.contains:
            return ""
        return "group" if self.launched and "memory" in self.controllers else "watch"

    def bubblewrap(self, empty: Path) -> Bubblewrap:
        """The means of the tier `bwrap`."""
        facts = dict(self.facts)
        return Bubblewrap(
            Path(self.program), empty, facts.get("disable-userns") == "yes", calls_filter(os.uname().machine)
        )


class Ran(msgspec.Struct, frozen=True):
    """How a trial ended."""

    status: int
    said: str


Run = Callable[[Sequence[str], Sequence[int]], Ran]
"""Run a program that inherits these descriptors."""


def survey(places: Iterable[Path], launcher: Path | None, bubblewrap: Path | None, run: Run | None = None) -> Tier:
    """Try the tiers from the strongest down; `places` are the candidates for layers, best first."""
    run = run or _run
    places = tuple(dict.fromkeys(places))
    facts: dict[str, str] = {"kernel": os.uname().release}
    why: list[str] = []

    def first(name: Name, write: Write, runner: _Runner) -> Path | None:
        """The first place where this works; for the others it is noted why it does not."""
        for place in places:
            wrong = _tried(place, write, runner)
            if wrong is None:
                return place
            why.append(f"{name.value} in {place}: {wrong}")
        return None

    if launcher is None:
        why.append("interlock-run is not installed: it is compiled where there is a C compiler")
    else:
        facts |= probed(run([str(launcher), "--probe"], ()))
        facts["launcher"] = str(launcher)
        by_launcher = partial(_by_launcher, launcher, run)
        for name, write in ((Name.OVERLAY, Write.OVERLAY), (Name.COPY, Write.BIND)):
            place = first(name, write, by_launcher)
            if place is not None:
                return _tier(name, launcher, place, facts, why)
        forbidding = remedies.switches()
        facts |= forbidding
        why += [remedy] if (remedy := remedies.remedy(forbidding, str(launcher))) else []
    if bubblewrap is None:
        why.append("bubblewrap is not installed")
    else:
        facts |= _bwrap_facts(bubblewrap, run)
        facts["seccomp-filter"] = "yes" if calls_filter(os.uname().machine) else "no"
        means = _tier(Name.BWRAP, bubblewrap, Path(), facts, why)
        place = first(Name.BWRAP, Write.BIND, partial(_by_bwrap, means, run))
        if place is not None:
            return _tier(Name.BWRAP, bubblewrap, place, facts, why)
    return Tier(name=Name.NONE, facts=tuple(sorted(facts.items())), why=tuple(why))


def _tier(name: Name, program: Path, place: Path, facts: Mapping[str, str], why: Sequence[str]) -> Tier:
    known = tuple(sorted(facts.items()))
    return Tier(name=name, place=str(place), program=str(program), facts=known, why=tuple(why))


def candidates(state: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where upper layers could go: the state directory, then places in memory, then the disk's scratch space.

    The first is the best, because a commit then moves files instead of copying them; but where the home lies on an
    overlay itself (in a container), the kernel makes no layer there.
    """
    user = os.getuid()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    scratch = ("/dev/shm", "/var/tmp", "/tmp")  # noqa: S108 - `_made` looks whose the directory in them is
    found = [state / "contained", *(Path(base, f"interlock-{user}") for base in scratch)]
    if runtime.startswith("/"):
        found.insert(1, Path(runtime, "interlock-contained"))
    return tuple(found)


def probed(ran: Ran) -> dict[str, str]:
    """The launcher's own account: `name=value` a line."""
    lines = (line.partition("=") for line in ran.said.splitlines()[:100])
    return {name: value[:80] for name, equals, value in lines if equals and name.isprintable() and value.isprintable()}


def found(name: str) -> Path | None:
    """A program of this machine, in the system's own directories only: an agent may have changed PATH."""
    where = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin:/usr/sbin")
    return Path(where) if where else None


def _made(place: Path) -> bool:
    """Make the directory, for this user alone; False where that cannot be."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and not seen.st_mode & 0o077


_Runner = Callable[[Plan, Path], Ran]
_TRIAL = """\
echo inside > made || exit 11
rm there || exit 12
( echo x > {outside} ) 2>/dev/null && exit 13
[ -e {secret} ] && exit 14
for own in {namespaces}; do
    [ "$(readlink "/proc/self/ns/${{own%%:*}}")" = "$own" ] && exit 15
done
exit 0
"""
_MEANING = {
    11: "the workspace cannot be written inside",
    12: "the workspace's files cannot be removed inside",
    13: "the host's files can be written inside",
    14: "what was hidden can be seen inside",
    15: "it shares the host's processes, network, mounts or shared memory",
}


def _tried(place: Path, write: Write, runner: _Runner) -> str | None:
    """One real run with its layers in this place; None when everything was as it must be, else what was wrong."""
    if not _made(place):
        return "there is no directory of this user's own there, and none can be made"
    try:
        with tempfile.TemporaryDirectory(prefix="trial-", dir=place) as directory:
            wrong = _trial(Path(directory).resolve(), write, runner)
    except OSError as error:
        wrong = error.strerror or str(error)
    if wrong is not None:
        with contextlib.suppress(OSError):  # it is not empty: it is in use for something else
            place.rmdir()
    return wrong


def _trial(folder: Path, write: Write, runner: _Runner) -> str | None:
    for name in ("workspace", "upper", "work", "copy", "secret"):
        (folder / name).mkdir()
    for name in ("workspace", "copy"):
        (folder / name / "there").write_text("outside\n")
    (folder / "secret" / "key").write_text("secret\n")
    (folder / "empty").touch()
    outside = folder / "outside"
    own = " ".join(os.readlink(f"/proc/self/ns/{kind}") for kind in ("pid", "net", "mnt", "ipc"))
    script = _TRIAL.format(outside=outside, secret=folder / "secret" / "key", namespaces=own)
    plan = Plan(
        id="trial", argv=("/bin/sh", "-c", script), cwd=str(folder / "workspace"), workspace=str(folder / "workspace"),
        write=write, upper=str(folder / "upper"), work=str(folder / "work"), source=str(folder / "copy"),
        hide=(str(folder / "secret"),), env=(("PATH", "/usr/bin:/bin"),), landlock=False, shim=False, tty=False,
    )  # fmt: skip
    ran = runner(plan, folder)
    if ran.status != 0:
        return _MEANING.get(ran.status) or " ".join(ran.said.split())[:300] or f"it ended with status {ran.status}"
    layer = folder / ("upper" if write is Write.OVERLAY else "copy")
    if (folder / "workspace" / "there").read_text() != "outside\n" or outside.exists():
        return "what it did inside changed what is outside"
    with contextlib.suppress(OSError):
        if (layer / "made").read_text() == "inside\n":
            return None
    return "what it wrote inside did not arrive in its layer"


def _by_launcher(launcher: Path, run: Run, plan: Plan, folder: Path) -> Ran:
    (folder / "plan").write_bytes(plan.encode())
    return run([str(launcher), "--plan", str(folder / "plan")], ())


def _by_bwrap(tier: Tier, run: Run, plan: Plan, folder: Path) -> Ran:
    means = tier.bubblewrap(folder / "empty")
    filtered = bwrap.in_memory(means.calls) if means.calls else None
    status = os.open("/dev/null", os.O_WRONLY)
    try:
        words = bwrap.arguments(plan, means, look, status=status, calls=filtered)
        return run([str(means.program), *words], [status] if filtered is None else [status, filtered])
    finally:
        os.close(status)
        if filtered is not None:
            os.close(filtered)


def _bwrap_facts(program: Path, run: Run) -> dict[str, str]:
    version = run([str(program), "--version"], ()).said.split()
    options = run([str(program), "--help"], ()).said
    return {
        "bwrap": version[-1] if version else "unknown",
        "disable-userns": "yes" if "--disable-userns" in options else "no",
    }


def _run(argv: Sequence[str], given: Sequence[int]) -> Ran:
    """Run a program of the trial; what it says on either stream is its reason."""
    try:
        ran = subprocess.run(  # noqa: S603 - the launcher or bubblewrap
            argv, capture_output=True, timeout=_SECONDS, check=False, env={"PATH": "/usr/bin:/bin"}, pass_fds=given
        )
    except subprocess.TimeoutExpired:
        return Ran(bwrap.TIMED_OUT, "it did not end in time")
    except OSError as error:
        return Ran(bwrap.UNBUILT, error.strerror or str(error))
    return Ran(ran.returncode, (ran.stderr + ran.stdout).decode(errors="replace"))
