"""The two renames that Python does not offer: one that never overwrites, and one that exchanges two names at once."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_NUMBERS = {"x86_64": 316, "aarch64": 276}  # renameat2, for C libraries without a wrapper
_MAC = sys.platform == "darwin"
_EXCLUSIVE, _EXCHANGE = (4, 2) if _MAC else (1, 2)


def move(name: str, directory: int, new_name: str, new_directory: int) -> None:
    """Rename between two open directories; FileExistsError when the new name is taken. Raises OSError."""
    _rename(name, directory, new_name, new_directory, _EXCLUSIVE)


def exchange(name: str, directory: int, other: str, other_directory: int) -> None:
    """Let two names trade what they name, whatever kinds these are, in one step. Raises OSError."""
    _rename(name, directory, other, other_directory, _EXCHANGE)


def same_mount(one: int, other: int) -> bool:
    """Whether a rename can go from one open directory to another: it may cross no mount."""
    if os.fstat(one).st_dev != os.fstat(other).st_dev:
        return False
    return _mount(one) == _mount(other)


def _mount(fd: int) -> bytes:
    try:
        with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
            return next((line for line in file if line.startswith(b"mnt_id:")), b"")
    except OSError:
        return b""  # a system that does not number its mounts: the device has to do


def _rename(name: str, directory: int, other: str, other_directory: int, flag: int) -> None:
    if _CALL(directory, os.fsencode(name), other_directory, os.fsencode(other), flag) != 0:
        number = ctypes.get_errno()
        if number in (errno.EINVAL, errno.ENOSYS):
            raise OSError(number, "this file system cannot exchange names in one step", name)
        raise OSError(number, os.strerror(number), name, None, other)


def _load() -> ctypes._NamedFuncPointer:
    for known in ("renameatx_np", "renameat2"):
        if hasattr(_LIBC, known):
            call: ctypes._NamedFuncPointer = getattr(_LIBC, known)
            call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
            return call
    number = _NUMBERS.get(platform.machine(), -1)
    raw = _LIBC.syscall
    raw.restype = ctypes.c_long
    return lambda *words: raw(ctypes.c_long(number), *words)  # type: ignore[return-value]


_CALL = _load()
