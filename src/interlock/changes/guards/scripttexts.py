"""What the reader of JavaScript, TypeScript and Go writes on, and asks of texts: dotted names, numbers. Pure."""

from __future__ import annotations

import re
from collections import Counter

from interlock.changes.guards import atoms, numbers
from interlock.changes.guards.guard import Guard

GRAMMARS = {
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
}


class Page:
    """What is written down about one function while it is read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.guards: list[Guard] = []
        self.calls: set[str] = set()
        self.words: Counter[str] = Counter()
        self.allows: Counter[str] = Counter()
        self.unsafe: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.decorators: list[str] = []


_ARITHMETIC = re.compile(r"[\d_.xXa-fA-F]+(?:\s*(?:\*\*|<<|\*|\+|-)\s*[\d_.xXa-fA-F]+)*")


def number(source: str) -> float | None:
    """A number that stands there, or is made of some by arithmetic (`1 << 20`)."""
    if len(source) > 60 or not _ARITHMETIC.fullmatch(source):
        return None
    tree = atoms.parsed(re.sub(r"\b0+(?=\d)", "", source))
    return numbers.number(tree) if tree is not None else None


def dotted(text: str) -> str:
    """A called expression as a dotted name: what is called or indexed on the way is left out."""
    if len(text) > 2000:
        return ""
    flat = re.sub(r"\s+|\?(?=\.)", "", text)
    for _ in range(8):
        shorter = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}", "", flat)
        if shorter == flat:
            break
        flat = shorter
    match = re.search(r"[A-Za-z_$][\w$]*(?:\.[\w$#]+)*$", flat)
    return match[0] if match else ""
