"""Extended attributes: those of the overlay's own book-keeping, those that grant, and the user's."""

from __future__ import annotations

import errno
import os

OVERLAY = "user.overlay."
WHITEOUT = OVERLAY + "whiteout"
OPAQUE = OVERLAY + "opaque"
CAPABILITY = "security.capability"
_KEPT = ("user.", "system.posix_acl_")
_NONE = frozenset({errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ENOENT})

Pairs = tuple[tuple[str, str], ...]


def place(name: str, directory: int) -> str:
    """A path to an entry of an open directory, for calls that know no directory descriptors."""
    return f"/proc/self/fd/{directory}/{name}"


def names(where: int | str) -> list[str]:
    """The attributes of an open file, or of a path without following it; none where there are none to be had."""
    if not hasattr(os, "listxattr"):
        return []
    try:
        return os.listxattr(where) if isinstance(where, int) else os.listxattr(where, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NONE:
            return []
        raise


def value(where: int | str, name: str) -> bytes | None:
    """One attribute, None when it is not there."""
    if not hasattr(os, "getxattr"):
        return None
    try:
        return os.getxattr(where, name) if isinstance(where, int) else os.getxattr(where, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NONE:
            return None
        raise


def pairs(where: int | str) -> Pairs:
    """The user's attributes and access lists, sorted, without the overlay's."""
    kept = sorted(name for name in names(where) if name.startswith(_KEPT) and not name.startswith(OVERLAY))
    return tuple((name, (value(where, name) or b"").hex()) for name in kept)


def apply(where: int | str, wanted: Pairs) -> None:
    """Make the user's attributes exactly these. Raises OSError."""
    held = dict(pairs(where))
    target = dict(wanted)
    follow = isinstance(where, int)
    for name in held.keys() - target.keys():
        os.removexattr(where, name, follow_symlinks=follow)
    for name, text in target.items():
        if held.get(name) != text:
            os.setxattr(where, name, bytes.fromhex(text), follow_symlinks=follow)


def strip(where: str) -> bool:
    """Take away the overlay's own attributes and file capabilities; returns whether all are gone. Raises OSError."""
    found = [name for name in names(where) if name.startswith(OVERLAY) or name == CAPABILITY]
    for name in found:
        try:
            os.removexattr(where, name, follow_symlinks=False)
        except PermissionError:
            return False
    return True
