"""A builtin about to run: what every one of them gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from interlock.effects.invocation import Word
from interlock.effects.shell.state import State, Val
from interlock.effects.shell.syntax import Assign

if TYPE_CHECKING:
    from interlock.effects.shell.running import Runner

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Call(NamedTuple):
    """One builtin about to run. `assigns` are the assignments among the words, by index."""

    shell: Runner
    state: State
    words: tuple[Word, ...]
    assigns: dict[int, Assign]
    start: int
    end: int

    def opaque(self, why: str, taint: tuple[str, ...] = ()) -> None:
        via = self.words[0].text or "shell"
        self.shell.opaque(self.state, self.start, self.end, why, via=via, taint=taint)

    def text(self, index: int) -> str | None:
        return self.words[index].text if index < len(self.words) else ""

    def texts(self) -> list[str] | None:
        """The words after the name, when all are known and none stands for several."""
        out: list[str] = []
        for word in self.words[1:]:
            if word.text is None or word.glob:
                return None
            out.append(word.text)
        return out

    def taint(self) -> tuple[str, ...]:
        return tuple(sorted({label for word in self.words[1:] for label in word.taint}))

    def seen(self) -> None:
        self.shell.seen(self.words)


Builtin = Callable[[Call], bool | None]


def value(word: Word) -> Val:
    return Val(word.text, word.prefix if word.text is None else "", word.taint, word.glob)
