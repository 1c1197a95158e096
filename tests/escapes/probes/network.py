"""Ways to the host's network, to its sockets, and from it."""

from __future__ import annotations

import socket
import time

from escapes.probe import Probe, heard, says
from escapes.stage import Stage

_CONNECT = """
import socket
s = socket.socket({family}, {kind})
s.settimeout(2)
s.{verb}
"""


def _py(family: str, kind: str, verb: str) -> str:
    return _CONNECT.format(family=f"socket.{family}", kind=f"socket.{kind}", verb=verb)


def _unix(path: str) -> str:
    return _py("AF_UNIX", "SOCK_STREAM", f"connect({path})")


def _reachable(here: Stage) -> None:
    """Knocks at the port that the attempt opened."""
    for _ in range(30):
        try:
            with socket.create_connection(("127.0.0.1", _door(here)), timeout=0.2) as talk:
                if talk.recv(32).startswith(here.marker.encode()):
                    here.heard.add("opened")
                    return
        except OSError:
            time.sleep(0.05)


def _door(here: Stage) -> int:
    return 20_000 + int(here.nonce[:4], 16) % 20_000


def _set_door(here: Stage) -> None:
    here.values["door"] = str(_door(here))


_FAMILY = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
{body}
"""


def _socket(number: int, kind: int, protocol: int = 0, more: str = "") -> str:
    return _FAMILY.format(
        body=f"fd = libc.socket({number}, {kind}, {protocol})\n{more or ''}\nif fd >= 0: print('@open@')"
    )


PROBES = (
    Probe("tcp-loopback", "network", "a service on 127.0.0.1", heard("tcp"), py=_py("AF_INET", "SOCK_STREAM", "connect(('127.0.0.1', @port@))")),
    Probe("tcp-host-address", "network", "a service on the host's own address", heard("tcp"), py=_py("AF_INET", "SOCK_STREAM", "connect(('@address@', @port@))")),
    Probe("tcp-zero", "network", "0.0.0.0, which means this host", heard("tcp"), py=_py("AF_INET", "SOCK_STREAM", "connect(('0.0.0.0', @port@))"),
          origin="0.0.0.0 day, browsers and agents' filters, 2024"),
    Probe("tcp-decimal", "network", "127.0.0.1 as one number", heard("tcp"), py=_py("AF_INET", "SOCK_STREAM", "connect(('2130706433', @port@))")),
    Probe("tcp-six", "network", "a service on ::1", heard("tcp6"), py=_py("AF_INET6", "SOCK_STREAM", "connect(('::1', @port6@))")),
    Probe("tcp-mapped", "network", "an IPv4 address inside an IPv6 one", heard("tcp"), py=_py("AF_INET6", "SOCK_STREAM", "connect(('::ffff:127.0.0.1', @port@))")),
    Probe("tcp-shell", "network", "bash's /dev/tcp", heard("tcp"), sh="bash -c 'echo x > /dev/tcp/127.0.0.1/@port@'"),
    Probe("tcp-fast-open", "network", "data with the first packet, without connect", heard("tcp"), py=_py("AF_INET", "SOCK_STREAM", "sendto(b'x', 0x20000000, ('127.0.0.1', @port@))"),
          origin="Landlock's connect rule does not see MSG_FASTOPEN"),
    Probe("udp", "network", "a datagram", heard("udp"), py=_py("AF_INET", "SOCK_DGRAM", "sendto(b'x', ('127.0.0.1', @udp@))"), origin="DNS as a channel: CVE-2025-55284 (Claude Code)"),
    Probe("udp-host-address", "network", "a datagram to the host's own address", heard("udp"), py=_py("AF_INET", "SOCK_DGRAM", "sendto(b'x', ('@address@', @udp@))")),
    Probe("udp-broadcast", "network", "a datagram to everybody", heard("udp"), py="import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\ns.sendto(b'x', ('127.255.255.255', @udp@))"),
    Probe("io-uring-connect", "network", "a connection that no system call filter sees", heard("tcp"), origin="io_uring bypasses seccomp: the curing rootkit, 2025", c=r"""
