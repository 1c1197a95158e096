"""The syntax of PowerShell, as far as effects depend on it. Nodes are plain data; `walk` gives them meaning."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """A constant: a string, a bare word, a number."""

    text: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Pieces that become one text: `"a $b"`, `$HOME\\x`, `"a" + $b`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, `$env:NAME`, `${any name}`; the name is in lower case, scopes are dropped."""

    name: str


@dataclass(frozen=True, slots=True)
class Sub:
    """`( )`, `$( )`, `@( )`: statements whose output is a value."""

    body: Body


@dataclass(frozen=True, slots=True)
class Block:
    """`{ }`: statements that whoever gets them may run."""

    body: Body
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Type:
    """`[System.IO.File]`."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """`base.name`, `base::name`, with `arguments` when it is called."""

    base: Node
    name: Node
    arguments: tuple[Node, ...] | None = None
    static: bool = False


@dataclass(frozen=True, slots=True)
class Cast:
    """`[type] value`."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class Many:
    """A list, a hash table, an operation: values that are looked at, and whose result is one only by chance.

    `operator` is "," for a list, "@{" for a hash table, else the operator.
    """

    operator: str
    items: tuple[Node, ...]


Node = Text | Joined | Variable | Sub | Block | Type | Member | Cast | Many


@dataclass(frozen=True, slots=True)
class Parameter:
    """`-Name`, `-Name:value`; `raw` is what a program that is no cmdlet receives."""

    name: str
    value: Node | None
    raw: str


@dataclass(frozen=True, slots=True)
class Splat:
    """`@name`: arguments that stand in a variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """`> file`, `2>> file`. Merges of streams are not kept."""

    target: Node
    append: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `words[0]` is its name. `invoked` is `&` or `.` where an operator calls it."""

    words: tuple[Node | Parameter | Splat, ...]
    invoked: str = ""
    redirects: tuple[Redirect, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Elements that feed one another; an element that is no command is a value."""

    elements: tuple[Command | Node, ...]


@dataclass(frozen=True, slots=True)
class Assign:
    """`$x = ...`; a target that is no variable has the name ""."""

    name: str
    operator: str
    value: Statement
    target: Node | None = None


@dataclass(frozen=True, slots=True)
class Branches:
    """`if`, `switch`, `try`, `a && b`: each body may run or not."""

    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`for`, `foreach`, `while`: the body runs any number of times; `variable` takes what `source` gives."""

    head: Body
    body: Body
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """`function name { }`."""

    name: str
    body: Body
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A statement that is not read here (`class`, `configuration`): its text and why."""

    text: str
    why: str


Statement = Pipeline | Assign | Branches | Loop | Function | Foreign


@dataclass(frozen=True, slots=True)
class Body:
    """Statements in their order."""

    statements: tuple[Statement, ...] = field(default=())
