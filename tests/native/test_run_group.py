"""A sandbox is born in a cgroup where the daemon names a directory for them, and without one where that cannot be."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from interlock.containment.cgroups import Group, Groups, find
from native.runs import Sandbox, Value, plan_bytes
from native.test_run_duties import soon


@pytest.fixture
def groups(sandbox: Sandbox) -> Iterator[Groups]:
    found, why = find(f"interlock-test-{os.getpid()}")
    if found is None:
        pytest.skip(f"this machine offers no groups: {why}")
    (sandbox.base / "group").write_text(f"{found.path}\n")
    yield found
    for group in found.all():
        group.kill()
        group.remove()
    found.leave()
    assert not found.path.exists()


def start(sandbox: Sandbox, script: str, **changes: Value | None) -> subprocess.Popen[str]:
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("/bin/sh", "-c", script, **changes)))
    sandbox.own(plan, sandbox.base / "group")
    return subprocess.Popen(
        [str(sandbox.program), "--run", str(sandbox.base), "--plan", str(plan)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=sandbox.env, **sandbox.identity(),
    )  # fmt: skip


def ready(running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"


def test_all_of_a_run_is_in_its_group_and_can_be_frozen_and_ended(sandbox: Sandbox, groups: Groups) -> None:
    if sandbox.user != 0:
        pytest.skip("an ordinary user's processes cannot be moved to a group of root's")
    ticks = sandbox.workspace / "ticks"
    ticks.touch()
    script = f"(setsid sh -c 'while :; do echo >> {ticks}; sleep 0.02; done' &); echo ready; sleep 100"
    with start(sandbox, script, write="bind", source=str(sandbox.workspace), upper=None, work=None) as running:
        ready(running)
        (group,) = groups.all()
        assert group.path.name == f"run-{running.pid}"
        assert len(group.members()) >= 3  # pid 1, the shell, who left it
        assert running.pid not in group.members()
        assert soon(lambda: ticks.stat().st_size > 0)
        assert group.freeze()
        size = ticks.stat().st_size
        time.sleep(0.2)
        assert ticks.stat().st_size == size
        group.thaw()
        assert soon(lambda: ticks.stat().st_size > size)
        assert group.freeze()
        assert group.kill()
        assert running.wait(10) == 128 + signal.SIGKILL
    assert not groups.all()  # the launcher has given it back


def test_a_frozen_run_whose_launcher_is_killed_dies(sandbox: Sandbox, groups: Groups) -> None:
    if sandbox.user != 0:
        pytest.skip("an ordinary user's processes cannot be moved to a group of root's")
    with start(sandbox, "echo ready; sleep 100") as running:
        ready(running)
        (group,) = groups.all()
        assert group.freeze()
        running.kill()
        running.wait(10)
        assert soon(lambda: not group.members())
    groups.sweep()
    assert not group.exists


def test_an_ordinary_user_has_groups_in_the_part_that_is_given_to_it(sandbox: Sandbox, groups: Groups) -> None:
    """As systemd gives a user a part of the tree: the caller is in it, and so are the groups."""
    if sandbox.user == 0 or shutil.which("setpriv") is None:
        pytest.skip("root needs no part of its own, and setpriv makes an ordinary user of root")
    caller = groups.make("caller")
    for path in (groups.path, caller.path):
        for part in (path, path / "cgroup.procs", path / "cgroup.threads", path / "cgroup.subtree_control"):
            os.chown(part, sandbox.user, sandbox.user)
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("/bin/sh", "-c", "echo ready; sleep 100")))
    sandbox.own(plan, sandbox.base / "group")
    words = ["setpriv", f"--reuid={sandbox.user}", f"--regid={sandbox.user}", "--clear-groups", str(sandbox.program)]
    words += ["--run", str(sandbox.base), "--plan", str(plan)]
    script = f"echo $$ > {caller.path}/cgroup.procs && exec {shlex.join(words)}"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, env=sandbox.env) as running:
        ready(running)
        group = Group(groups.path / f"run-{running.pid}")
        assert len(group.members()) >= 2
        assert group.freeze()
        assert group.kill()
        assert running.wait(10) == 128 + signal.SIGKILL


def test_who_may_not_use_it_runs_without(sandbox: Sandbox, groups: Groups) -> None:
    if sandbox.user == 0:
        pytest.skip("root may")
    os.chown(groups.path, sandbox.user, sandbox.user)
    with start(sandbox, "echo ready", limit=[f"memory:{1 << 40}"]) as running:
        ready(running)
        assert running.wait(10) == 0


@pytest.mark.parametrize("named", ["", "/no/such", "relative", "/tmp", "/proc/self/exe", "/" + "x" * 5000])
def test_what_is_no_directory_of_groups_is_left_alone(sandbox: Sandbox, named: str) -> None:
    (sandbox.base / "group").write_text(named)
    before = set(os.listdir("/tmp"))
    with start(sandbox, "echo ready; cat /proc/self/cgroup") as running:
        ready(running)
        assert running.wait(10) == 0
    assert not [name for name in set(os.listdir("/tmp")) - before if name.startswith("run-")]


def test_a_group_that_a_killed_launcher_left_is_taken_over(sandbox: Sandbox, groups: Groups) -> None:
    if sandbox.user != 0:
        pytest.skip("an ordinary user's processes cannot be moved to a group of root's")
    for pid in range(os.getpid(), os.getpid() + 400):
        groups.path.joinpath(f"run-{pid}").mkdir()
    with start(sandbox, "echo ready; sleep 1") as running:
        ready(running)
        assert Group(groups.path / f"run-{running.pid}").members()
        assert running.wait(10) == 0


def test_bounds_hold_where_the_kernel_offers_them(sandbox: Sandbox, groups: Groups) -> None:
    if sandbox.user != 0:
        pytest.skip("an ordinary user's processes cannot be moved to a group of root's")
    if "memory" not in groups.controllers:
        pytest.skip("cgroup v2 has no memory controller here")
    with start(sandbox, "echo ready; head -c 400M /dev/zero | tail", limit=[f"memory:{100 << 20}"]) as running:
        ready(running)
        group = Group(groups.path / f"run-{running.pid}")
        assert (group.path / "memory.max").read_text() == f"{100 << 20}\n"
        assert running.wait(20) == 128 + signal.SIGKILL
        assert running.stderr is not None
        assert "more than 100 MiB of memory together" in running.stderr.read()
