"""Argument grammars: how a program splits its argv into flags, values, subcommands and operands.

A grammar is written the way a usage line is written (see `docs/catalogue.md`): one line a flag, one line for the
operands. It is compiled once into dictionaries; `parse` then walks an argv in one pass. Nothing here knows effects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from interlock.effects.invocation import Word, word

# Operand roles that mean something by themselves; every other operand is a capture, written in CAPITALS.
FILE_ROLES = frozenset({"read", "list", "write", "create", "mkdir", "delete", "change", "overwrite"})
REST_ROLES = frozenset({"inner", "shell"})
ROLES = FILE_ROLES | REST_ROLES | {"assign"}

_OFF = frozenset({"false", "f", "0", "no", "none", "off"})  # `--dry-run=none`, `--wait=false`: as if not given

_SPELLING = re.compile(r"[-+][\w?#@%.:+=-]*|/[\w?]+")
_VALUE = re.compile(r"<([A-Za-z][\w-]*)>|\[=?([A-Za-z][\w-]*)\]")
_SLOT = re.compile(r"(?:([A-Za-z][\w-]*)=)?([A-Za-z][\w-]*)([?*+]?)")


class GrammarError(Exception):
    """A line of a grammar that says nothing; the loader adds file and key."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One option. `role` is None when it takes no value; `optional` values must be attached (`--color[=WHEN]`)."""

    name: str
    role: str | None
    optional: bool
    tags: tuple[str, ...]
    capture: str = ""  # the value's own name, besides the flag's


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for operands: `least` to (`many` ? any number : 1) words."""

    name: str
    role: str
    least: int
    many: bool


@dataclass(slots=True)
class Grammar:
    """How one program, or one subcommand of it, reads its argv. Built by the loader, read-only afterwards."""

    flags: dict[str, Flag] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    forms: tuple[tuple[str, tuple[Slot, ...]], ...] = ()
    single: bool = False  # -long options, no clusters (go, terraform, java)
    posix: bool = False  # options end at the first operand
    raw: bool = False  # every word, options too, belongs to the inner command
    bundle: bool = False  # a first word without dash is a cluster (tar, ps)
    asks: bool = True  # --help and --version end it before anything happens
    word_asks: bool = False  # so does the operand `help` (aws s3 rm help)
    longs: tuple[str, ...] = ()
    rest_at: int = -1  # how many operands precede `inner` or `shell`
    rest: Slot | None = None
    assigns: bool = False

    def finish(self, above: Grammar | None = None) -> None:
        """Derive what `parse` wants to have at hand; what is the same as `above` is shared with it."""
        if above is not None and above.flags is self.flags:
            self.longs = above.longs
        else:
            self.longs = tuple(sorted(spelling for spelling in self.flags if spelling.startswith("--")))
        self.assigns = any(slot.role == "assign" for slot in self.slots)
        self.slots = tuple(slot for slot in self.slots if slot.role != "assign")
        for index, slot in enumerate(self.slots):
            if slot.role in REST_ROLES:
                self.rest_at, self.rest = index, slot
                self.slots = self.slots[:index]
                break


def inherited(grammar: Grammar) -> Grammar:
    """What subcommands take over: after one, `-v` says more, or is an option of its own, and asks no version."""
    letters = [s for s in ("-v", "-V") if s in grammar.flags and "asked" in grammar.flags[s].tags]
    if not letters:
        return grammar
    more = Flag("verbose", None, False, ("verbose",))
    below = replace(grammar, flags={**grammar.flags, **dict.fromkeys(letters, more)})
    below.finish()
    return below


def read_flags(text: str) -> dict[str, Flag]:
    """Compile the `flags` text: `-o --output <write> : tag tag   # comment`, one option a line.

    Raises:
        GrammarError: a line without a spelling, or a value in lower case that is no role.
    """
    flags: dict[str, Flag] = {}
    for raw in text.splitlines():
        line = re.split(r"(?:^|\s)#(?:\s|$)", raw, maxsplit=1)[0].strip()
        if not line:
            continue
        head, _, tail = line.partition(" : ")
        value = _VALUE.search(head)
        spellings = [s.rstrip(",") for s in (head[: value.start()] if value else head).replace(",", " ").split()]
        if not spellings or any(not _SPELLING.fullmatch(s) for s in spellings):
            raise GrammarError(f"flag line {raw.strip()!r}: write spellings first, then <value>, then ` : tags`")
        tags = tuple(tail.split())
        default = max(spellings, key=lambda s: len(s.lstrip("-+/"))).lstrip("-+/") or spellings[0]
        name = tags[0] if tags else default
        role = None if value is None else _role(value.group(1) or value.group(2))
        flag = Flag(
            name, role, value is not None and value.group(2) is not None, tags or (default,), (role or "").lower()
        )
        for spelling in spellings:
            if spelling in flags:
                raise GrammarError(f"flag {spelling} stands twice")
            flags[spelling] = flag
    return flags


def _role(text: str) -> str:
    if text in ROLES or text.isupper() or text.upper() == text:
        return text
    raise GrammarError(f"{text!r} is no role; roles are {', '.join(sorted(ROLES))}; captures are in CAPITALS")


def read_slots(text: str) -> tuple[Slot, ...]:
    """Compile an `args` line: `PATTERN? read*`, `source=read+ target=write`, `HOST shell*`.

    Raises:
        GrammarError: a word that is no slot, an unknown role, or two slots that both take any number.
    """
    slots: list[Slot] = []
    for token in text.split():
        match = _SLOT.fullmatch(token)
        if match is None:
            raise GrammarError(f"args {token!r}: write ROLE, ROLE?, ROLE*, ROLE+ or name=ROLE")
        role = _role(match.group(2))
        name = match.group(1) or role.lower()
        slots.append(Slot(name, role, 0 if match.group(3) in ("?", "*") else 1, match.group(3) in ("*", "+")))
    if sum(slot.many and slot.role not in REST_ROLES and slot.role != "assign" for slot in slots) > 1:
        raise GrammarError(f"args {text!r}: only one slot may take any number")
    return tuple(slots)


@dataclass(slots=True)
class Parsed:
    """What an argv says: `tags` of the flags seen, `values` by capture name, `placed` words with their role."""

    tags: set[str] = field(default_factory=set)
    values: dict[str, list[Word]] = field(default_factory=dict)
    placed: list[tuple[str, Word]] = field(default_factory=list)
    operands: list[Word] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    assigned: list[tuple[str, Word]] = field(default_factory=list)
    rest: tuple[Word, ...] | None = None
    path: list[str] = field(default_factory=list)
    stray: Word | None = None  # a word where a subcommand was due and that names none
    dashes: int = -1  # operands before `--`, or -1
    asked: bool = False  # --help or --version
    unsure: bool = False  # a word that could be a flag or nothing at all
    doubtful: set[str] = field(default_factory=set)  # tags of `--flag=$X`: given, but nobody knows whether on or off

    def value(self, name: str) -> Word | None:
        """The last value captured under `name`."""
        got = self.values.get(name)
        return got[-1] if got else None

    def text(self, name: str) -> str | None:
        """The last value captured under `name` when it is known text."""
        got = self.value(name)
        return got.text if got is not None else None

    def keep(self, flag: Flag, value: Word | None) -> None:
        """Note a flag, and its value when it has one."""
        if value is not None and flag.role is None:
            if value.text is not None and value.text.lower() in _OFF:
                return
            if value.text is None:
                self.doubtful.update(set(flag.tags) - self.tags)
        self.tags.update(flag.tags)
        if value is not None and flag.role is not None:
            self.values.setdefault(flag.name, []).append(value)
            if flag.role in ROLES:
                self.placed.append((flag.role, value))
            elif flag.capture != flag.name:
                self.values.setdefault(flag.capture, []).append(value)


def tail(value: Word, count: int) -> Word:
    """The word without its first `count` characters (which are known)."""
    return Word(
        text=None if value.text is None else value.text[count:],
        source=value.source if value.text is None else value.text[count:],
        span=value.span,
        prefix=value.prefix[count:],
        taint=value.taint,
        many=value.many,
        glob=value.glob,
    )


def read_option(grammar: Grammar, said: Parsed, current: Word, following: Iterator[Word]) -> None:
    """Take one word that begins with a dash, and the next word when it is this option's value."""
    text = current.text if current.text is not None else current.prefix
    flags = grammar.flags
    flag = flags.get(text) if current.text is not None else None
    if flag is not None:
        said.keep(flag, next(following, None) if flag.role is not None and not flag.optional else None)
        return
    head, equals, _ = text.partition("=")
    if equals or text.startswith("--"):
        flag = flags.get(head) or (flags.get("-" + head) if grammar.single else None) or _abbreviated(grammar, head)
        if flag is None and grammar.single and head.startswith("--"):
            flag = flags.get(head[1:])
        if flag is not None:
            if equals:
                said.keep(flag, tail(current, len(head) + 1))
            else:
                said.keep(flag, next(following, None) if flag.role is not None and not flag.optional else None)
            return
        if text.startswith("--") or grammar.single:
            if grammar.asks and text in ("--help", "--version"):
                said.asked = True
            said.unknown.append(head)
            return
    if grammar.single:
        if grammar.asks and text == "-help":
            said.asked = True
        said.unknown.append(text)
        return
    _cluster(grammar, said, current, following)


