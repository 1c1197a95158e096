"""What is written down about one function while it is read, in any language. Pure."""

from __future__ import annotations

from collections import Counter

from interlock.changes.guards.guard import Function, Guard


class Page:
    """Notes on one function; see `Function` for what they mean."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.guards: list[Guard] = []
        self.calls: set[str] = set()
        self.words: Counter[str] = Counter()
        self.allows: Counter[str] = Counter()
        self.unsafe: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.decorators: list[str] = []

    def function(
        self, *, path: str, name: str, line: int, end: int, source: str, parameters: tuple[str, ...], answer: str
    ) -> Function:
        """The function that the notes are about, and where it stands."""
        return Function(
            path=path,
            name=name,
            line=line,
            end=end,
            source=source,
            guards=tuple(self.guards),
            calls=frozenset(self.calls),
            words=self.words,
            allows=self.allows,
            unsafe=self.unsafe,
            decorators=tuple(self.decorators),
            parameters=parameters,
            answer=answer,
            asked=self.asked,
        )
