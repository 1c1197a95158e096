"""What somebody inside of a run, or beside it, tries on the processes that hold it. Each is a story that went wrong."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.halt.lease import Lease
from interlock.halt.processes import wake
from native.daemons import EPOCH, Call, Daemon
from native.runs import ENVIRONMENT, PYTHON, Sandbox, Value, plan_bytes
from native.test_bound import Bound
from native.test_run_sight import python, seen

TICKS = "while :; do echo tick; sleep 0.02; done"


class Leased:
    """A run by a ticket, whose daemon's lease lasts half a second and is renewed as long as `renews` says."""

    def __init__(self, sandbox: Sandbox, plan: bytes, word: str = "--ticket", *, session: bool = False) -> None:
        def answer(call: Call) -> None:
            call.read()
            call.done(out=b"" if call.payload.startswith((b"close", b"land")) else plan)

        home = sandbox.base / "home"
        (home / "run").mkdir(parents=True)
        sandbox.own(home, home / "run")
        self.daemon = Daemon(home, answer)
        self.lease = Lease(home / "run/lease", seconds=0.5)
        sandbox.own(home / "run/daemon.sock", home / "run/lease")
        self.renews = threading.Event()
        self.renews.set()
        self.over = threading.Event()
        self.lease.renew(EPOCH, bytes(32), {})
        self.thread = threading.Thread(target=self._renew, daemon=True)
        self.thread.start()
        self.process = subprocess.Popen(
            [str(sandbox.program), word, "abc"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            env=ENVIRONMENT | {"INTERLOCK_HOME": str(home)}, start_new_session=session, **sandbox.identity(),
        )  # fmt: skip
        assert self.process.stdout is not None
        self.out = self.process.stdout
        os.set_blocking(self.out.fileno(), False)

    def _renew(self) -> None:
        while not self.over.wait(0.05):
            if self.renews.is_set():
                self.lease.renew(EPOCH, bytes(32), {})

    def heard(self, seconds: float) -> bytes:
        """What is said in this time."""
        end, found = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            found += self.out.read() or b""
            time.sleep(0.005)
        return found

    def until(self, word: bytes, *, there: bool, seconds: float = 10) -> bool:
        """Waits until this is heard, or is heard no more for a while."""
        end = time.monotonic() + seconds
        while (word in self.heard(0.4)) != there:
            if time.monotonic() > end:
                return False
        return True

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.out.close()
        self.over.set()
        self.thread.join(5)
        self.daemon.close()


@contextlib.contextmanager
def leased(sandbox: Sandbox, plan: bytes, word: str = "--ticket", *, session: bool = False) -> Iterator[Leased]:
    run = Leased(sandbox, plan, word, session=session)
    try:
        yield run
    finally:
        run.close()


def inside(launcher: int) -> list[int]:
    """All that descends from the launcher's first process, but for that one itself."""
    found, waiting = [], [launcher]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        found.append(pid)
    return found[2:]


def test_what_the_caller_left_open_is_no_door_for_renames(sandbox: Sandbox) -> None:
    """Story: pid 1 renames directories for others, and `/proc/self/fd/7` was looked up among its own descriptors."""
    outside = sandbox.base / "outside"
    (outside / "victim/kept").mkdir(parents=True)
    sandbox.own(outside, outside / "victim", outside / "victim/kept")
    plan = sandbox.base / "plan"
    script = """
import os
for base in ("/proc/self/fd", "/proc/thread-self/fd", "/dev/fd", "link"):
    if base == "link": os.symlink("/proc/self/fd", "link")
    for fd in range(3, 40):
        for target in (f"{base}/{fd}/moved", os.getcwd() + "/stolen"):
            try: os.rename(f"{base}/{fd}/victim", target); print("moved", base, fd)
            except OSError: pass
"""
    plan.write_bytes(plan_bytes(**sandbox.values(PYTHON, "-I", "-c", script, shim="1", landlock="0")))
    sandbox.own(plan)
    door = os.open(outside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ran = subprocess.run(
            [str(sandbox.program), "--plan", str(plan)], pass_fds=[door], capture_output=True, timeout=60, check=False,
            env=sandbox.env, cwd=sandbox.base, **sandbox.identity(),
        )  # fmt: skip
    finally:
        os.close(door)
    assert (ran.returncode, ran.stdout) == (0, b""), ran.stderr
    assert sorted(str(path.relative_to(outside)) for path in outside.rglob("*")) == ["victim", "victim/kept"]


def test_pid_1_holds_nothing_of_its_callers(sandbox: Sandbox) -> None:
    door = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("sh", "-c", "echo ready; sleep 20")))
    sandbox.own(plan)
    with subprocess.Popen(
        [str(sandbox.program), "--plan", str(plan)], pass_fds=[door], stdout=subprocess.PIPE, env=sandbox.env,
        cwd=sandbox.base, **sandbox.identity(),
    ) as running:  # fmt: skip
        os.close(door)
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        first = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()[0]
        if os.geteuid() != 0:
            running.kill()
            pytest.skip("only root may look into pid 1")
        deadline = time.monotonic() + 10  # it lets go of them while the command already starts
        while (held := files_of(first)) and time.monotonic() < deadline:
            time.sleep(0.05)
        running.kill()
    assert held == []


