"""The plain part of YAML, read strictly: what task files are written in, and nothing that could be read in two ways.

Maps and lists by indentation, plain and quoted scalars on one line, block scalars, short flow lists and maps of plain
words. Anchors, aliases, tags, tabs, several documents and scalars over several lines are refused as a whole.
"""

from __future__ import annotations

import json
import re
from typing import Any

_MOST_LINES = 2_000
_MOST_DEPTH = 24
_KEY = re.compile(r"(\"[^\"\\]*\"|'[^']*'|[^\s\"'#&*!|>%@`{\[?-].*?|-[^\s].*?)\s*:(?:\s+(.*))?")
_FLOW = re.compile(r"[^\s\"'{}\[\],&*!|>%@`#][^\"'{}\[\],#]*")


class Beyond(Exception):
    """The text is YAML that is not read here, or none at all."""


def load(text: str) -> Any:
    """The value of a text.

    Raises:
        Beyond: it holds anything but plain YAML.
    """
    lines = text.split("\n")
    if len(lines) > _MOST_LINES or "\t" in re.sub(r"\S.*", "", text):
        raise Beyond
    if lines and lines[0].strip() == "---":
        lines[0] = ""
    reader = _Lines(lines)
    value = reader.block(0, 0)
    if reader.peek() is not None:
        raise Beyond
    return value


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def peek(self) -> tuple[int, str] | None:
        """The indentation and the text of the next line that says something."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            said = line.strip()
            if said and not said.startswith("#"):
                if said in ("---", "..."):
                    raise Beyond
                return len(line) - len(line.lstrip()), said
            self.at += 1
        return None

    def block(self, least: int, depth: int) -> Any:
        """A map or a list that stands at `least` or deeper; None where there is none."""
        found = self.peek()
        if found is None or found[0] < least:
            return None
        if depth > _MOST_DEPTH:
            raise Beyond
        listed = found[1] == "-" or found[1].startswith("- ")
        return self._list(found[0], depth) if listed else self._map(found[0], depth)

    def _list(self, indent: int, depth: int) -> list[Any]:
        out: list[Any] = []
        while (found := self.peek()) is not None and found[0] == indent and (found[1] + " ").startswith("- "):
            rest = found[1][1:].lstrip()
            inner = indent + len(found[1]) - len(rest)
            if rest and (_KEY.fullmatch(rest) or rest.startswith("- ")):
                self.lines[self.at] = " " * inner + rest
                out.append(self.block(inner, depth + 1))
            else:
                self.at += 1
                out.append(self._value(rest, indent, depth))
        self._ended(indent)
        return out

    def _map(self, indent: int, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        while (found := self.peek()) is not None and found[0] == indent:
            match = _KEY.fullmatch(found[1])
            if match is None or (found[1] + " ").startswith("- "):
                break
            key = match[1].strip("\"'") if match[1][0] in "\"'" else match[1]
            if key in out or key == "<<":
                raise Beyond
            self.at += 1
            out[key] = self._value((match[2] or "").strip(), indent, depth, listed=True)
        if not out:
            raise Beyond
        self._ended(indent, lists=True)
        return out

    def _ended(self, indent: int, *, lists: bool = False) -> None:
        """What follows a block must stand further out: deeper or stray lines belong to nothing that is read here."""
        found = self.peek()
        if found is not None and (found[0] > indent or (found[0] == indent and lists)):
            raise Beyond

    def _value(self, said: str, indent: int, depth: int, *, listed: bool = False) -> Any:
        if not said or said.startswith("#"):
            found = self.peek()
            same = listed and found is not None and found[0] == indent and (found[1] + " ").startswith("- ")
            return self.block(indent if same else indent + 1, depth + 1)
        if re.fullmatch(r"[|>][+-]?(?:\s+#.*)?", said):
            return self._scalar_block(indent, folded=said[0] == ">")
        value = scalar(said)
        found = self.peek()
        if found is not None and found[0] > indent:
            raise Beyond
        return value

    def _scalar_block(self, indent: int, *, folded: bool) -> str:
        kept: list[str] = []
        inner = 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            deep = len(line) - len(line.lstrip())
            if line.strip():
                inner = inner or deep
                if deep <= indent:
                    break
                if deep < inner:
                    raise Beyond
            kept.append(line[inner:])
            self.at += 1
        return (" " if folded else "\n").join(kept).strip() + "\n"


def scalar(said: str) -> Any:
    """A value on one line.

    Raises:
        Beyond: it is none of the plain ones.
    """
    if said[0] == '"':
        match = re.fullmatch(r'("(?:[^"\\]|\\["\\/nrt])*")(?:\s+#.*)?', said)
        if match is None:
            raise Beyond
        return json.loads(match[1])
    if said[0] == "'":
        match = re.fullmatch(r"'((?:[^']|'')*)'(?:\s+#.*)?", said)
        if match is None:
            raise Beyond
        return match[1].replace("''", "'")
    said = re.sub(r"\s+#.*", "", said)
    if said[0] == "[" and said[-1] == "]":
        return [_word(part) for part in said[1:-1].split(",") if part.strip()]
    if said[0] == "{" and said[-1] == "}":
        pairs = [part.partition(": ") for part in said[1:-1].split(",")]
        return {_word(key): _word(value) for key, _, value in pairs}
    if said[0] in "{[&*!|>%@`?,]}" or ": " in said or said.endswith(":"):
        raise Beyond
    return said


def _word(said: str) -> str:
    said = said.strip()
    if len(said) > 1 and said[0] == said[-1] and said[0] in "\"'" and not set("\"'\\").intersection(said[1:-1]):
        return said[1:-1]
    if not _FLOW.fullmatch(said):
        raise Beyond
    return said
