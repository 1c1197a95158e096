"""Files that a command runs without being given them as its program: a makefile, a test, a module (`data/handed.toml`).

`curl -o Makefile URL` in one call and `make` in the next is the same deed as `curl URL | sh`.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

import msgspec

_MODULE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::\w+)?")
_ENDS = {
    "python": (".py", "/__init__.py", "/__main__.py"),
    "javascript": ("", ".js", ".cjs", ".mjs", ".ts", "/index.js"),
}


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commands: tuple[str, ...]
    own: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    modules: str = ""


class _Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    run: tuple[_Row, ...]


@cache
def _rows() -> dict[str, list[tuple[str, _Row]]]:
    """By the first word of a command: the commands that begin with it, each with its row."""
    text = resources.files("interlock.effects").joinpath("data/handed.toml").read_text("utf-8")
    found: dict[str, list[tuple[str, _Row]]] = {}
    for row in msgspec.convert(tomllib.loads(text), _Sheet).run:
        for command in row.commands:
            found.setdefault(command.partition(" ")[0], []).append((command, row))
    return found


def handed(called: str, words: Sequence[str | None], cwd: str) -> Iterator[str]:
    """The absolute paths of what would run if it is there.

    Args:
        called: what the effect is called: `make all`, `python -m tool`.
        words: of the command; None where one is not known.
        cwd: where it runs, absolute.
    """
    for name in dict.fromkeys((called, *_programs(words))):
        for command, row in _rows().get(name.partition(" ")[0], ()):
            if name == command or name.startswith(command + " "):
                yield from (posixpath.normpath(posixpath.join(cwd, one)) for one in _looked_for(row, called, words))


def _programs(words: Sequence[str | None]) -> Iterator[str]:
    """The program, and the one that Python runs as a module: `python -m pip install .`."""
    yield from ((word or "").rpartition("/")[2] for word in words[:1])
    yield from (word or "" for word in words[2:3] if words[1] == "-m")


def _looked_for(row: _Row, called: str, words: Sequence[str | None]) -> Iterator[str]:
    said = [word.rpartition("=")[2] if word.startswith("-") else word for word in words[1:] if word]
    yield from row.own
    # Whatever is named may be the directory that it works in: `make -C sub`, `pip install ./sub`, `npm --prefix sub t`.
    yield from (f"{word}/{own}" for word in said for own in row.own)
    yield from (word for word in said if row.named and word.endswith(row.named))
    ends = _ENDS.get(row.modules, ())
    for word in (*called.split(" ")[1:], *said) if ends else ():
        found = _MODULE.fullmatch(word)
        if row.modules == "python" and found is not None:
            yield from (found[1].replace(".", "/") + end for end in ends)
        elif row.modules == "javascript" and word.startswith("."):
            yield from (word + end for end in ends)
