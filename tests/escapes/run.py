"""Put the attempts to a sandbox: `python tests/escapes/run.py --with 'COMMAND {}'`.

    --with 'bwrap … {}'   a command line; `{}` is where the attempt's command goes,
                          {workspace}, {home} and {base} are the stage's
    --with none           nothing at all
    --with bwrap          bubblewrap with usual options
    --with interlock      Interlock's launcher and commit (--launcher PATH, or `interlock-run` beside the interpreter)

Prints a line for each attempt and a table of counts; --json FILE writes the results. The machine is left as it was: all
harm is done to canaries below one directory.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from escapes.probe import GROUPS, Probe, Ran
from escapes.probes import ALL
from escapes.sandboxes import BWRAP, Interlock, Prefix, Sandbox, environment, load_all
from escapes.stage import PATH, Ground, Stage, stage


def applies(probe: Probe, *, root: bool) -> bool:
    """Whether the attempt means anything for this user."""
    if probe.needs == "root":
        return root
    return probe.needs != "user-by-root" or not root


def attempt(probe: Probe, sandbox: Sandbox, ground: Ground, user: int | None = None) -> bool | None:
    """Make one attempt: True when it got out. None: it could not be made here (no compiler, no setuid program).

    It is made in a process of its own, as `user` where that is another, and in a mount namespace of its own: without
    any sandbox, root's attempts would otherwise mount over the machine that tries them.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        end = b"error"
        try:
            os.close(reader)
            _apart()
            if user is not None and user != os.geteuid():
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            end = {True: b"open", False: b"closed", None: b"none"}[_attempt(probe, sandbox, ground)]
        except BaseException:
            end = b"error" + traceback.format_exc().encode()
        finally:
            os.write(writer, end)
            os._exit(0)
    os.close(writer)
    said = b""
    while piece := os.read(reader, 65536):
        said += piece
    os.close(reader)
    os.waitpid(child, 0)
    ends = {b"open": True, b"closed": False, b"none": None}
    if said not in ends:
        raise RuntimeError(f"{probe.id}: {said.decode(errors='replace')}")
    return ends[said]


def _apart() -> None:
    """A mount namespace of its own, from which nothing spreads."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts, everything, private = 0x00020000, 0x4000, 1 << 18
    if libc.unshare(new_mounts) != 0 or libc.mount(None, b"/", None, everything | private, None) != 0:
        raise OSError(ctypes.get_errno(), "no mount namespace: attempts of root are not made in the machine's own")


def _attempt(probe: Probe, sandbox: Sandbox, ground: Ground) -> bool | None:
    with stage(ground) as here:
        if probe.before is not None:
            try:
                probe.before(here)
            except PermissionError:
                return None
        if probe.needs == "user-by-root" and not os.path.exists(here.values["suid"]):
            return None
        command = _prepared(probe, here)
        if command is None:
            return None
        nine, other = _nine(probe, here)
        during = None
        if probe.during is not None:
            during = threading.Timer(0.5, probe.during, [here])
            during.start()
        try:
            ran = sandbox.run(here, command, environment(here, probe.env), nine, probe.terminal)
        finally:
            if nine >= 0:
                os.close(nine)
            if other is not None:
                if _received(other):
                    here.heard.add("inherited")
                other.close()
            if during is not None:
                during.join()
        time.sleep(probe.wait)
        return probe.check(here, ran)


def _prepared(probe: Probe, here: Stage) -> list[str] | None:
    folder = here.workspace / ".probe"
    folder.mkdir(exist_ok=True)
    (here.workspace / ".git/info").mkdir(exist_ok=True)
    with open(here.workspace / ".git/info/exclude", "a") as file:
        file.write(".probe\ndev.sock\nl.sock\n")
    if probe.c:
        source, target = here.base / "probe.c", folder / "probe"
        source.write_text(here.fill(probe.c))
        shared = ("-shared", "-fPIC") if "constructor" in probe.c else ()
        built = subprocess.run(
            ["cc", "-O1", "-w", *shared, "-o", str(target), str(source)], capture_output=True, check=False
        )
        if built.returncode != 0:
            return None
        return ["true"] if shared else [str(target)]
    suffix, text = ("py", probe.py) if probe.py else ("sh", probe.sh)
    script = folder / f"attempt.{suffix}"
    script.write_text(here.fill(text) + "\n", encoding="utf-8")
    if suffix == "py":
        return [shutil.which("python3", path=PATH) or "python3", "-I", str(script)]
    return ["sh", str(script)]


def _nine(probe: Probe, here: Stage) -> tuple[int, socket.socket | None]:
    """What stands open as descriptor 9, and its other end."""
    if not probe.inherit:
        return -1, None
    if probe.inherit == "socket":
        mine, theirs = socket.socketpair()
        mine.settimeout(1)
        return theirs.detach(), mine
    return os.open(here.fill(probe.inherit), os.O_RDONLY), None


def _received(other: socket.socket) -> bytes:
    try:
        return other.recv(16)
    except OSError:
        return b""


def suite(sandbox: Sandbox, ground: Ground, probes: Iterable[Probe] = ALL, user: int | None = None) -> dict[str, str]:
    """Every attempt's end: open, closed, or why it was not made."""
    root = (os.geteuid() if user is None else user) == 0
    found = {}
    for probe in probes:
        if not applies(probe, root=root) or (probe.needs == "sandboxed" and sandbox.name == "none"):
            continue
        end = attempt(probe, sandbox, ground, user)
        found[probe.id] = "not made" if end is None else "open" if end else "closed"
    return found


