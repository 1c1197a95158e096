"""Settings inside files that are mostly something else: compared setting by setting, so that the rest may change."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

_DEEP = 24


def changed_lines(old: str | None, new: str | None, pattern: re.Pattern[str]) -> bool:
    """Whether a line that the pattern finds came in. A line that went away runs nothing."""
    before = Counter(line.strip() for line in (old or "").splitlines() if pattern.search(line))
    after = Counter(line.strip() for line in (new or "").splitlines() if pattern.search(line))
    return bool(after - before)


def changed_keys(
    old: str | None,
    new: str | None,
    form: str,
    keys: tuple[str, ...],
    values: re.Pattern[str] | None,
    quiet: frozenset[str],
) -> str | None:
    """The first key (dotted) among the globs that came in or has another value; "" where the text cannot be read."""
    before = dict(_leaves(read(old, form) or {}))
    document = read(new, form)
    if document is None:
        return ""
    for key, value in _leaves(document):
        if before.get(key) == value or value in quiet or not any(fnmatchcase(key, glob) for glob in keys):
            continue
        if values is None or values.search(value):
            return key
    return None


def read(text: str | None, form: str) -> Mapping[str, object] | None:
    """The settings of a file, empty for an empty one; None where it cannot be read."""
    if not text or not text.strip():
        return {}
    text = text.removeprefix("\ufeff")
    try:
        document = tomllib.loads(text) if form == "toml" else json.loads(_plain(text) if form == "jsonc" else text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else {}


def _plain(text: str) -> str:
    """JSON with comments and trailing commas, without them."""
    kept = re.sub(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or " ", text, flags=re.DOTALL)
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', lambda m: m[1] or "", kept)


def _leaves(document: Mapping[str, object], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < _DEEP:
            yield from _leaves(value, f"{name}.", depth + 1)
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
