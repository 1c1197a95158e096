"""What pid 1 sees: which programs ran, by whom they were started, and which addresses were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from interlock.containment.sight import UNREADABLE, Sight, parse
from native.daemons import Call, Daemon
from native.runs import ENVIRONMENT, PYTHON, Sandbox, Value, plan_bytes


def seen(sandbox: Sandbox, *command: str, **changes: Value | None) -> Sight:
    """Runs a command by a ticket, and gives what the launcher tells of it at its end."""
    plan = plan_bytes(**sandbox.values(*command, **{"observe": "1", "landlock": "1", **changes}))
    told: list[bytes] = []

    def answer(call: Call) -> None:
        call.read()
        if call.payload.startswith(b"close"):
            told.append(call.payload)
        call.done(out=plan if call.payload.startswith(b"open") else b"")

    home = sandbox.base / f"home-{sandbox.runs}"
    (home / "run").mkdir(parents=True)
    sandbox.own(home, home / "run")
    daemon = Daemon(home, answer)
    try:
        sandbox.own(home / "run/daemon.sock", home / "run/lease")
        ran = subprocess.run(
            [str(sandbox.program), "--ticket", "abc"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False, env=ENVIRONMENT | {"INTERLOCK_HOME": str(home)}, **sandbox.identity(),
        )  # fmt: skip
    finally:
        daemon.close()
    line, _, rest = told[0].partition(b"\n")
    assert line == f"close abc {ran.returncode}".encode(), ran.stderr
    return parse(rest)


def python(sandbox: Sandbox, script: str, **changes: Value | None) -> Sight:
    return seen(sandbox, PYTHON, "-I", "-c", script, **changes)


def called(sight: Sight) -> dict[str, int]:
    return {place.name: place.times for place in sight.places}


def test_programs_are_seen_with_who_started_them_and_how_often(sandbox: Sandbox) -> None:
    script = "for n in 1 2 3; do /bin/true; done; env -i /bin/sh -c '/bin/true; exit 0'"
    sight = seen(sandbox, "/bin/sh", "-c", script)
    shell, true = os.path.realpath("/bin/sh"), os.path.realpath("/bin/true")
    found = {(one.name, one.file, Path(one.by).name): one.times for one in sight.programs}
    assert sight.observed
    assert found["/bin/true", true, Path(shell).name] == 4
    assert found["/bin/sh", shell, sandbox.program.name] == 1
    assert found["/bin/sh", shell, "env"] == 1
    assert UNREADABLE not in {one.name for one in sight.programs}
    assert (sight.more_programs, sight.places, sight.unrouted) == (0, (), 0)


def test_a_name_that_path_does_not_hold_is_no_program(sandbox: Sandbox) -> None:
    sight = seen(sandbox, "sh", "-c", "no-such-program; /no/such; true", env=["PATH=/none:/usr/bin:/bin", "HOME=/tmp"])
    assert not [one for one in sight.programs if "such" in one.name or "none" in one.name]


def test_a_program_without_a_path_is_seen_by_its_file(sandbox: Sandbox) -> None:
    """By a descriptor alone, relative to a directory, and from memory."""
    script = """
import ctypes, os
libc, words = ctypes.CDLL(None), (ctypes.c_char_p * 2)(b"x", None)
def run(number, directory, path, flags):
    if os.fork() == 0:
        libc.syscall(number, directory, path, words, None, flags)
        os._exit(1)
    os.wait()
