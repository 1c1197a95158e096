"""Word lists of the readers (`readers/words.toml`), so that a new word is a change of data."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = resources.files("interlock.effects.catalogue").joinpath("readers/words.toml").read_text("utf-8")
    return {name: frozenset(words.split()) for name, words in tomllib.loads(text).items()}


def word_list(name: str) -> frozenset[str]:
    """The list of that name.

    Raises:
        KeyError: there is no such list: a bug, found when the reader is imported.
    """
    return _lists()[name]
