"""Other people's analysers, run over copies of files in a folder of their own: without network, nothing else writable.

Bubblewrap contains them where the system has it and lets us use it; where not, they run with a scrubbed environment
and a bound on time and output, and the stage says that they were not contained. What they read was written by the
change, and their configuration is never taken from it: copies get names of ours.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from interlock.preview.finding import Deadline, Unseen
from interlock.preview.process import Machine, scrubbed

_MOST = 64 << 20  # bytes of a report
_CONFINED = (
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "--die-with-parent", "--new-session"
)  # fmt: skip


class ToolMissing(Exception):
    """The program is not installed."""


class ToolFailed(Exception):
    """It ran and gave no answer: too long, too much, or it did not start."""


@contextmanager
def copies(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with these files: plain names of ours -> content. It is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="interlock-gate-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield Path(folder)


def run(argv: Sequence[str], folder: Path, *, seconds: float) -> tuple[int, bytes]:
    """Run a program in a folder; its status and what it wrote on standard output.

    Raises:
        ToolMissing: it is not on the path.
        ToolFailed: it gave no answer.
    """
    home = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR"), str(folder))
    home |= {"PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    program = found(argv[0])
    if not program:
        raise ToolMissing(argv[0])
    words = (*_wrap(str(folder)), program, *argv[1:]) if confined() else (program, *argv[1:])
    try:
        # `env` because a program is looked up by its name, and ours may lie in an environment of its own.
        return Machine(Deadline(seconds)).take(("env", *words), str(folder), settings=home, most=_MOST)
    except Unseen as error:
        raise ToolFailed(f"{argv[0]}: {error}") from error


def _wrap(folder: str) -> tuple[str, ...]:
    return ("bwrap", *_CONFINED, "--bind", folder, folder, "--chdir", folder, "--")


@cache
def confined() -> bool:
    """Whether bubblewrap is there and may be used."""
    try:
        status, _ = Machine(Deadline(5.0)).take(("bwrap", *_CONFINED, "--", "true"), "/")
    except Unseen:
        return False
    return status == 0


@cache
def found(name: str) -> str:
    """Where a program is: beside our own interpreter, or on the path; "" where it is not."""
    beside = os.path.join(os.path.dirname(sys.executable), name)
    if os.access(beside, os.X_OK):
        return beside
    return shutil.which(name, path=scrubbed(dict(os.environ))["PATH"]) or ""


@cache
def version(name: str) -> str:
    """What a program says it is; "" where it is not there. Part of the cache's key."""
    if not found(name):
        return ""
    try:
        _, said = Machine(Deadline(5.0)).take(("env", found(name), "--version"), "/")
    except Unseen:
        return "?"
    return said.decode("utf-8", "replace").strip()[:80]