def _abbreviated(grammar: Grammar, head: str) -> Flag | None:
    if len(head) < 4 or not head.startswith("--") or grammar.single:
        return None
    matches = {id(grammar.flags[long]): grammar.flags[long] for long in grammar.longs if long.startswith(head)}
    return next(iter(matches.values())) if len(matches) == 1 else None


def _cluster(grammar: Grammar, said: Parsed, current: Word, following: Iterator[Word], start: int = 1) -> None:
    text = current.text if current.text is not None else current.prefix
    for index in range(start, len(text)):
        flag = grammar.flags.get("-" + text[index])
        if flag is None:
            said.unknown.append("-" + text[index])
            continue
        if flag.role is None:
            said.tags.update(flag.tags)
            continue
        attached = index + 1 < len(text) or current.text is None
        if attached:
            said.keep(flag, tail(current, index + 1))
        else:
            said.keep(flag, None if flag.optional else next(following, None))
        return


def is_assignment(text: str) -> bool:
    """Whether the word is `NAME=value`."""
    name, equals, _ = text.partition("=")
    return bool(equals) and name.isidentifier()


def place_operands(said: Parsed, slots: tuple[Slot, ...], operands: list[Word]) -> None:
    """Give the operands to the slots: fixed ones from both ends, optional ones from the left, the rest to the star."""
    least = sum(slot.least for slot in slots)
    spare = max(0, len(operands) - least)
    position = 0
    for slot in slots:
        if slot.many:
            take = slot.least + spare
            spare = 0
        else:
            take = slot.least
            if not take and spare:
                take, spare = 1, spare - 1
        for operand in operands[position : position + take]:
            said.values.setdefault(slot.name, []).append(operand)
            if slot.role in ROLES:
                said.placed.append((slot.role, operand))
        position += take


def take_bundle(grammar: Grammar, said: Parsed, first: Word, following: Iterator[Word]) -> None:
    """The old style of tar and ps: `xzf` means `-xzf`, values follow in order."""
    letters = first.text or ""
    for letter in letters:
        flag = grammar.flags.get("-" + letter)
        if flag is None:
            said.unknown.append("-" + letter)
        else:
            said.keep(flag, next(following, None) if flag.role is not None and not flag.optional else None)


def known(text: str) -> Word:
    """A constant word."""
    return word(text)