def files_of(process: str) -> list[str]:
    """Where its descriptors lead that have a name."""
    links = [os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()]
    return [where for where in links if where.startswith("/")]


def test_a_script_that_names_itself_does_not_end_pid_1(sandbox: Sandbox) -> None:
    """Story: what a process became is compared with the first line of its script, which may be another one by then."""
    sandbox.write("looped", "#!/usr/bin/tail -f\n", 0o755)
    script = """
./looped > /dev/null & sleep 0.3
printf "#!$PWD/looped\\n" > looped
/bin/true; kill $!; echo end
"""
    old = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 19, old[1]))  # inherited: overrun after a hundred turns
    try:
        ran = sandbox.shell(script, observe="1")
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, old)
    assert (ran.status, ran.out, ran.err) == (0, "end\n", "")


def test_a_program_that_runs_itself_by_proc_is_seen_as_itself(sandbox: Sandbox) -> None:
    """Story: `/proc/self/exe` was looked up by pid 1, and found the launcher."""
    sight = python(sandbox, "import os; os.execv('/proc/self/exe', ['python', '-I', '-c', 'pass'])")
    files = {one.file for one in sight.programs if one.name == "/proc/self/exe"}
    assert files == {os.path.realpath(PYTHON)}
    sight = seen(sandbox, "sh", "-c", "ln -s /proc/self/exe link; ./link -c : 2>/dev/null; exec /bin/true")
    assert sandbox.program.name not in {Path(one.file).name for one in sight.programs}


@pytest.mark.slow
def test_a_flood_of_calls_holds_up_neither_the_time_nor_the_end(sandbox: Sandbox) -> None:
    for number in range(8):
        (sandbox.workspace / f"d{number}").mkdir()
        sandbox.own(sandbox.workspace / f"d{number}")
    flood = """
import os, threading
def turn(number):
    while True:
        os.rename(f"d{number}", f"e{number}"); os.rename(f"e{number}", f"d{number}")
threads = [threading.Thread(target=turn, args=(n,), daemon=True) for n in range(8)]
for thread in threads: thread.start()
while True: os.spawnv(os.P_WAIT, "/bin/true", ["true"])
"""
    began = time.monotonic()
    ran = sandbox.python(flood, shim="1", observe="1", wall="1")
    assert ran.status == 124
    assert 0.9 < time.monotonic() - began < 8  # a loaded machine; without an end it would be the test's own sixty


@pytest.mark.slow  # leases lapse and are renewed
def test_a_job_that_stops_leaves_nobody_at_work(sandbox: Sandbox) -> None:
    """Story: the launcher stops with the command's first process, and keeps neither lease nor time meanwhile."""
    plan = plan_bytes(**sandbox.values("sh", "-c", f"({TICKS}) & kill -STOP $$; echo on; wait", tty="1"))
    with leased(sandbox, plan, session=True) as run:
        assert run.until(b"tick", there=False)
        os.kill(run.process.pid, signal.SIGCONT)
        assert b"on" in run.heard(1.0)
        assert run.until(b"tick", there=True)


@pytest.mark.slow  # leases lapse and are renewed
def test_a_launcher_that_is_stopped_holds_nobody_back_from_standing_still(sandbox: Sandbox) -> None:
    """Story: who stops the launcher (`kill -STOP`) while the daemon is gone had an end of every lease."""
    with leased(sandbox, plan_bytes(**sandbox.values("sh", "-c", TICKS))) as run:
        assert run.until(b"tick", there=True)
        os.kill(run.process.pid, signal.SIGSTOP)
        assert run.until(b"tick", there=False)
        os.kill(run.process.pid, signal.SIGCONT)
        assert run.until(b"tick", there=True)


@pytest.mark.slow  # leases lapse and are renewed
def test_who_lets_a_held_run_go_on_from_outside_does_so_for_a_moment(sandbox: Sandbox) -> None:
    with leased(sandbox, plan_bytes(**sandbox.values("sh", "-c", TICKS))) as run:
        assert run.until(b"tick", there=True)
        run.renews.clear()
        assert run.until(b"tick", there=False)
        for pid in inside(run.process.pid):
            wake(pid)
        assert run.heard(2.0).count(b"tick") < 30
        assert run.heard(0.5) == b""
        run.renews.set()
        assert run.until(b"tick", there=True)


