"""One layer of families, each compiled when one of its programs is first asked for.

There are hundreds of families, and a command line needs one or two. The headers of a file (`[command."rm grm"]`) say
which programs it is about without reading it; a family that cannot be used stops its own programs and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from interlock.effects.catalogue.family import Command, Family, read_family
from interlock.effects.catalogue.readers import READERS
from interlock.model.errors import CatalogueError

_HEADER = re.compile(r'^\[command\.(?:"([^"\n]+)"|([\w+-]+))[.\]]', re.MULTILINE)


def programs_of(text: str) -> Iterator[str]:
    """The programs that a family's headers name, in order, each once."""
    named = (match.group(1) or match.group(2) for match in _HEADER.finditer(text))
    yield from dict.fromkeys(program for names in named for program in names.split())


class Shelf:
    """Families by name, found by program."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Raises CatalogueError when two files describe one program."""
        self._texts = dict(texts)
        self._made: dict[str, Family] = {}
        self._where: dict[str, str] = {}
        for name, text in self._texts.items():
            for program in programs_of(text):
                other = self._where.setdefault(program, name)
                if other != name:
                    raise CatalogueError(f"catalogue {name}: command.{program}: also in {other}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def find(self, program: str) -> Command | None:
        """What this layer knows of a program. Raises CatalogueError when its family cannot be used."""
        name = self._where.get(program)
        return None if name is None else self.family(name).commands.get(program)

    def family(self, name: str) -> Family:
        """The family of that name, compiled. Raises CatalogueError."""
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = read_family(name, self._texts[name], frozenset(READERS))
            unsaid = set(made.commands) - set(programs_of(self._texts[name]))
            if unsaid:
                del self._made[name]
                raise CatalogueError(
                    f"catalogue {name}: command.{min(unsaid)}: give each program a table of its own, [command.NAME]"
                )
        return made

    def families(self) -> tuple[Family, ...]:
        """All of them, compiled. Raises CatalogueError for the first that cannot be used."""
        return tuple(self.family(name) for name in self._texts)
