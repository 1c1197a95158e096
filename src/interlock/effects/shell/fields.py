"""The stretches and the fields that words are made of while they are expanded. Source: bash 5.2 manual, 3.5.7."""

from __future__ import annotations

import re

from interlock.effects.invocation import Word
from interlock.effects.shell.state import EMPTY, Val

_GLOB = frozenset("*?[")


class Piece:
    """A stretch of an expanded word."""

    __slots__ = ("quoted", "splits", "value")

    def __init__(self, value: Val, *, quoted: bool, splits: bool = False) -> None:
        self.value = value
        self.quoted = quoted  # immune to globbing; keeps the word alive when empty
        self.splits = splits  # field splitting applies


class Field:
    """One word in the making."""

    __slots__ = ("alive", "glob", "known", "many", "matched", "prefix", "quoting", "tail", "taint", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.tail = ""  # what is known behind the first part that is not
        self.quoting: list[tuple[str, bool]] = []
        self.prefix = ""
        self.known = True
        self.many = False
        self.glob = False
        self.matched = False
        self.alive = False
        self.taint: set[str] = set()

    def put(self, value: Val, *, quoted: bool) -> None:
        if value.taint:
            self.taint.update(value.taint)
        if value.text is None:
            if self.known:
                self.prefix = "".join(self.text) + value.prefix
            self.known = False
            self.alive = True
            return
        text = value.text
        if text:
            if not self.known:
                self.tail += text
                if ".." in self.tail:  # `build/$X/../..` leads out again of the place where it begins
                    self.prefix = self.prefix[: self.prefix.find("=") + 1]
            self.alive = True
            self.text.append(text)
            self.matched = self.matched or value.matched
            self.quoting.append((text, quoted and not value.glob))
            if value.glob or (not quoted and not _GLOB.isdisjoint(text)):
                self.glob = True

    def word(self, source: str, span: tuple[int, int]) -> Word:
        taint = tuple(sorted(self.taint)) if self.taint else ()
        if not self.known:
            return Word(None, source, span, self.prefix, taint, self.many, self.glob)
        text = "".join(self.text)
        return Word(text, source, span, text, taint, self.many or self.glob, self.glob, self.matched)


BREAK = Piece(EMPTY, quoted=False)
VANISH = Piece(EMPTY, quoted=False)


def separated(text: str, blanks: str, sharp: str) -> list[str | None]:
    """The fields of `text`: None stands for a place where a word ends without one beginning.

    Runs of `blanks` separate; each of `sharp`, with the blanks around it, ends a field that may be empty.
    """
    edge = f"[{re.escape(blanks)}]" if blanks else ""
    pattern = f"{edge}+" if blanks else ""
    if sharp:
        hard = f"[{re.escape(sharp)}]"
        pattern = f"{edge}*{hard}{edge}*|{edge}+" if blanks else hard
    found: list[str | None] = []
    at = 0
    for match in re.finditer(pattern, text):
        if match.start() == 0 and not any(char in match.group() for char in sharp):
            found.append(None)  # blanks at the front: what stood before is a word of its own
        else:
            found.append(text[at : match.start()])
        at = match.end()
    found.append(text[at:] if at < len(text) else None)
    return found
