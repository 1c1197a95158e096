"""What the launcher is to build: one contained run, said in full before anything is started.

The launcher (`native/run/`) takes these bytes and asks nothing more; what it does not know it refuses. So a plan can be
read, compared and tested without running anything.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from interlock.model.errors import InternalError

VERSION = "1"


class Write(StrEnum):
    """What happens to what the command writes in the workspace."""

    OVERLAY = "overlay"  # it goes to a copy-on-write layer and is committed afterwards
    BIND = "bind"  # it goes to a copy of the workspace, and is compared with it afterwards
    NONE = "none"  # it cannot write there


class Plan(msgspec.Struct, frozen=True):
    """One contained run. Paths are absolute; sizes in bytes, times in seconds.

    `fresh` are empty private directories, `hide` is covered, `show` are holes in either; deeper paths win.
    """

    id: str
    argv: tuple[str, ...]
    cwd: str
    workspace: str
    write: Write
    upper: str = ""
    work: str = ""
    source: str = ""
    hide: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    fresh_bytes: int = 1 << 30
    listeners: tuple[str, ...] = ()  # "443/tcp"; empty: no network at all
    egress: str = ""  # the daemon's socket that takes their descriptors
    keep: tuple[str, ...] = ()  # names of environment variables that pass; `LC_*` stands for a prefix
    env: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, int], ...] = ()
    wall: int = 0
    landlock: bool = True
    shim: bool = True
    tty: bool = True
    observe: bool = False  # note which programs run and which addresses are called
    note: tuple[str, ...] = ()  # of these programs a word of the command line too: `git push`

    def encode(self) -> bytes:
        """The plan as the launcher reads it: records `key=value`, each ended by a NUL.

        Raises InternalError for a value that holds a NUL: it would begin a record of its own.
        """
        records = [*self._ground(), *self._places(), *self._means()]
        for key, value in records:
            if "\0" in value:
                raise InternalError(f"a contained run's {key} holds a NUL")
        return b"".join(f"{key}={value}".encode("utf-8", "surrogateescape") + b"\0" for key, value in records)

    @classmethod
    def decode(cls, raw: bytes) -> Plan:
        """The plan in what `encode` wrote. Raises InternalError for anything else."""
        many: dict[str, list[str]] = {}
        for record in raw.removesuffix(b"\0").split(b"\0"):
            key, equals, value = record.decode("utf-8", "surrogateescape").partition("=")
            if not equals:
                raise InternalError("a record of a plan has no value")
            many.setdefault(key, []).append(value)

        def one(key: str, otherwise: str = "") -> str:
            return many.get(key, [otherwise])[0]

        if one("version") != VERSION:
            raise InternalError("this plan is of another version of Interlock")
        return cls(
            id=one("id"),
            argv=tuple(many.get("arg", ())),
            cwd=one("cwd"),
            workspace=one("workspace"),
            write=Write(one("write")),
            upper=one("upper"),
            work=one("work"),
            source=one("source"),
            hide=tuple(many.get("hide", ())),
            show=tuple(many.get("show", ())),
            fresh=tuple(many.get("fresh", ())),
            fresh_bytes=int(one("fresh_bytes")),
            listeners=tuple(many.get("listener", ())),
            egress=one("egress"),
            keep=tuple(many.get("keep", ())),
            env=tuple((name, value) for name, _, value in (text.partition("=") for text in many.get("env", ()))),
            limits=tuple((name, int(n)) for name, _, n in (text.partition(":") for text in many.get("limit", ()))),
            wall=int(one("wall", "0")),
            landlock=one("landlock") == "1",
            shim=one("shim") == "1",
            tty=one("tty") == "1",
            observe=one("observe") == "1",
            note=tuple(many.get("note", ())),
        )

    def _ground(self) -> list[tuple[str, str]]:
        records = [("version", VERSION), ("id", self.id), ("cwd", self.cwd), ("workspace", self.workspace)]
        records += [("write", self.write.value), *(("arg", word) for word in self.argv)]
        if self.write is Write.OVERLAY:
            records += [("upper", self.upper), ("work", self.work)]
        elif self.write is Write.BIND:
            records.append(("source", self.source))
        return records

    def _places(self) -> list[tuple[str, str]]:
        named = (("hide", self.hide), ("show", self.show), ("fresh", self.fresh))
        return [(key, path) for key, paths in named for path in paths] + [("fresh_bytes", str(self.fresh_bytes))]

    def _means(self) -> list[tuple[str, str]]:
        records = [("network", "listen" if self.listeners else "none")]
        if self.listeners:
            records += [("egress", self.egress), *(("listener", listener) for listener in self.listeners)]
        records += [("keep", name) for name in self.keep]
        records += [("env", f"{name}={value}") for name, value in self.env]
        records += [("limit", f"{name}:{number}") for name, number in self.limits]
        records += [("wall", str(self.wall))]
        records += [("note", name) for name in self.note]
        flags = (("landlock", self.landlock), ("shim", self.shim), ("tty", self.tty), ("observe", self.observe))
        return records + [(name, str(int(on))) for name, on in flags]
