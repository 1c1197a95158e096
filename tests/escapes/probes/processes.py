"""Other processes, and calls into parts of the kernel that a build has no use for."""

from __future__ import annotations

import os

from escapes.probe import Probe, Ran, canary, helper_harmed, leaked, lives, says
from escapes.stage import Stage

_CALL = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *words):
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
def errno():
    return ctypes.get_errno()
"""


def _call(body: str) -> str:
    return _CALL + body


def _succeeds(words: str) -> str:
    """The call gives something."""
    return _call(f"if call({words}) >= 0: print('@open@')")


def _reaches(words: str, refused: str = "(1, 38)") -> str:
    """The call is not refused: it fails later, for what was asked of it."""
    return _call(f"r = call({words})\nif r >= 0 or errno() not in {refused}: print('@open@')")


def _typed(here: Stage, ran: Ran) -> bool:
    return here.marker.encode() in ran.typed


def _host_name(here: Stage, ran: Ran) -> bool:
    return f"open-{here.nonce} {os.readlink('/proc/self/ns/uts')}".encode() in ran.out


def _start_files(here: Stage) -> None:
    here.write("rc.sh", here.fill("touch @canary@/x\n"))


def _impostors(here: Stage) -> None:
    for name in ("newuidmap", "newgidmap", "mount", "ip", "id", "uname", "socat", "rg", "node", "python3"):
        here.write(f"bin/{name}", here.fill("#!/bin/sh\n: > @canary@/x\n"), 0o755)


_NEW = 0x10000000  # CLONE_NEWUSER

PROBES = (
    Probe("ptrace", "processes", "to take over a process of the host", says, py=_reaches("101, 16, @pid@, 0, 0", "(1, 3, 38)")),
    Probe("read-memory", "processes", "a secret out of another process' memory", leaked, origin="process_vm_readv(2)",
          py=_call("b = ctypes.create_string_buffer(4096)\nclass V(ctypes.Structure): _fields_ = [('a', ctypes.c_void_p), ('n', ctypes.c_size_t)]\nl = V(ctypes.addressof(b), 256); r = V(@memory@, 256)\ncall(310, @pid@, ctypes.byref(l), 1, ctypes.byref(r), 1, 0)\nprint(b.raw[:256])")),
    Probe("proc-memory", "processes", "the same through /proc/PID/mem", leaked, py="f = open('/proc/@pid@/mem', 'rb', buffering=0)\nf.seek(@memory@)\nprint(f.read(256))", origin="CVE-2012-0056 (mempodipper)"),
    Probe("proc-environment", "processes", "the environment of another process", leaked, sh="cat /proc/@pid@/environ | tr '\\0' '\\n'"),
    Probe("all-environments", "processes", "the environment of every process that shows", leaked, sh="cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"),
    Probe("proc-list", "processes", "the host's processes by name", lambda here, ran: f"escapes-helper-{here.nonce}".encode() in ran.out, sh="cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"),
    Probe("kill", "processes", "to end a process of the host", helper_harmed, sh="kill -9 @pid@", wait=0.1),
    Probe("kill-by-descriptor", "processes", "to end it by a descriptor of it", helper_harmed, py=_call("fd = call(434, @pid@, 0)\ncall(424, fd, 9, 0, 0)"), wait=0.1),
    Probe("stop", "processes", "to change another process' limits", says, py=_call("b = (ctypes.c_ulong * 2)(64, 64)\nif call(302, @pid@, 7, 0, b) >= 0: print('@open@')")),
    Probe("pidfd-getfd", "processes", "a descriptor out of another process", says, py=_call("fd = call(434, @pid@, 0)\nif fd >= 0 and call(438, fd, 1, 0) >= 0: print('@open@')")),
    Probe("survivor", "processes", "a daemon that outlives the command", lives, wait=0.3,
          sh="setsid nohup sh -c 'exec sh -c \"sleep 20; : escapes-survivor-@nonce@\"' >/dev/null 2>&1 < /dev/null &"),
    Probe("double-fork", "processes", "a daemon that forked twice and writes later", canary(), wait=1.2,
          py="import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        for n in range(3): os.close(n)\n        time.sleep(0.8)\n        open('@canary@/x', 'w').close()\n    os._exit(0)"),
    Probe("type-for-others", "processes", "to type into the terminal that the sandbox was started from", _typed, terminal=True, origin="CVE-2017-5226 (bubblewrap)",
          py="import fcntl\nfor c in '@mark@\\n': fcntl.ioctl(0, 0x5412, c.encode())"),
    Probe("type-by-high-bits", "processes", "the same with bits that a filter overlooks", _typed, terminal=True, origin="CVE-2019-10063 (flatpak)",
          py=_call("for c in '@mark@\\n':\n    call(16, 0, 0x100005412, ctypes.c_char_p(c.encode()))")),
    Probe("type-by-proc", "processes", "the same through /proc/self/fd", _typed, terminal=True, py="import fcntl, os\nfd = os.open('/proc/self/fd/0', os.O_RDWR)\nfor c in '@mark@\\n': fcntl.ioctl(fd, 0x5412, c.encode())"),
    Probe("console-paste", "processes", "the console's clipboard", says, py="import fcntl\nfor p in ('/dev/tty1', '/dev/console', '/dev/tty0'):\n    try: fcntl.ioctl(open(p), 0x541C, b'\\x0a')\n    except OSError as e:\n        if e.errno not in (1, 2, 13, 6, 5, 25, 22): print('@open@')\n    else: print('@open@')", origin="CVE-2023-1523 (snapd)"),
    Probe("user-namespace", "processes", "a user namespace inside, for its capabilities", says, py=_succeeds(f"272, {_NEW}"), origin="the door of CVE-2022-0185, CVE-2023-0386, CVE-2024-1086"),
    Probe("user-namespace-clone", "processes", "the same by clone", says, c=r"""
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>
int main(void) { long p = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); if (p == 0) _exit(0); if (p > 0) puts("@open@"); return 0; }"""),
    Probe("user-namespace-clone3", "processes", "the same by clone3, whose flags lie in memory", says, origin="CVE-2021-41133 (flatpak)", c=r"""
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <signal.h>
int main(void) { uint64_t a[11] = {0x10000000}; a[4] = SIGCHLD; long p = syscall(435, a, sizeof a); if (p == 0) _exit(0); if (p > 0) puts("@open@"); return 0; }"""),
    Probe("enter-namespace", "processes", "into the namespaces of a process of the host", says, py=_call("for n in ('net', 'ipc', 'uts', 'mnt'):\n    try: fd = os.open(f'/proc/@pid@/ns/{n}', os.O_RDONLY)\n    except OSError: continue\n    if call(308, fd, 0) >= 0: print('@open@')"), needs="root"),
    Probe("mount", "processes", "a file system of its own", says, py=_call("os.makedirs('mnt', exist_ok=True)\nif libc.mount(b'none', b'mnt', b'tmpfs', 0, None) == 0: print('@open@'); libc.umount2(b'mnt', 2)"), origin="CVE-2022-0185 (fs_context)"),
    Probe("new-mount-calls", "processes", "the same by the newer calls", says, py=_reaches("430, ctypes.c_char_p(b'tmpfs'), 0"), origin="CVE-2022-0185"),
    Probe("open-tree", "processes", "a detached copy of the tree", says, py=_succeeds("428, -100, ctypes.c_char_p(b'/'), 1")),
    Probe("pivot", "processes", "another root", says, sh="mkdir -p p && unshare -Urm sh -c 'mount -t tmpfs none p && echo @open@'"),
    Probe("chroot", "processes", "out of a changed root by a directory that stayed open", says, py="import os\nd = os.open('/', os.O_RDONLY)\nos.makedirs('c', exist_ok=True)\nos.chroot('c')\nos.fchdir(d)\nprint('@open@')"),
    Probe("io-uring", "processes", "calls past the filter", says, py=_call("b = ctypes.create_string_buffer(120)\nif call(425, 4, b) >= 0: print('@open@')"), origin="CVE-2022-29582, CVE-2023-2598"),
    Probe("bpf", "processes", "programs in the kernel", says, py=_reaches("321, 0, 0, 0", "(1, 38)"), origin="CVE-2020-8835, CVE-2022-23222"),
    Probe("perf", "processes", "performance events", says, py=_call("b = ctypes.create_string_buffer(128)\nimport struct\nstruct.pack_into('IIQ', b, 0, 1, 128, 0)\nb[40] = 1 << 5 | 1 << 6\nif call(298, b, 0, -1, -1, 0) >= 0: print('@open@')"), origin="CVE-2013-2094"),
    Probe("userfaultfd", "processes", "to hold the kernel in mid-copy", says, py=_succeeds("323, 1"), origin="it wins races of the kernel"),
    Probe("keyring", "processes", "the user's keys, which no namespace divides", says, py=_call("if call(248, ctypes.c_char_p(b'user'), ctypes.c_char_p(b'escapes'), ctypes.c_char_p(b'x'), 1, -2) >= 0: print('@open@')"), origin="CVE-2016-0728; keys outlive containers"),
    Probe("read-keyring", "processes", "to read the session's keys", says, py=_succeeds("250, 0, -4, 0")),
    Probe("kernel-module", "processes", "a module", says, py=_reaches("175, 0, 0, 0"), needs="root"),
    Probe("kernel-image", "processes", "another kernel", says, py=_reaches("246, 0, 0, 0, 1"), needs="root"),
    Probe("reboot", "processes", "to stop the machine (with a wrong magic)", says, py=_reaches("169, 1, 2, 3"), needs="root"),
    Probe("kernel-log", "processes", "the kernel's log", says, py=_call("b = ctypes.create_string_buffer(4096)\nif call(103, 3, b, 4096) >= 0: print('@open@')")),
    Probe("swap", "processes", "a swap file", says, py=_reaches("167, ctypes.c_char_p(b'/nonexistent'), 0"), needs="root"),
    Probe("accounting", "processes", "process accounting into a file", says, py=_reaches("163, ctypes.c_char_p(b'/nonexistent')"), needs="root"),
    Probe("host-name", "processes", "the machine's name", _host_name, needs="root", py="import os, socket\nsocket.sethostname(socket.gethostname())\nprint('@open@', os.readlink('/proc/self/ns/uts'))"),
    Probe("ports", "processes", "the machine's ports", says, py=_succeeds("172, 3"), needs="root"),
    Probe("segments", "processes", "segments of its own descriptor table", says, py=_call("b = ctypes.create_string_buffer(64)\nif call(154, 0, b, 64) >= 0: print('@open@')"), origin="CVE-2017-17053"),
    Probe("handles", "processes", "a file of the host by its number", says, origin="shocker, 2014 (Docker)",
          py=_call("h = (ctypes.c_ubyte * 16)(); import struct\nstruct.pack_into('IiII', h, 0, 8, 1, 2, 0)\nfd = os.open('/', os.O_RDONLY)\nr = call(304, fd, h, 0)\nif r >= 0 or errno() not in (1, 38): print('@open@')")),
    Probe("compare-kernel-objects", "processes", "addresses of the kernel by comparison", says, py=_succeeds("312, os.getpid(), os.getpid(), 0, 0, 0")),
    Probe("x32", "processes", "calls by the numbers of another table", says, c=r"""
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { if (syscall(0x40000000 + 39) > 0) puts("@open@"); return 0; }""", origin="CVE-2014-0038; filters that compare numbers alone"),
    Probe("int-80", "processes", "calls of the 32-bit kernel", says, origin="CVE-2009-0835", c=r"""
