"""Control flow: lists, pipelines, conditionals, loops and functions.

Where two ways meet, only what both agree on stays known. A loop's body is read with each constant value, or twice: once
as it begins, once as it goes on after a first round.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.effects.shell.commands import Commander
from interlock.effects.shell.patterns import compile_pattern, matches
from interlock.effects.shell.state import UNKNOWN, Sink, Source, State, Val, Var, join
from interlock.effects.shell.syntax import (
    AndOr,
    ArithCommand,
    Bad,
    Case,
    CFor,
    Command,
    Coproc,
    For,
    Function,
    Group,
    If,
    Pipeline,
    Redir,
    Sequence,
    Simple,
    Test,
    While,
    WordNode,
)
from interlock.model import labels

Inner = Callable[[State], bool | None]

MAX_ROUNDS = 64  # rounds of one `for` that are read one by one


class Walker(Commander):
    """Walks commands of every kind."""

    def run(self, body: Sequence, state: State) -> bool | None:
        status: bool | None = True
        end = 0
        for node, background in body.items:
            if state.leaves and self.nesting == 0 and "\n" in self.texts[-1][end : node.start]:
                self.next_line(state)
            if state.ended:
                break
            end = node.end
            if background:
                self.command(node, state.subshell())
                status = True
                continue
            status = self.command(node, state)
            if state.doubt is not None:
                state.cwd, state.doubt = None, None
        return status

    def next_line(self, state: State) -> None:
        """An error in an expansion throws away the rest of its line; the next one runs in what it left."""
        for leave in state.leaves:
            leave.ended = ""
            state.merge(leave)
        state.leaves = []

    def command(self, node: Command, state: State) -> bool | None:
        if type(node) is Simple:
            return self.simple(node, state)
        self.nesting += 1
        if self.nesting > 120:
            self.exhausted("nested too deep")
        status = _WALK[type(node)](self, node, state)
        self.nesting -= 1
        return status

    # -- lists and pipelines

    def and_or(self, node: AndOr, state: State) -> bool | None:
        status = self.command(node.first, state)
        # States in which the rest of the chain was skipped, to be met again at its end.
        skipped: list[State] = []
        maybe = state.maybe
        for op, command in node.rest:
            if state.ended:
                break
            if status is None:
                skipped.append(self.other_way(op, state))
                state.maybe += 1
                status = self.command(command, state)
                status = None
            elif status is (op == "&&"):
                status = self.command(command, state)
        state.maybe = maybe
        for other in skipped:
            state.merge(other)
        return status if not skipped else None

    def other_way(self, op: str, state: State) -> State:
        """The state in which the rest of a chain is skipped. A `cd` that seems to fail is in one of the two."""
        other = state.fork()
        if state.doubt is not None:
            before = state.doubt[0]
            (other if op == "&&" else state).cwd = before
            other.doubt = state.doubt = None
        return other

    def pipeline(self, node: Pipeline, state: State) -> bool | None:
        if len(node.commands) == 1:
            status = self.command(node.commands[0], state)
            return None if status is None else status is not node.negated
        source = state.source
        status = None
        for index, command in enumerate(node.commands):
            inner = state.subshell()
            inner.source = source
            last = index == len(node.commands) - 1
            sink = state.out if last else Sink(inner.conditions)
            inner.out = sink
            if not last and node.both[index]:
                inner.err = sink
            status = self.command(command, inner)
            source = Source(sink.stdin()) if not last else source
        return None if status is None else status is not node.negated

    # -- compound commands

    def with_redirections(self, redirs: tuple[Redir, ...], state: State, walk: Inner) -> bool | None:
        """Walk a compound command with its redirections around it."""
        if not redirs:
            return walk(state)
        kept = state.out, state.err, state.source, state.fds.copy()
        written = self.redirect(redirs, state, [])
        status = walk(state)
        self.settle(written, state)
        state.out, state.err, state.source, state.fds = kept
        return status

    def group(self, node: Group, state: State) -> bool | None:
        def walk(inner: State) -> bool | None:
            if not node.subshell:
                return self.run(node.body, inner)
            return self.run(node.body, inner.subshell())

        return self.with_redirections(node.redirs, state, walk)

    def if_(self, node: If, state: State) -> bool | None:
        return self.with_redirections(node.redirs, state, lambda inner: self.branches(node, inner))

    def branches(self, node: If, state: State) -> bool | None:
        ways: list[State] = []
        maybe = state.maybe
        certain = False
        for condition, body in node.clauses:
            status = self.run(condition, state)
            if state.ended:
                certain = True
                break
            if status is False:
                continue
            if status is True:
                self.run(body, state)
                certain = True
                break
            way = state.fork()
            way.maybe += 1
            self.run(body, way)
            ways.append(way)
            state.maybe += 1
        if not certain and node.otherwise is not None:
            self.run(node.otherwise, state)
        for way in ways:
            state.merge(way)
        state.maybe = maybe
        return None

    def while_(self, node: While, state: State) -> bool | None:
        def walk(inner: State) -> bool | None:
            for _ in range(2):
                before = self.facts(inner)
                again = inner.fork()
                status = self.run(node.condition, again)
                skip = status is not None and status is node.until
                left: list[State] = []
                if not again.ended and not skip:
                    again.maybe += 1
                    left = self.round(node.body, again)
                self.after_round(inner, again, left)
                if skip or self.facts(inner) == before:
                    break
            return None

        return self.with_redirections(node.redirs, state, walk)

    def round(self, body: Sequence, state: State) -> list[State]:
        """One round of a loop. Those who `continue` meet at its end; returned are the states that left the loop here.

        Whoever leaves an outer loop or a function goes on to that one's list. `state.ended` is "break1" when every way
        through the body leaves.
        """
        kept, state.leaves = state.leaves, []
        self.run(body, state)
        leaves, state.leaves = state.leaves, kept
        if state.ended == "continue1":
            state.ended = ""
        left: list[State] = []
        for leave in leaves:
            if leave.ended == "continue1":
                leave.ended = ""
                state.merge(leave)
            elif leave.ended == "break1":
                leave.ended = ""
                left.append(leave)
            else:
                leave.ended = outward(leave.ended)
                kept.append(leave)
        return left

    def facts(self, state: State) -> tuple[object, ...]:
        """Everything that a second round of a loop could see differently."""
        mine = (dict(state.variables), dict(state.functions), dict(state.aliases), state.cwd, state.arguments)
        return (*mine, state.options, state.source.used, self.world.version)

    def after_round(self, state: State, again: State, left: list[State]) -> None:
        """A loop of unknown length may end before, inside or after the round."""
        again.maybe = state.maybe
        if again.ended == "break1":
            again.ended = ""
        state.merge(again)
        for leave in left:
            state.merge(leave)

    def for_(self, node: For, state: State) -> bool | None:
        return self.with_redirections(node.redirs, state, lambda inner: self.rounds(node, inner))

    def rounds(self, node: For, state: State) -> bool | None:
        values, open_ended = self.loop_values(node, state)
        if node.select or open_ended or len(values) > MAX_ROUNDS:
            joined = values[0] if values else UNKNOWN
            for value in values[1:]:
                joined = join(joined, value)
            if open_ended:
                joined = Val(None, "", joined.taint)
            self.unknown_rounds(node, joined, state)
            return None
        left: list[State] = []
        around = state.maybe
        for value in values:
            if state.ended:
                break
            state.variables[node.name] = self.loop_variable(node.name, value, state)
            if value.glob:
                before = state.fork()
                maybe, state.maybe = state.maybe, state.maybe + 1
                left.extend(self.round(node.body, state))
                state.maybe = maybe
                state.merge(before)
            else:
                left.extend(self.round(node.body, state))
        if state.ended:
            state.ended = "" if state.ended == "break1" else outward(state.ended)
        for leave in left:
            state.merge(leave)
        if not any(leave.ended == "return" for leave in state.leaves):
            state.maybe = around
        return None

    def loop_variable(self, name: str, value: Val, state: State) -> Var:
        old = state.variables.get(name)
        return Var(value, exported=bool(old and old.exported))

    def unknown_rounds(self, node: For, value: Val, state: State) -> None:
        for _ in range(2):
            before = self.facts(state)
            again = state.fork()
            again.maybe += 1
            again.variables[node.name] = self.loop_variable(node.name, value, state)
            self.after_round(state, again, self.round(node.body, again))
            if self.facts(state) == before:
                break

    def loop_values(self, node: For, state: State) -> tuple[list[Val], bool]:
        """The values a loop goes through, and whether there may be others."""
        if node.words is None:
            return (list(state.arguments), False) if state.arguments is not None else ([], True)
        values: list[Val] = []
        open_ended = False
        for word in self.words(node.words, state):
            if word.text is None and word.many:
                open_ended = True
            prefix = word.prefix if word.text is None else ""
            values.append(Val(word.text, prefix, word.taint, word.glob, word.matched))
        return values, open_ended

    def c_for(self, node: CFor, state: State) -> bool | None:
        def walk(inner: State) -> bool | None:
            self.arithmetic(node.header, inner, node.start, node.end)
            header = "".join(part.text for part in node.header if hasattr(part, "text"))
            self.forget(header + "=", inner)
            for _ in range(2):
                before = self.facts(inner)
                again = inner.fork()
                again.maybe += 1
                left = self.round(node.body, again)
                self.forget(header + "=", again)
                self.after_round(inner, again, left)
                if self.facts(inner) == before:
                    break
            return None

        return self.with_redirections(node.redirs, state, walk)

    def case(self, node: Case, state: State) -> bool | None:
        return self.with_redirections(node.redirs, state, lambda inner: self.items(node, inner))

    def items(self, node: Case, state: State) -> bool | None:
        value = self.one(node.word, state)
        ways: list[State] = []
        maybe = state.maybe
        falls: State | None = None
        for words, body, ending in node.items:
            hit = self.hit(words, value, state)
            if hit is False and falls is None:
                continue
            way = state.fork() if falls is None else falls
            if falls is not None and hit is not False:
                way.merge(state.fork())
            way.maybe += hit is None or bool(ways)
            self.run(body, way)
            falls = None
            if ending == ";&":
                falls = way
                continue
            ways.append(way)
            if hit is True and ending == ";;":
                break
        else:
            if falls is not None:
                ways.append(falls)
            ways.append(state.fork())
        if ways:
            first = ways[0]
            state.become(first)
            state.ended = first.ended
            for way in ways[1:]:
                state.merge(way)
        state.maybe = maybe
        return None

    def hit(self, words: tuple[WordNode, ...], value: Val, state: State) -> bool | None:
        """Whether one of the patterns matches; None when it cannot be told."""
        answer: bool | None = False
        for word in words:
            pattern = self.pattern(word.parts, state)
            if pattern is None:
                answer = None
                continue
            if pattern == (("*", False),):
                return True if answer is False else None
            if value.text is None or value.glob:
                answer = None
                continue
            one = matches(compile_pattern(pattern), value.text)
            if one is None or (one is False and "nocasematch" in state.options):
                answer = None
            elif one:
                return True if answer is False else None
        return answer

    # -- the rest

    def function(self, node: Function, state: State) -> bool | None:
        state.functions[node.name] = ((node.body, self.texts[-1]),)
        return True

    def test(self, node: Test, state: State) -> bool | None:
        def walk(inner: State) -> bool | None:
            self.spend()
            for word in node.words:
                value = self.one(word, inner)
                if value.text is not None and "[" in value.text and ("$(" in value.text or "`" in value.text):
                    self.opaque(inner, node.start, node.end, "a test over text that holds a command substitution")
            return None

        return self.with_redirections(node.redirs, state, walk)

    def arithmetic_command(self, node: ArithCommand, state: State) -> bool | None:
        def walk(inner: State) -> bool | None:
            self.spend()
            value = self.arithmetic(node.parts, inner, node.start, node.end)
            return None if value.text is None else value.text != "0"

        return self.with_redirections(node.redirs, state, walk)

    def coproc(self, node: Coproc, state: State) -> bool | None:
        inner = state.subshell()
        inner.source = self.unknown_source()
        inner.out = Sink(inner.conditions)
        self.command(node.command, inner)
        state.variables[node.name] = Var(UNKNOWN)
        return True

    def bad(self, node: Bad, state: State) -> bool | None:
        self.opaque(state, node.start, node.end, f"the shell's reader stops here: {node.reason}")
        state.write(None, (labels.FROM_UNKNOWN,))
        self.world.changed = True
        return None

    def finish(self, state: State) -> None:
        """At the end of the text: traps run with what the variables hold then."""
        for text, span, place in self.traps[:16]:
            inner = state.subshell()
            inner.maybe += 1
            inner.place = place
            self.text_inside(text, inner, span, why="trap")


def outward(ended: str) -> str:
    """Why a shell went on early, seen from outside one loop: `break2` is `break1` there."""
    for kind in ("break", "continue"):
        if ended.startswith(kind):
            return f"{kind}{int(ended[len(kind) :]) - 1}"
    return ended


_WALK: dict[type, Callable[[Walker, Any, State], bool | None]] = {
    AndOr: Walker.and_or,
    Pipeline: Walker.pipeline,
    Group: Walker.group,
    If: Walker.if_,
    While: Walker.while_,
    For: Walker.for_,
    CFor: Walker.c_for,
    Case: Walker.case,
    Function: Walker.function,
    Test: Walker.test,
    ArithCommand: Walker.arithmetic_command,
    Coproc: Walker.coproc,
    Bad: Walker.bad,
}
