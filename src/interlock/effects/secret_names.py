"""Names of variables that usually hold a credential (`data/secrets.toml`, table `names`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


def secret_name(name: str) -> bool:
    """Whether a variable of that name usually holds a credential."""
    holds, ends, harmless = _names()
    upper = name.upper()
    if any(word in upper for word in harmless):
        return False
    return any(word in upper for word in holds) or upper.endswith(ends)


@cache
def _names() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    text = resources.files("interlock.effects").joinpath("data/secrets.toml").read_text("utf-8")
    names = tomllib.loads(text)["names"]
    return tuple(names["hold"].split()), tuple(names["end"].split()), tuple(names["harmless"].split())
