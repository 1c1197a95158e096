"""Pid 1 and the launcher: signals, the wall time, jobs, the terminal, and that nothing outlives the command."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from native.runs import PYTHON, Sandbox, Value, plan_bytes


def start(sandbox: Sandbox, *command: str, **changes: Value | None) -> subprocess.Popen[str]:
    """The launcher at work, its output in a pipe."""
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values(*command, **changes)))
    sandbox.own(plan)
    return subprocess.Popen(
        [str(sandbox.program), "--plan", str(plan)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=sandbox.env, **sandbox.identity(),
    )  # fmt: skip


def alive(mark: str) -> bool:
    """Whether a process has this word on its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes() and path.parent.name != str(os.getpid()):
                return True
        except OSError:
            continue
    return False


def soon(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_signals_reach_the_command(sandbox: Sandbox, name: str, request: pytest.FixtureRequest) -> None:
    number = getattr(signal, name)
    ours = signal.signal(number, signal.SIG_DFL)  # below nohup it would be ignored, and a shell cannot trap that
    request.addfinalizer(lambda: signal.signal(number, ours))
    script = f"trap 'echo caught; exit 9' {name[3:]}; echo ready; while :; do sleep 0.05; done"
    with start(sandbox, "/bin/sh", "-c", script) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        assert running.stdout.read() == "caught\n"
        assert running.wait(10) == 9


def test_a_signal_that_ends_the_command_is_its_status(sandbox: Sandbox) -> None:
    with start(sandbox, "/bin/sh", "-c", "echo ready; exec sleep 100") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.terminate()
        assert running.wait(10) == 128 + signal.SIGTERM


def test_ignored_signals_stay_ignored(sandbox: Sandbox) -> None:
    """As under nohup."""
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ran = sandbox.shell("kill -HUP $$; echo alive")
    finally:
        signal.signal(signal.SIGHUP, old)
    assert ran.out == "alive\n"


def test_nothing_outlives_the_launcher(sandbox: Sandbox) -> None:
    mark = f"7{os.getpid()}.{sandbox.user}"
    with start(sandbox, "/bin/sh", "-c", f"setsid sleep {mark} & echo ready; sleep 1000") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        assert soon(lambda: alive(f"sleep\0{mark}"))
        running.kill()
        running.wait(10)
    assert soon(lambda: not alive(f"sleep\0{mark}"))


def test_nothing_outlives_the_command(sandbox: Sandbox) -> None:
    mark = f"8{os.getpid()}.{sandbox.user}"
    ran = sandbox.shell(f"(setsid sleep {mark} &) ; sleep 0.2; cat /proc/[0-9]*/comm | grep -c '^sleep$'; exit 3")
    assert (ran.status, ran.out) == (3, "1\n")
    assert not alive(f"sleep\0{mark}")


def test_orphans_are_reaped(sandbox: Sandbox) -> None:
    count = "grep -c '^State:.Z' /proc/[0-9]*/status | grep -c ':1$'"
    script = f"for n in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.3; {count}"
    assert sandbox.shell(script).out == "0\n"


def test_the_wall_time_ends_everything(sandbox: Sandbox) -> None:
    began = time.monotonic()
    ran = sandbox.shell("trap 'echo asked; exit 1' TERM; while :; do sleep 0.05; done", wall="1")
    assert (ran.status, ran.out) == (124, "asked\n")
    assert 0.9 < time.monotonic() - began < 10


def test_who_does_not_listen_is_killed_two_seconds_later(sandbox: Sandbox) -> None:
    began = time.monotonic()
    ran = sandbox.shell("trap '' TERM; while :; do sleep 0.05; done", wall="1")
    assert ran.status == 124
    assert 2.9 < time.monotonic() - began < 15


def converse(sandbox: Sandbox, script: str, says: bytes = b"", *, tty: str, seconds: float = 10) -> tuple[int, str]:
    """The launcher on a terminal of its own, as a shell starts it. `says` is typed when `ready` was seen."""
    plan = sandbox.base / "plan"
    values = sandbox.values("/bin/bash", "-c", script, tty=tty)
    plan.write_bytes(plan_bytes(**values))
    sandbox.own(plan)
    child, terminal = pty.fork()
    if child == 0:
        if sandbox.user != os.geteuid():
            os.setgroups([])
            os.setresgid(sandbox.user, sandbox.user, sandbox.user)
            os.setresuid(sandbox.user, sandbox.user, sandbox.user)
        os.execve(sandbox.program, [str(sandbox.program), "--plan", str(plan)], sandbox.env)
    text = b""
    end = time.monotonic() + seconds
    typed = False
    while time.monotonic() < end and select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # EIO: the last one has closed it
            break
        if not more:
            break
        text += more
        if b"ready" in text and not typed:
            typed = True
            os.write(terminal, says)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text.decode(errors="replace")


def test_the_terminal_is_the_commands_when_the_plan_says_so(sandbox: Sandbox) -> None:
    status, text = converse(
        sandbox, "exec 3</dev/tty && echo ready; read -u 3 a; echo got:$a; exit 4", b"hi\n", tty="1"
    )
    assert (status, "got:hi" in text) == (4, True)


def test_control_c_reaches_the_command_once(sandbox: Sandbox) -> None:
    script = "trap 'echo int; exit 6' INT; echo ready; while :; do sleep 0.05; done"
    for tty in ("0", "1"):
        status, text = converse(sandbox, script, b"\x03", tty=tty)
        assert (status, text.count("int")) == (6, 1), tty


def test_without_a_terminal_there_is_none_to_reach(sandbox: Sandbox) -> None:
    status, text = converse(sandbox, "echo x > /dev/tty; exit 4", tty="0")
    assert status == 4
    assert "No such device" in text


@pytest.mark.parametrize("tty", ["0", "1"])
def test_nobody_can_type_into_the_terminal(sandbox: Sandbox, tty: str) -> None:
    """Story: CVE-2017-5226 and its like put characters into the queue of the shell outside by TIOCSTI."""
    script = (
        "import fcntl,termios\nfor request in (0x5412, 0x5412 | 1 << 32, 0x541c, 0x5423):\n"
        " try: print('typed', fcntl.ioctl(0, request & 0xffffffff, b'x'))\n except OSError as e: print(e.errno)\n"
    )
    plan = f'{PYTHON} -I -c "{script}"'
    status, text = converse(sandbox, plan, tty=tty)
    assert (status, text.split()) == (0, ["1"] * 4)


def test_a_job_that_stops_stops_the_launcher(sandbox: Sandbox) -> None:
    """Story: `kill -STOP` or control-Z in a contained editor must give the prompt back, and `fg` must go on."""
    with start(sandbox, "/bin/sh", "-c", "echo ready; kill -STOP $$; echo on; exit 2", tty="1") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"

        def state() -> str:
            return Path(f"/proc/{running.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]

        assert soon(lambda: state() == "T")
        running.send_signal(signal.SIGCONT)
        assert running.stdout.read() == "on\n"
        assert running.wait(10) == 2


@pytest.mark.parametrize("landlock", ["0", "1"])
def test_a_command_on_the_terminal_cannot_kill_its_callers_group(sandbox: Sandbox, landlock: str) -> None:
    """Story: kill(0) reaches a process group across namespaces, and with a terminal the group is the caller's."""
    bystander = (
        "import subprocess, sys\nother = subprocess.Popen(['sleep', '60'])\n"
        "print(subprocess.call(sys.argv[1:]), other.poll())\nother.kill()"
    )
    script = (
        "import ctypes, os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nself = os.pidfd_open(os.getpid())\n"
        "try: os.kill(0, signal.SIGTERM)\nexcept OSError: pass\n"
        "print(ctypes.CDLL(None).syscall(424, self, int(signal.SIGTERM), None, 4), flush=True)\nos._exit(5)"
    )
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values(PYTHON, "-I", "-c", script, tty="1", landlock=landlock)))
    sandbox.own(plan)
    ran = subprocess.run(
        [PYTHON, "-I", "-c", bystander, str(sandbox.program), "--plan", str(plan)], capture_output=True,
        text=True, check=False, start_new_session=True, **sandbox.identity(),
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "5 None", ran
