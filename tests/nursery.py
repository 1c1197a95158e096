"""Processes of Interlock, born of one that has loaded everything: half of a short test was Python's own start.

Each is a process like any that a user starts, with an environment, a directory, descriptors and signals of its own; it
only skips the loading. One nursery serves one worker of the tests. The tests of the start itself begin as users do.

A request is one message on a Unix socket, with the descriptors of input, output and errors. The answer is the pid, and
later the status that waitpid gave; whoever leaves before that has no interest in it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

_LARGEST = 1 << 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)


class Child:
    """A process of the nursery, seen as `subprocess.Popen` shows one."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._line = line

    def poll(self) -> int | None:
        """The status as `Popen` gives it; None while it lives."""
        return self._look(0.0)

    def wait(self, timeout: float = 60.0) -> int:
        """The same, waited for `timeout` seconds. Raises subprocess.TimeoutExpired."""
        if self._look(timeout) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float) -> int | None:
        if self.returncode is None:
            self._line.settimeout(timeout or 0.000_001)
            with contextlib.suppress(TimeoutError, BlockingIOError):
                said = self._line.recv(64)
                assert said, "the nursery is gone"
                self.returncode = os.waitstatus_to_exitcode(int(said))
                self._line.close()
        return self.returncode


@functools.cache
def _nursery() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """This worker's nursery; it ends when the worker does."""
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        words = [sys.executable, __file__, str(its.fileno())]
        process = subprocess.Popen(words, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL)
    atexit.register(lambda: (mine.close(), process.wait(20)))
    return mine, process


def bear(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: str | Path,
    files: tuple[BinaryIO | int, BinaryIO | int, BinaryIO | int],
) -> Child:  # fmt: skip
    """What `python -m MODULE ARGUMENTS` starts, with `files` for its input, output and errors."""
    line, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    said = json.dumps([module, list(arguments), dict(environment), os.fspath(cwd)]).encode()
    numbers = [file if isinstance(file, int) else file.fileno() for file in files]
    with its:
        socket.send_fds(_nursery()[0], [said], [*numbers, its.fileno()])
    line.settimeout(60)
    return Child(int(line.recv(64)), line)


def run(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], cwd: str | Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """The same, to its end; what it said as text."""
    with contextlib.ExitStack() as files:
        pipes = [files.enter_context(open(os.memfd_create(name), "w+b")) for name in ("in", "out", "err")]
        pipes[0].write(stdin.encode())
        pipes[0].seek(0)
        child = bear(module, arguments, environment, cwd, (pipes[0], pipes[1], pipes[2]))
        try:
            status = child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        out, err = (pipe.seek(0) or pipe.read().decode() for pipe in pipes[1:])
    return subprocess.CompletedProcess([module, *arguments], status, out, err)


def _serve(door: socket.socket) -> None:
    """Bear what is asked for, and tell of each end, until the worker is gone."""
    lines: dict[int, socket.socket] = {}
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    with selectors.DefaultSelector() as chooser:
        chooser.register(door, selectors.EVENT_READ)
        chooser.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in chooser.select():
                if key.fileobj is door:
                    said, files, _, _ = socket.recv_fds(door, _LARGEST, 4)
                    if not said:
                        return
                    line = socket.socket(fileno=files.pop())
                    pid = os.fork()
                    if pid == 0:
                        _live(json.loads(said), files)
                    for file in files:
                        os.close(file)
                    lines[pid] = line
                    line.send(str(pid).encode())
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(woken, 4_096)
                    _tell(lines)


def _tell(lines: dict[int, socket.socket]) -> None:
    while lines:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with lines.pop(pid) as line, contextlib.suppress(OSError):
            line.send(str(status).encode())


def _live(asked: list[Any], files: list[int]) -> NoReturn:
    """The child: become what was asked for."""
    module, arguments, environment, cwd = asked
    status = 70
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 4_096)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.stdin, sys.stdout, sys.stderr = _text(0, "r"), _text(1, "w"), _text(2, "w")
        sys.argv = [module, *arguments]
        status = _main(module, arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _text(number: int, mode: str) -> io.TextIOWrapper:
    """As Python opens its own in a locale without a name."""
    raw = open(number, mode + "b", closefd=False)  # noqa: SIM115 - it is the process's own, to its end
    errors = "backslashreplace" if number == 2 else "surrogateescape"
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=number == 2)


def _main(module: str, arguments: Sequence[str]) -> int:
    try:
        if module == "interlock.daemon":
            from interlock.daemon.__main__ import main as daemon

            return daemon(arguments)
        from interlock.cli.main import main as cli

        cli()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # as Python itself ends
        import traceback

        traceback.print_exc()
        return 1
    return 0


def _load() -> None:
    """What a daemon and a command load, and what they read of the package once."""
    import gc
    import importlib
    import pkgutil

    import interlock.cli
    import interlock.daemon.__main__
    from interlock.daemon import config
    from interlock.daemon.rules import layers, proved
    from interlock.daemon.run import _warm_readers
    from interlock.identity.keys import Ed25519Key
    from interlock.policy import roles
    from interlock.policy.engine import Engine

    for found in pkgutil.iter_modules(interlock.cli.__path__):
        importlib.import_module(f"interlock.cli.{found.name}")
    _warm_readers()
    config.parse("", "a first file, for the decoder is made with it")
    packaged = layers([])
    proved(packaged, Engine.load(packaged))
    roles.packaged()
    Ed25519Key.generate("late")  # what it loads, it loads when it is asked
    gc.freeze()


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
