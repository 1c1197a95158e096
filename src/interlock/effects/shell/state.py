"""What the reader knows while it walks a text: variables, functions, directory, and where input and output go.

A value is exact, or unknown with the constant text it must begin with. Forks are cheap copies; a merge keeps what both
sides agree on, so that a value is only ever called exact when every way to this point gives it.
"""

from __future__ import annotations

import msgspec

from interlock.effects.invocation import Stdin, Word
from interlock.effects.shell.overlay import Overlay
from interlock.effects.shell.syntax import Command


class Val(msgspec.Struct, frozen=True):
    """A string: `text` exactly, or None and only `prefix` known.

    `glob`: the text is a pattern for names; `matched`: it is a name that a pattern stands for now.
    """

    text: str | None
    prefix: str = ""
    taint: tuple[str, ...] = ()
    glob: bool = False
    matched: bool = False


EMPTY = Val("")
UNKNOWN = Val(None)


class Var(msgspec.Struct, frozen=True):
    """A variable: a value, or the items of an indexed array. `value` None: declared or unset, so empty."""

    value: Val | None = None
    items: tuple[Val, ...] | None = None
    exported: bool = False


class Place(msgspec.Struct, frozen=True):
    """Around whom a command runs: the wrappers outside it, as whom, and where."""

    wrappers: tuple[str, ...] = ()
    privileged: bool = False
    remote: str = ""
    user: str = ""
    span: tuple[int, int] | None = None  # the place in the outermost text that nested text stands for


class Sink:
    """Where a command's output goes: collected text (None once a part of it is unknown), and what flowed in."""

    __slots__ = ("base", "blind", "collects", "host", "listed", "path", "prefix", "taint", "text", "world")

    def __init__(self, base: int = 0, *, collects: bool = True, path: str = "", host: str = "") -> None:
        self.base = base  # the conditions around the sink: what is written under more of them may not be written
        self.collects = collects
        self.path = path
        self.host = host
        self.text: list[str] | None = []
        self.prefix = ""  # what the text begins with, when it is not known
        self.taint: frozenset[str] = frozenset()
        self.listed: tuple[Word, ...] = ()  # every line is a name that one of these describes, while `blind` is 0
        self.blind = 0  # how often something was written of which nothing is known
        self.world: Overlay | None = None  # who must know at once that a file changes

    def write(self, text: str | None, taint: tuple[str, ...] = ()) -> None:
        if taint and self is not TERMINAL:
            self.taint |= frozenset(taint)
        if not self.collects:
            return
        if text is None or text:
            self.blind += 1
        if text is None:
            self.text = None
        elif self.text is not None:
            self.text.append(text)
        if self.world is not None:
            self.world.flow(self.path, taint)

    def names(self, listed: tuple[Word, ...]) -> None:
        """What was written last was a listing of names."""
        if listed:
            self.listed += listed
            self.blind -= 1

    def listing(self) -> tuple[Word, ...]:
        """The names that stand in it, when everything that was written is such."""
        return self.listed if self.text is None and not self.blind else ()

    def joined(self) -> str | None:
        return None if self.text is None else "".join(self.text)

    def stdin(self) -> Stdin:
        return Stdin(present=True, text=self.joined(), taint=tuple(sorted(self.taint)), listed=self.listing())


TERMINAL = Sink(collects=False)


class Source:
    """Where commands read from. `used`: something may already have read a part of it."""

    __slots__ = ("stdin", "used")

    def __init__(self, stdin: Stdin) -> None:
        self.stdin = stdin
        self.used = False

    def take(self) -> Stdin:
        """What the next reader gets."""
        given = self.stdin
        if self.used and given.text is not None:
            return Stdin(present=given.present, path=given.path, taint=given.taint)
        return given


NOTHING = Source(Stdin())


