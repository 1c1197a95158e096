"""What one command can use up. Bounded, so that the machine that tries it lives."""

from __future__ import annotations

import os

from escapes.probe import Check, Probe, Ran, says
from escapes.stage import Stage

_LARGE = 20 << 30


def _host_file(name: str, size: int) -> Check:
    def check(here: Stage, ran: Ran) -> bool:
        try:
            return (here.workspace / name).lstat().st_size >= size
        except OSError:
            return False

    return check


def _slow(here: Stage, ran: Ran) -> bool:
    return ran.seconds > 60


PROBES = (
    Probe("processes", "resources", "6000 processes at once", says, c=r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int n = 0; pid_t *p = calloc(6000, sizeof *p);
  for (; n < 6000; n++) { p[n] = fork(); if (p[n] < 0) break; if (p[n] == 0) { pause(); _exit(0); } }
  if (n == 6000) puts("@open@");
  for (int i = 0; i < n; i++) kill(p[i], SIGKILL);
  while (wait(0) > 0) ;
  return 0; }"""),
    Probe("descriptors", "resources", "200000 open files in one process", says, py="import os, resource\nhard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\ntry: resource.setrlimit(resource.RLIMIT_NOFILE, (200000, max(hard, 200000)))\nexcept Exception: resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\nn = 0\ntry:\n    while n < 199000: os.dup(0); n += 1\nexcept OSError: pass\nif n >= 199000: print('@open@')"),
    Probe("sparse-file", "resources", "a file of a terabyte, of which nothing is written", _host_file("huge", 1 << 40), py="f = open('huge', 'wb')\nf.truncate(1 << 40)"),
    Probe("reserved-file", "resources", "20 gigabytes taken at once", _host_file("reserved", _LARGE), py="import os\nf = os.open('reserved', os.O_CREAT | os.O_RDWR)\nos.posix_fallocate(f, 0, 20 << 30)"),
    Probe("tmp-full", "resources", "3 gigabytes in /tmp", says, py="import os\nf = os.open('/tmp/escapes-full-@nonce@', os.O_CREAT | os.O_RDWR)\ntry:\n    os.posix_fallocate(f, 0, 3 << 30); print('@open@')\nfinally:\n    os.unlink('/tmp/escapes-full-@nonce@')"),
    Probe("shm-full", "resources", "3 gigabytes of shared memory", says, py="import os\nf = os.open('/dev/shm/escapes-full-@nonce@', os.O_CREAT | os.O_RDWR)\ntry:\n    os.posix_fallocate(f, 0, 3 << 30); print('@open@')\nfinally:\n    os.unlink('/dev/shm/escapes-full-@nonce@')"),
    Probe("core-file", "resources", "a core file of a process that crashes", lambda here, ran: any(name.startswith("core") for name in os.listdir(here.workspace)), py="import os, resource\ntry: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)\nexcept Exception: pass\nos.abort()"),
    Probe("priority", "resources", "a real-time priority above everything else", says, py="import os\ntry: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)); print('@open@')\nexcept OSError: pass", needs="root"),
    Probe("locked-memory", "resources", "a gigabyte that the kernel cannot take back", says, py="import ctypes, mmap\nlibc = ctypes.CDLL(None)\nm = mmap.mmap(-1, 1 << 30)\na = ctypes.addressof(ctypes.c_char.from_buffer(m))\nif libc.mlock(ctypes.c_void_p(a), ctypes.c_size_t(1 << 30)) == 0: print('@open@')", needs="root"),
    Probe("niceness", "resources", "to be nicer to itself than to others", says, py="import os\ntry: os.setpriority(os.PRIO_PROCESS, 0, -10); print('@open@')\nexcept OSError: pass", needs="root"),
    Probe("hanging-end", "resources", "a process that will not end when the command has", _slow, sh="trap '' TERM INT HUP; (trap '' TERM INT HUP; sleep 90) & exit 0"),
)  # fmt: skip
