"""Effect lines: `delete table {table}, all, irreversible, env database:{db}, when force, unless dry-run, note ...`.

The first clause is VERB KIND NAME; every further clause is one fact. Names are templates over the captures of the
grammar: `{x}` stands for each value of x (the line is skipped when there is none), `{x|y}` for the first that is there,
`{x|=text}` gives a text to fall back on, `{program}` and `{command}` are always there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from interlock.effects.catalogue.grammar import GrammarError
from interlock.effects.invocation import Word
from interlock.model.effect import Breadth, Environment, Kind, Reversibility, Verb
from interlock.model.labels import RESOURCE_LABELS, TAINTS

_WILD = re.compile(r"[*?\[]")
_HOLE = re.compile(r"\{([^{}]*)\}")
_ENVIRONMENTS = {e.value for e in Environment}
ENVIRONMENT_CLUES = frozenset(
    {"host", "database", "branch", "context", "account", "directory", "workspace", "namespace", "project", "name"}
)
CLAUSES = (
    *("one", "many", "all", "reversible", "recoverable", "irreversible", "flow"),
    *("when", "unless", "env", "label", "taint", "note"),
)
_MOST_NAMES = 64  # one line never becomes more effects than this; the last one then stands for many


@dataclass(frozen=True, slots=True)
class Condition:
    """`a|b` any of, `a+b` all of, `name=glob` a captured value; tested against tags and values."""

    alternatives: tuple[tuple[tuple[str, str | None], ...], ...]

    @classmethod
    def of(cls, text: str) -> Condition:
        """Compile; `|` binds weaker than `+`."""
        rows = []
        for branch in text.split("|"):
            row = []
            for term in branch.split("+"):
                name, equals, glob = term.strip().partition("=")
                if not name:
                    raise GrammarError(f"condition {text!r} has an empty term")
                row.append((name, glob if equals else None))
            rows.append(tuple(row))
        return cls(tuple(rows))

    def holds(self, tags: set[str], values: dict[str, list[Word]], *, guess: bool = True) -> bool:
        """Whether the argv fulfils it.

        Args:
            guess: what a value that is not known is taken for. True assumes that it fulfils the glob: what cannot be
                known is assumed. False, for what excuses, that it does not: what cannot be known excuses nothing.
        """
        return any(all(_term(name, glob, tags, values, guess) for name, glob in row) for row in self.alternatives)

    def names(self) -> set[str]:
        """Tags and captures it speaks of."""
        return {name for row in self.alternatives for name, _ in row}


def _term(name: str, glob: str | None, tags: set[str], values: dict[str, list[Word]], guess: bool) -> bool:
    if name.startswith("!"):
        return not _term(name[1:], glob, tags, values, not guess)
    if glob is None:
        return name in tags or name in values
    return any(_fits(word, glob.lower(), guess) for word in values.get(name, ()))


def _fits(word: Word, glob: str, guess: bool) -> bool:
    """Whether the word is one that the glob names; of a word that is not known, what its beginning settles."""
    if word.text is not None:
        return fnmatchcase(word.text.lower(), glob)
    known, fixed = word.prefix.lower(), _WILD.split(glob, maxsplit=1)[0]
    if known.startswith(fixed) and glob in (fixed + "*", "*"):
        return True
    return guess and (known.startswith(fixed) or fixed.startswith(known))


@dataclass(frozen=True, slots=True)
class Template:
    """Literal pieces and holes; each hole is a list of alternatives, the last perhaps a literal."""

    pieces: tuple[str | tuple[str, ...], ...]

    @classmethod
    def of(cls, text: str) -> Template:
        """Compile; an empty hole is refused."""
        pieces: list[str | tuple[str, ...]] = []
        position = 0
        for match in _HOLE.finditer(text):
            if match.start() > position:
                pieces.append(text[position : match.start()])
            names = tuple(match.group(1).split("|"))
            if any(not name for name in names):
                raise GrammarError(f"template {text!r} has an empty hole")
            pieces.append(names)
            position = match.end()
        if position < len(text) or not pieces:
            pieces.append(text[position:])
        return cls(tuple(pieces))

    def names(self) -> set[str]:
        """Captures it speaks of."""
        return {n for piece in self.pieces if not isinstance(piece, str) for n in piece if not n.startswith("=")}

    def fill(self, lookup: Callable[[str], list[str]]) -> list[str]:
        """Every text it stands for; empty when a hole has nothing to give."""
        texts = [""]
        for piece in self.pieces:
            if isinstance(piece, str):
                texts = [text + piece for text in texts]
                continue
            found: list[str] = []
            for name in piece:
                found = [name[1:]] if name.startswith("=") else lookup(name)
                if found:
                    break
            texts = [text + value for text in texts for value in found][:_MOST_NAMES]
        return texts


@dataclass(slots=True)
class Rule:
    """One effect line, compiled."""

    verb: Verb
    kind: Kind
    name: Template
    text: str
    when: Condition | None = None
    unless: Condition | None = None
    breadth: Breadth = Breadth.ONE
    many: Condition | None = None
    everything: Condition | None = None
    undo: Reversibility | None = None
    environment: Environment | None = None
    clues: tuple[tuple[str, Template], ...] = ()
    labels: tuple[str, ...] = ()
    taint: tuple[str, ...] = ()
    flow: bool = False
    notes: tuple[str, ...] = field(default=())

    def applies(self, tags: set[str], values: dict[str, list[Word]], doubtful: set[str]) -> bool:
        """Whether its conditions hold; a doubtful tag (`--dry-run=$X`) never excuses anything."""
        if self.when is not None and not self.when.holds(tags, values):
            return False
        return self.unless is None or not self.unless.holds(tags - doubtful, values, guess=False)

    def place(self, text: str) -> None:
        """Take the clues that the command gives to every line that names none of its own.

        Raises:
            GrammarError: no environment and no clue.
        """
        elsewhere = self.kind in (Kind.FILE, Kind.DIRECTORY, Kind.DEVICE, Kind.HOST, Kind.PACKAGE, Kind.CODE)
        if text and not elsewhere and self.environment is None and not self.clues:
            _environment(self, text)

    def scale(self, tags: set[str], values: dict[str, list[Word]]) -> Breadth:
        """How much of the thing."""
        if self.everything is not None and self.everything.holds(tags, values):
            return Breadth.ALL
        if self.many is not None and self.many.holds(tags, values):
            return Breadth.MANY
        return self.breadth

    def tested(self) -> set[str]:
        """The tags and captures that its conditions ask for."""
        conditions = (self.when, self.unless, self.many, self.everything)
        return {n.lstrip("!") for condition in conditions if condition is not None for n in condition.names()}

    def names(self) -> set[str]:
        """Every tag and capture that the line speaks of (for the lint)."""
        found = self.name.names() | self.tested()
        for _, template in self.clues:
            found |= template.names()
        return found


def read_rule(text: str) -> Rule:
    """Compile one effect line.

    Raises:
        GrammarError: an unknown verb, kind, clause, label, taint or environment clue.
    """
    line, _, note = text.partition(", note ")
    head, *clauses = (clause.strip() for clause in line.split(","))
    if head == "project":
        head, clauses = "execute process {command}", ["label project", "env workspace", *clauses]
    verb, _, after = head.partition(" ")
    kind, _, name = after.partition(" ")
    try:
        rule = Rule(Verb(verb), Kind(kind), Template.of(name.strip()), text, notes=(note,) if note else ())
    except ValueError as error:
        raise GrammarError(f"effect {text!r}: {error}; write `VERB KIND NAME, clause, ...`") from None
    for clause in clauses:
        _clause(rule, clause)
    return rule


def _clause(rule: Rule, clause: str) -> None:
    word, _, rest = clause.partition(" ")
    rest = rest.strip()
    if word in ("one", "many", "all"):
        _breadth(rule, word, rest)
    elif word in ("reversible", "recoverable", "irreversible") and not rest:
        rule.undo = Reversibility(word)
    elif word == "flow" and not rest:
        rule.flow = True
    elif word == "when":
        rule.when = Condition.of(rest)
    elif word == "unless":
        rule.unless = Condition.of(rest)
    elif word == "env":
        _environment(rule, rest)
    elif word in ("label", "taint"):
        _marks(rule, word, tuple(rest.split()))
    else:
        raise GrammarError(f"clause {clause!r}: known are {', '.join(CLAUSES)}")


def _breadth(rule: Rule, word: str, rest: str) -> None:
    if not rest:
        rule.breadth = Breadth(word)
    elif not rest.startswith("if "):
        raise GrammarError(f"clause `{word} {rest}`: write `{word}` or `{word} if TAG`")
    elif word == "all":
        rule.everything = Condition.of(rest[3:])
    else:
        rule.many = Condition.of(rest[3:])


def _marks(rule: Rule, word: str, names: tuple[str, ...]) -> None:
    unknown = set(names) - (RESOURCE_LABELS if word == "label" else TAINTS)
    if unknown or not names:
        raise GrammarError(f"no such {word}: {', '.join(sorted(unknown)) or '(empty)'}")
    if word == "label":
        rule.labels += names
    else:
        rule.taint += names


def _environment(rule: Rule, text: str) -> None:
    clues = []
    for token in text.split():
        what, colon, template = token.partition(":")
        if not colon:
            if token not in _ENVIRONMENTS:
                raise GrammarError(f"env {token!r} is no environment and no clue (`host:{{host}}`)")
            rule.environment = Environment(token)
        elif what not in ENVIRONMENT_CLUES:
            raise GrammarError(f"env clue {what!r}: known are {', '.join(sorted(ENVIRONMENT_CLUES))}")
        else:
            clues.append((what, Template.of(template)))
    rule.clues = tuple(clues)
