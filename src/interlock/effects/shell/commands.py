"""Simple commands: assignments, then a function, a builtin, or a program that the catalogue interprets."""

from __future__ import annotations

from abc import abstractmethod

import msgspec

from interlock.effects.invocation import (
    Redirect,
    Word,
)
from interlock.effects.shell import builtins
from interlock.effects.shell.braces import TooMany, expand_braces, has_braces
from interlock.effects.shell.calls import Builtin, Call
from interlock.effects.shell.core import MAX_NESTING
from interlock.effects.shell.running import Runner
from interlock.effects.shell.state import State, Val, Var
from interlock.effects.shell.syntax import Assign, Command, Simple, WordNode
from interlock.model import labels


class Commander(Runner):
    """Runs simple commands."""

    # -- one simple command

    def simple(self, node: Simple, state: State) -> bool | None:
        """Run one simple command; its status when known."""
        self.spend()
        if not node.words:
            return self.bare(node, state)
        words, later = self.split_words(node, state)
        if not words:
            return self.bare(node, state)
        outer = state
        plumbed = state
        written = []
        shown: list[Redirect] = []
        if node.redirs:
            plumbed = state.fork()
            plumbed.variables = state.variables
            plumbed.functions = state.functions
            plumbed.aliases = state.aliases
            plumbed.fds = state.fds.copy()
            written = self.redirect(node.redirs, plumbed, shown)
        status = self.dispatch(node, words, later, tuple(shown), plumbed)
        if written:
            self.settle(written, plumbed)
        if plumbed is not outer:
            self.adopt(plumbed, outer, words)
        return status

    def adopt(self, plumbed: State, outer: State, words: tuple[Word, ...]) -> None:
        """A builtin with redirections still changed the shell itself."""
        outer.become(plumbed)
        outer.ended = plumbed.ended
        outer.doubt = plumbed.doubt
        if words[0].text == "exec" and len(words) == 1:
            outer.out, outer.err, outer.fds = plumbed.out, plumbed.err, plumbed.fds
            outer.source = plumbed.source

    def split_words(self, node: Simple, state: State) -> tuple[tuple[Word, ...], dict[int, Assign]]:
        """The expanded words, and the assignments among them by index (`export A=(1 2)`)."""
        plain = node.words
        if len(plain) == 1 or not any(isinstance(word, Assign) for word in plain):
            return self.words(plain, state), {}  # type: ignore[arg-type]  # no Assign among them
        out: list[Word] = []
        later: dict[int, Assign] = {}
        for word in plain:
            if not isinstance(word, Assign):
                self.word(word, state, out)
                continue
            source = self.texts[-1][word.start : word.end]
            for assign in self.braced_assignments(word, state):
                later[len(out)] = assign
                out.append(Word(source, source, state.place.span or (word.start, word.end), source))
        return tuple(out), later

    def braced_assignments(self, assign: Assign, state: State) -> list[Assign]:
        """After a builtin's name, braces in an assignment expand: `export x=a{b,c}` assigns twice."""
        value = assign.value
        if value is None or not has_braces(value.parts):
            return [assign]
        try:
            variants = expand_braces(value.parts)
        except TooMany:
            self.opaque(state, assign.start, assign.end, "a brace expansion of too many words")
            return [assign]
        return [msgspec.structs.replace(assign, value=WordNode(parts, value.start, value.end)) for parts in variants]

    def bare(self, node: Simple, state: State) -> bool | None:
        """Assignments and redirections without a command."""
        for assign in node.assigns:
            self.assign(assign, state)
        if node.redirs:
            inner = state.fork()
            inner.variables = state.variables
            written = self.redirect(node.redirs, inner, [])
            for file in written:
                file.sink.write("")
            self.settle(written, inner)
        return True if not node.redirs else None

    def dispatch(
        self,
        node: Simple,
        words: tuple[Word, ...],
        later: dict[int, Assign],
        shown: tuple[Redirect, ...],
        state: State,
    ) -> bool | None:
        name = words[0].text
        if name is None or words[0].glob:
            self.seen(words)
            why = "the name of the command is not known before it runs"
            self.opaque(state, node.start, node.end, why, taint=words[0].taint)
            state.write(None, (labels.FROM_UNKNOWN,))
            self.world.changed = True
            return None
        first = node.words[0]
        if state.aliases and isinstance(first, WordNode) and first.bare and name in state.aliases:
            self.alias(name, node, words, later, shown, state)
            return None
        return self.named(name, node, words, later, shown, state)

    def named(
        self,
        name: str,
        node: Simple,
        words: tuple[Word, ...],
        later: dict[int, Assign],
        shown: tuple[Redirect, ...],
        state: State,
    ) -> bool | None:
        """A function, a builtin or a program, in this order."""
        if name in state.functions:
            return self.call(name, node, words, state)
        builtin = builtins.TABLE.get(name)
        if builtin is not None:
            return self.builtin(builtin, node, words, later, state)
        assigns = self.temporary(node.assigns, state)
        self.program(words, state, assigns=assigns, redirects=shown, span=(node.start, node.end))
        return None

    def builtin(
        self, run: Builtin, node: Simple, words: tuple[Word, ...], later: dict[int, Assign], state: State
    ) -> bool | None:
        saved: dict[str, Var | None] = {}
        for assign in node.assigns:
            saved.setdefault(assign.name, state.variables.get(assign.name))
            self.assign(assign, state)
        status = run(Call(self, state, words, later, node.start, node.end))
        self.restore(saved, state)
        return status

    def restore(self, saved: dict[str, Var | None], state: State) -> None:
        for name, var in saved.items():
            if var is None:
                state.variables.pop(name, None)
            else:
                state.variables[name] = var

    def alias(
        self,
        name: str,
        node: Simple,
        words: tuple[Word, ...],
        later: dict[int, Assign],
        shown: tuple[Redirect, ...],
        state: State,
    ) -> None:
        """An alias may or may not be expanded (that is the shell's option): both readings count."""
        text = state.aliases[name]
        plain = state.fork()
        plain.maybe += 1
        self.named(name, node, words, later, shown, plain)
        if text is None or (text[-1:] in (" ", "\t") and len(state.aliases) > 1):
            self.opaque(state, node.start, node.end, "an alias whose text is not known")
        else:
            rest = self.texts[-1][node.words[0].end : node.end]
            inner = state.fork()
            inner.aliases.pop(name, None)
            inner.maybe += 1
            self.text_inside(text + rest, inner, (node.start, node.end), why="alias")
            plain.merge(inner)
        state.become(plain)

    # -- functions

    def call(self, name: str, node: Simple, words: tuple[Word, ...], state: State) -> bool | None:
        """A function: its body runs with the words as its arguments."""
        self.seen(words)
        saved: dict[str, Var | None] = {}
        for assign in node.assigns:
            saved.setdefault(assign.name, state.variables.get(assign.name))
            self.assign(assign, state)
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.exhausted(f"calls nested more than {MAX_NESTING} deep")
        arguments = None
        if not any(word.many and not word.glob for word in words):
            arguments = tuple(
                Val(word.text, word.prefix if word.text is None else "", word.taint, word.glob) for word in words[1:]
            )
        bodies = state.functions[name]
        status: bool | None = None
        if len(bodies) == 1:
            status = self.body(bodies[0], arguments, state)
        else:
            before = state.fork()
            for body in bodies:
                other = before.fork()
                other.maybe += 1
                self.body(body, arguments, other)
                state.merge(other)
        self.nesting -= 1
        self.restore(saved, state)
        return status

    def body(self, body: tuple[Command, str], arguments: tuple[Val, ...] | None, state: State) -> bool | None:
        command, text = body
        kept_arguments, kept_leaves, kept_locals = state.arguments, state.leaves, self.locals
        maybe = state.maybe
        kept_inside, self.in_function = self.in_function, True
        state.arguments, state.leaves, self.locals = arguments, [], {}
        self.texts.append(text)
        inner_place = state.place
        status = self.command(command, state)
        state.place = inner_place
        self.texts.pop()
        if state.ended not in ("exit", "exec"):
            state.ended = ""
        for leave in state.leaves:
            # bash leaves the caller's loop too when a function says `break` outside its own.
            leave.ended = ""
            state.merge(leave)
        state.maybe = maybe
        self.restore(self.locals, state)
        state.arguments, state.leaves, self.locals = kept_arguments, kept_leaves, kept_locals
        self.in_function = kept_inside
        return status if not state.ended else None

    @abstractmethod
    def command(self, node: Command, state: State) -> bool | None:
        """Any command; the control flow stands in `flow`."""
