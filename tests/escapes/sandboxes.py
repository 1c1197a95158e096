"""What the attempts are made in: any command that starts another, or Interlock's own run from plan to commit."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from escapes.probe import Ran
from escapes.stage import PATH, Stage

SECONDS = 45.0
BWRAP = (
    "bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --bind {workspace} {workspace}"
    " --unshare-all --die-with-parent {}"
)


class Sandbox(Protocol):
    """One way to run a command in a stage's workspace."""

    name: str

    def run(self, here: Stage, command: Sequence[str], env: Mapping[str, str], nine: int, terminal: bool) -> Ran:
        """Run it, and do whatever belongs to the end of a run."""


@dataclass
class Prefix:
    """A command line with `{}` where the command goes; `{workspace}`, `{home}`, `{base}` are the stage's."""

    name: str
    template: str

    def run(self, here: Stage, command: Sequence[str], env: Mapping[str, str], nine: int, terminal: bool) -> Ran:
        names = {"{workspace}": str(here.workspace), "{home}": str(here.home), "{base}": str(here.base)}
        words: list[str] = []
        for word in shlex.split(self.template):
            if word == "{}":
                words += command
                continue
            words.append(re.sub(r"\{(?:workspace|home|base)\}", lambda found: names[found[0]], word))
        return call(words, here, env, nine, terminal)


def call(words: Sequence[str], here: Stage, env: Mapping[str, str], nine: int, terminal: bool) -> Ran:
    """Run a command in the workspace with a bounded output; what is still there after the time is killed."""
    began = time.monotonic()
    if terminal:
        return _in_terminal(words, here, env, began)

    def ready() -> None:
        if nine >= 0:
            os.dup2(nine, 9, inheritable=True)

    process = subprocess.Popen(
        list(words),
        cwd=here.workspace,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=ready,  # noqa: PLW1509 - it calls the system and takes no lock
        pass_fds=(9,) if nine >= 0 else (),
    )
    out = b""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    deadline = began + SECONDS
    status: int | None = None
    while time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.05)[0]:
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            out = (out + piece)[: 1 << 20]
        elif (status := process.poll()) is not None:
            break  # a survivor may hold the pipe open
    try:
        status = process.wait(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
    process.stdout.close()
    return Ran(status, out, seconds=time.monotonic() - began)


def _in_terminal(words: Sequence[str], here: Stage, env: Mapping[str, str], began: float) -> Ran:
    """The same with a terminal of its own, whose input queue is read afterwards."""
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(slave, termios.TCSANOW, settings)

    def own() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        list(words),
        cwd=here.workspace,
        env=dict(env),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        preexec_fn=own,  # noqa: PLW1509 - as above
    )
    out = b""
    while time.monotonic() < began + SECONDS:
        if select.select([master], [], [], 0.05)[0]:
            try:
                out = (out + os.read(master, 65536))[: 1 << 20]
            except OSError:
                break
        elif process.poll() is not None:
            break
    if process.poll() is None:
        process.kill()
    status = process.wait()
    typed = b""
    os.set_blocking(slave, False)
    try:
        while piece := os.read(slave, 4096):
            typed += piece
    except OSError:
        pass
    os.close(slave)
    os.close(master)
    return Ran(status, out, typed, seconds=time.monotonic() - began)


def _same(plan: object) -> object:
    return plan


def _holds_credentials(path: str) -> bool:
    return path.rpartition("/")[2] == ".env"


@dataclass
class Interlock:
    """Plan, launcher, list, grave, commit: what the daemon does, with a profile and without a daemon."""

    launcher: Path
    name: str = "interlock"
    profile: str = "build"
    alter: Callable[[object], object] = _same  # a plan loosened on purpose, to see that the suite notices
    judged: bool = True  # False: commits whatever changed

    def run(self, here: Stage, command: Sequence[str], env: Mapping[str, str], nine: int, terminal: bool) -> Ran:
        from interlock.containment import profiles, settle
        from interlock.daemon.settling import secrets_of_workspace

        folder = here.state / "contained" / here.nonce
        place = settle.Workplace.make(folder, str(here.workspace))
        ground = profiles.Ground(
            id=f"run-{here.nonce}",
            home=str(here.home),
            workspace=str(here.workspace),
            upper=str(place.upper),
            work=str(place.work),
            own=(str(here.state),),
            secrets=secrets_of_workspace(str(here.workspace), _holds_credentials),
        )
        plan = profiles.draw(profiles.profile(self.profile), ground, command, str(here.workspace), ())
        file = folder / "plan"
        file.write_bytes(self.alter(plan).encode())  # type: ignore[attr-defined]
        ran = call([str(self.launcher), "--plan", str(file)], here, env, nine, terminal)
        if ran.status == 125:
            raise RuntimeError(f"no sandbox was built: {ran.out.decode(errors='replace')}")
        began = time.monotonic()
        settled = settle.settle(place, secret=_holds_credentials)
        if not self.judged and settled.held:
            settle.decide(place, let_through=True)
        ran.seconds += time.monotonic() - began
        return ran


def environment(here: Stage, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of whoever starts the sandbox: a user's everyday one, and what the attempt puts into it."""
    base = {
        "PATH": PATH,
        "HOME": str(here.home),
        "USER": "user",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "XDG_RUNTIME_DIR": here.values["runtime"],
    }
    return base | {name: here.fill(value).replace("@token@", here.token) for name, value in more.items()}


def load_all() -> None:
    """Load now what Interlock loads late: another user may not be able to read where this Python lies."""
    from interlock.containment import profiles, settle
    from interlock.containment.graves.rules import book
    from interlock.daemon import settling

    assert settle.settle
    assert settling.secrets_of_workspace
    book()
    profiles.profiles()
    for name in ("ascii", "latin-1", "idna"):
        codecs.lookup(name)
