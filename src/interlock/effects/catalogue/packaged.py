"""The families that come with Interlock. The one place where this package touches files: its own, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from interlock.effects.catalogue.catalogue import Catalogue


@cache
def sources() -> Mapping[str, str]:
    """File name to text of every packaged family."""
    folder = resources.files("interlock.effects.catalogue").joinpath("families")
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".toml")
    }


@cache
def packaged() -> Catalogue:
    """The packaged catalogue, compiled once."""
    return Catalogue.load(sources())
