"""A walk over PowerShell: variables are followed, blocks are entered, and every command is handed to a host.

What is not known stays unknown, with what flows in it. Of bodies that may run, only what both ways agree on stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from interlock.effects.invocation import Word
from interlock.effects.powershell.parse import Unreadable
from interlock.effects.powershell.syntax import (
    Assign,
    Block,
    Body,
    Branches,
    Cast,
    Command,
    Function,
    Joined,
    Loop,
    Many,
    Member,
    Node,
    Parameter,
    Pipeline,
    Splat,
    Statement,
    Sub,
    Text,
    Type,
    Variable,
)

MAX_STEPS = 20_000
MAX_CALLS = 12  # functions that call functions
MAX_VALUE = 65_536  # characters of a value; one that doubles itself is not followed further
MOST_SHOWN = 400
MOST_TURNS = 32  # a loop over a written list is walked once for each, up to this


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression gives: `text` when it is known, what it begins with otherwise, and what flows in it."""

    text: str | None = None
    prefix: str = ""
    taint: frozenset[str] = frozenset()
    source: str = ""
    block: Block | None = None
    items: tuple[Value, ...] | None = None
    kind: str = ""  # the .NET type it is of, in lower case, where that matters
    things: tuple[Word, ...] = ()  # the files or processes that come down the pipeline
    chosen: bool = False  # only some of them

    def word(self) -> Word:
        """The value as a word of a command line."""
        source = self.source or (self.text if self.text is not None else "?")
        return Word(
            text=self.text, source=source, prefix=self.prefix if self.text is None else self.text,
            taint=tuple(sorted(self.taint)), many=self.items is not None and self.text is None,
        )  # fmt: skip


NOTHING = Value(text="")
UNKNOWN = Value()


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command; `parameter` is None for a value that stands alone."""

    parameter: str | None
    value: Value | None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A command about to run. `piped` is what comes down the pipeline, None when nothing does."""

    name: str
    arguments: tuple[Argument, ...]
    invoked: str
    piped: Value | None


class Host(Protocol):
    """Who knows what commands do."""

    def command(self, call: Call, walker: Walker) -> Value: ...

    def static(self, type_name: str, method: str, arguments: list[Value] | None) -> Value: ...

    def method(self, base: Value, name: str, arguments: list[Value] | None) -> Value: ...

    def variable(self, name: str) -> Value | None: ...

    def assign(self, name: str, value: Value) -> None: ...

    def write(self, target: Value, value: Value) -> None: ...

    def unread(self, text: str, why: str, taint: Iterable[str]) -> None: ...