#include <linux/io_uring.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  struct io_uring_params p; memset(&p, 0, sizeof p);
  int ring = syscall(425, 4, &p), s = socket(AF_INET, SOCK_STREAM, 0);
  if (ring < 0 || s < 0) return 1;
  char *sq = mmap(0, p.sq_off.array + p.sq_entries * 4, 3, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  struct io_uring_sqe *e = mmap(0, p.sq_entries * sizeof *e, 3, MAP_SHARED, ring, IORING_OFF_SQES);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(@port@), .sin_addr.s_addr = htonl(0x7f000001)};
  memset(e, 0, sizeof *e);
  e->opcode = IORING_OP_CONNECT; e->fd = s; e->addr = (unsigned long)&a; e->off = sizeof a;
  *(unsigned *)(sq + p.sq_off.array) = 0;
  __atomic_store_n((unsigned *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
  syscall(426, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
  return 0;
}"""),
    Probe("abstract-socket", "network", "a Unix socket without a path", heard("abstract"), py=_unix(r"'\0@abstract@'"), origin="CVE-2020-15257 (containerd-shim)"),
    Probe("x11-abstract", "network", "the display's abstract socket", heard("x11-abstract"), py=_unix(r"'\0/tmp/.X11-unix/X@nonce@'")),
    Probe("session-bus", "network", "the session bus in the runtime directory", heard("bus"), py=_unix("'@runtime@/bus'"), origin="CVE-2021-21261 (flatpak portal)"),
    Probe("docker-socket", "network", "the container engine's socket", heard("docker"), py=_unix("'@runtime@/docker.sock'")),
    Probe("wayland-socket", "network", "the compositor's socket", heard("wayland"), py=_unix("'@runtime@/wayland-0'")),
    Probe("notify-socket", "network", "a datagram to the service manager", heard("notify"), py=_py("AF_UNIX", "SOCK_DGRAM", "sendto(b'READY=1', '@runtime@/notify')")),
    Probe("ssh-agent", "network", "the SSH agent, by the variable that names it", heard("agent"), sh="python3 -I -c \"import os,socket; s=socket.socket(socket.AF_UNIX); s.connect(os.environ['SSH_AUTH_SOCK'])\"",
          env={"SSH_AUTH_SOCK": "@agent@"}),
    Probe("ssh-agent-found", "network", "the SSH agent, found in /tmp", heard("agent"), py="import glob, socket\nfor path in glob.glob('/tmp/ssh-*/agent.*'):\n    s = socket.socket(socket.AF_UNIX); s.connect(path)"),
    Probe("home-socket", "network", "a socket in the home", heard("home-socket"), py=_unix("'@home@/s.sock'")),
    Probe("workspace-socket", "network", "a server's socket in the workspace", heard("workspace-socket"), py=_unix("'@workspace@/dev.sock'")),
    Probe("root-view-socket", "network", "a socket through /proc/PID/root", heard("bus"), py=_unix("'/proc/@pid@/root@runtime@/bus'")),
    Probe("inherited-socket", "network", "a socket that stood open when the sandbox was started", heard("inherited"), sh="echo x >&9", inherit="socket"),
    Probe("opened-port", "network", "a door that can be reached from the host", lambda here, ran: "opened" in here.heard, before=_set_door, during=_reachable,
          py="import socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('0.0.0.0', @door@)); s.listen(); s.settimeout(3)\nc, _ = s.accept(); c.send(b'@mark@')"),
    Probe("raw-packets", "network", "packets past the protocol stack", says, py=_socket(17, 3, 0x300), origin="CVE-2020-14386 (af_packet)"),
    Probe("raw-ip", "network", "raw IP", says, py=_socket(2, 3, 1)),
    Probe("netlink-route", "network", "routes and links of the kernel", says, py=_socket(16, 3, 0)),
    Probe("netlink-netfilter", "network", "the packet filter's own language", says, py=_socket(16, 3, 12), origin="CVE-2024-1086 (nf_tables)"),
    Probe("netlink-audit", "network", "the audit log", says, py=_socket(16, 3, 9)),
    Probe("vsock", "network", "the hypervisor's sockets", says, py=_socket(40, 1), origin="CVE-2024-50264"),
    Probe("alg", "network", "the kernel's ciphers", says, py=_socket(38, 5), origin="CVE-2019-8912"),
    Probe("tipc", "network", "a protocol that loads for its first caller", says, py=_socket(30, 1), origin="CVE-2021-43267"),
    Probe("bluetooth", "network", "Bluetooth", says, py=_socket(31, 5, 0), origin="CVE-2022-42896"),
    Probe("unix-descriptor", "network", "a descriptor of the host asked for over a socket of the workspace", heard("workspace-socket"),
          py="import socket, os, time\nlinked = '@workspace@/l.sock'\nos.symlink('@workspace@/dev.sock', linked)\ns = socket.socket(socket.AF_UNIX); s.connect(linked)"),
)  # fmt: skip
