"""One entry: JSON bytes that are stored exactly as they were hashed.

An entry is `{"body": {...}, "schema": "interlock/<kind>/v1", "time": "<RFC 3339>Z"}` in canonical form: keys sorted
by code point, no space between tokens, UTF-8 without escapes that are not needed, integers within ±(2^53-1), no
floats. There is exactly one encoding of each value, so that two readers can never see two different entries in the
same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from interlock.model.errors import InternalError, LedgerTampered

MAX_ENTRY_BYTES = 16 * 1024  # a tlog entry may not pass 65,535 bytes; ours stay small, larger data goes by digest
MAX_DEPTH = 24
MAX_INTEGER = 2**53 - 1  # what every JSON reader keeps exact (RFC 8259, section 6)
MAX_KIND = 64

_KIND = re.compile(r"[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*")
_SCHEMA = re.compile(r"interlock/([a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*)/v1")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


class Entry(NamedTuple):
    """A decoded entry: `kind` as in its schema id, `time` RFC 3339 with `Z`, `body` plain JSON data."""

    kind: str
    time: str
    body: dict[str, Any]


def utc_now() -> str:
    """The clock, as entries write it (microseconds)."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def encode(kind: str, body: Mapping[str, Any], time: str) -> bytes:
    """The canonical bytes of an entry.

    Raises `InternalError` for what may not stand in an entry: it is our own code that builds bodies, so a body that
    cannot be written is our fault, and the action it belongs to must not be released.
    """
    if len(kind) > MAX_KIND or not _KIND.fullmatch(kind):
        raise InternalError(f"{kind!r} is not a kind of ledger entry: lower-case words joined by dots or dashes")
    if not _valid_time(time):
        raise InternalError(f"a ledger entry needs an RFC 3339 time in UTC that ends in Z, not {time!r}")
    fault = _body_fault(body)
    if fault:
        raise InternalError(f"a ledger entry of kind {kind} cannot be written: {fault}")
    try:
        raw = canonical({"body": body, "schema": f"interlock/{kind}/v1", "time": time})
    except UnicodeEncodeError as error:
        raise InternalError(f"a ledger entry of kind {kind} cannot be written: text that is not UTF-8") from error
    if len(raw) > MAX_ENTRY_BYTES:
        raise InternalError(
            f"a ledger entry of kind {kind} would take {len(raw)} bytes; at most {MAX_ENTRY_BYTES} fit: "
            "put the data into the content store and its digest into the entry"
        )
    return raw


def decode(raw: bytes) -> Entry:
    """The entry in these bytes; raises `LedgerTampered` for anything that `encode` would not have written."""
    if len(raw) > MAX_ENTRY_BYTES:
        raise LedgerTampered(f"the entry takes {len(raw)} bytes; no entry passes {MAX_ENTRY_BYTES}")
    try:
        value = json.loads(raw, object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float)
    except _Refused as error:
        raise LedgerTampered(f"the entry is not canonical: {error}") from error
    except (ValueError, RecursionError) as error:
        raise LedgerTampered("the entry is not JSON in UTF-8") from error
    if not isinstance(value, dict) or value.keys() != {"body", "schema", "time"}:
        raise LedgerTampered("the entry is not an object of body, schema and time")
    schema, time, body = value["schema"], value["time"], value["body"]
    named = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
    if named is None or len(named[1]) > MAX_KIND:
        raise LedgerTampered(f"the entry names an unknown schema: {schema!r}")
    if not isinstance(time, str) or not _valid_time(time):
        raise LedgerTampered(f"the entry's time is not RFC 3339 in UTC: {time!r}")
    fault = _body_fault(body)
    if fault:
        raise LedgerTampered(f"the entry is not canonical: {fault}")
    if canonical(value) != raw:
        raise LedgerTampered("the entry is not in canonical form")
    return Entry(named[1], time, body)


def canonical(value: Any) -> bytes:
    """Canonical JSON of plain data that has been checked: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _valid_time(time: str) -> bool:
    if not _TIME.fullmatch(time):
        return False
    try:
        datetime.fromisoformat(time[:19])
    except ValueError:
        return False
    return True


def _body_fault(body: object) -> str:
    return _fault(body, 1) if isinstance(body, Mapping) else "the body is not an object"


def _fault(value: Any, depth: int) -> str:
    """Why `value` may not stand in an entry, or "" when it may."""
    if value is None or isinstance(value, (str, bool)):
        return ""
    if isinstance(value, int):
        return "" if -MAX_INTEGER <= value <= MAX_INTEGER else f"the integer {value:.3e} is not exact in every reader"
    if depth > MAX_DEPTH:
        return f"it is nested deeper than {MAX_DEPTH}"
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"a key is not text: {key!r}"
            fault = _fault(item, depth + 1)
            if fault:
                return fault
        return ""
    if isinstance(value, (list, tuple)):
        return next(filter(None, (_fault(item, depth + 1) for item in value)), "")
    return f"it holds a {type(value).__name__}"


class _Refused(Exception):
    """JSON that many readers accept and ours does not."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a key stands twice in one object")
    return found


def _no_float(text: str) -> Any:
    raise _Refused(f"it holds the number {text[:32]}, which is not an integer")
