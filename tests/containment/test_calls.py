"""The filter of system calls: run by a small machine of the test's own, and by the kernel in bubblewrap."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment import bwrap, calls, tiers

ROOT = Path(__file__).parents[2]
TABLES = tomllib.loads((ROOT / "src" / "interlock" / "containment" / "calls.toml").read_text())
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
KILL, ALLOW = "kill", "allow"


def judged(machine: str, number: int, *arguments: int, architecture: int | None = None) -> str | int:
    """What the filter says of a call: an error's number, or one of the two words."""
    code = calls.calls_filter(machine)
    shown = struct.pack("=IIQ6Q", number, architecture or MACHINES[machine][0], 0, *(*arguments, *([0] * 6))[:6])
    at = loaded = 0
    while True:
        what, yes, no, value = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if what == 0x20:
            (loaded,) = struct.unpack_from("=I", shown, value)
        elif what == 0x54:
            loaded &= value
        elif what == 0x06:
            if value == 0x7FFF0000:
                return ALLOW
            return KILL if value == 0x80000000 else value & 0xFFFF
        else:
            met = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[what]
            at += yes if met else no


def number(machine: str, name: str) -> int:
    for table in TABLES.values():
        if name in table:
            return table[name][MACHINES[machine][1]]
    raise KeyError(name)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_of_the_list_fails_as_the_list_says(machine: str) -> None:
    for table, error in (("refused", errno.EPERM), ("absent", errno.ENOSYS)):
        for name, numbers in TABLES[table].items():
            if numbers[MACHINES[machine][1]] >= 0:
                assert judged(machine, numbers[MACHINES[machine][1]]) == error, name


@pytest.mark.parametrize("machine", MACHINES)
def test_all_other_calls_are_made(machine: str) -> None:
    listed = {numbers[MACHINES[machine][1]] for table in TABLES.values() for numbers in table.values()}
    assert {judged(machine, call) for call in range(470) if call not in listed} == {ALLOW}
    assert judged(machine, 470) == judged(machine, 100_000) == errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_another_architectures_calls_end_the_process(machine: str) -> None:
    for other in (0x40000003, 0xC000003E, 0xC00000B7, 0):
        if other != MACHINES[machine][0]:
            assert judged(machine, 0, architecture=other or 1) == KILL
    if machine == "x86_64":
        assert judged(machine, 0x40000000) == KILL, "the calls of x32"


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_that_depend_on_an_argument(machine: str) -> None:
    ioctl, clone, unshare = (number(machine, name) for name in ("ioctl", "clone", "unshare"))
    for request in (0x5412, 0x541C, 0x5423, 0x541D):
        assert judged(machine, ioctl, 0, request) == errno.EPERM
        assert judged(machine, ioctl, 0, request | 1 << 40) == errno.EPERM, "the kernel looks at the lower half"
    assert judged(machine, ioctl, 0, 0x5401) == ALLOW
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert judged(machine, clone, flag | 17) == judged(machine, unshare, flag) == errno.EPERM
    assert judged(machine, unshare, 0x80) == errno.EPERM
    assert judged(machine, clone, 0x01200011) == judged(machine, clone, 0x003D0F00) == ALLOW
    mknodat = number(machine, "mknodat")
    assert judged(machine, mknodat, 0, 0, stat.S_IFCHR | 0o600) == errno.EPERM
    assert judged(machine, mknodat, 0, 0, stat.S_IFBLK | 0o600) == errno.EPERM
    assert judged(machine, mknodat, 0, 0, stat.S_IFIFO | 0o600) == judged(machine, mknodat, 0, 0, 0o600) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@given(
    family=st.integers(0, 50),
    kind=st.integers(0, 12),
    extra=st.sampled_from([0, 0x800, 0x80000]),
    protocol=st.integers(0, 300),
)
def test_sockets_are_unix_tcp_and_udp(machine: str, family: int, kind: int, extra: int, protocol: int) -> None:
    inner = family in (socket.AF_INET, socket.AF_INET6) and kind in (1, 2) and protocol in (0, 6, 17)
    said = judged(machine, number(machine, "socket"), family, kind | extra, protocol)
    assert (said == ALLOW) is (inner or family == socket.AF_UNIX)
    pair = judged(machine, number(machine, "socketpair"), family, kind | extra, protocol)
    assert (pair == ALLOW) is (family == socket.AF_UNIX)


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert calls.calls_filter("riscv64") == b""


def test_the_launchers_list_is_the_same() -> None:
    """`native/run/seccomp.c` filters for the launcher: what one refuses the other does."""
    text = (ROOT / "native" / "run" / "seccomp.c").read_text()
    table = text[text.index("refusals[] = {") : text.index("};", text.index("refusals[] = {"))]
    found = re.findall(r"\{(?:(?:SYS|NR)_(\w+)|\d+ /\* (\w+) \*/), (EPERM|ENOSYS)\}", table)
    theirs = {((one or other).lower(), error) for one, other, error in found}
    assert len(theirs) > 50
    ours = {(name, "EPERM") for name in TABLES["refused"]} | {(name, "ENOSYS") for name in TABLES["absent"]}
    assert theirs == ours
    assert "NEWEST = 469" in text


HEADERS = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "/usr/include/asm-generic/unistd.h"}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    header = Path(HEADERS[machine])
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text()))
    compared = 0
    for table in TABLES.values():
        for name, numbers in table.items():
            if name in known:
                assert numbers[MACHINES[machine][1]] == int(known[name]), name
                compared += 1
    assert compared > 40


INSIDE = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    return ctypes.get_errno()
import sys
print(*[call(int(n)) for n in sys.argv[1].split(",")])
try:
    socket.socket(40, socket.SOCK_STREAM)
except OSError as error:
    print(error.errno)
socket.socketpair()[0].close()
socket.socket(socket.AF_INET).close()
print(call(int(sys.argv[2]), 0, 0x5412, 0))
"""


def test_the_kernel_loads_it_and_obeys(tmp_path: Path) -> None:
    program, code = tiers.found("bwrap"), calls.calls_filter(os.uname().machine)
    if program is None or not code:
        pytest.skip("no bubblewrap, or a machine without a filter")
    names = ["keyctl", "ptrace", "bpf", "io_uring_setup", "clone3", "userfaultfd", "mount", "setns"]
    numbers = [number(os.uname().machine, name) for name in names]
    filtered = bwrap.in_memory(code)
    words = [
        str(program),
        "--unshare-user",
        "--ro-bind",
        "/",
        "/",
        "--seccomp",
        str(filtered),
        "--",
        sys.executable,
        "-c",
        INSIDE,
    ]
    ran = subprocess.run(
        [*words, ",".join(map(str, numbers)), str(number(os.uname().machine, "ioctl"))],
        pass_fds=[filtered], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(filtered)
    if "Creating new namespace failed" in ran.stderr or "No permissions" in ran.stderr:
        pytest.skip("bubblewrap makes no namespaces here")
    told = [int(word) for word in ran.stdout.split()]
    assert told[:8] == [1, 1, 1, errno.ENOSYS, errno.ENOSYS, errno.ENOSYS, 1, 1], ran.stderr
    assert told[8:] == [errno.EAFNOSUPPORT, errno.EPERM]