def test_a_socket_that_is_made_later_at_a_visible_place_is_in_reach(sandbox: Sandbox) -> None:
    """R45 of the register: those that are there when the run begins are covered, later ones are not."""
    ways = {name: sandbox.base / f"{name}.sock" for name in ("early", "late")}
    early = socket.socket(socket.AF_UNIX)
    early.bind(str(ways["early"]))
    early.listen(1)
    script = f"""
import os, socket, time
print("ready", flush=True)
while not os.path.exists({str(sandbox.base / "go")!r}): time.sleep(0.01)
for path in {[str(ways["early"]), str(ways["late"])]}:
    try: socket.socket(socket.AF_UNIX).connect(path); print("connected")
    except OSError as error: print("no")
"""
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values(PYTHON, "-I", "-c", script, fresh=["/run"], landlock="1")))
    sandbox.own(plan, ways["early"])
    with subprocess.Popen(
        [str(sandbox.program), "--plan", str(plan)], stdout=subprocess.PIPE, text=True, env=sandbox.env,
        cwd=sandbox.base, **sandbox.identity(),
    ) as running, early, socket.socket(socket.AF_UNIX) as late:  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        late.bind(str(ways["late"]))
        late.listen(1)
        sandbox.own(ways["late"])
        (sandbox.base / "go").touch()
        assert running.stdout.read().split() == ["no", "connected"]


# ---- bound runs, which have no process namespace of their own

FAMILY = f"""
import os, subprocess, threading, time
def start(word):
    subprocess.Popen(["sh", "-c", "{TICKS}".replace("tick", word)])
def keep(word):
    start(word)
    time.sleep(100)
threading.Thread(target=keep, args=("thread",)).start()
time.sleep(0.3)
if os.fork() == 0:
    start("orphan")
    os._exit(0)
os.wait()
time.sleep(100)
"""


def bound_plan(sandbox: Sandbox, *argv: str, **changes: Value | None) -> bytes:
    return Bound(sandbox).plan(*argv, **changes)


@pytest.mark.slow  # leases lapse and are renewed
def test_children_of_other_threads_and_orphans_of_a_bound_run_stand_still(sandbox: Sandbox) -> None:
    """Story: a lapsed lease stopped the command and what its first thread had started, as `terraform` does not."""
    plan = bound_plan(sandbox, "python3", "-I", "-c", FAMILY, program=PYTHON)
    with leased(sandbox, plan, "--bound") as run:
        assert run.until(b"thread", there=True)
        assert run.until(b"orphan", there=True)
        run.renews.clear()
        assert run.until(b"thread", there=False)
        assert run.until(b"orphan", there=False)
        run.renews.set()
        assert run.until(b"thread", there=True)
        assert run.until(b"orphan", there=True)
        for pid in inside(run.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_caller_that_ignores_ended_children_hears_of_the_end(sandbox: Sandbox) -> None:
    """Story: who starts the launcher with SIGCHLD ignored waited for ever: the kernel told of no end."""
    plan = sandbox.base / "bound-plan"
    plan.write_bytes(bound_plan(sandbox, "sh", "-c", "(sleep 0.1 &); exit 7"))
    sandbox.own(plan)
    caller = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    ran = subprocess.run(
        [PYTHON, "-I", "-c", caller, str(sandbox.program), "--bound-plan", str(plan)], timeout=20, check=False,
        env=sandbox.env, cwd=sandbox.workspace, **sandbox.identity(),
    )  # fmt: skip
    assert ran.returncode == 7


def test_a_variable_that_is_set_has_one_value(sandbox: Sandbox) -> None:
    """Story: of two values of one name, shells take the last and most programs the first."""
    caller, ours = {"MODE": "theirs", "OTHER": "theirs"}, ["PATH=/usr/bin:/bin", "MODE=ours"]
    ran = Bound(sandbox).run("env", program="/usr/bin/env", caller=caller, env=ours)
    assert [line for line in ran.out.splitlines() if "MODE" in line] == ["MODE=ours"]
    assert "OTHER=theirs" in ran.out


def test_a_tree_without_a_bottom_is_not_copied(sandbox: Sandbox) -> None:
    """Story: each directory on the way down took a descriptor and a piece of the stack."""
    path = sandbox.workspace / "deep"
    for _ in range(200):
        path /= "n"
    path.mkdir(parents=True)
    ran = Bound(sandbox).run("sh", "-c", "echo ran", tree=[f"{'0' * 64}:{sandbox.workspace / 'deep'}"])
    assert (ran.status, ran.out) == (125, "")
    assert "has something else in it" in ran.err
