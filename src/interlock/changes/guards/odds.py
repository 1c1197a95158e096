"""How likely a loss is to bring a security hole back, by what else became of the function that lost it. Pure.

A form alone (`weight`) says that a refusal is gone. How much that says depends on the rest: where nothing new came to
the function, somebody took it out; where a page of new names came, the function does another thing now. The numbers of
`data/odds.toml` are fitted by `benchmarks/guards/learn.py` to reversed fixes, to pairs of safe and unsafe modules and
to releases that nobody looked at: a logistic regression on the losses of a change, of which the strongest counts.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import msgspec

from interlock.changes.guards import marks
from interlock.changes.guards.loss import Loss

_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_MOST = 20.0  # log odds: beyond that nothing changes


class Rewriting(NamedTuple):
    """What became of the rest of a function: lines and names that are new in it, and those that are gone."""

    new_lines: int
    old_lines: int
    new_names: int
    old_names: int


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `data/odds.toml` holds: the least odds that are looked at, and what each feature is worth (natural log)."""

    least: float
    offset: float
    feature: dict[str, float]


@lru_cache(maxsize=4096)
def rewriting(before: str, after: str) -> Rewriting:
    """How a function's text changed; blank lines, indentation and the order of lines count for nothing."""
    old, new = (Counter(line.strip() for line in text.splitlines() if line.strip()) for text in (before, after))
    had, has = (frozenset(_NAME.findall(text)) for text in (before, after))
    return Rewriting((new - old).total(), (old - new).total(), len(has - had), len(had - has))


def features(loss: Loss, *, note: bool) -> dict[str, float]:
    """What is weighed of one loss; `note`: its form alone would be no more than shown."""
    rest = rewriting(*loss.sources)
    found = {
        f"sign {loss.sign.value}": 1.0,
        f"family {loss.family}": 1.0,
        "note": float(note),
        "telling": float(marks.telling(f"{loss.text} {loss.condition}")),
        "exchanged": float(bool(loss.instead)),
        "moved": float(bool(loss.moved)),
        "outweighed": float(bool(loss.outweighed)),
        **{name.replace("_", " "): math.log1p(number) for name, number in rest._asdict().items()},
    }
    return {name: value for name, value in found.items() if value}


def odds(loss: Loss, *, note: bool) -> float:
    """The odds that such a loss brings a hole back, were half of all changes to do so; `note` as in `features`."""
    sheet = _sheet()
    worth = (sheet.feature.get(name, 0.0) * value for name, value in features(loss, note=note).items())
    return math.exp(min(sheet.offset + sum(worth), _MOST))


def known(loss: Loss) -> bool:
    """Whether anything was learned of such losses: what hardly ever came is not weighed."""
    return f"sign {loss.sign.value}" in _sheet().feature


def least() -> float:
    """From which odds on a person looks at a loss."""
    return _sheet().least


@cache
def _sheet() -> _Sheet:
    text = resources.files("interlock.changes.guards.data").joinpath("odds.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Sheet)
