"""The families that come with Interlock. The one place where this package touches files: its own, once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

from interlock.effects.catalogue.catalogue import Catalogue
from interlock.effects.catalogue.shelf import Shelf
from interlock.model.errors import CatalogueError


@cache
def sources() -> Mapping[str, str]:
    """File name to text of every packaged family, from all shelves (`families/<shelf>/<family>.toml`).

    Raises:
        CatalogueError: two shelves hold a family of the same name.
    """
    folder = resources.files("interlock.effects.catalogue").joinpath("families")
    found: dict[str, str] = {}
    for shelf in sorted((entry for entry in folder.iterdir() if entry.is_dir()), key=lambda entry: entry.name):
        for entry in sorted(shelf.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".toml"):
                if entry.name in found:
                    raise CatalogueError(f"catalogue {shelf.name}/{entry.name}: two packaged families have this name")
                found[entry.name] = entry.read_text(encoding="utf-8")
    return found


@cache
def packaged() -> Catalogue:
    """The packaged catalogue; a family is compiled when it is first needed."""
    return Catalogue((Shelf(sources()),))


@lru_cache(maxsize=32)
def layered(families: tuple[tuple[str, str], ...]) -> Catalogue:
    """The packaged catalogue with further families, (name, text) each, laid over it.

    Raises:
        CatalogueError: one of them cannot be used.
    """
    return packaged().over(dict(families)) if families else packaged()
