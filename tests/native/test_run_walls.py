"""What a contained command cannot do: each wall is run against, as root and as an ordinary user."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from native.conftest import ROOT
from native.runs import PYTHON, Sandbox, plan_bytes

# What the filter answers: the errno (or the signal that ends the caller), and the attempts of attempts.c.
EXPECTED = """
EPERM unshare-user unshare-time clone-user clone-mounts clone-net setns mount umount pivot_root chroot open_tree
EPERM move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr open_by_handle_at name_to_handle_at
EPERM ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise add_key request_key keyctl bpf
EPERM perf_event_open kexec_load kexec_file_load init_module finit_module delete_module fanotify_init swapon
EPERM swapoff reboot acct quotactl quotactl_fd syslog settimeofday clock_settime adjtimex clock_adjtime sethostname
EPERM mknod-character mknod-whiteout mknod-block iopl ioperm modify_ldt socket-raw socket-dccp
EPERM ioctl-TIOCSTI ioctl-TIOCSTI-high-bits ioctl-TIOCLINUX ioctl-TIOCSETD ioctl-TIOCCONS
ENOSYS io_uring_setup io_uring_enter io_uring_register clone3 userfaultfd unknown-call
EAFNOSUPPORT socket-netlink socket-packet socket-vsock socket-alg socket-bluetooth socket-can socket-tipc socket-rds
EAFNOSUPPORT socket-xdp socket-smc socket-kcm socketpair-tipc
EPROTONOSUPPORT socket-icmp socket-sctp
SIGSYS x32 foreign
"""
REFUSED = {
    name: -int(signal.SIGSYS) if answer == "SIGSYS" else int(getattr(errno, answer))
    for answer, *names in map(str.split, EXPECTED.strip().splitlines())
    for name in names
}
ALLOWED = {"socket-unix", "socket-inet", "socket-inet6", "socketpair-unix", "clone-thread-flags", "unshare-files"}
# Where the bare kernel gives root the same answer, because it lacks that part, too.
ALSO_OUTSIDE = {
    name
    for name, code in REFUSED.items()
    if code in {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT} or name in {"unknown-call", "x32", "foreign"}
}


@pytest.fixture(scope="session")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("attempts") / "attempts"
    command = ["cc", "-std=gnu11", "-O1", "-static", "-o", str(target), str(ROOT / "tests/native/attempts.c")]
    subprocess.run(command, check=True, capture_output=True)
    return target


def answers(text: str) -> dict[str, int]:
    return {name: int(code) for name, code in (line.split() for line in text.splitlines())}


@pytest.mark.parametrize("landlock", ["0", "1"])
def test_every_refused_call_is_refused(sandbox: Sandbox, attempts: Path, landlock: str) -> None:
    program = sandbox.write("attempts", "", 0o755)
    program.write_bytes(attempts.read_bytes())
    ran = sandbox.run("./attempts", landlock=landlock)
    assert (ran.status, ran.err) == (0, "")
    found = answers(ran.out)
    expected = REFUSED | dict.fromkeys(ALLOWED, 0)
    assert {name: found[name] for name in found} == {name: expected[name] for name in found}
    assert set(expected) - set(found) <= {"iopl", "ioperm", "modify_ldt", "x32", "foreign"}  # of x86 alone


def test_outside_the_same_attempts_get_other_answers(attempts: Path) -> None:
    """Otherwise the test above could not fail: it is the filter that answers there, not the lack of a capability."""
    if os.geteuid() != 0:
        pytest.skip("the kernel refuses most of them to an ordinary user")
    ran = subprocess.run([str(attempts)], capture_output=True, text=True, check=True)
    same = {name for name, code in answers(ran.stdout).items() if REFUSED.get(name) == code}
    assert same <= ALSO_OUTSIDE | {"io_uring_setup", "io_uring_enter", "io_uring_register"}


def test_landlock_holds_where_a_mount_is_open(sandbox: Sandbox) -> None:
    """Story: a file of the host comes in by a descriptor; its own mount is writable, so only Landlock is in the way."""
    outside = sandbox.base / "outside"
    outside.write_text("kept")
    sandbox.own(outside)
    plan = sandbox.base / "plan"
    script = "import os; os.open('/proc/self/fd/1', os.O_RDONLY); os.open('/proc/self/fd/1', os.O_RDWR)"
    plan.write_bytes(plan_bytes(**sandbox.values(PYTHON, "-c", script, landlock="1")))
    with outside.open("a") as out:
        ran = subprocess.run(
            [str(sandbox.program), "--plan", str(plan)], stdout=out, stderr=subprocess.PIPE, text=True, check=False,
            **sandbox.identity(),
        )  # fmt: skip
    assert "Permission denied: '/proc/self/fd/1'" in ran.stderr


@pytest.mark.parametrize("landlock", ["0", "1"])
def test_a_file_that_is_read_cannot_be_written_through_its_descriptor(sandbox: Sandbox, landlock: str) -> None:
    outside = sandbox.base / "outside"
    outside.write_text("first\nsecond\n")
    sandbox.own(outside)
    plan = sandbox.base / "plan"
    script = "read a; echo $a; cat; echo x > /proc/self/fd/0; echo x >> /dev/stdin"
    plan.write_bytes(plan_bytes(**sandbox.values("/bin/bash", "-c", script, landlock=landlock)))
    with outside.open() as file:
        ran = subprocess.run(
            [str(sandbox.program), "--plan", str(plan)], stdin=file, capture_output=True, text=True, check=False,
            **sandbox.identity(),
        )  # fmt: skip
    assert ran.stdout == "first\nsecond\n"
    assert outside.read_text() == "first\nsecond\n"
    assert "Read-only file system" in ran.stderr or "Permission denied" in ran.stderr


@pytest.mark.parametrize(
    ("path", "flags"),
    [("/", os.O_RDONLY), ("/", os.O_PATH), ("/proc/self/mem", os.O_RDWR), ("/proc/self/ns/mnt", os.O_RDONLY)],
)
def test_what_leads_out_is_no_standard_input(sandbox: Sandbox, path: str, flags: int) -> None:
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("ls", "/proc/self/fd/0/")))
    held = os.open(path, flags)
    ran = subprocess.run(
        [str(sandbox.program), "--plan", str(plan)], stdin=held, capture_output=True, text=True, check=False,
        **sandbox.identity(),
    )  # fmt: skip
    os.close(held)
    assert (ran.returncode, ran.stdout) == (125, "")
    assert "would lead out of the sandbox" in ran.stderr


def test_another_process_is_no_standard_input(sandbox: Sandbox) -> None:
    """Story: a pidfd that came in would let the command signal what it cannot see."""
    plan = sandbox.base / "plan"
    plan.write_bytes(plan_bytes(**sandbox.values("true")))
    with subprocess.Popen(["sleep", "60"]) as other:
        held = os.pidfd_open(other.pid)
        ran = subprocess.run(
            [str(sandbox.program), "--plan", str(plan)],
            stdin=held,
            capture_output=True,
            check=False,
            **sandbox.identity(),
        )
        os.close(held)
        other.kill()
    assert ran.returncode == 125


CONNECT = """
import socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path.replace("@", chr(0)))
        print("connected", path)
    except OSError as error:
        print(type(error).__name__)
