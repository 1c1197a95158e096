"""One line of options shares its tag, so an option that presses on must never stand beside one that only asks."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

EXCUSES = frozenset({"dry", "dry-run", "asked", "lists", "print", "preview", "plan"})
PRESSES = frozenset({"-y", "--yes", "--force", "--no-prompt", "--no-confirm", "--auto-approve", "--overwrite", "--all"})
SHELVES = resources.files("interlock.effects.catalogue") / "families"


def _flags(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flags(value)
        elif key == "flags" and isinstance(value, str):
            yield from value.splitlines()


def test_yes_on_the_line_of_dry_run_made_add_apt_repository_harmless() -> None:
    found = []
    for shelf in SHELVES.iterdir():
        for file in shelf.iterdir() if shelf.is_dir() else ():
            for line in _flags(tomllib.loads(file.read_text(encoding="utf-8")).get("command", {})):
                spellings, colon, tags = line.partition("#")[0].rpartition(" : ")
                if colon and EXCUSES & set(tags.split()) and PRESSES & set(spellings.split()):
                    found.append(f"{file.name}: {line}")
    assert not found
