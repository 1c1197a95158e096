"""What `[notify]` in `interlock.toml` says: where messages go, and when they do not.

Each layer's `[notify]` is about its own targets alone, so a person's quiet hours never silence their organisation.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from interlock.model.errors import ConfigError

_TARGETS = 20  # of one file
_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_SPAN = re.compile(rf"{_CLOCK}-{_CLOCK}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What a URL may be made of (RFC 3986); nothing that could end a line of a request.
_URL = re.compile(r"https?://[\w.\-~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)


class Kind(StrEnum):
    """The ways out."""

    DESKTOP = "desktop"  # the desktop of the person who runs the daemon, where there is one
    WEBHOOK = "webhook"  # JSON to a program of yours, signed as Standard Webhooks says
    NTFY = "ntfy"
    SLACK = "slack"  # an incoming webhook of Slack, or of what takes the same


class Detail(StrEnum):
    """How much a message says."""

    SUMMARY = "summary"  # agent, project, tier, and what the action would do
    BARE = "bare"  # that something waits, its number and tier


class To(msgspec.Struct, forbid_unknown_fields=True):
    """One `[[notify.to]]`."""

    kind: Kind
    name: str = ""
    url: str = ""
    url_file: str = ""
    secret_file: str = ""
    plain_http: bool = False
    tier: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    groups: Annotated[list[str], msgspec.Meta(max_length=16)] = []
    after_minutes: Annotated[float, msgspec.Meta(ge=0, le=1_440)] = 0
    detail: Detail = Detail.SUMMARY


class File(msgspec.Struct, forbid_unknown_fields=True):
    """`[notify]`."""

    to: Annotated[list[To], msgspec.Meta(max_length=_TARGETS)] = []
    link: str = ""
    quiet: Annotated[list[str], msgspec.Meta(max_length=8)] = []
    zone: str = ""
    urgent_tier: Annotated[int, msgspec.Meta(ge=0, le=5)] = 3
    an_hour: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 20
    same_minutes: Annotated[float, msgspec.Meta(ge=0, le=1_440)] = 10


class Target(msgspec.Struct, frozen=True):
    """Where messages go and when: what a `[[notify.to]]` and the `[notify]` around it say together. Times in seconds.

    `quiet` are stretches of a day in minutes from midnight, in `zone` ("" is the machine's); questions from
    `urgent_tier` on, and incidents, are not held back by them.
    """

    name: str
    kind: Kind
    folder: str  # beside which files are found that are named without one
    url: str = ""
    url_file: str = ""
    secret_file: str = ""
    plain_http: bool = False
    tier: int = 0
    groups: tuple[str, ...] = ()
    after: float = 0.0
    detail: Detail = Detail.SUMMARY
    link: str = ""
    quiet: tuple[tuple[int, int], ...] = ()
    zone: str = ""
    urgent_tier: int = 3
    an_hour: int = 20
    same: float = 600.0


def targets(file: File, folder: Path, source: str) -> tuple[Target, ...]:
    """The targets of one layer's `[notify]`. Raises ConfigError; `source` is the file that it names."""
    quiet = tuple(_span(text, source) for text in file.quiet)
    _zone(file.zone, source)
    if file.link:
        address(file.link, f"{source}: notify.link", plain=True)
    found: dict[str, Target] = {}
    for to in file.to:
        name = to.name or to.kind.value
        if name in found:
            raise ConfigError(f"{source}: two notify.to are named {name!r}. Give each a `name` of its own.")
        _check(to, f"{source}: notify.to {name!r}")
        found[name] = Target(
            name=name, kind=to.kind, folder=str(folder), url=to.url, url_file=to.url_file, secret_file=to.secret_file,
            plain_http=to.plain_http, tier=to.tier, groups=tuple(to.groups), after=to.after_minutes * 60,
            detail=to.detail, link=file.link, quiet=quiet, zone=file.zone, urgent_tier=file.urgent_tier,
            an_hour=file.an_hour, same=file.same_minutes * 60,
        )  # fmt: skip
    return tuple(found.values())


def _check(to: To, where: str) -> None:
    if to.kind is Kind.DESKTOP:
        if to.url or to.url_file or to.secret_file:
            raise ConfigError(f"{where}: a desktop has no address. Remove url, url_file and secret_file.")
        return
    if bool(to.url) == bool(to.url_file):
        raise ConfigError(f"{where}: say its address, as `url` or (where it is a secret) as `url_file`, not both.")
    if to.url:
        address(to.url, where, plain=to.plain_http)
    if to.secret_file and to.kind is Kind.SLACK:
        raise ConfigError(f"{where}: Slack's webhook has its secret in the address: keep that in `url_file`.")


def address(url: str, where: str, *, plain: bool) -> str:
    """The address, checked. `plain`: it may be http beyond this machine. Raises ConfigError, which never quotes it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"{where}: its address is none: {error}.") from error
    if not _URL.fullmatch(url) or not host or port == 0:
        raise ConfigError(f"{where}: its address is none. Write it like https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{where}: a name or password stands in its address. Keep a token in `secret_file`.")
    if parts.scheme == "http" and not plain and host not in _LOOPBACK:
        raise ConfigError(
            f"{where}: over http everybody on the way reads what agents do. Use https, or say plain_http = true."
        )
    return url


def is_quiet(target: Target, now: float) -> bool:
    """Whether this moment (seconds since 1970) lies in the target's quiet hours."""
    return any(_within(minute, span) for minute in (_minute(target, now),) for span in target.quiet)


def quiet_ends(target: Target, now: float) -> float:
    """When the quiet hours of this moment are over, to the minute; `now` where none are."""
    moment = now
    # Minute by minute through the zone's own rules: a night in which clocks are set is as long as it is.
    for _ in range(24 * 60 + 61):
        if not is_quiet(target, moment):
            return moment
        moment = (moment // 60 + 1) * 60
    return moment


def _within(minute: int, span: tuple[int, int]) -> bool:
    start, end = span
    return start <= minute < end if start < end else minute >= start or minute < end


def _minute(target: Target, now: float) -> int:
    local = datetime.fromtimestamp(now, ZoneInfo(target.zone)) if target.zone else datetime.fromtimestamp(now)  # noqa: DTZ006 - the machine's own zone is meant
    return local.hour * 60 + local.minute


def _span(text: str, source: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ConfigError(f"{source}: notify.quiet: {text!r} is no stretch of a day. Write 22:00-07:00.")
    first, then, last, until = (int(part) for part in found.groups())
    if (first, then) == (last, until):
        raise ConfigError(f"{source}: notify.quiet: {text!r} begins when it ends. Remove the targets instead.")
    return first * 60 + then, last * 60 + until


def _zone(name: str, source: str) -> None:
    try:
        if name:
            ZoneInfo(name)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError only in name
        raise ConfigError(f"{source}: notify.zone: no zone {name!r}. Write one like Europe/Berlin.") from error
    except KeyError as error:
        raise ConfigError(f"{source}: notify.zone: no zone {name!r}. Write one like Europe/Berlin.") from error
