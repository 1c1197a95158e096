"""Families that an organisation or a person added to the catalogue: `catalogue/*.toml` beside their `interlock.toml`.

They are laid over the packaged ones and can only add effects to a program that is known; a project has no say here,
because a family of its own could call an unknown program harmless.
"""

from __future__ import annotations

import os
from pathlib import Path

from interlock.daemon.files import read_regular
from interlock.model.errors import CatalogueError

FOLDER = "catalogue"
_LIMIT = 512 * 1024  # bytes of one family
_FILES = 200  # in one folder


def family_files(folder: Path) -> list[Path]:
    """The family files of a configuration directory, sorted. Raises CatalogueError when there are absurdly many."""
    place = folder / FOLDER
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(".toml"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CatalogueError(
            f"cannot read {place}: {error.strerror}. Give it back to yourself (chmod u+rx)."
        ) from error
    if len(names) > _FILES:
        raise CatalogueError(f"{place} holds {len(names)} families; at most {_FILES} are read. Merge some.")
    return [place / name for name in names]


def families(folders: list[Path]) -> tuple[tuple[str, str], ...]:
    """Name and text of every family of these configuration directories, checked.

    Raises:
        CatalogueError: one cannot be read or used; the message names file and key.
    """
    found = tuple((str(file), _text(file)) for folder in folders for file in family_files(folder))
    if found:
        from interlock.effects.catalogue import layered

        layered(found)
    return found


def _text(file: Path) -> str:
    try:
        raw = read_regular(file, _LIMIT)
    except OSError as error:
        raise CatalogueError(f"cannot read {file}: {error.strerror}. Mend it, or take it out of the folder.") from error
    if len(raw) > _LIMIT:
        raise CatalogueError(f"{file} is larger than {_LIMIT} bytes. Split it.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{file} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
