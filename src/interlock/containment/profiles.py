"""Profiles are data (`profiles.toml`): what a contained command sees, may write, reach and use up."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

import msgspec

from interlock.containment.plan import Plan, Write
from interlock.model.errors import NotFound

_HOLES = 512  # paths shown or hidden, at most: each is a mount


class Profile(msgspec.Struct, frozen=True):
    """One profile, with what is common to all already in it. Paths begin with `/` or `~/`, or are `~`."""

    name: str
    about: str
    write: Write
    fresh: tuple[str, ...]
    fresh_bytes: int
    hide: tuple[str, ...]
    show: tuple[str, ...]
    keep: tuple[str, ...]
    limits: tuple[tuple[str, int], ...]
    wall: int
    listeners: tuple[str, ...]
    memory_percent: int
    observe: bool
    env: tuple[tuple[str, str], ...]


class Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What one profile adds to what is common to all; also a person's own, in `interlock.toml`."""

    about: str = ""
    write: Write = Write.OVERLAY
    fresh: tuple[str, ...] = ()
    fresh_megabytes: int | None = None
    hide: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    limits: dict[str, int] = {}
    wall_seconds: int | None = None
    listeners: tuple[str, ...] = ()
    memory_percent: int | None = None
    observe: bool | None = None
    env: dict[str, str] = {}


class _File(msgspec.Struct, forbid_unknown_fields=True):
    common: Part
    profiles: dict[str, Part]


@cache
def profiles() -> dict[str, Profile]:
    """The packaged profiles by name."""
    file = _file()
    return {name: _whole(name, part, file.common) for name, part in file.profiles.items()}


@cache
def _file() -> _File:
    raw = resources.files("interlock.containment").joinpath("profiles.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(raw), _File)


def profile(name: str, own: Mapping[str, Part] | None = None) -> Profile:
    """The profile of that name, a person's `own` ones first. Raises NotFound."""
    known = profiles() | {mine: _whole(mine, part, _file().common) for mine, part in (own or {}).items()}
    if name not in known:
        raise NotFound(f"there is no profile {name!r}. The profiles are: {', '.join(known)}.")
    return known[name]


def _whole(name: str, part: Part, common: Part) -> Profile:
    megabytes = part.fresh_megabytes or common.fresh_megabytes or 1024
    return Profile(
        name=name,
        about=part.about,
        write=part.write,
        fresh=common.fresh + part.fresh,
        fresh_bytes=megabytes << 20,
        hide=common.hide + part.hide,
        show=common.show + part.show,
        keep=common.keep + part.keep,
        limits=tuple(sorted({**common.limits, **part.limits}.items())),
        wall=part.wall_seconds if part.wall_seconds is not None else (common.wall_seconds or 0),
        listeners=part.listeners,
        memory_percent=next((n for n in (part.memory_percent, common.memory_percent) if n is not None), 0),
        env=tuple(sorted({**common.env, **part.env}.items())),
        observe=next((on for on in (part.observe, common.observe) if on is not None), False),
    )


class Ground(msgspec.Struct, frozen=True):
    """What a plan is drawn on: one run's own directories, and the facts of the machine."""

    id: str
    home: str
    workspace: str
    upper: str = ""
    work: str = ""
    source: str = ""
    own: tuple[str, ...] = ()  # Interlock's own directories: never visible inside
    secrets: tuple[str, ...] = ()  # files of the workspace that hold credentials
    egress: str = ""
    show: tuple[str, ...] = ()  # beside those of the profile
    memory: int = 0  # bytes that the machine has; 0: not known
    note: tuple[str, ...] = ()  # programs of which a word of the command line is noted


def draw(chosen: Profile, ground: Ground, argv: Iterable[str], cwd: str, env: Iterable[tuple[str, str]]) -> Plan:
    """The plan of one run under this profile. Only what exists is named: each name becomes a mount."""
    write = Write.BIND if chosen.write is Write.OVERLAY and ground.source else chosen.write
    shown = _existing((*(_at_home(path, ground.home) for path in chosen.show), *ground.show))
    hidden = _existing(_at_home(path, ground.home) for path in chosen.hide)
    return Plan(
        id=ground.id,
        argv=tuple(argv),
        cwd=cwd,
        workspace=ground.workspace,
        write=write,
        upper=ground.upper,
        work=ground.work,
        source=ground.source,
        hide=tuple(dict.fromkeys((*hidden, *ground.own, *ground.secrets)))[:_HOLES],
        show=shown[:_HOLES],
        fresh=tuple(dict.fromkeys(_at_home(path, ground.home) for path in chosen.fresh)),
        fresh_bytes=chosen.fresh_bytes,
        listeners=chosen.listeners,
        egress=ground.egress if chosen.listeners else "",
        keep=chosen.keep,
        env=(*chosen.env, *env),
        limits=_limits(chosen, ground.memory),
        wall=chosen.wall,
        observe=chosen.observe,
        note=ground.note if chosen.observe else (),
    )


def _limits(chosen: Profile, memory: int) -> tuple[tuple[str, int], ...]:
    """The profile's, and a part of the machine's memory where it names no bound of its own."""
    if not memory or not chosen.memory_percent or "memory" in dict(chosen.limits):
        return chosen.limits
    return (*chosen.limits, ("memory", memory * chosen.memory_percent // 100))


def _at_home(path: str, home: str) -> str:
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def _existing(paths: Iterable[str]) -> tuple[str, ...]:
    # A hole must not lead out of what it is in: through a symlink it could show what the home hides.
    return tuple(path for path in paths if os.path.lexists(path) and os.path.realpath(path) == path)