"""


def test_sockets_of_the_host_are_not_reached(sandbox: Sandbox) -> None:
    """One with a path that stays visible, one in the workspace, and one with an abstract name."""
    inside = sandbox.workspace / "inside.sock"
    places = [str(sandbox.base / "visible.sock"), str(inside), f"@{sandbox.base.name}"]
    with contextlib.ExitStack() as stack:
        for place in places:
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(place.replace("@", "\0"))
            one.listen()
            if place[0] == "/":
                sandbox.own(Path(place))
        try_to_connect(sandbox, places)


def try_to_connect(sandbox: Sandbox, places: list[str]) -> None:
    ran = sandbox.python(CONNECT, *places, fresh=["/run"], landlock="1")
    assert ran.out == "PermissionError\nPermissionError\nConnectionRefusedError\n"
    bound = {"write": "bind", "source": str(sandbox.workspace), "upper": None, "work": None}
    ran = sandbox.python(CONNECT, *places, fresh=["/run"], **bound)
    assert "connected" not in ran.out
    ran = sandbox.python(CONNECT, places[0], fresh=["/run"], show=[places[0]])
    assert ran.out == f"connected {places[0]}\n"  # the test can tell


def test_sockets_inside_work(sandbox: Sandbox) -> None:
    script = """
import socket, threading
for path in ("/tmp/s", "s", chr(0) + "abstract"):
    server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen()
    client = socket.socket(socket.AF_UNIX); client.connect(path); client.send(b"x")
    print(server.accept()[0].recv(1))
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).send(b"y")
print(server.accept()[0].recv(1))
"""
    ran = sandbox.python(script, landlock="1")
    assert (ran.out, ran.err) == ("b'x'\n" * 3 + "b'y'\n", "")


def test_a_fifo_of_the_host_takes_nothing(sandbox: Sandbox) -> None:
    """A read-only mount lets FIFOs be written; Landlock does not."""
    fifo = sandbox.base / "fifo"
    os.mkfifo(fifo)
    sandbox.own(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    ran = sandbox.shell(f"echo x > {fifo}", fresh=["/run"], landlock="1")
    assert "Permission denied" in ran.err
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_landlock_lets_work_be_done(sandbox: Sandbox) -> None:
    sandbox.write("src/a", "a")
    script = (
        "mkdir -p x/y && mv src/a x/y/b && ln x/y/b c && ln -s c d && mkfifo f && rm -r x/y && echo ok > c && cat d"
        " && truncate -s 1 c && cat c && echo x > /tmp/t && mv /tmp/t . && echo > /dev/null"
        " && head -c 2 /dev/zero | wc -c"
        " && echo 5 > /proc/self/oom_score_adj && rm -rf src && ls"
    )
    ran = sandbox.shell(script, landlock="1")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "ok\no2\nc\nd\nf\nt\nx\n"


def test_limits_hold(sandbox: Sandbox) -> None:
    ran = sandbox.shell("ulimit -n; ulimit -f; ulimit -c", limit=["nofile:100", "fsize:1048576", "core:0"])
    assert ran.out.split() == ["100", "2048", "0"]
    assert sandbox.shell("head -c 2000000 /dev/zero > big", limit=["fsize:1000000"]).status != 0
    assert (sandbox.upper / "big").stat().st_size == 1000000
    assert "Cannot allocate" in sandbox.shell(f"exec {PYTHON} -c 'b=bytearray(1<<31)'", limit=["as:300000000"]).err + (
        "Cannot allocate" if sandbox.python("bytearray(1 << 31)", limit=["as:300000000"]).status == 1 else ""
    )
    assert sandbox.python("while True: pass", limit=["cpu:1"]).status in {128 + signal.SIGXCPU, 128 + signal.SIGKILL}


def test_a_fork_bomb_is_bounded(sandbox: Sandbox) -> None:
    script = (
        "import os\ntry:\n for n in range(200):\n  os.fork() or os.read(0, 1) or os._exit(0)\nexcept OSError: print(n)"
    )
    ran = sandbox.python(script, limit=["nproc:20"], wall="20")
    if sandbox.user == 0 and "pids" not in os.listdir("/sys/fs/cgroup"):
        pytest.skip("user 0 passes this rlimit, and there is no cgroup for it here")
    assert 5 < int(ran.out) <= 20
    ran = sandbox.python(script.replace("200", "1200"), limit=["nproc:400"], wall="30")
    assert 300 < int(ran.out) <= 700  # a bound that numbers of processes keep is one with some numbers to spare
    left = [
        int(name.rpartition("-")[2]) for name in os.listdir("/sys/fs/cgroup/pids") if name.startswith("interlock-run")
    ]
    assert all(Path(f"/proc/{pid}").exists() for pid in left)  # others may be at work