number = 322 if os.uname().machine == "x86_64" else 281  # execveat
run(number, os.open("/bin/true", os.O_RDONLY), b"", 0x1000)
run(number, os.open("/bin", os.O_RDONLY), b"./true", 0)
held = os.memfd_create("hidden")
os.write(held, open("/bin/true", "rb").read())
run(number, held, b"", 0x1000)
"""
    true = os.path.realpath("/bin/true")
    found = {one.name: one.file for one in python(sandbox, script).programs}
    assert found[true] == true
    assert found["./true"] == true
    assert [file for file in found.values() if file.startswith("/memfd:hidden")]


def test_the_word_that_was_asked_for_is_seen_and_no_other(sandbox: Sandbox) -> None:
    for name in ("tool", "other"):
        sandbox.write(name, "#!/bin/sh\nexit 0\n", 0o755)
    (sandbox.workspace / "linked").symlink_to("tool")
    script = "./tool -C dir push --force; ./tool secret; ./linked push; ./other push; ./tool pushed"
    sight = seen(sandbox, "sh", "-c", script, note=["tool push", "tool pull"])
    names = {one.name: Path(one.file).name for one in sight.programs}
    assert {name: file for name, file in names.items() if name.startswith("./")} == {
        "./tool push": "tool", "./tool": "tool", "./linked push": "tool", "./other": "other",
    }  # fmt: skip


def test_what_there_is_no_room_for_is_counted(sandbox: Sandbox) -> None:
    sandbox.write("tool", "#!/bin/sh\nexit 0\n", 0o755)
    script = "i=0; while [ $i -lt 300 ]; do ln -s tool t$i; ./t$i; i=$((i+1)); done"
    sight = seen(sandbox, "sh", "-c", script)
    assert len(sight.programs) == 256
    assert sum(one.times for one in sight.programs) + sight.more_programs >= 600  # `ln`, and the tools


def test_names_are_whatever_bytes_they_are(sandbox: Sandbox) -> None:
    script = """
import os, subprocess
os.symlink("/bin/true", b"a\\nb\\x1b[31m\\xff=")
subprocess.run([b"./a\\nb\\x1b[31m\\xff="])
deep = "d" * 200
for _ in range(10):
    os.mkdir(deep); os.chdir(deep)
os.symlink("/bin/true", "last")
subprocess.run([os.getcwd() + "/last"])
"""
    sight = python(sandbox, script)
    names = [one.name for one in sight.programs]
    assert "./a\nb\x1b[31m\udcff=" in names
    (long,) = (name for name in names if name.endswith("/last"))
    assert long.endswith("d/last")
    assert len(long) == 255


def test_who_is_not_to_be_looked_into_is_told_without_a_name(sandbox: Sandbox) -> None:
    script = """
import ctypes, os
if os.fork() == 0:
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # not dumpable
    os.execv("/bin/true", ["true"])
os.wait()
"""
    sight = python(sandbox, script)
    assert UNREADABLE in {one.name for one in sight.programs}


SWAP = """
import ctypes, os, shutil, sys, threading, time
for name in ("a", "b"):
    shutil.copy("/bin/sleep", name)
libc = ctypes.CDLL(None, use_errno=True)
caught = 0
for attempt in range(200):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        path = ctypes.create_string_buffer(b"./a")
        words = (ctypes.c_char_p * 3)(b"x", b"20", None)
        pause = attempt % 40 * 5e-6
        def swap():
            end = time.perf_counter() + pause
            while time.perf_counter() < end:
                pass
            path[2] = b"b"
        sys.setswitchinterval(1e-6)
        thread = threading.Thread(target=swap)
        thread.start()
        libc.execve(path, words, None)
        os._exit(1)
    end = time.monotonic() + 5
    while os.path.basename(os.readlink(f"/proc/{pid}/exe")) not in ("a", "b") and time.monotonic() < end:
        time.sleep(0.001)
    real = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    os.spawnv(os.P_WAIT, "/bin/true", ["true"])  # somebody's next call
    os.kill(pid, 9); os.waitpid(pid, 0)
    caught += real == "b"
