"""kill -9 at any point of an undo: whoever comes next finishes it, and nothing is ever between before and after."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containment.acts import Acts, tree
from containment.mixed import Mixed, differences
from containment.overlay import needs_overlay
from interlock.containment import moves
from interlock.containment.carry import begin, carry_out, end, plan_of, unfinished
from interlock.containment.undo import UNDO, Deed, Ref

# Every call that changes what is on the disk, and every program that is started.
_FATAL = ("rename", "unlink", "mkdir", "rmdir", "symlink", "link", "utime", "fsync", "posix_spawn", "fchmod", "chmod")


def files(acts: Acts) -> list[Deed]:
    """Edits, removals and moves of every kind of thing."""
    src = acts.top / "src"
    (src / "deep").mkdir(parents=True)
    (src / "deep" / "a.py").write_text("a")
    (src / "run").write_text("#!")
    (src / "run").chmod(0o755)
    (src / "link").symlink_to("deep/a.py")
    (src / "empty").mkdir(mode=0o700)
    (src / "twin").write_text("two names")
    os.link(src / "twin", src / "other")
    return [
        acts.runs("sed -i s/a/b/ src/deep/a.py"),
        acts.runs("echo more >> src/twin"),
        acts.runs("mv src/run src/deep/run && ln -sf deep src/link"),
        acts.runs("mkdir -p build/x && touch build/x/y"),
        acts.runs("rm -rf src/deep src/empty"),
    ]


def repository(acts: Acts) -> list[Deed]:
    """A reset, a branch and a stash that are gone."""
    acts.shell(
        "git init -q -b main . && git config user.name d && git config user.email d@example.org"
        "&& echo 1 > a && echo 1 > b && git add -A && git commit -qm one && echo 2 > a && git commit -qam two"
        "&& git branch side && echo s > b && git stash -q && echo s2 > b && git stash -q && echo 3 > b && git add b"
    )
    return [acts.runs("git reset -q --hard HEAD~1"), acts.runs("git branch -D side"), acts.runs("git stash clear")]


def state(acts: Acts) -> object:
    if not (acts.top / ".git").exists():
        return tree(acts.top)
    said = [acts.git("for-each-ref"), acts.git("stash", "list"), acts.git("diff", "--cached"), acts.git("status", "-s")]
    # A directory's time is moved by git's own lock and temporary files; git promises nothing of it.
    return said, {name: facts for name, facts in tree(acts.top).items() if not (acts.top / name).is_dir()}


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed before its call of that number. False when it ended before."""
    child = os.fork()
    if child == 0:
        try:
            _arm(number)
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the undo failed by itself"
    return False


def _arm(number: int) -> None:
    import subprocess

    calls = 0

    def fatal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **more)

        return call

    for name in _FATAL:
        setattr(os, name, fatal(getattr(os, name)))
    for name in ("move", "exchange"):
        setattr(moves, name, fatal(getattr(moves, name)))
    subprocess.Popen.__init__ = fatal(subprocess.Popen.__init__)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("make", "every"),
    [
        (files, 7),
        pytest.param(repository, 19, marks=pytest.mark.slow),
        pytest.param(files, 1, marks=pytest.mark.slow),
        pytest.param(repository, 1, marks=pytest.mark.slow),
    ],
    ids=["files", "repository", "files-every-call", "repository-every-call"],
)
def test_a_killed_undo_is_finished_by_the_next(tmp_path: Path, make: Callable[[Acts], list[Deed]], every: int) -> None:
    acts = Acts(tmp_path / "base")
    deeds = make(acts)
    done = state(acts)
    os.system(f"cp -a {tmp_path}/base {tmp_path}/copy")
    name = acts.shelf.name(acts.clock.now())

    def undo() -> None:
        plan = acts.plan(*deeds)
        begin(plan, acts.restorers, acts.shelf, name)
        carry_out(plan, acts.restorers, acts.shelf, name)

    undo()
    undone = state(acts)
    assert undone != done
    points = 0
    for number in range(1, 10_000, every):
        shutil.rmtree(tmp_path / "base")
        os.system(f"cp -a {tmp_path}/copy {tmp_path}/base")
        if not killed_at(number, undo):
            break
        points += 1
        if unfinished(acts.shelf) == [name]:
            left = carry_out(plan_of(acts.shelf, name), acts.restorers, acts.shelf, name, again=True)
            assert left == (), number
            assert state(acts) == undone, number
        else:
            assert state(acts) == done, number
        litter = [p for p in acts.top.rglob("*") if "interlock" in p.name or p.name.endswith(".lock")]
        assert not [p for p in litter if ".git" not in p.parts], number
    assert points > 4


def everything(acts: Mixed) -> list[Deed]:
    """Edits in the open, contained runs, a part of one that was held, and git, on the same files."""
    return [
        acts.runs("echo 1 >> a"),
        acts.contained([["append", "a", "2"], ["write", "d/new", "x"], ["rmtree", "d/e"], ["chmod", "d", 0o700]]),
        acts.runs("git commit -qam three"),
        acts.contained(
            [["shell", "git checkout -qb other; git commit -q --allow-empty -m four"], ["write", "a", "in"]]
        ),
        acts.runs("mkdir -p d/e && echo 3 > d/e/a && mv d/new d/e/new"),
        acts.contained([["write", "d/e/a", "4"], ["symlink", "a", "f"]], lambda path: path == "f"),
        acts.runs("git stash -q && git reset -q --hard HEAD~1"),
    ]


@pytest.mark.slow
@needs_overlay
def test_a_killed_undo_of_everything_mixed_is_finished_by_the_next_and_can_be_undone(tmp_path: Path) -> None:
    """At some of its calls; `test_undo_killed.py` meets every one."""
    acts = Mixed(tmp_path / "base", git=True)
    undone = acts.state()
    meant = everything(acts)
    done, points = acts.state(), 0
    for number in range(1, 10_000, 53):
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
    assert points > 4
