"""An entry of the ledger as the views take it: parsed, with its time as a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """One entry. `time` in seconds since the epoch."""

    index: int
    kind: str
    time: float
    body: dict[str, Any]


def seen(entries: Iterable[dict[str, Any]]) -> Iterator[Seen]:
    """Entries as the daemon gives them out."""
    for entry in entries:
        kind = entry["schema"].removeprefix("interlock/").rsplit("/", 1)[0]
        yield Seen(entry["index"], kind, datetime.fromisoformat(entry["time"]).timestamp(), entry["body"])
