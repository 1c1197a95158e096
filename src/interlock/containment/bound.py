"""What the launcher is to bind: one approved action, said in full before anything is started.

The launcher (`native/run/bound*.c`) takes these bytes; what it does not know it refuses, and what differs from them
ends the run before it began.
"""

from __future__ import annotations

import msgspec

from interlock.model.errors import InternalError


class Sealed(msgspec.Struct, frozen=True):
    """A path that must hold what this SHA-256 is of."""

    digest: str
    path: str


class Tool(msgspec.Struct, frozen=True):
    """A name that must lead to this program, whatever else is on PATH. `located`: it must be called by its path."""

    name: str
    path: str
    located: bool = False


class BoundPlan(msgspec.Struct, frozen=True):
    """One bound run. Paths are absolute and real; a node is (device, inode).

    `root` is the directory whose names are held, "" for none. `folder` is the run's own, with `empty`, `work` and
    `copies` in it. `files` and `trees` are replaced by verified copies that cannot be written, `links` are held,
    `checks` are only compared, `absent` must not be there. `bin` is an empty directory where `tools` are laid out.
    """

    id: str
    argv: tuple[str, ...]
    program: str
    cwd: str
    cwd_node: tuple[int, int]
    folder: str
    root: str = ""
    root_node: tuple[int, int] = (0, 0)
    files: tuple[Sealed, ...] = ()
    trees: tuple[Sealed, ...] = ()
    links: tuple[Sealed, ...] = ()
    checks: tuple[Sealed, ...] = ()
    absent: tuple[str, ...] = ()
    bin: str = ""
    tools: tuple[Tool, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    unset: tuple[str, ...] = ()  # names of variables that do not pass; `X_*` stands for a prefix

    def encode(self) -> bytes:
        """The plan as the launcher reads it. Raises InternalError for a value that holds a NUL."""
        records = [("bound", "1"), ("id", self.id), *(("arg", word) for word in self.argv), ("program", self.program)]
        records += [("cwd", self.cwd), ("cwd_node", _node(self.cwd_node)), ("folder", self.folder)]
        if self.root:
            records += [("root", self.root), ("root_node", _node(self.root_node))]
        lists = (("file", self.files), ("tree", self.trees), ("link", self.links), ("check", self.checks))
        records += [(key, f"{one.digest}:{one.path}") for key, sealed in lists for one in sealed]
        records += [("absent", path) for path in self.absent]
        if self.bin:
            records += [("bin", self.bin)]
            records += [("tool", f"{'!' * one.located}{one.name}:{one.path}") for one in self.tools]
        records += [("env", f"{name}={value}") for name, value in self.env]
        records += [("unset", name) for name in self.unset]
        if any("\0" in value for _, value in records):
            raise InternalError("a bound run's plan holds a NUL")
        return b"".join(f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0" for key, value in records)


def _node(node: tuple[int, int]) -> str:
    return f"{node[0]}:{node[1]}"