def together(sandbox: Sandbox, ground: Ground, user: int | None = None) -> dict[str, str]:
    """The attempts that do not disturb each other, made in one run: what became of each."""
    probes = [probe for probe in ALL if not probe.alone]

    def ends(here: Stage, ran: Ran) -> bool:
        print(
            json.dumps({probe.id: "open" if probe.check(here, ran) else "closed" for probe in probes}),
            file=file,
            flush=True,
        )
        return False

    with tempfile.TemporaryFile("w+") as file:
        attempt(
            Probe("together", "configuration", "all at once", ends, sh="\n".join(p.sh for p in probes)),
            sandbox,
            ground,
            user,
        )
        file.seek(0)
        found: dict[str, str] = json.loads(file.read())
        return found


def table(results: dict[str, dict[str, str]]) -> str:
    """Counts by group: open of made."""
    names = list(results)
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for group, title in GROUPS.items():
        ids = [probe.id for probe in ALL if probe.group == group]
        lines.append(f"| {title} | " + " | ".join(_count(results[name], ids) for name in names) + " |")
    every = [probe.id for probe in ALL]
    lines.append("| **all** | " + " | ".join(f"**{_count(results[name], every)}**" for name in names) + " |")
    return "\n".join(lines)


def _count(found: dict[str, str], ids: list[str]) -> str:
    made = [found[i] for i in ids if found.get(i) in ("open", "closed")]
    return f"{made.count('open')} of {len(made)}"


def sandbox_named(text: str, launcher: str | None) -> Sandbox:
    """The sandbox of one `--with`."""
    if text == "none":
        return Prefix("none", "{}")
    if text == "bwrap":
        return Prefix("bwrap", BWRAP)
    if text == "interlock":
        found = launcher or shutil.which("interlock-run") or str(Path(sys.executable).with_name("interlock-run"))
        return Interlock(Path(found))
    return Prefix(text.split(maxsplit=1)[0].rpartition("/")[2], text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--with", dest="sandboxes", action="append", required=True, metavar="COMMAND")
    parser.add_argument("--launcher")
    parser.add_argument("--only", help="a group, or the beginning of an id")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--user", type=int, help="root may have the attempts made as this user")
    parser.add_argument("--place", type=Path, help="where the stages are made (default: /srv or the home)")
    parser.add_argument("--quiet", action="store_true")
    asked = parser.parse_args()
    chosen = [p for p in ALL if not asked.only or asked.only == p.group or p.id.startswith(asked.only)]
    if "interlock" in asked.sandboxes and asked.user is not None:
        load_all()
    ground = Ground.make(asked.place, asked.user)
    results: dict[str, dict[str, str]] = {}
    try:
        for text in asked.sandboxes:
            sandbox = sandbox_named(text, asked.launcher)
            results[sandbox.name] = found = {}
            for probe in chosen:
                if probe.id in found:
                    continue
                made = (
                    suite(sandbox, ground, [probe], asked.user)
                    if probe.alone
                    else together(sandbox, ground, asked.user)
                )
                found |= made
                for name, end in () if asked.quiet else made.items():
                    print(f"{sandbox.name:12} {end:9} {probe.group:14} {name}", flush=True)
                if asked.json:
                    asked.json.write_text(json.dumps(results, indent=1) + "\n")
    finally:
        ground.remove()
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