class State:
    """One shell's state. `fork` for a subshell or a branch, `merge` where branches meet."""

    __slots__ = (
        "aliases",
        "arguments",
        "cwd",
        "dirs",
        "doubt",
        "ended",
        "err",
        "fds",
        "functions",
        "gone",
        "leaves",
        "maybe",
        "oldcwd",
        "options",
        "out",
        "place",
        "source",
        "variables",
        "zero",
    )  # fmt: skip

    def __init__(self, cwd: str | None, arguments: tuple[Val, ...] | None = ()) -> None:
        self.variables: dict[str, Var] = {}
        self.functions: dict[str, tuple[tuple[Command, str], ...]] = {}
        self.aliases: dict[str, str | None] = {}
        self.options: frozenset[str] = frozenset()
        self.cwd = cwd
        self.oldcwd: str | None = None
        self.dirs: tuple[str | None, ...] = ()
        self.arguments = arguments
        self.zero = Val("bash")
        self.fds: dict[int, Sink] = {}
        self.out = TERMINAL
        self.err = TERMINAL
        self.source = NOTHING
        self.place = Place()
        self.maybe = 0  # conditions around what runs now, whose outcome is not known
        self.gone = 0  # ways on which this shell has ended before
        self.doubt: tuple[str | None] | None = None  # a `cd` just now that fails as far as the world shows: where from
        self.ended = ""  # why nothing after this runs: exit, return, break, exec
        self.leaves: list[State] = []  # states in which a loop or function was left early

    def fork(self) -> State:
        new = State.__new__(State)
        new.variables = self.variables.copy()
        new.functions = self.functions.copy() if self.functions else {}
        new.aliases = self.aliases.copy() if self.aliases else {}
        new.options = self.options
        new.cwd = self.cwd
        new.oldcwd = self.oldcwd
        new.dirs = self.dirs
        new.arguments = self.arguments
        new.zero = self.zero
        new.fds = self.fds.copy() if self.fds else {}
        new.out = self.out
        new.err = self.err
        new.source = self.source
        new.place = self.place
        new.maybe = self.maybe
        new.gone = self.gone
        new.doubt = self.doubt
        new.ended = self.ended
        new.leaves = self.leaves
        return new

    def write(self, text: str | None, taint: tuple[str, ...] = ()) -> None:
        """Put text on standard output."""
        out = self.out
        if out.collects or taint:
            out.write(text if self.maybe + self.gone <= out.base else None, taint)

    def begin(self, prefix: str, taint: tuple[str, ...]) -> None:
        """Put text on standard output of which only the beginning is known."""
        out = self.out
        if out.collects and out.text == [] and self.maybe + self.gone <= out.base:
            out.prefix = prefix
        self.write(None, taint)

    def become(self, other: State) -> None:
        """Take over the shell's own facts (not its plumbing) from `other`."""
        self.gone = max(self.gone, other.gone)
        self.variables = other.variables
        self.functions = other.functions
        self.aliases = other.aliases
        self.options = other.options
        self.cwd = other.cwd
        self.oldcwd = other.oldcwd
        self.dirs = other.dirs
        self.arguments = other.arguments

    def subshell(self) -> State:
        """A fork that leaves no loop or function of ours."""
        new = self.fork()
        new.leaves = []
        new.ended = ""
        return new

    @property
    def conditions(self) -> int:
        """How many things that are not known decide whether this runs."""
        return self.maybe + self.gone

    def leave_behind(self, ended: str) -> None:
        """One way ended here and another goes on: what follows may not run."""
        if ended in ("exit", "exec"):
            self.gone += 1
        else:
            self.maybe += 1

    def merge(self, other: State) -> None:
        """Keep what both states agree on; `other` may be left out when it never comes here."""
        if other.ended:
            if not self.ended:
                self.leave_behind(other.ended)
            return
        if self.ended:
            ended, self.ended = self.ended, ""
            self.become(other)
            self.leave_behind(ended)
            return
        self.gone = max(self.gone, other.gone)
        if self.variables != other.variables:
            self.variables = _merged(self.variables, other.variables)
        if self.functions != other.functions:
            both = dict(self.functions)
            for name, bodies in other.functions.items():
                mine = both.get(name, ())
                both[name] = mine + tuple(body for body in bodies if body not in mine)
            self.functions = both
        if self.aliases != other.aliases:
            self.aliases = {
                name: text if self.aliases.get(name, text) == text else None
                for name, text in (self.aliases | other.aliases).items()
            }
        self.options |= other.options
        if self.cwd != other.cwd:
            self.cwd = None
        if self.oldcwd != other.oldcwd:
            self.oldcwd = None
        if self.dirs != other.dirs:
            self.dirs = ()
        if self.arguments != other.arguments:
            self.arguments = None


def _merged(one: dict[str, Var], two: dict[str, Var]) -> dict[str, Var]:
    result = dict(one)
    for name, theirs in two.items():
        ours = one.get(name)
        if ours != theirs:
            result[name] = join_vars(ours, theirs)
    for name, ours in one.items():
        if name not in two:
            result[name] = join_vars(ours, None)
    return result


def join_vars(one: Var | None, two: Var | None) -> Var:
    """What holds of both; a variable that one side never touched may hold anything the environment gave it."""
    exported = bool((one and one.exported) or (two and two.exported))
    first = UNKNOWN if one is None else EMPTY if one.value is None else one.value
    second = UNKNOWN if two is None else EMPTY if two.value is None else two.value
    if one is not None and two is not None and one.items == two.items and one.items is not None:
        return Var(first, one.items, exported)
    if (one is not None and one.items is not None) or (two is not None and two.items is not None):
        return Var(Val(None, taint=tuple(sorted(set(first.taint) | set(second.taint)))), None, exported)
    return Var(join(first, second), None, exported)


def join(one: Val, two: Val) -> Val:
    """The value that is one or the other."""
    if one == two:
        return one
    taint = tuple(sorted(set(one.taint) | set(two.taint)))
    if one.text is not None and one.text == two.text:
        return Val(one.text, taint=taint, glob=one.glob or two.glob)
    first = one.text if one.text is not None and not one.glob else one.prefix
    second = two.text if two.text is not None and not two.glob else two.prefix
    size = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        size += 1
    return Val(None, first[:size], taint)