class Walker:
    """One walk. `variables` are those of the script; automatic ones are asked of the host."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.variables: dict[str, Value] = {}
        self.functions: dict[str, Function] = {}
        self.steps = 0
        self.calls = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Unreadable(f"more than {MAX_STEPS} steps")

    # -- statements

    def run(self, body: Body, piped: Value | None = None) -> Value:
        """Every statement of a body; answers what they put out."""
        outputs = [self.statement(one, piped) for one in body.statements]
        found = [out for out in outputs if out is not NOTHING]
        if not found:
            return NOTHING
        return found[0] if len(found) == 1 else together(found)

    def statement(self, one: Statement, piped: Value | None) -> Value:
        self.step()
        if isinstance(one, Pipeline):
            return self.pipeline(one, piped)
        if isinstance(one, Assign):
            return self.assign(one, piped)
        if isinstance(one, Branches):
            return self.branches(one.bodies, piped)
        if isinstance(one, Loop):
            return self.loop(one, piped)
        if isinstance(one, Function):
            self.functions[one.name] = one
            return NOTHING
        self.host.unread(one.text, one.why, ())
        return NOTHING

    def pipeline(self, one: Pipeline, piped: Value | None) -> Value:
        value: Value | None = None
        for index, element in enumerate(one.elements):
            if isinstance(element, Command):
                value = self.command(element, value if index else piped if piped is not None else None)
            else:
                value = self.evaluate(element)
        return NOTHING if value is None else value

    def assign(self, one: Assign, piped: Value | None) -> Value:
        value = self.statement(one.value, piped)
        if one.target is not None and not one.name:
            self.evaluate(one.target)
        if one.name and one.operator != "=":
            old = self.variables.get(one.name, UNKNOWN)
            value = joined([old, value]) if one.operator == "+=" else together([old, value])
        if one.name.startswith("env:"):
            self.host.assign(one.name[4:], value)
        elif one.name:
            self.variables[one.name] = value
        return NOTHING

    def branches(self, bodies: tuple[Body, ...], piped: Value | None) -> Value:
        """The first body runs (a condition, the left side of `&&`); of the others nobody knows."""
        outputs = [self.run(bodies[0], piped)] if bodies else []
        for body in bodies[1:]:
            before = dict(self.variables)
            outputs.append(self.run(body, piped))
            self.differ(before)
        return together(outputs)

    def differ(self, other: dict[str, Value]) -> None:
        """What another way left in a variable: where the ways differ, the value is not known."""
        for name, value in other.items():
            if self.variables.get(name) != value:
                before = self.variables.get(name, UNKNOWN)
                self.variables[name] = together([before, value])

    def loop(self, one: Loop, piped: Value | None) -> Value:
        source = self.run(one.head, piped)
        for name in assigned(one.body) | assigned(one.head):
            self.variables[name] = replace(UNKNOWN, taint=self.variables.get(name, UNKNOWN).taint)
        turns: tuple[Value, ...] = (self.element_of(source),)
        if one.variable and source.items is not None and len(source.items) <= MOST_TURNS:
            turns = source.items
        elif one.variable and source.text:
            turns = (source,)
        outputs = []
        for turn in turns or (UNKNOWN,):
            if one.variable:
                self.variables[one.variable] = turn
            outputs.append(self.run(one.body, piped))
        return together(outputs)

    @staticmethod
    def element_of(source: Value) -> Value:
        thing = source.things[0] if len(source.things) == 1 else None
        prefix = ""
        if thing is not None and thing.text is not None and thing.text.startswith("/") and not thing.glob:
            prefix = thing.text.rstrip("/") + "/(item)"  # one of those that lie in the directory that was listed
        return Value(
            taint=source.taint, source=source.source, prefix=prefix, things=source.things, chosen=source.chosen
        )

    # -- commands

    def command(self, one: Command, piped: Value | None) -> Value:
        self.step()
        head = one.words[0]
        name = self.evaluate(head) if not isinstance(head, Parameter | Splat) else UNKNOWN
        arguments = tuple(self.arguments(one.words[1:]))
        if name.block is not None:
            out = self.block(name.block, piped, arguments)
        elif name.text is None:
            self.host.unread(name.source or "?", "which command runs is not known", name.taint)
            out = UNKNOWN
        elif name.text.lower() in self.functions:
            out = self.function(self.functions[name.text.lower()], arguments, piped)
        else:
            out = self.host.command(Call(name.text, arguments, one.invoked, piped), self)
        for redirect in one.redirects:
            self.host.write(self.evaluate(redirect.target), out)
            out = NOTHING
        return out

    def arguments(self, words: Iterable[Node | Parameter | Splat]) -> Iterable[Argument]:
        for word in words:
            if isinstance(word, Parameter):
                value = None if word.value is None else self.evaluate(word.value)
                yield Argument(word.name, value, word.raw)
            elif isinstance(word, Splat):
                given = self.variables.get(word.name, UNKNOWN)
                yield Argument(None, Value(taint=given.taint, source=f"@{word.name}", items=()), f"@{word.name}")
            else:
                yield Argument(None, self.evaluate(word))

    def each(self, block: Block, piped: Value | None) -> Value:
        """A block that runs once for each thing that comes down the pipeline."""
        if piped is None or piped.items is None or not 0 < len(piped.items) <= MOST_TURNS:
            return self.block(block, piped)
        return together([self.block(block, item) for item in piped.items])

    def block(self, block: Block, piped: Value | None, arguments: tuple[Argument, ...] = ()) -> Value:
        """A block that runs here."""
        return self.function(Function("", block.body, block.parameters), arguments, piped)

    def function(self, one: Function, arguments: tuple[Argument, ...], piped: Value | None) -> Value:
        self.calls += 1
        if self.calls > MAX_CALLS:
            self.calls -= 1
            self.host.unread(one.name, "functions that call one another too deep", ())
            return UNKNOWN
        kept = dict(self.variables)
        loose = [a.value for a in arguments if a.parameter is None and a.value is not None]
        named: dict[str, Value] = {}
        before: str | None = None
        for argument in arguments:
            if argument.parameter is not None:
                before = argument.parameter.lower()
                named[before] = argument.value or UNKNOWN
            elif before is not None and argument.value is not None:
                named[before] = argument.value
                before = None
        for index, parameter in enumerate(one.parameters):
            fallback = loose[index] if index < len(loose) and not named else UNKNOWN
            self.variables[parameter] = named.get(parameter, fallback)
        item = UNKNOWN if piped is None else piped if piped.text else self.element_of(piped)
        self.variables |= {"_": item, "psitem": item, "input": item, "args": together(loose) if loose else UNKNOWN}
        out = self.run(one.body, piped)
        changed = {name: value for name, value in self.variables.items() if name in kept and kept[name] != value}
        self.variables = kept
        for name, value in changed.items():  # a block may or may not be a scope of its own
            if name not in ("_", "psitem", "input", "args", *one.parameters):
                self.variables[name] = together([kept[name], value])
        self.calls -= 1
        return out

    # -- values

    def evaluate(self, node: Node) -> Value:
        self.step()
        if isinstance(node, Text):
            return Value(text=node.text, source=node.text)
        if isinstance(node, Joined):
            return joined([self.evaluate(part) for part in node.parts])
        if isinstance(node, Variable):
            return self.variable(node.name)
        if isinstance(node, Sub):
            return self.run(node.body)
        if isinstance(node, Block):
            return Value(block=node, source="{...}")
        if isinstance(node, Type):
            return Value(kind=node.name.lower(), source=f"[{node.name}]")
        if isinstance(node, Cast):
            return self.cast(node)
        if isinstance(node, Member):
            return self.member(node)
        return self.operation(node)

    def variable(self, name: str) -> Value:
        found = self.variables.get(name)
        if found is None:
            found = self.host.variable(name)
        if found is None:
            return Value(source=f"${name}")
        return found if found.source else replace(found, source=f"${name}")

    def cast(self, node: Cast) -> Value:
        value = self.evaluate(node.value)
        kind = node.name.lower()
        if kind == "char" and value.text is not None and value.text.isdigit() and int(value.text) < 0x110000:
            return Value(text=chr(int(value.text)))
        if kind in ("string", "char[]", "object", "string[]", "array"):
            return value
        return replace(value, kind=kind)

    def member(self, node: Member) -> Value:
        base = self.evaluate(node.base)
        name = self.evaluate(node.name)
        arguments = None if node.arguments is None else [self.evaluate(one) for one in node.arguments]
        if name.text is None:
            self.host.unread(name.source or "?", "which member is called is not known", name.taint)
            return UNKNOWN
        if base.block is not None and arguments is not None and name.text.lower().startswith("invoke"):
            return self.block(base.block, None)
        if node.static:
            return self.host.static(base.kind, name.text, arguments)
        return self.host.method(base, name.text, arguments)

    def operation(self, node: Many) -> Value:
        values = [self.evaluate(item) for item in node.items]
        if node.operator == ",":
            return replace(together(values), items=tuple(values))
        if node.operator == "-f" and len(values) == 2 and values[0].text is not None:
            return formatted(values[0].text, values[1])
        if node.operator == "-join":
            return glued(values)
        return replace(together(values), text=None, things=())


def together(values: Iterable[Value]) -> Value:
    """Several values as one that is not known, unless they are the same."""
    every = [value for value in values if value is not NOTHING]
    if not every:
        return NOTHING
    if all(value == every[0] for value in every[1:]):
        return every[0]
    return Value(
        taint=frozenset().union(*(value.taint for value in every)),
        source=every[0].source,
        things=tuple(thing for value in every for thing in value.things),
        chosen=any(value.chosen for value in every),
    )


def joined(values: list[Value]) -> Value:
    """Texts one behind the other."""
    taint: frozenset[str] = frozenset().union(*(value.taint for value in values))
    source = "".join((value.source or value.text or "?")[:MOST_SHOWN] for value in values)[:MOST_SHOWN]
    if all(value.text is not None for value in values) and sum(len(value.text or "") for value in values) <= MAX_VALUE:
        return Value(text="".join(value.text or "" for value in values), taint=taint, source=source)
    prefix = ""
    for value in values:
        if value.text is None:
            prefix += value.prefix
            break
        prefix += value.text
    prefix = prefix[:MAX_VALUE]
    return Value(prefix=prefix, taint=taint, source=source)


def formatted(pattern: str, given: Value) -> Value:
    """`'{0}{1}' -f 'a','b'`."""
    items = given.items if given.items is not None else (given,)
    taint = frozenset().union(given.taint, *(item.taint for item in items))
    text = pattern
    for index, item in enumerate(items):
        if item.text is None:
            return Value(taint=taint, prefix=pattern.partition("{")[0])
        text = text.replace("{" + str(index) + "}", item.text)
        if len(text) > MAX_VALUE:
            return Value(taint=taint)
    return Value(text=text, taint=taint)


def glued(values: list[Value]) -> Value:
    """`'a','b' -join ''`, or `-join ('a','b')`."""
    taint: frozenset[str] = frozenset().union(*(value.taint for value in values))
    items = values[0].items
    between = "" if len(values) == 1 else values[1].text
    if items is None or between is None or any(item.text is None for item in items):
        return Value(taint=taint)
    if sum(len(item.text or "") + len(between) for item in items) > MAX_VALUE:
        return Value(taint=taint)
    return Value(text=between.join(item.text or "" for item in items), taint=taint)


def assigned(body: Body) -> set[str]:
    """The variables that a body may change."""
    found: set[str] = set()
    for one in body.statements:
        if isinstance(one, Assign):
            found.add(one.name)
        elif isinstance(one, Branches):
            for inner in one.bodies:
                found |= assigned(inner)
        elif isinstance(one, Loop):
            found |= assigned(one.head) | assigned(one.body) | ({one.variable} if one.variable else set())
    return found - {""}
