"""What an attempt is, and how it is judged from outside."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from escapes.stage import Stage, helper_lives

GROUPS = {
    "network": "Network",
    "processes": "Processes and system calls",
    "files": "Files and secrets",
    "configuration": "Agent and tool configuration",
    "resources": "Resources",
    "commit": "Commit and its races",
}


@dataclass
class Ran:
    """What the sandbox's caller saw."""

    status: int
    out: bytes
    typed: bytes = b""  # what arrived in the terminal's input queue
    seconds: float = 0.0


Check = Callable[[Stage, Ran], bool]


@dataclass(frozen=True)
class Probe:
    """One attempt. Exactly one of `sh`, `py` and `c` is its text; `check` says whether it got out."""

    id: str
    group: str
    about: str
    check: Check
    sh: str = ""
    py: str = ""
    c: str = ""
    origin: str = ""
    before: Callable[[Stage], None] | None = None
    during: Callable[[Stage], None] | None = None  # outside, half a second after the start
    env: Mapping[str, str] = field(default_factory=dict)  # of whoever starts the sandbox
    inherit: str = ""  # a path that stands open as descriptor 9 when the sandbox is started; "socket": one of a pair
    terminal: bool = False
    needs: str = ""  # "root": it means something for root alone; "user-by-root": for others, prepared by root;
    # "sandboxed": it would harm the machine without any sandbox
    alone: bool = True  # False: it may be made together with others of its kind
    wait: float = 0.0  # seconds between the end and the look


def leaked(here: Stage, ran: Ran) -> bool:
    """A secret was printed."""
    return here.token.encode() in ran.out


def says(here: Stage, ran: Ran) -> bool:
    """The attempt itself reports success where success is the harm: a call that reached the kernel's machinery."""
    # A line of its own: the traceback of an attempt that failed may show the text that would have said so.
    return f"open-{here.nonce}".encode() in (line.strip() for line in ran.out.splitlines())


def heard(name: str) -> Check:
    """A service of the host was reached."""

    def check(here: Stage, ran: Ran) -> bool:
        deadline = time.monotonic() + 0.3
        while name not in here.heard and time.monotonic() < deadline:
            time.sleep(0.02)
        return name in here.heard

    return check


def canary(name: str = "x") -> Check:
    """A file was made outside of the workspace."""
    return lambda here, ran: os.path.lexists(here.canary / name)


def precious_lost(here: Stage, ran: Ran) -> bool:
    """A file outside of the workspace is not as it was."""
    path = here.canary / "precious.txt"
    try:
        return path.read_text() != "precious\n" or path.stat().st_mode & 0o7777 != 0o644 or path.stat().st_mtime < 1e9
    except OSError:
        return True


def planted(path: str) -> Check:
    """A file of the host's workspace holds what the attempt wrote, or is a link or a directory that it made."""

    def check(here: Stage, ran: Ran) -> bool:
        place = here.workspace / path
        try:
            mode = place.lstat().st_mode
        except OSError:
            return False
        if stat.S_ISREG(mode):
            return here.marker.encode() in place.read_bytes()
        return stat.S_ISLNK(mode)

    return check


def lacks(path: str) -> Check:
    """Something of the host's workspace is gone."""
    return lambda here, ran: not os.path.lexists(here.workspace / path)


def set_off(*words: str) -> Check:
    """What was planted ran when the user did something ordinary outside."""

    def check(here: Stage, ran: Ran) -> bool:
        here.outside(*words)
        return (here.canary / "x").exists()

    return check


def helper_harmed(here: Stage, ran: Ran) -> bool:
    """The host's other program is dead."""
    return not helper_lives(here)


def lives(here: Stage, ran: Ran) -> bool:
    """A process of the attempt outlives it."""
    needle = f"escapes-survivor-{here.nonce}".encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if needle in file.read():
                        return True
            except OSError:
                continue
    return False


def any_of(*checks: Check) -> Check:
    """At least one of them."""
    return lambda here, ran: any(check(here, ran) for check in checks)
