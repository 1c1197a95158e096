"""Groups of processes, on the kernel's own tree where it can be written, and on the kernel's words where not."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.containment.cgroups import Bounds, Group, Groups, candidates, find
from interlock.model.errors import StateError


@pytest.fixture
def groups() -> Iterator[Groups]:
    """A directory of groups of this test's own."""
    found, why = find(f"interlock-test-{os.getpid()}")
    if found is None:
        pytest.skip(f"this machine offers no groups: {why}")
    yield found
    for group in found.all():
        group.kill()
        group.remove()
    found.leave()
    assert not found.path.exists()


@pytest.fixture
def counting(groups: Groups, tmp_path: Path) -> tuple[Group, Path]:
    """A group in which a detached grandchild writes to a file, fifty times a second."""
    file = tmp_path / "count"
    group = groups.make("counting")
    script = f"sleep 0.2; setsid sh -c 'while :; do echo >> {file}; sleep 0.02; done' & exit 0"
    shell = subprocess.Popen(["/bin/sh", "-c", script])
    assert group.add(shell.pid)
    shell.wait()
    end = time.monotonic() + 5
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return group, file


def test_who_detached_is_frozen_thawed_and_ended_with_the_others(counting: tuple[Group, Path]) -> None:
    group, file = counting
    assert group.members()
    assert group.freeze()
    assert group.events().frozen
    size = file.stat().st_size
    time.sleep(0.2)
    assert file.stat().st_size == size
    group.thaw()
    end = time.monotonic() + 5
    while file.stat().st_size == size and time.monotonic() < end:
        time.sleep(0.01)
    assert file.stat().st_size > size
    group.freeze()
    assert group.kill()  # frozen or not
    assert group.members() == ()
    assert not group.events().populated
    assert group.remove()
    assert not group.exists


def test_a_tree_that_runs_already_is_moved_whole(groups: Groups) -> None:
    group = groups.make("tree")
    shell = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & sh -c 'sleep 60 & wait' & echo; wait"], stdout=subprocess.PIPE
    )
    assert shell.stdout is not None
    shell.stdout.readline()
    time.sleep(0.1)
    assert len(group.add_tree(shell.pid)) == 4
    assert len(group.members()) == 4
    assert group.kill()
    shell.wait()
    shell.stdout.close()


def test_a_process_that_is_gone_is_no_error(groups: Groups) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    assert not groups.make("late").add(gone.pid)
    assert Group(groups.path / "never").members() == ()
    assert not Group(groups.path / "never").events().populated
    assert Group(groups.path / "never").remove()


def test_a_bound_is_set_or_it_is_said_that_it_is_not(groups: Groups) -> None:
    group = groups.make("bound", Bounds(memory=64 << 20, processes=10))
    for controller, file, value in (("memory", "memory.max", 64 << 20), ("pids", "pids.max", 10)):
        if controller in groups.controllers:
            assert (group.path / file).read_text() == f"{value}\n"
        else:
            assert not (group.path / file).exists()
    assert group.bound(Bounds(memory=64 << 20)) is ("memory" in groups.controllers)


def test_empty_groups_of_the_killed_are_swept(groups: Groups) -> None:
    groups.make("empty")
    sleeper = subprocess.Popen(["/bin/sleep", "60"])
    groups.make("full").add(sleeper.pid)
    groups.make(f"run-{sleeper.pid}")  # a launcher that lives is about to put something in
    groups.sweep()
    assert [group.path.name for group in groups.all()] == ["full", f"run-{sleeper.pid}"]
    sleeper.kill()
    sleeper.wait()


def test_what_a_killed_daemon_left_is_given_back_and_what_a_living_one_has_is_not(groups: Groups) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    parent = groups.path.parent
    left, kept = (parent / f"interlock-test-{os.getpid()}-{word}" for word in ("left", "kept"))
    (left / f"of-{gone.pid}").mkdir(parents=True)
    (left / f"run-{gone.pid}").mkdir()
    (kept / f"of-{os.getppid()}").mkdir(parents=True)
    again, _ = find(groups.path.name)
    assert again is not None
    assert not left.exists()
    assert kept.exists()
    (kept / f"of-{os.getppid()}").rmdir()
    kept.rmdir()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".hidden", "x" * 65, "a\nb"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(StateError, match="no name"):
        Groups(Path("/sys/fs/cgroup"), frozenset()).open(name)
    with pytest.raises(StateError, match="no name"):
        find(name)


_MOUNT = "30 24 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
_OTHER = "31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\nnonsense\n"


@pytest.mark.parametrize(
    ("mounts", "own", "expected"),
    [
        (_OTHER + _MOUNT.format(root="/"), "0::/a.slice/b@1.service\n", ["", "/a.slice", "/a.slice/b@1.service"]),
        (_MOUNT.format(root="/"), "5:memory:/x\n0::/\n", [""]),
        (_MOUNT.format(root="/docker/1"), "0::/docker/1/work\n", ["", "/work"]),
        (_MOUNT.format(root="/"), "0::/../../elsewhere\n", [""]),
        (_MOUNT.format(root="/"), "5:memory:/x\n", [""]),
        (_OTHER, "0::/\n", None),
        ("", "", None),
    ],
)  # fmt: skip
def test_where_groups_could_be_made(mounts: str, own: str, expected: list[str] | None) -> None:
    wanted = [] if expected is None else [f"/sys/fs/cgroup{part}" for part in expected]
    assert [str(path) for path in candidates(mounts, own)] == wanted


def test_without_the_tree_it_is_said_what_is_missing(tmp_path: Path) -> None:
    assert find("interlock-test", mounts="", own="") == (None, "cgroup v2 is not mounted here")
    plain = f"30 24 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n"
    found, why = find("interlock-test", mounts=plain, own="0::/\n")
    assert found is None
    assert "cannot be moved" in why  # it is no such tree: the trial says so
