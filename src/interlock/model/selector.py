"""Selectors: which actions an order of a person is about, in one small language over where actions come from.

    environment = "production" and agent != "codex"
    session = "3f2a" or (repository like "github.com/acme/*" and not verb in ["read", "fetch"])
    everything

Three answers: YES, NO, and UNSURE where a fact that would decide it is not known. Who halts takes UNSURE for yes.

Standard library only: whoever verifies a ledger offline reads the same selectors by the same code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from interlock.model.errors import SelectorError

FIELDS: dict[str, str] = {
    "organisation": "who owns the repository: acme, github.com/acme",
    "repository": "where the project's origin lies: acme/shop, github.com/acme/shop",
    "workspace": "the project's directory",
    "environment": "production, staging, development, workspace, machine, unknown",
    "agent": "claude, codex, person, ...",
    "model": "the model, where the agent says it",
    "skill": "a skill that the session used: its name, or sha256:... of its text",
    "mcp": "the MCP server whose tool is called",
    "prompt": "sha256:... of a prompt that the session was given",
    "session": "the agent's id of the session",
    "subagent": "the agent's id of the sub-agent, or its type",
    "person": "login name of the accountable person",
    "tool": "Bash, Edit, WebFetch, mcp__server__tool, ...",
    "verb": "read, write, create, delete, execute, send, ...",
    "kind": "file, table, host, git_ref, cloud_resource, ...",
    "name": "the canonical name of what is touched",
}
EVERYTHING = "everything"

_LONGEST = 2_000  # characters
_TESTS = 64
_DEEPEST = 32
_WORD = re.compile(r'\s*(?:("(?:[^"\\]|\\["\\])*")|([A-Za-z_]+)|(!=|[=()\[\],]))')

Lookup = Callable[[str], "frozenset[str] | None"]  # a field's values; None where they are not known


class Match(Enum):
    """Whether a selector is about something."""

    NO = 0
    UNSURE = 1
    YES = 2

    def __invert__(self) -> Match:
        return Match(2 - self.value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison: a field has one of these values, or is like this pattern."""

    field: str
    values: tuple[str, ...]
    like: bool = False

    def match(self, lookup: Lookup) -> Match:
        found = lookup(self.field)
        if found is None:
            return Match.UNSURE
        return Match.YES if any(self.fits(value) for value in found) else Match.NO

    def fits(self, value: str) -> bool:
        """Whether one value passes."""
        return glob(self.values[0], value) if self.like else value in self.values

    def __str__(self) -> str:
        if self.like:
            return f"{self.field} like {_quoted(self.values[0])}"
        if len(self.values) == 1:
            return f"{self.field} = {_quoted(self.values[0])}"
        return f"{self.field} in [{', '.join(map(_quoted, self.values))}]"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite. What is not known stays so."""

    part: Node

    def match(self, lookup: Lookup) -> Match:
        return ~self.part.match(lookup)

    def __str__(self) -> str:
        return f"not {self.part}" if isinstance(self.part, Comparison | Not | Everything) else f"not ({self.part})"


@dataclass(frozen=True, slots=True)
class And:
    """Each of the parts."""

    parts: tuple[Node, ...]

    def match(self, lookup: Lookup) -> Match:
        return min((part.match(lookup) for part in self.parts), key=_value)

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts at least."""

    parts: tuple[Node, ...]

    def match(self, lookup: Lookup) -> Match:
        return max((part.match(lookup) for part in self.parts), key=_value)

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Everything:
    """Whatever there is."""

    def match(self, lookup: Lookup) -> Match:  # noqa: ARG002 - the answer does not depend on it
        return Match.YES

    def __str__(self) -> str:
        return EVERYTHING


