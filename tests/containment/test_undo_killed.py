"""kill -9 at every single call of an undo in which everything is mixed: files, contained runs and git.

Every call that changes the disk is met: before it, and, where it can be half done, in the middle of it; so is each git
that was started and goes on by itself. What is not tested is a loss of power: what was written is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from containment.mixed import Mixed, differences
from containment.overlay import needs_overlay
from containment.test_undo_crash import everything
from interlock.containment import moves
from interlock.containment.carry import begin, carry_out, end, plan_of, unfinished
from interlock.containment.undo import UNDO, Deed, Ref

pytestmark = [pytest.mark.slow, needs_overlay]

_SHARES = 8  # of the calls, each with a workspace of its own: they run side by side
_WHOLE = (
    *("rename", "replace", "unlink", "remove", "mkdir", "rmdir", "symlink", "link", "utime", "fsync", "fdatasync"),
    *("chmod", "fchmod", "chown", "fchown", "ftruncate", "truncate", "setxattr", "removexattr", "posix_spawn"),
)
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
Real = Callable[..., Any]


class Deadly:
    """The calls of one process, of which one is its last."""

    def __init__(self, fatal: int) -> None:
        self.calls = 0
        self._fatal = fatal

    def point(self) -> bool:
        self.calls += 1
        return self.calls == self._fatal

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def before(self, real: Real) -> Real:
        def call(*words: Any, **more: Any) -> Any:
            if self.point():
                self.die()
            return real(*words, **more)

        return call

    def around(self, real: Real, when: Callable[..., bool] = lambda *_, **__: True) -> Real:
        """Before it, and after it: what follows (a buffer that is emptied) is not seen here."""

        def call(*words: Any, **more: Any) -> Any:
            if not when(*words, **more):
                return real(*words, **more)
            if self.point():
                self.die()
            found = real(*words, **more)
            if self.point():
                self.die()
            return found

        return call

    def halfway(self, real: Real) -> Real:
        """Before it, and when half of the bytes are written."""

        def call(fd: int, data: Any, *more: Any) -> Any:
            if self.point():
                self.die()
            if self.point():
                real(fd, bytes(data)[: len(data) // 2], *more)
                self.die()
            return real(fd, data, *more)

        return call

    def arm(self) -> None:
        for name in _WHOLE:
            setattr(os, name, self.before(getattr(os, name)))
        os.open = self.around(os.open, lambda _, flags, *__, **___: bool(flags & _CHANGES))
        os.write = self.halfway(os.write)
        for name in ("move", "exchange"):
            setattr(moves, name, self.before(getattr(moves, name)))
        subprocess.Popen.__init__ = self.around(subprocess.Popen.__init__)  # type: ignore[method-assign]


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed at its call of that number. False when it ended before."""
    child = os.fork()
    if child == 0:
        try:
            Deadly(number).arm()
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the undo failed by itself"
    return False


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Path]:
    """In memory where that can hold layers: who is killed leaves what was written, on a disk as there."""
    where = "/dev/shm" if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 6) else str(tmp_path)
    found = Path(tempfile.mkdtemp(prefix="undo-", dir=where)).resolve()
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.parametrize("share", range(_SHARES))
def test_an_undo_that_is_killed_anywhere_is_finished_by_the_next(ground: Path, share: int) -> None:
    acts = Mixed(ground / "base", git=True)
    undone = acts.state()
    meant = everything(acts)
    done, points = acts.state(), 0
    for number in range(1 + share, 100_000, _SHARES):
        name = acts.shelf.name(acts.clock.now())

        def undo(name: str = name) -> None:
            plan = acts.plan(*meant)
            begin(plan, acts.restorers, acts.shelf, name)
            carry_out(plan, acts.restorers, acts.shelf, name)

        killed = killed_at(number, undo)
        if killed and unfinished(acts.shelf) != [name]:
            assert differences(acts.state(), done) == {}, number
            continue
        if killed:
            left = carry_out(plan_of(acts.shelf, name), acts.restorers, acts.shelf, name, again=True)
            assert left == (), number
        end(acts.shelf, name)
        assert differences(acts.state(), undone) == {}, number
        assert not [path for path in acts.top.rglob("*") if "interlock" in path.name or path.name.endswith(".lock")]
        _, problems = acts.undo(Deed(1, (Ref(UNDO, name),), str(acts.top)))
        assert not problems, number
        assert differences(acts.state(), done) == {}, number
        if not killed:
            break
        points += 1
    assert points > 8
