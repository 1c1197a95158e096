"""Programs that a look runs: found on the person's path, bounded in time and output, ended with all they started."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from interlock.preview.finding import Deadline, Output, Unseen

_MOST = 4 << 20  # bytes of output; a list of 50,000 names is half of it
# What could make a program run something else than it is, whoever set it.
_DROPPED = (
    "LD_",
    "DYLD_",
    "GIT_",
    "PYTHON",
    "PERL",
    "RUBY",
    "NODE_",
    "BASH_",
    "INTERLOCK_",
    "TF_CLI_ARGS",
    "TF_REATTACH",
)
_DROPPED_NAMES = frozenset(
    {"ENV", "IFS", "PAGER", "EDITOR", "VISUAL", "KUBECONFIG", "TF_CLI_CONFIG_FILE", "TF_REATTACH"}
)


class Machine:
    """Runs programs for looks. `started` is told each process id, so that nothing below it is taken for a person."""

    def __init__(
        self,
        deadline: Deadline,
        *,
        environ: dict[str, str] | None = None,
        never_from: tuple[str, ...] = (),
        started: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.deadline = deadline
        self._environ = scrubbed(dict(os.environ) if environ is None else environ, never_from)
        self._started = started

    def run(self, argv: tuple[str, ...], cwd: str, *, settings: dict[str, str] | None = None) -> Output:
        """Run to its end.

        Args:
            argv: the program's name is looked up on the scrubbed path; a path of one's own is never run.
            cwd: where it runs.
            settings: variables beside the scrubbed environment.

        Raises:
            Unseen: it is not installed, could not start, took too long, or said too much.
        """
        status, raw = self.take(argv, cwd, settings=settings)
        return Output(status, raw.decode("utf-8", "replace"))

    def take(
        self,
        argv: tuple[str, ...],
        cwd: str,
        *,
        settings: dict[str, str] | None = None,
        feed: bytes = b"",
        most: int = _MOST,
    ) -> tuple[int, bytes]:
        """The same in bytes, at most `most` of them, with `feed` on its standard input. Raises Unseen."""
        program = None if "/" in argv[0] else shutil.which(argv[0], path=self._environ.get("PATH", ""))
        if program is None:
            raise Unseen(f"{argv[0]} is not installed")
        if not self.deadline.left():
            raise Unseen("there was no time left")
        with _input(feed) as source:
            try:
                process = subprocess.Popen(  # noqa: S603 - an argv of a look's own, looked up on the person's path
                    [program, *argv[1:]],
                    cwd=cwd,
                    env=self._environ | (settings or {}),
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise Unseen(f"{argv[0]} did not start: {error}") from error
        self._started(process.pid)
        try:
            raw = _collected(process, self.deadline, argv[0], most)
            status = process.wait(max(0.05, self.deadline.left()))
        except subprocess.TimeoutExpired:
            raise Unseen(f"{argv[0]} took too long") from None
        finally:
            _end(process)
        return status, raw


@contextlib.contextmanager
def _input(feed: bytes) -> Iterator[int]:
    """A standard input that holds these bytes: a file without a name, so that nobody waits for a pipe."""
    if not feed:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(feed)
        file.seek(0)
        yield file.fileno()


def scrubbed(environ: dict[str, str], never_from: tuple[str, ...] = ()) -> dict[str, str]:
    """The environment without what redirects programs, and without path entries below the given directories."""
    kept = {k: v for k, v in environ.items() if not k.startswith(_DROPPED) and k not in _DROPPED_NAMES}
    entries = [entry for entry in kept.get("PATH", os.defpath).split(":") if entry.startswith("/")]
    outside = [e for e in entries if not any((e + "/").startswith(d.rstrip("/") + "/") for d in never_from if d)]
    return kept | {"PATH": ":".join(outside), "LC_ALL": "C"}


def _collected(process: subprocess.Popen[bytes], deadline: Deadline, name: str, most: int) -> bytes:
    """Everything it says, read as it comes."""
    output = process.stdout
    assert output is not None  # noqa: S101 - asked for above
    raw = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(output, selectors.EVENT_READ)
        while True:
            if not waiting.select(deadline.left()):
                raise Unseen(f"{name} took too long")
            part = os.read(output.fileno(), 65_536)
            if not part:
                return bytes(raw)
            raw += part
            if len(raw) > most:
                raise Unseen(f"{name} said more than {most >> 20} MiB")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
