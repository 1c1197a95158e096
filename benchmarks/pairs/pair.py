"""Reads the pairs: a module with a protection, the same without it, and two tests that tell them apart.

A file of `code/` or `held/` is a family (a class of weakness). `=== path | form` begins a pair; `%% safe` and
`%% unsafe` stand around what differs, `%% both` around what does not, `%% works` before the functional test and
`%% guarded` before the security test. The families of `held/` were written by hands that did not know the gate, and
nobody looks at what becomes of one of them: once that is done it moves to `code/`, and others take its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDERS = {False: Path(__file__).parent / "code", True: Path(__file__).parent / "held"}
LANGUAGES = {"py": "python", "js": "javascript", "go": "go"}


class Pair(NamedTuple):
    """Two versions of one module. `works` passes on both, `guarded` on the safe one alone; `form`: the guard's."""

    family: str
    path: str
    form: str
    safe: str
    unsafe: str
    works: str
    guarded: str
    held: bool = False

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.family}/{self.path}"

    @property
    def language(self) -> str:
        """What it is written in."""
        return LANGUAGES[self.path.rpartition(".")[2]]


def pairs() -> list[Pair]:
    """All of them. Raises ValueError for a block that is no pair."""
    return [
        pair
        for held, folder in FOLDERS.items()
        for file in sorted(folder.glob("*.txt"))
        for pair in _read(file.stem, file.read_text("utf-8"), held=held)
    ]


def _read(family: str, text: str, *, held: bool) -> Iterator[Pair]:
    for block in ("\n" + text).split("\n=== ")[1:]:
        head, *lines = block.rstrip("\n").split("\n")
        path, _, form = head.partition(" | ")
        parts: dict[str, list[str]] = {"safe": [], "unsafe": [], "works": [], "guarded": []}
        into = ("safe", "unsafe")
        for line in lines:
            if line.startswith("%% "):
                mark = line[3:].strip()
                into = ("safe", "unsafe") if mark == "both" else (mark, mark)
                continue
            for one in set(into):
                parts[one].append(line)
        texts = {name: "\n".join(some).rstrip("\n") + "\n" for name, some in parts.items()}
        if texts["safe"] == texts["unsafe"] or not all(text.strip() for text in texts.values()) or not form:
            raise ValueError(f"{family}/{path} is no pair: a part of it is missing, or both versions are the same")
        yield Pair(family, path, form, **texts, held=held)