#include <stdio.h>
int main(void) {
#ifdef __x86_64__
  long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "r8", "r9", "r10", "r11", "memory"); if (r > 0) puts("@open@");
#endif
  return 0; }"""),
    Probe("setuid-program", "processes", "a program that runs as root for everybody", lambda here, ran: b"euid=0(" in ran.out, sh="@suid@", needs="user-by-root", origin="CVE-2021-4034 and every other setuid program"),
    Probe("cgroup-agent", "processes", "the program that the host runs when a cgroup empties", says, origin="CVE-2022-0492", sh="mkdir -p g && unshare -UrmC sh -c 'mount -t cgroup -o memory none g && echo @open@' 2>/dev/null; for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do (: >>$f) 2>/dev/null && echo @open@; done"),
    Probe("preload-the-launcher", "processes", "a library that the sandbox's own programs load outside", canary(), env={"LD_PRELOAD": "@base@/home/project/.probe/probe"}, origin="LD_PRELOAD reaches the sandbox's starter", c=r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { int fd = open("@canary@/x", 0101, 0644); if (fd >= 0) close(fd); }
int main(void) { return 0; }"""),
    Probe("shell-of-the-launcher", "processes", "a script that the sandbox's own shells read first", canary(), env={"BASH_ENV": "@workspace@/rc.sh", "ENV": "@workspace@/rc.sh"},
          before=_start_files, sh="bash -c true"),
    Probe("path-of-the-launcher", "processes", "programs of the workspace that the sandbox's starter looks up", canary(), env={"PATH": "@workspace@/bin:/usr/bin:/bin"},
          before=_impostors, sh="true"),
)  # fmt: skip
