"""Trees for tests: everything there is to know about one, and the small commands that change one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from typing import Any

Tree = dict[str, tuple[Any, ...]]


def snapshot(root: str | os.PathLike[str], *, specials: bool = True, inodes: bool = False) -> Tree:
    """Path -> kind, mode, time, content, attributes, and which other paths are the same file."""
    found: Tree = {}
    names: dict[tuple[int, int], list[str]] = {}
    linked: list[tuple[str, tuple[int, int]]] = []
    waiting = [""]
    here = os.open(root, os.O_RDONLY)
    try:
        while waiting:
            inside = waiting.pop()
            fd = os.open(f"./{inside}", os.O_RDONLY, dir_fd=here)
            try:
                found[inside] = _one(fd, ".", f"/proc/self/fd/{fd}/.", inodes)
                for name in os.listdir(fd):
                    path = f"{inside}/{name}" if inside else name
                    seen = os.stat(name, dir_fd=fd, follow_symlinks=False)
                    if stat.S_ISDIR(seen.st_mode):
                        waiting.append(path)
                        continue
                    if not specials and not (stat.S_ISREG(seen.st_mode) or stat.S_ISLNK(seen.st_mode)):
                        continue
                    found[path] = _one(fd, name, f"/proc/self/fd/{fd}/{name}", inodes)
                    if seen.st_nlink > 1:
                        names.setdefault((seen.st_dev, seen.st_ino), []).append(path)
                        linked.append((path, (seen.st_dev, seen.st_ino)))
            finally:
                os.close(fd)
    finally:
        os.close(here)
    for path, key in linked:
        found[path] += (tuple(sorted(names[key])) if len(names[key]) > 1 else (),)
    return {path: row if len(row) > 6 else (*row, ()) for path, row in found.items()}


def _one(fd: int, name: str, where: str, inodes: bool) -> tuple[Any, ...]:
    seen = os.stat(name, dir_fd=fd, follow_symlinks=False)
    kind = stat.S_IFMT(seen.st_mode)
    content = ""
    if kind == stat.S_IFREG:
        with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd), "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
    elif kind == stat.S_IFLNK:
        content = os.readlink(name, dir_fd=fd)
    attributes = [
        (key, os.getxattr(where, key, follow_symlinks=False).hex())
        for key in sorted(os.listxattr(where, follow_symlinks=False))
        if key.startswith("user.") and not key.startswith("user.overlay.")
    ]
    return (kind, seen.st_mode & 0o7777, seen.st_mtime_ns, content, tuple(attributes), seen.st_ino if inodes else 0)


def do(commands: list[list[Any]], root: str) -> None:
    """Run small commands in a tree; what fails, fails, as it would for a careless program."""
    os.chdir(root)
    for command in commands:
        with contextlib.suppress(OSError, shutil.Error):
            _do(*command)


def _do(word: str, path: str, *rest: Any) -> None:
    _COMMANDS[word](path, *rest)


def _write(path: str, text: str) -> None:
    with open(path, "w", opener=_at_once) as file:
        file.write(text)


def _append(path: str, text: str) -> None:
    with open(path, "a", opener=_at_once) as file:
        file.write(text)


def _at_once(path: str, flags: int) -> int:
    """A pipe that nobody reads is an error, where a program would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def _rmtree(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):  # `shutil.rmtree` opens what it is given, and would wait for a pipe
        shutil.rmtree(path)


def _rename(path: str, new: str) -> None:
    try:
        os.rename(path, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(path, new)  # as `mv` does for a directory of the lower layer


def _make_deep(path: str, depth: int) -> None:
    fd = os.open(".", os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(path, dir_fd=fd)
        below = os.open(path, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def _remove_deep(path: str) -> None:
    subprocess.run(["rm", "-rf", path], check=True)


def _socket(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


def _shell(command: str) -> None:
    subprocess.run(["sh", "-c", command], capture_output=True, check=False)


_COMMANDS: dict[str, Callable[..., Any]] = {
    "write": _write,
    "append": _append,
    "mkdir": os.mkdir,
    "makedirs": os.makedirs,
    "remove": os.remove,
    "rmtree": _rmtree,
    "rename": _rename,
    "symlink": lambda path, target: os.symlink(target, path),
    "link": lambda path, new: os.link(path, new, follow_symlinks=False),
    "chmod": os.chmod,
    "utime": lambda path, when: os.utime(path, ns=(when, when), follow_symlinks=False),
    "setxattr": lambda path, name, text: os.setxattr(path, name, text.encode(), follow_symlinks=False),
    "removexattr": lambda path, name: os.removexattr(path, name, follow_symlinks=False),
    "truncate": os.truncate,
    "fifo": os.mkfifo,
    "mkdeep": _make_deep,
    "rmdeep": _remove_deep,
    "socket": _socket,
    "shell": _shell,
}
