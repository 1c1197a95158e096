"""macOS: the same plan as a Seatbelt profile, on an APFS clone of the workspace. NOT RUN ON A MAC YET.

What is here is pure and tested for the text that it makes; nobody has seen it hold on a Mac, so `tiers` does not
offer it. There are no mounts of one process alone on macOS. So the command works in the clone, at the clone's own
path; what is hidden is denied instead of covered; and a scratch directory of the run's own takes the place of fresh
ones.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from interlock.containment.places import Look, Place, What, below, places
from interlock.containment.plan import Plan, Write
from interlock.model.errors import StateError

SANDBOX = "/usr/bin/sandbox-exec"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/dtracehelper")
_TERMINALS = ("/dev/tty", "/dev/ptmx")
# Who a user is and which groups there are: without these nothing that asks for a name works.
_SERVICES = ("com.apple.system.opendirectoryd.libinfo", "com.apple.system.opendirectoryd.membership")
_HEAD = """\
(version 1)
(deny default)
(allow process-fork)
(allow process-exec)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow file-read* (subpath "/"))
"""


def profile(plan: Plan, scratch: str, looked: Look) -> str:
    """The profile's text. Of two rules that match, the later one holds, so parents come first.

    Raises StateError for a plan that Seatbelt cannot carry out: never a weaker sandbox instead.
    """
    if plan.write is Write.OVERLAY:
        raise StateError("there is no overlay on macOS: the command needs a clone of the workspace")
    if plan.listeners:
        raise StateError("under Seatbelt a command has no network; this machine cannot contain one that needs it")
    laid = places(plan, looked)
    lines = [f"(allow mach-lookup (global-name {quoted(name)}))" for name in _SERVICES]
    lines += [f"(allow file-write-data (literal {quoted(path)}))" for path in _DEVICES]
    if plan.tty:
        lines.append("(allow pseudo-tty)")
        lines += [f"(allow file-write-data file-ioctl (literal {quoted(path)}))" for path in _TERMINALS]
        lines.append('(allow file-read* file-write-data file-ioctl (regex #"^/dev/ttys[0-9]+$"))')
    for place in laid:
        lines += _rules(place, laid)
    if plan.write is Write.BIND:
        lines += _own(plan.source)
        hidden = (place for place in laid if place.what is What.HIDE and below(place.path, plan.workspace))
        lines += [_deny(place._replace(path=plan.source + place.path[len(plan.workspace) :])) for place in hidden]
    lines += _own(scratch)
    return _HEAD + "\n".join(lines) + "\n"


def words(plan: Plan, profile_file: str) -> tuple[str, ...]:
    """What is started, in the directory that `directory` gives."""
    return (SANDBOX, "-f", profile_file, "--", *plan.argv)


def directory(plan: Plan) -> str:
    """Where the command starts: its place in the clone, when it has one."""
    inside = plan.cwd == plan.workspace or below(plan.cwd, plan.workspace)
    return plan.source + plan.cwd[len(plan.workspace) :] if plan.write is Write.BIND and inside else plan.cwd


def clone_words(workspace: str, target: str) -> tuple[str, ...]:
    """The command that makes an APFS clone: blocks are shared, links stay links, modes and times are kept."""
    return ("/bin/cp", "-c", "-R", "-p", "-P", workspace + "/.", target)


def quoted(path: str) -> str:
    """A path as a string of the profile's language. Raises StateError for one that could end the string."""
    if not path.isprintable():
        raise StateError("a path with a control character cannot be named in a Seatbelt profile")
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rules(place: Place, laid: tuple[Place, ...]) -> list[str]:
    if place.what is What.HIDE or place.what is What.FRESH:
        return [_deny(place)]
    hidden = any(one.what in (What.HIDE, What.FRESH) and below(place.path, one.path) for one in laid)
    kind = "subpath" if place.directory else "literal"
    return [*(_ways(place.path) if hidden else []), f"(allow file-read* ({kind} {quoted(place.path)}))"]


def _deny(place: Place) -> str:
    kind = "subpath" if place.directory or place.what is What.FRESH else "literal"
    return f"(deny file-read* file-write* ({kind} {quoted(place.path)}))"


def _own(path: str) -> list[str]:
    """A directory of the run's own: it may do in it what it likes."""
    return [*_ways(path), f"(allow file-read* file-write* (subpath {quoted(path)}))"]


def _ways(path: str) -> list[str]:
    """The directories on the way to a hole: they may be passed, not read."""
    ways = [parent for parent in reversed(PurePosixPath(path).parents) if str(parent) != "/"]
    return [f"(allow file-read-metadata (literal {quoted(str(parent))}))" for parent in ways]
