"""A filter of system calls as classic BPF, for who can load one but has none of its own (bubblewrap).

A deny-list, because an allow-list would break programs that nobody here has seen: what reaches beyond the sandbox is
refused by name (`calls.toml`), calls newer than the list do not exist, and another architecture's calls end the
process.
"""

from __future__ import annotations

import errno
import socket
import stat
import struct
import tomllib
from importlib import resources

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_NEWEST = 469  # file_setattr, Linux 6.17
_X32 = 0x40000000
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # where they lie in what a filter is shown
_NAMESPACES = 0x7E020000  # mount, cgroup, UTS, IPC, user, PID, network
_TIME = 0x80  # the namespace of time: in `clone` the bit is the signal's
_TERMINALS = (0x5412, 0x541C, 0x5423, 0x541D)  # TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS
_TCP, _UDP = 6, 17


def calls_filter(machine: str) -> bytes:
    """The filter for a machine (`uname -m`) as the kernel takes it; empty where its numbers are not known."""
    if machine not in _MACHINES:
        return b""
    architecture, column = _MACHINES[machine]
    tables = _tables()
    looked = {name: numbers[column] for name, numbers in tables["looked-at"].items()}
    filtering = _Filter()
    filtering.ground(architecture, x32=machine == "x86_64")
    filtering.devices(looked["mknod"], 1)
    filtering.devices(looked["mknodat"], 2)
    filtering.flags(looked["clone"], _NAMESPACES)
    filtering.flags(looked["unshare"], _NAMESPACES | _TIME)
    filtering.one_of(looked["ioctl"], 1, _TERMINALS, refuse=True, error=errno.EPERM)
    filtering.one_of(looked["socketpair"], 0, (socket.AF_UNIX,), refuse=False, error=errno.EAFNOSUPPORT)
    filtering.sockets(looked["socket"])
    for table, error in (("refused", errno.EPERM), ("absent", errno.ENOSYS)):
        for numbers in tables[table].values():
            filtering.refuse(numbers[column], error)
    filtering.put(_RETURN, _ALLOW)
    return bytes(filtering.code)


def _tables() -> dict[str, dict[str, list[int]]]:
    return tomllib.loads(resources.files("interlock.containment").joinpath("calls.toml").read_text())


class _Filter:
    """Instructions, one after the other. Every part that is not meant by its number is jumped over as a whole."""

    def __init__(self) -> None:
        self.code = bytearray()

    def put(self, what: int, value: int, yes: int = 0, no: int = 0) -> None:
        """One instruction; `yes` and `no` are how many to jump over."""
        self.code += struct.pack("=HBBI", what, yes, no, value)

    def ground(self, architecture: int, *, x32: bool) -> None:
        """Only this architecture's calls, and only those that this list knows of."""
        self.put(_LOAD, _ARCHITECTURE)
        self.put(_EQUAL, architecture, yes=1)
        self.put(_RETURN, _KILL)
        self.put(_LOAD, _NUMBER)
        if x32:
            self.put(_ANY_BIT, _X32, no=1)
            self.put(_RETURN, _KILL)
        self.put(_GREATER, _NEWEST, no=1)
        self.put(_RETURN, _ERRNO | errno.ENOSYS)

    def refuse(self, number: int, error: int) -> None:
        """This call fails."""
        if number >= 0:
            self.put(_EQUAL, number, no=1)
            self.put(_RETURN, _ERRNO | error)

    def one_of(self, number: int, argument: int, values: tuple[int, ...], *, refuse: bool, error: int) -> None:
        """This call fails with one of the values (or with any other)."""
        body = _Filter()
        body.argument(argument)
        for at, value in enumerate(values):
            body.put(_EQUAL, value, yes=len(values) - at)  # over the rest of them and the answer to all others
        body.put(_RETURN, _ALLOW if refuse else _ERRNO | error)
        body.put(_RETURN, _ERRNO | error if refuse else _ALLOW)
        self._meant(number, body)

    def flags(self, number: int, bits: int) -> None:
        """This call fails with one of these bits in its first argument."""
        body = _Filter()
        body.argument(0)
        body.put(_ANY_BIT, bits, no=1)
        body.put(_RETURN, _ERRNO | errno.EPERM)
        body.put(_RETURN, _ALLOW)
        self._meant(number, body)

    def devices(self, number: int, argument: int) -> None:
        """This call makes no devices. (What marks a deleted file in an overlay is one; nobody here has to make it.)"""
        body = _Filter()
        body.argument(argument)
        body.put(_AND, stat.S_IFMT(0xFFFF))
        body.put(_EQUAL, stat.S_IFCHR, yes=1)
        body.put(_EQUAL, stat.S_IFBLK, no=1)
        body.put(_RETURN, _ERRNO | errno.EPERM)
        body.put(_RETURN, _ALLOW)
        self._meant(number, body)

    def sockets(self, number: int) -> None:
        """Unix sockets, TCP and UDP; everything else is another part of the kernel."""
        body = _Filter()
        body.argument(0)
        body.put(_EQUAL, socket.AF_UNIX, yes=13)  # to the end: allowed
        body.put(_EQUAL, socket.AF_INET, yes=2)
        body.put(_EQUAL, socket.AF_INET6, yes=1)
        body.put(_RETURN, _ERRNO | errno.EAFNOSUPPORT)
        body.argument(1)
        body.put(_AND, 0xF)
        body.put(_EQUAL, socket.SOCK_STREAM, yes=2)
        body.put(_EQUAL, socket.SOCK_DGRAM, yes=1)
        body.put(_RETURN, _ERRNO | errno.EPERM)
        body.argument(2)
        body.put(_EQUAL, 0, yes=3)
        body.put(_EQUAL, _TCP, yes=2)
        body.put(_EQUAL, _UDP, yes=1)
        body.put(_RETURN, _ERRNO | errno.EPROTONOSUPPORT)
        body.put(_RETURN, _ALLOW)
        self._meant(number, body)

    def argument(self, number: int) -> None:
        """Load the lower half: all that the kernel looks at where an int is wanted."""
        self.put(_LOAD, _ARGUMENTS + 8 * number)

    def _meant(self, number: int, body: _Filter) -> None:
        """`body` decides this call, and is jumped over for others: what is loaded stays the number."""
        if number >= 0:
            self.put(_EQUAL, number, no=len(body.code) // 8)
            self.code += body.code
