"""Freezes as data: which environments nobody may change, from when to when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from interlock.model.effect import Environment
from interlock.model.errors import ConfigError

ALL = "all"
_ENVIRONMENTS = frozenset(environment.value for environment in Environment) | {ALL}
_KEYS = frozenset({"environment", "reason", "start", "end"})
MAX_FREEZES = 1_000


class Freeze(msgspec.Struct, frozen=True):
    """`start` is in it, `end` is not; without an end it lasts until somebody lifts it. Times carry their zone."""

    environment: str  # an environment, or "all"
    reason: str
    start: datetime
    end: datetime | None = None


def active(freezes: Iterable[Freeze], now: datetime) -> tuple[tuple[str, ...], str]:
    """The frozen environments (sorted, unique) and the reasons, at `now`; `((), "")` when nothing is frozen."""
    current = [freeze for freeze in freezes if freeze.start <= now and (freeze.end is None or now < freeze.end)]
    environments = tuple(sorted({freeze.environment for freeze in current}))
    return environments, "; ".join(dict.fromkeys(freeze.reason for freeze in current))


def read(tables: Sequence[Mapping[str, object]]) -> tuple[Freeze, ...]:
    """The `[[freeze]]` tables of `interlock.toml`.

    Raises:
        ConfigError: an unknown key or environment, no reason, a time without a zone, or an end before the start. A
            freeze that cannot be read must never be silently no freeze.
    """
    if len(tables) > MAX_FREEZES:
        raise ConfigError(f"{len(tables)} freezes; at most {MAX_FREEZES}")
    return tuple(_one(place, table) for place, table in enumerate(tables, start=1))


def _one(place: int, table: Mapping[str, object]) -> Freeze:
    where = f"freeze {place}"
    unknown = set(table) - _KEYS
    if unknown:
        raise ConfigError(f"{where}: unknown {', '.join(sorted(unknown))} (known: {', '.join(sorted(_KEYS))})")
    environment, reason = table.get("environment"), table.get("reason")
    if not isinstance(environment, str) or environment not in _ENVIRONMENTS:
        raise ConfigError(f"{where}: environment is one of {', '.join(sorted(_ENVIRONMENTS))}")
    if not isinstance(reason, str) or not reason.strip():
        raise ConfigError(f"{where}: a reason is needed, agents and people will read it")
    start = _time(where, "start", table.get("start"))
    end = _time(where, "end", table["end"]) if "end" in table else None
    if end is not None and end <= start:
        raise ConfigError(f"{where}: it ends before it starts")
    return Freeze(environment, reason.strip(), start, end)


def _time(where: str, name: str, value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ConfigError(f"{where}: {name} is a time with its zone, like 2026-12-24T00:00:00Z")
    return value
