"""The notebook of one reading: effects and commands found, and the budget that bounds the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NoReturn

import msgspec

from interlock.effects.invocation import Interpretation, Invocation, Word
from interlock.effects.shell.overlay import Overlay
from interlock.effects.shell.state import EMPTY, UNKNOWN, Place, Sink, State, Val, Var
from interlock.effects.shell.syntax import Sequence
from interlock.model import labels
from interlock.model.action import Ran
from interlock.model.effect import Effect, Environment, Resource, opaque
from interlock.model.world import Nowhere, Setting, World

Interpret = Callable[[Invocation, Setting, World], Interpretation]

MAX_COMMANDS = 1_500  # commands read in one action, repeats by loops and functions included
MAX_NESTING = 32  # texts within texts, calls within calls
MAX_EFFECTS = 4_000
MAX_VALUE = 262_144  # characters of one value; doubling a variable in a loop stops here
MAX_WORDS = 4_096  # words of one command
MAX_HANDED = 786_432  # characters of words given to programs: a function may hand the same long text on in a loop
MAX_HERE = 32  # programs of one action that anybody would look at beforehand

NOWHERE = Nowhere()


class Exhausted(Exception):
    """The budget is spent: whatever was not read yet is opaque."""


class Core(ABC):
    """State of one `read_shell` call that is not the shell's own."""

    def __init__(self, text: str, setting: Setting, world: World, interpret: Interpret) -> None:
        self.text = text
        self.texts = [text]
        self.setting = setting
        self.world = Overlay(world)
        self.interpret = interpret
        self.effects: dict[Effect, None] = {}
        self.commands: dict[tuple[str, ...], None] = {}
        self.here: dict[Ran, None] = {}  # programs that run as the agent itself, on this machine
        self.operands: dict[str, None] = {}
        self.count = 0
        self.nesting = 0
        self.volume = 0  # characters of nested texts
        self.handed = 0  # characters of the words that programs were given
        self.known = dict(setting.variables)
        self.sends: list[tuple[Sink, Resource, Environment, tuple[int, int]]] = []  # connections bash itself opened
        self.traps: list[tuple[str, tuple[int, int], Place]] = []
        self.locals: dict[str, Var | None] = {}  # what the running function must give back
        self.in_function = False
        self.readonly: set[str] = set()
        self.odd: set[str] = set()  # names whose assignments do not do what they say: declared -i -l -u

    # -- budget

    def spend(self) -> None:
        self.count += 1
        if self.count > MAX_COMMANDS:
            self.exhausted(f"more than {MAX_COMMANDS} commands")
        if len(self.effects) > MAX_EFFECTS:
            self.exhausted(f"more than {MAX_EFFECTS} effects")

    def exhausted(self, why: str) -> NoReturn:
        raise Exhausted(why)

    # -- findings

    def source(self, start: int, end: int) -> str:
        """The text of a span, shortened for people."""
        piece = self.texts[-1][start:end]
        return piece if len(piece) <= 200 else piece[:199] + "…"

    def span(self, state: State, start: int, end: int) -> tuple[int, int]:
        return state.place.span or (start, end)

    def opaque(
        self,
        state: State,
        start: int,
        end: int,
        why: str,
        *,
        via: str = "shell",
        taint: tuple[str, ...] = (),
    ) -> None:
        """What stands at the span cannot be read; `taint` says where the text that would run comes from."""
        effect = opaque(self.source(start, end), why, via=via, span=self.span(state, start, end))
        if taint:
            extra = (labels.DOWNLOADED, labels.UNREAD) if labels.FROM_NETWORK in taint else (labels.UNREAD,)
            resource = msgspec.structs.replace(effect.resource, labels=extra)
            effect = msgspec.structs.replace(effect, resource=resource, taint=taint)
        self.add(effect)

    def add(self, effect: Effect) -> None:
        self.effects[effect] = None

    def hand(self, words: tuple[Word, ...]) -> None:
        """Count what a program is given; one long text is read, the same one a thousand times is not."""
        before, self.handed = self.handed, self.handed + sum(len(word.text or "") for word in words)
        if before and self.handed > MAX_HANDED:
            self.exhausted(f"programs are given more than {MAX_HANDED} characters")

    def ran(self, words: tuple[Word, ...], state: State) -> None:
        """A program runs here: where, and with which words, for whoever wants to look before it does."""
        place = state.place
        if state.cwd is None or place.remote or place.privileged or place.user or len(self.here) >= MAX_HERE:
            return
        if any(var.exported for var in state.variables.values()):
            return  # it may be told another cluster, account or repository
        texts = [word.text for word in words]
        if None not in texts:
            self.here[Ran(tuple(text for text in texts if text is not None), state.cwd)] = None

    def seen(self, words: tuple[Word, ...]) -> None:
        self.commands[tuple("?" if word.text is None else word.text for word in words)] = None

    # -- variables

    def look(self, state: State, name: str) -> Val | None:
        """The scalar value of a variable; None when the text never set it and the environment may have."""
        var = state.variables.get(name)
        if var is not None:
            if self.odd and name in self.odd and var.value is not None:
                return Val(None, taint=var.value.taint)
            if var.items is not None:
                return var.items[0] if var.items else EMPTY
            return var.value if var.value is not None else EMPTY
        if state.place.remote:
            return None
        if name in self.known:
            return Val(self.known[name])
        if name == "PWD":
            return Val(state.cwd) if state.cwd is not None else UNKNOWN
        if name == "OLDPWD":
            return Val(state.oldcwd) if state.oldcwd is not None else None
        if state.place.user or "cleared" in state.options:
            return None
        if name == "HOME":
            return Val(self.setting.home)
        if name in ("USER", "LOGNAME"):
            return Val(self.setting.user)
        if name == "IFS":
            return Val(" \t\n")
        return None

    def around(self, state: State) -> World:
        """The files a command sees: none of ours when it runs elsewhere."""
        return NOWHERE if state.place.remote else self.world

    # -- given by the rooms above

    @abstractmethod
    def text_inside(self, text: str, state: State, span: tuple[int, int], *, why: str) -> bool | None:
        """Read a text within the text: what an `eval`, a variable or a trap holds."""

    @abstractmethod
    def run(self, body: Sequence, state: State) -> bool | None:
        """Walk a list; its status when known."""
