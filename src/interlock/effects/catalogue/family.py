"""From the TOML of a family to compiled commands. Everything that can be wrong with a file is found here, at load."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from interlock.effects.catalogue.grammar import ROLES, Grammar, GrammarError, Slot, inherited, read_flags, read_slots
from interlock.effects.catalogue.rules import Rule, Template, read_rule
from interlock.model.errors import CatalogueError
from interlock.model.labels import TAINTS

SEVERITIES = ("none", "low", "medium", "high", "critical")
OTHERWISE = ("guess", "known", "opaque", "project", "plugin")
OUTPUTS = {"flow", "none", "file", "secret", "environment", "network", "untrusted", "unknown"}
_MOST_TEXT = 512 * 1024  # no family needs more; a bigger file is a mistake or an attack
_DEEPEST = 6  # subcommands of subcommands

FAMILY_KEYS = {"about", "severity", "why", "instead", "command", "examples", "files"}
COMMAND_KEYS = {
    "about",
    "flags",
    "args",
    "forms",
    "does",
    "output",
    "sub",
    "otherwise",
    "style",
    "order",
    "bundle",
    "help",
    "help_word",
    "strict",
    "reader",
    "versioned",
    "wraps",
    "severity",
    "why",
    "instead",
    "inherit",
    "env",
    "above",
}
# Names that every template may use; no option and no operand says them, so no condition can ask for them,
# but for the tags that the reading itself sets.
SET = frozenset({"rest", "downloaded", "told"})
GIVEN = ("program", "command", "sub", "operand", "remote", "cwd", *sorted(SET), "current-cluster", "current-engine")
WRAP_KEYS = {"program", "assigns", "privileged", "user", "remote", "cwd", "clears", "stdin"}


@dataclass(slots=True)
class Wrap:
    """How a wrapper changes what runs inside it."""

    program: tuple[str, ...] = ()  # words put before the inner ones: another program reads them
    assigns: tuple[tuple[str, Template], ...] = ()  # variables that the inner command gets
    privileged: bool = False
    user: Template | None = None
    remote: Template | None = None
    cwd: Template | None = None
    clears: tuple[str, ...] = ()
    stdin: bool = True  # False: the inner command does not get the wrapper's standard input


@dataclass(slots=True)
class Command:
    """One program, or one subcommand of it."""

    name: str
    family: str
    grammar: Grammar
    rules: tuple[Rule, ...] = ()
    subs: dict[str, Command] = field(default_factory=dict)
    globs: tuple[tuple[str, Command], ...] = ()
    output: frozenset[str] | None = None  # None: what flows through
    otherwise: str = "guess"  # what a subcommand nobody wrote down is taken for
    strict: bool = False  # unknown flags make it opaque
    reader: str = ""
    judges: bool = False  # the reader stands in this very table and has the last word about strays
    versioned: bool = False
    wraps: Wrap = field(default_factory=Wrap)
    about: str = ""
    severity: str = "none"
    why: str = ""
    instead: str = ""

    def sub(self, text: str) -> Command | None:
        """The subcommand of that name."""
        found = self.subs.get(text)
        if found is None:
            for glob, command in self.globs:
                if fnmatchcase(text, glob):
                    return command
        return found


@dataclass(slots=True)
class Family:
    """One file."""

    name: str
    about: str
    commands: dict[str, Command]
    examples: dict[str, tuple[str, ...]]
    files: dict[str, str]
    severity: str = "none"
    why: str = ""
    instead: str = ""


# One compiled object stands for all names of a table: aliases cost nothing.


class _Reader:
    """Reads one file; every complaint names the file and the key."""

    def __init__(self, name: str, readers: frozenset[str]) -> None:
        self.name = name
        self.readers = readers

    def fail(self, key: str, what: str) -> CatalogueError:
        return CatalogueError(f"catalogue {self.name}: {key}: {what}")

    def take(self, table: Mapping[str, Any], key: str, kind: type, default: Any, where: str) -> Any:
        value = table.get(key, default)
        if not isinstance(value, kind):
            raise self.fail(f"{where}.{key}" if where else key, f"must be a {kind.__name__}")
        return value

    def only(self, table: Mapping[str, Any], allowed: set[str], where: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail(f"{where}.{key}" if where else key, f"unknown; known are {', '.join(sorted(allowed))}")

    def family(self, text: str) -> Family:
        if len(text) > _MOST_TEXT:
            raise self.fail("(file)", f"longer than {_MOST_TEXT} characters")
        try:
            data = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise self.fail("(file)", f"not TOML: {error}") from None
        self.only(data, FAMILY_KEYS, "")
        family = Family(
            name=self.name,
            about=self.take(data, "about", str, "", ""),
            commands={},
            examples={},
            files={str(k): str(v) for k, v in self.take(data, "files", dict, {}, "").items()},
            severity=self.severity(data, ""),
            why=self.take(data, "why", str, "", ""),
            instead=self.take(data, "instead", str, "", ""),
        )
        if not family.about:
            raise self.fail("about", "missing: one line that says what these programs are")
        for names, table in self.take(data, "command", dict, {}, "").items():
            where = f'command."{names}"'
            if not isinstance(table, dict):
                raise self.fail(where, "must be a table")
            made = self.command(names.split(maxsplit=1)[0] if names.split() else "", table, where, family, Grammar(), 0)
            for name in names.split():
                if name in family.commands:
                    raise self.fail(where, f"{name} stands twice")
                family.commands[name] = made
        if not family.commands:
            raise self.fail("command", "missing: a family describes at least one program")
        for run, wanted in self.take(data, "examples", dict, {}, "").items():
            lines = (wanted,) if isinstance(wanted, str) else tuple(wanted) if isinstance(wanted, list) else ()
            if not lines or not all(isinstance(line, str) for line in lines):
                raise self.fail(f"examples.{run!r}", "must be a text or a list of texts")
            family.examples[run] = lines
        return family

    def severity(self, table: Mapping[str, Any], where: str) -> str:
        value = self.take(table, "severity", str, "none", where)
        if value not in SEVERITIES:
            raise self.fail(f"{where}.severity", f"known are {', '.join(SEVERITIES)}")
        return str(value)

    def command(
        self,
        name: str,
        table: Mapping[str, Any],
        where: str,
        family: Family,
        above: Grammar,
        depth: int,
        reader: str = "",
        env: str = "",
    ) -> Command:
        if depth > _DEEPEST:
            raise self.fail(where, f"subcommands deeper than {_DEEPEST}")
        self.only(table, COMMAND_KEYS, where)
        grammar = self.grammar(table, where, above)
        strict = self.take(table, "strict", bool, False, where)
        env = self.take(table, "env", str, env, where)
        command = Command(
            name=name,
            family=self.name,
            grammar=grammar,
            rules=self.rules(table, where, env),
            output=self.output(table, where),
            otherwise=self.take(table, "otherwise", str, "guess", where),
            strict=strict,
            reader=self.take(table, "reader", str, reader, where),
            judges=bool(table.get("reader")),
            versioned=self.take(table, "versioned", bool, False, where),
            wraps=self.wraps(table, where),
            about=self.take(table, "about", str, family.about, where),
            severity=self.severity(table, where) if "severity" in table else family.severity,
            why=self.take(table, "why", str, family.why, where),
            instead=self.take(table, "instead", str, family.instead, where),
        )
        if command.otherwise not in OTHERWISE:
            raise self.fail(f"{where}.otherwise", f"known are {', '.join(OTHERWISE)}")
        if command.reader and command.reader not in self.readers:
            raise self.fail(f"{where}.reader", f"no reader is called {command.reader!r}")
        below = inherited(grammar)
        if not self.take(table, "inherit", bool, True, where):
            below = Grammar(single=grammar.single, posix=False, asks=grammar.asks)
        self.subcommands(command, table, where, family, below, depth, env)
        if command.otherwise in ("opaque", "plugin") and not command.subs and not command.globs:
            raise self.fail(f"{where}.otherwise", "says nothing without subcommands; what it runs stands in `does`")
        self.check_names(command, where)
        return command

    def subcommands(
        self,
        command: Command,
        table: Mapping[str, Any],
        where: str,
        family: Family,
        below: Grammar,
        depth: int,
        env: str,
    ) -> None:
        """Compile the subcommands; those that know their siblings learn of them last."""
        globs: list[tuple[str, Command]] = []
        likewise: list[Command] = []
        for names, inner in self.take(table, "sub", dict, {}, where).items():
            here = f'{where}.sub."{names}"'
            if not isinstance(inner, dict):
                raise self.fail(here, "must be a table")
            made = self.command(f"{command.name} {names}", inner, here, family, below, depth + 1, command.reader, env)
            if self.take(inner, "above", bool, False, here):
                likewise.append(made)
            for sub in names.split():
                if any(c in sub for c in "*?["):
                    globs.append((sub, made))
                elif sub in command.subs:
                    raise self.fail(here, f"{sub} stands twice")
                else:
                    command.subs[sub] = made
        command.globs = tuple(globs)
        for made in likewise:
            for sub, other in command.subs.items():
                made.subs.setdefault(sub, other)
            made.globs += command.globs

    def grammar(self, table: Mapping[str, Any], where: str, above: Grammar) -> Grammar:
        style = self.take(table, "style", str, "single" if above.single else "gnu", where)
        order = self.take(table, "order", str, "posix" if above.posix else "any", where)
        if style not in ("gnu", "single") or order not in ("any", "posix", "raw"):
            raise self.fail(where, "style is gnu or single, order is any, posix or raw")
        own = self.take(table, "flags", str, "", where)
        try:
            forms = tuple((tag, read_slots(text)) for tag, text in self.take(table, "forms", dict, {}, where).items())
            grammar = Grammar(
                flags={**above.flags, **read_flags(own)} if own else above.flags,  # most subcommands add none
                slots=read_slots(self.take(table, "args", str, "", where)),
                forms=forms,
                single=style == "single",
                posix=order == "posix",
                raw=order == "raw",
                bundle=self.take(table, "bundle", bool, False, where),
                asks=self.take(table, "help", bool, above.asks, where),
                word_asks=self.take(table, "help_word", bool, above.word_asks, where),
            )
        except GrammarError as error:
            raise self.fail(where, str(error)) from None
        grammar.finish(above)
        return grammar

    def rules(self, table: Mapping[str, Any], where: str, env: str) -> tuple[Rule, ...]:
        lines = table.get("does", [])
        if isinstance(lines, str):
            lines = [lines]
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise self.fail(f"{where}.does", "must be a text or a list of texts")
        try:
            rules = tuple(read_rule(line) for line in lines)
            for rule in rules:
                rule.place(env)
        except GrammarError as error:
            raise self.fail(f"{where}.does", str(error)) from None
        return rules

    def output(self, table: Mapping[str, Any], where: str) -> frozenset[str] | None:
        text = self.take(table, "output", str, "flow", where)
        words = set(text.split())
        if not words or words - OUTPUTS:
            raise self.fail(f"{where}.output", f"known are {', '.join(sorted(OUTPUTS))}")
        return None if words == {"flow"} else frozenset((words & TAINTS) | (words & {"flow"}))

    def wraps(self, table: Mapping[str, Any], where: str) -> Wrap:
        data = self.take(table, "wraps", dict, {}, where)
        self.only(data, WRAP_KEYS, f"{where}.wraps")

        def template(key: str) -> Template | None:
            text = self.take(data, key, str, "", f"{where}.wraps")
            try:
                return Template.of(text) if text else None
            except GrammarError as error:
                raise self.fail(f"{where}.wraps.{key}", str(error)) from None

        assigns = self.take(data, "assigns", dict, {}, f"{where}.wraps")
        return Wrap(
            program=tuple(self.take(data, "program", str, "", f"{where}.wraps").split()),
            assigns=tuple((name, Template.of(str(text))) for name, text in assigns.items()),
            privileged=self.take(data, "privileged", bool, False, f"{where}.wraps"),
            user=template("user"),
            remote=template("remote"),
            cwd=template("cwd"),
            clears=tuple(self.take(data, "clears", str, "", f"{where}.wraps").split()),
            stdin=self.take(data, "stdin", bool, True, f"{where}.wraps"),
        )

    def check_names(self, command: Command, where: str) -> None:
        """A misspelt capture or tag would silently never match: refuse it."""
        grammar = command.grammar
        captured: set[str] = set()
        for flag in grammar.flags.values():
            captured |= {flag.name, flag.capture, *flag.tags}
        known = captured | set(GIVEN)
        slots: list[Slot] = [*grammar.slots, *((grammar.rest,) if grammar.rest else ())]
        for tag, more in grammar.forms:
            if tag not in known:
                raise self.fail(f"{where}.forms", f"no flag says {tag!r}")
            slots += more
        captured |= {slot.name for slot in slots}
        known |= captured | ROLES
        for rule in command.rules:
            wrong = {name for name in rule.names() if name not in known and not name.startswith("$")}
            if wrong:
                raise self.fail(f"{where}.does", f"{rule.text!r}: nothing captures {', '.join(sorted(wrong))}")
            never = (rule.tested() & set(GIVEN)) - captured - SET
            if never:
                raise self.fail(f"{where}.does", f"{rule.text!r}: no condition can ask for {', '.join(sorted(never))}")


def read_family(name: str, text: str, readers: frozenset[str]) -> Family:
    """Compile one family file.

    Args:
        name: what errors call it (a file name).
        text: the TOML.
        readers: names of the Python readers that may be asked for.

    Raises:
        CatalogueError: anything that is wrong with it, naming file and key.
    """
    return _Reader(name, readers).family(text)
