"""The syntax tree of a shell text, as bash itself groups it. Spans are character offsets in the text that was parsed.

Quoting is already resolved where the grammar resolves it: a `Lit` knows whether its characters were quoted, and nothing
else about how they were written. What depends on state (expansions, globs, braces) stays a node.
"""

from __future__ import annotations

import msgspec


class Lit(msgspec.Struct, frozen=True, gc=False):
    """Literal characters; quoted ones are immune to splitting, globbing, braces and tilde."""

    text: str
    quoted: bool = False


class Param(msgspec.Struct, frozen=True):
    """`$name`, `${name}`, `${name[index]op arg}`. `op` is "" for the plain value, "#len" for `${#name}`.

    `indirect` is `${!name…}`. For substring `${x:off:len}` op is ":" and `arg` the whole `off:len`.
    For `${x/a/b}` op is "/", "//", "/#" or "/%", `arg` the pattern and `arg2` the replacement.
    """

    name: str
    quoted: bool
    start: int
    end: int
    op: str = ""
    arg: tuple[Part, ...] | None = None
    arg2: tuple[Part, ...] | None = None
    index: tuple[Part, ...] | None = None
    indirect: bool = False


class Sub(msgspec.Struct, frozen=True):
    """A command substitution: `$(…)` or backticks. `inside` is the text that `body`'s spans refer to, None for ours."""

    body: Sequence
    quoted: bool
    start: int
    end: int
    inside: str | None = None


class Arith(msgspec.Struct, frozen=True):
    """`$((…))`: the expression's parts, to be expanded and then computed."""

    parts: tuple[Part, ...]
    quoted: bool
    start: int
    end: int


class Proc(msgspec.Struct, frozen=True):
    """A process substitution, `<(…)` or `>(…)`."""

    body: Sequence
    reads: bool  # <( … ): the outer command reads it
    start: int
    end: int


Part = Lit | Param | Sub | Arith | Proc


class WordNode(msgspec.Struct, frozen=True):
    """One word as written. `plain` is its exact value when nothing in it depends on state, else None."""

    parts: tuple[Part, ...]
    start: int
    end: int
    plain: str | None = None
    bare: bool = False  # plain and without any quoting: may be a reserved word, an alias or a file descriptor


class Assign(msgspec.Struct, frozen=True):
    """`name=value`, `name+=value`, `name[index]=value`, `name=(items)`."""

    name: str
    value: WordNode | None
    start: int
    end: int
    append: bool = False
    index: tuple[Part, ...] | None = None
    items: tuple[WordNode | Assign, ...] | None = None  # an Assign among them is `[index]=value`, its name empty


class Redir(msgspec.Struct):
    """A redirection as written. `fd` None: the operator's default; `variable` is `{name}>…`.

    For here-documents `body` holds the parts of the document (one quoted Lit when nothing in it expands); the reader
    fills it in when it comes to the line where the document begins.
    """

    op: str  # < > >> >| <> <& >& &> &>> << <<- <<<
    fd: int | None
    target: WordNode
    start: int
    end: int
    variable: str = ""
    body: tuple[Part, ...] | None = None
    document: str = ""  # the text that `body`'s spans refer to


class Simple(msgspec.Struct, frozen=True):
    """Assignments, words and redirections."""

    assigns: tuple[Assign, ...]
    words: tuple[WordNode | Assign, ...]  # Assign after the command name: `export A=(1 2)`
    redirs: tuple[Redir, ...]
    start: int
    end: int


class Pipeline(msgspec.Struct, frozen=True):
    """Commands joined by `|`; `both[i]` says that the i-th joint is `|&`."""

    commands: tuple[Command, ...]
    both: tuple[bool, ...]
    negated: bool
    start: int
    end: int


class AndOr(msgspec.Struct, frozen=True):
    """`first`, then (operator, node) pairs."""

    first: Command
    rest: tuple[tuple[str, Command], ...]
    start: int
    end: int


class Sequence(msgspec.Struct, frozen=True):
    """A list: (node, in background)."""

    items: tuple[tuple[Command, bool], ...]


class Group(msgspec.Struct, frozen=True):
    """`{ …; }` or `( … )`."""

    body: Sequence
    subshell: bool
    redirs: tuple[Redir, ...]
    start: int
    end: int


class If(msgspec.Struct, frozen=True):
    clauses: tuple[tuple[Sequence, Sequence], ...]
    otherwise: Sequence | None
    redirs: tuple[Redir, ...]
    start: int
    end: int


class While(msgspec.Struct, frozen=True):
    condition: Sequence
    body: Sequence
    until: bool
    redirs: tuple[Redir, ...]
    start: int
    end: int


class For(msgspec.Struct, frozen=True):
    """`for`/`select`; `words` None means "$@"."""

    name: str
    words: tuple[WordNode, ...] | None
    body: Sequence
    select: bool
    redirs: tuple[Redir, ...]
    start: int
    end: int


class CFor(msgspec.Struct, frozen=True):
    """`for ((a; b; c))`; `header` holds the parts of all three."""

    header: tuple[Part, ...]
    body: Sequence
    redirs: tuple[Redir, ...]
    start: int
    end: int


class Case(msgspec.Struct, frozen=True):
    """`case`: each item has its patterns, its body and its ending (`;;`, `;&`, `;;&`)."""

    word: WordNode
    items: tuple[tuple[tuple[WordNode, ...], Sequence, str], ...]
    redirs: tuple[Redir, ...]
    start: int
    end: int


class Function(msgspec.Struct, frozen=True):
    name: str
    body: Command
    start: int
    end: int


class Test(msgspec.Struct, frozen=True):
    """`[[ … ]]`: only its words matter, for what their expansion runs."""

    words: tuple[WordNode, ...]
    redirs: tuple[Redir, ...]
    start: int
    end: int


class ArithCommand(msgspec.Struct, frozen=True):
    """`(( … ))`."""

    parts: tuple[Part, ...]
    redirs: tuple[Redir, ...]
    start: int
    end: int


class Coproc(msgspec.Struct, frozen=True):
    name: str
    command: Command
    start: int
    end: int


class Bad(msgspec.Struct, frozen=True):
    """A stretch that could not be read, and why."""

    reason: str
    start: int
    end: int


Command = (
    Simple | Pipeline | AndOr | Group | If | While | For | CFor | Case | Function | Test | ArithCommand | Coproc | Bad
)