Node = Comparison | Not | And | Or | Everything


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector; its text is in one canonical form."""

    node: Node

    def match(self, lookup: Lookup) -> Match:
        """Whether it is about what `lookup` tells of."""
        return self.node.match(lookup)

    def tests(self) -> Iterator[Comparison]:
        """Every comparison in it."""
        waiting: list[Node] = [self.node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Comparison):
                yield node
            elif isinstance(node, Not):
                waiting.append(node.part)
            elif isinstance(node, And | Or):
                waiting += node.parts

    def __str__(self) -> str:
        return str(self.node)


def parse(text: str) -> Selector:
    """Read a selector. Raises SelectorError, which says where it went wrong and what is known."""
    return _Parser(text).selector()


def one_session(agent: str, session: str) -> And:
    """What means one session of one agent: another agent may have a session of the same name."""
    # An agent that names no session has one of its own, and that has no value to compare.
    named = Comparison("session", (session,)) if session else Not(Comparison("session", ("*",), like=True))
    return And((Comparison("agent", (agent,)), named))


def glob(pattern: str, text: str) -> bool:
    """Whether the text is like the pattern: `*` is any run of characters, `?` any one. Linear in practice."""
    at = star = mark = 0
    star = -1
    for_pattern = len(pattern)
    place = 0
    while place < len(text):
        if at < for_pattern and pattern[at] == "*":
            star, mark = at, place
            at += 1
        elif at < for_pattern and pattern[at] in ("?", text[place]):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return pattern[at:].strip("*") == ""


class _Parser:
    """Recursive descent over words; every error names the place."""

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise SelectorError(f"the selector is empty. Say what is meant, or `{EVERYTHING}`.")
        if len(text) > _LONGEST:
            raise SelectorError(f"the selector has {len(text)} characters; at most {_LONGEST} are read.")
        self._text = text
        self._at = 0
        self._tests = 0
        self._word = ""
        self._start = 0
        self._next()

    def selector(self) -> Selector:
        node = self._any(0)
        if self._word:
            raise self._wrong("`and`, `or`, or the end")
        return Selector(node)

    def _any(self, depth: int) -> Node:
        parts = [self._all(depth)]
        while self._take("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise SelectorError(f"the selector is nested deeper than {_DEEPEST}.")
        if self._take("not"):
            return Not(self._one(depth + 1))
        if self._take("("):
            inner = self._any(depth + 1)
            self._expect(")")
            return inner
        if self._take(EVERYTHING):
            return Everything()
        return self._test()

    def _test(self) -> Node:
        self._tests += 1
        if self._tests > _TESTS:
            raise SelectorError(f"the selector makes more than {_TESTS} comparisons.")
        field = self._word
        if not re.fullmatch("[A-Za-z_]+", field):
            raise self._wrong("a field")
        if field not in FIELDS:
            raise SelectorError(f"unknown field `{field}`. A selector speaks of: {', '.join(FIELDS)}.")
        self._next()
        if self._take("="):
            return Comparison(field, (self._string(),))
        if self._take("!="):
            return Not(Comparison(field, (self._string(),)))
        negated = self._take("not")
        if self._take("in"):
            test: Node = Comparison(field, self._list())
        elif self._take("like"):
            test = Comparison(field, (self._string(),), like=True)
        else:
            raise self._wrong('`=`, `!=`, `in ["..."]` or `like "..."`')
        return Not(test) if negated else test

    def _list(self) -> tuple[str, ...]:
        self._expect("[")
        values = [self._string()]
        while self._take(","):
            values.append(self._string())
        self._expect("]")
        return tuple(values)

    def _string(self) -> str:
        if not self._word.startswith('"'):
            raise self._wrong('a text in double quotes, as in "production"')
        value = re.sub(r"\\(.)", r"\1", self._word[1:-1])
        self._next()
        return value

    def _take(self, word: str) -> bool:
        if self._word != word:
            return False
        self._next()
        return True

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong(f"`{word}`")

    def _next(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self._word, self._start = "", len(self._text)
            return
        found = _WORD.match(self._text, self._at)
        self._start = self._at + len(rest) - len(rest.lstrip())
        if found is None:
            raise self._wrong("a field, a text in double quotes, or one of = != ( ) [ ] ,")
        self._at, self._word = found.end(), found.group(found.lastindex or 0)

    def _wrong(self, wanted: str) -> SelectorError:
        there = self._text[self._start : self._start + 20]
        return SelectorError(
            f"the selector cannot be read at character {self._start + 1} ({there!r}): {wanted} is wanted there."
            if there
            else f"the selector ends too early: {wanted} is wanted."
        )


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(match: Match) -> int:
    return match.value