print(caught)
"""


def test_what_a_program_really_became_is_seen_at_the_next_call(sandbox: Sandbox) -> None:
    """Another thread swaps the name between pid 1's look and the kernel's: the swapped one was never called."""
    sight = python(sandbox, SWAP)
    by_name = sum(one.times for one in sight.programs if one.name == "./b")
    by_file = sum(one.times for one in sight.programs if one.name == f"{sandbox.workspace}/b")
    asked = sum(one.times for one in sight.programs if one.name == "./a")
    if by_file == 0:
        pytest.skip(f"this machine never swapped in time ({asked} times a, {by_name} times b)")
    assert asked + by_name == 200
    assert by_file <= asked


CALLS = """
import socket
def tried(call, *words):
    try: call(*words)
    except OSError: pass
for _ in range(2):
    tried(socket.socket().connect, ("203.0.113.9", 443))
tried(socket.socket(socket.AF_INET6).connect, ("2001:db8::1", 80))
tried(socket.socket(socket.AF_INET6).connect, ("::ffff:203.0.113.8", 80))
plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tried(plain.connect, ("8.8.8.8", 53))
tried(plain.sendto, b"x", ("198.51.100.7", 53))
server = socket.create_server(("127.0.0.1", 0))
own = socket.create_connection(server.getsockname())
own.send(b"x"), own.sendto(b"y", server.getsockname())
tried(socket.socket(socket.AF_UNIX).connect, "/no/such")
tried(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto, b"x", "/no/such")
"""


def test_addresses_outside_are_seen_and_those_inside_are_not(sandbox: Sandbox) -> None:
    sight = python(sandbox, CALLS)
    assert called(sight) == {
        "203.0.113.9:443": 2,
        "[2001:db8::1]:80": 1,
        "[::ffff:203.0.113.8]:80": 1,
        "8.8.8.8:53/udp": 1,
        "198.51.100.7:53": 1,
    }
    assert {Path(place.by).name.startswith("python") for place in sight.places} == {True}
    assert [place.name for place in sight.places if place.asked] == ["8.8.8.8:53/udp"]
    assert sight.unseen == 0


def test_what_no_filter_can_see_is_in_the_kernels_count(sandbox: Sandbox) -> None:
    """The address of `sendmsg` lies behind a pointer behind a pointer; and such calls are too many to stop them all."""
    script = """
import socket
plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3):
    try: plain.sendmsg([b"x"], [], 0, ("203.0.113.9", 53))
    except OSError: pass
"""
    sight = python(sandbox, script)
    assert (called(sight), sight.unrouted, sight.unseen) == ({}, 3, 3)


def test_a_run_that_is_killed_is_told_of_too(sandbox: Sandbox) -> None:
    sight = seen(sandbox, "sh", "-c", "trap '' TERM; /bin/true; sleep 60", wall="1")
    assert "/bin/true" in {one.name for one in sight.programs}


def test_a_copy_under_another_name_is_another_program(sandbox: Sandbox) -> None:
    """R34 of the register: a name is not what a program does."""
    sight = seen(sandbox, "sh", "-c", "cp /bin/true ./innocent; ./innocent push", note=["true push"])
    assert "./innocent" in {one.name for one in sight.programs}
    assert not [one for one in sight.programs if "push" in one.name]


def test_who_is_left_over_ends_without_a_word(sandbox: Sandbox) -> None:
    """Once pid 1 is gone nobody answers: who was about to start a program would say that there is no such call."""
    script = "for n in 1 2 3 4 5 6 7 8; do (while :; do /bin/true; done) & done; sleep 0.3; exit 0"
    for _ in range(4):
        ran = sandbox.shell(script, observe="1")
        assert (ran.status, ran.out, ran.err) == (0, "", "")


def test_nothing_is_told_where_nobody_asked(sandbox: Sandbox) -> None:
    assert seen(sandbox, "true", observe=None) == Sight()
    assert seen(sandbox, "true", observe="0", shim="1") == Sight()


@pytest.mark.parametrize("note", ["git", " push", "git ", "git push force", "git " + "x" * 40])
def test_a_note_that_is_none_is_refused(sandbox: Sandbox, note: str) -> None:
    ran = sandbox.run("true", observe="1", note=[note])
    assert ran.status == 125
    assert "(note: not a program and a word)" in ran.err
