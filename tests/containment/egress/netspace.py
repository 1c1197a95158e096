"""A network namespace for a test, made as an ordinary user would, and a process in it that hands sockets out.

A socket belongs to the namespace it was made in, whoever holds it; so the test plays the launcher (with listeners
made inside) and the contained program (with clients made inside).

Run as a program, this file is the process inside; its standard input is the socket to the test.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator


class Netspace:
    """The namespace, from outside."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self._control = control

    def _made(self, order: str) -> socket.socket:
        self._control.sendall(order.encode() + b"\n")
        answer, descriptors, _, _ = socket.recv_fds(self._control, 200, 1)
        assert descriptors, answer
        made = socket.socket(fileno=descriptors[0])
        made.settimeout(10)
        return made

    def listener(self, spec: str) -> socket.socket:
        """A socket bound to `port/protocol` at every address inside."""
        return self._made(f"listen {spec}")

    def tcp(self) -> socket.socket:
        """A client's socket inside."""
        return self._made("tcp")

    def udp(self) -> socket.socket:
        """A datagram socket inside."""
        return self._made("udp")


@contextlib.contextmanager
def netspace() -> Iterator[Netspace]:
    """A new namespace, its loopback up; it ends with the block."""
    unshare = shutil.which("unshare")
    if unshare is None:
        raise OSError("there is no unshare(1) here")
    ours, theirs = socket.socketpair()
    argv = [unshare, "--user", "--map-root-user", "--net", sys.executable, "-I", __file__]
    with ours, subprocess.Popen(argv, stdin=theirs, stderr=subprocess.PIPE) as process:
        theirs.close()
        ours.settimeout(10)
        if ours.recv(2) != b"up":
            _, complaint = process.communicate()
            raise OSError(f"this machine makes no namespaces: {complaint.decode(errors='replace').strip()}")
        try:
            yield Netspace(process, ours)
        finally:
            ours.close()
            process.wait(10)


def inside(control: socket.socket) -> None:
    """The process inside: loopback up, then a socket for each line."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
    control.sendall(b"up")
    for line in control.makefile():
        order, _, spec = line.strip().partition(" ")
        udp = order == "udp" or spec.endswith("/udp")
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        if order == "listen":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(("0.0.0.0", int(spec.partition("/")[0])))
            if not udp:
                made.listen(128)
        socket.send_fds(control, [b"ok"], [made.fileno()])
        made.close()


if __name__ == "__main__":
    with socket.socket(fileno=os.dup(0)) as standard_input:
        inside(standard_input)
