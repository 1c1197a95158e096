"""Simple commands: assignments, then a function, a builtin, or a program that the catalogue interprets."""

from __future__ import annotations

from abc import abstractmethod

import msgspec

from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import (
    InnerArgv,
    InnerText,
    Interpretation,
    Invocation,
    Reach,
    Redirect,
    Stdin,
    Word,
)
from interlock.effects.shell import builtins, params
from interlock.effects.shell.braces import TooMany, expand_braces, has_braces
from interlock.effects.shell.calls import Builtin, Call
from interlock.effects.shell.core import MAX_NESTING
from interlock.effects.shell.hazards import Hazard, hazard, strange_path
from interlock.effects.shell.parse import Parser
from interlock.effects.shell.redirect import Redirector
from interlock.effects.shell.state import EMPTY, UNKNOWN, Source, State, Val, Var
from interlock.effects.shell.syntax import Assign, Command, Simple, WordNode
from interlock.model import labels
from interlock.model.effect import Effect, Kind, Verb

_PASSES_OUTPUT = frozenset(
    [
        "sudo",
        "doas",
        "env",
        "timeout",
        "nice",
        "nohup",
        "stdbuf",
        "setsid",
        "time",
        "ionice",
        "command",
        "exec",
        "bash",
        "sh",
        "dash",
        "zsh",
        "ksh",
        "chrt",
        "taskset",
        "unbuffer",
        "busybox",
        "eval",
        "source",
    ]
)
_CARRIES = frozenset({Verb.SEND, Verb.PUBLISH, Verb.DEPLOY})
_MAX_TEXT = 1_048_576


class Commander(Redirector):
    """Runs simple commands."""

    # -- assignments

    def value_of(self, assign: Assign, state: State) -> Var:
        """What an assignment gives its variable."""
        old = state.variables.get(assign.name)
        exported = bool(old and old.exported) or "allexport" in state.options
        if assign.items is not None:
            return self.array(assign, old, exported, state)
        value = self.one(assign.value, state) if assign.value is None else self.assigned(assign.value, state)
        if assign.index is not None:
            return self.indexed(assign, value, old, exported, state)
        if assign.append:
            before = self.look(state, assign.name)
            if before is None:
                before = Val(None) if old is None else EMPTY
            value = self.appended(before, value)
        return (
            Var(value, old.items if old is not None and old.items is not None else None, exported)
            if (old is None or old.items is None)
            else Var(value, (value, *old.items[1:]), exported)
        )

    def appended(self, before: Val, value: Val) -> Val:
        taint = tuple(sorted(set(before.taint) | set(value.taint)))
        if before.text is None:
            return Val(None, before.prefix, taint)
        if value.text is None:
            return Val(None, before.text + value.prefix, taint)
        return Val(before.text + value.text, taint=taint, glob=before.glob or value.glob)

    def array(self, assign: Assign, old: Var | None, exported: bool, state: State) -> Var:
        items: list[Val] = []
        known = True
        if assign.append:
            if old is not None and old.items is not None:
                items.extend(old.items)
            elif old is None or old.value is not None:
                known = False
        for item in assign.items or ():
            if isinstance(item, Assign):
                known = False
                self.one(item.value, state)
                continue
            for word in self.words((item,), state):
                if word.many and not word.glob:
                    known = False
                items.append(Val(word.text, word.prefix if word.text is None else "", word.taint, word.glob))
        taint = tuple(sorted({label for item in items for label in item.taint}))
        if not known or len(items) > 4_096:
            return Var(Val(None, taint=taint), None, exported)
        return Var(items[0] if items else EMPTY, tuple(items), exported)

    def indexed(self, assign: Assign, value: Val, old: Var | None, exported: bool, state: State) -> Var:
        index = params.is_plain_index(assign.index)
        if index is None:
            self.arithmetic(assign.index or (), state, assign.start, assign.end)
        items = list(old.items) if old is not None and old.items is not None else [] if old is None else None
        if items is None or index is None or not index.isdigit() or int(index[:6]) > len(items):
            return Var(Val(None), None, exported)
        at = int(index)
        if at == len(items):
            items.append(value)
        else:
            items[at] = self.appended(items[at], value) if assign.append else value
        return Var(items[0], tuple(items), exported)

    def assign(self, assign: Assign, state: State) -> None:
        """An assignment in the shell itself."""
        var = self.value_of(assign, state)
        self.judge(assign.name, var.value or EMPTY, state, assign.start, assign.end)
        self.put(assign.name, var, state)

    def put(self, name: str, var: Var, state: State) -> None:
        # An assignment to a readonly name fails, unless its declaration was not reached: either value may hold.
        state.variables[name] = Var(UNKNOWN, exported=var.exported) if name in self.readonly else var

    def judge(self, name: str, value: Val, state: State, start: int, end: int) -> None:
        """What giving a variable this value makes later commands do."""
        if name == "PATH":
            self.judge_path(value, state, start, end)
            return
        found = hazard(name, None if value.glob else value.text)
        if found is Hazard.NONE:
            return
        if found is Hazard.PROXY:
            resource = host_resource(value.text or value.prefix or name, self.setting)
            if labels.LOOPBACK not in resource.labels:
                note = f"{name} sends the traffic of later commands through this host"
                self.add(
                    Effect(
                        Verb.CONFIGURE, resource, host_environment(resource, self.setting), via=name, notes=(note,),
                        span=self.span(state, start, end),
                    )
                )  # fmt: skip
        elif found is Hazard.COMMAND and value.text is not None:
            inner = state.fork()
            inner.maybe += 1
            self.text_inside(value.text, inner, (start, end), why=name)
        else:
            kind = "a command of unknown text" if found is Hazard.COMMAND else "code that later commands load"
            self.opaque(state, start, end, f"{name} names {kind}", via=name)

    def judge_path(self, value: Val, state: State, start: int, end: int) -> None:
        before = self.look(state, "PATH")
        old = before.text if before is not None else None
        if value.text is None:
            # `PATH=/x:$PATH` with the old value unknown: what stands before it is new, what comes after is not seen.
            head = value.prefix.split(":")[:-1] if ":" in value.prefix else []
            strange = strange_path(head, None, self.setting.home, self.setting.workspace, state.cwd)
            if not value.prefix:
                source = self.source(start, end)
                strange = (
                    None if source.startswith(("PATH=$PATH:", 'PATH="$PATH', "PATH=${PATH}:", 'PATH="${PATH}')) else "?"
                )
        else:
            strange = strange_path(value.text.split(":"), old, self.setting.home, self.setting.workspace, state.cwd)
        if strange is not None:
            what = "a directory that is not known" if strange == "?" else strange
            self.opaque(
                state, start, end, f"PATH gets {what}: later commands may be others than their names say", via="PATH"
            )

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
            self.opaque(state, node.start, node.end, "the name of the command is not known before it runs")
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

    def temporary(self, assigns: tuple[Assign, ...], state: State) -> tuple[tuple[str, Word], ...]:
        """The assignments before a program's name, for that program only."""
        if not assigns:
            return ()
        told = _CATALOGUE_JUDGES
        out: list[tuple[str, Word]] = []
        for assign in assigns:
            value = self.value_of(assign, state).value or EMPTY
            if assign.name not in told:  # the catalogue judges those with the program before it
                self.judge(assign.name, value, state, assign.start, assign.end)
            source = self.texts[-1][assign.start : assign.end]
            out.append(
                (
                    assign.name,
                    Word(
                        value.text, source, state.place.span or (assign.start, assign.end),
                        value.prefix if value.text is None else value.text, value.taint,
                    ),
                )
            )  # fmt: skip
        return tuple(out)

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

    # -- programs

    def program(
        self,
        words: tuple[Word, ...],
        state: State,
        *,
        span: tuple[int, int],
        assigns: tuple[tuple[str, Word], ...] = (),
        redirects: tuple[Redirect, ...] = (),
    ) -> None:
        """A program: what the catalogue says of it, then what runs inside it."""
        self.seen(words)
        place = state.place
        span = place.span or span
        stdin = state.source.take()
        invocation = Invocation(
            words=words,
            cwd=state.cwd,
            assignments=assigns,
            redirects=redirects,
            stdin=stdin,
            variables=self.exports(state),
            span=span,
            reach=Reach.MAYBE if state.conditions else Reach.ALWAYS,
            wrappers=place.wrappers,
            privileged=place.privileged,
            remote=place.remote,
            user=place.user,
        )
        said = self.interpret(invocation, self.setting, self.around(state))
        if stdin.present:
            state.source.used = True
        for path in said.operands:
            if path not in self.world.written:
                self.operands[path] = None
        carried = self.take_effects(said, words, stdin, state)
        self.outcome(said, stdin, carried, state)
        for inner in said.inner:
            self.inside(inner, state, span, stdin)

    def exports(self, state: State) -> tuple[tuple[str, str], ...]:
        base: tuple[tuple[str, str], ...] = () if "cleared" in state.options else self.setting.variables
        extra = {
            name: var.value.text
            for name, var in state.variables.items()
            if var.exported and var.value is not None and var.value.text is not None
        }
        if not extra and not any(name in self.known for name in state.variables):
            return base
        kept = {name: value for name, value in base if name not in state.variables}
        for name, var in state.variables.items():
            if name in self.known and var.value is not None and var.value.text is not None:
                kept[name] = var.value.text
        return tuple((kept | extra).items())

    def take_effects(self, said: Interpretation, words: tuple[Word, ...], stdin: Stdin, state: State) -> set[str]:
        """Record the effects, with what flows into those that carry data away; returns what was read."""
        read = self.files_read(said)
        flows = read | set(stdin.taint)
        taints = self.world.taints
        for word in words:
            flows.update(word.taint)
            if word.text is not None and word.text.startswith("/dev/fd/"):
                flows.update(taints.get(word.text, ()))
        span = state.place.span
        for effect in said.effects:
            if flows and effect.verb in _CARRIES and not flows <= set(effect.taint):
                effect = msgspec.structs.replace(effect, taint=tuple(sorted(flows | set(effect.taint))))  # noqa: PLW2901
            elif taints and effect.verb in _RUNS:
                effect = self.origin(effect, words)  # noqa: PLW2901
            if span is not None and effect.span != span:
                effect = msgspec.structs.replace(effect, span=span)  # noqa: PLW2901
            self.add(effect)
            if effect.verb not in _HARMLESS:
                self.world.changed = True
                if effect.verb in (Verb.WRITE, Verb.CREATE, Verb.OVERWRITE):
                    self.touched(effect, flows)
        return read

    def files_read(self, said: Interpretation) -> set[str]:
        """The taint of what a command reads: secrets, and files that this text filled."""
        read: set[str] = set()
        for effect in said.effects:
            if effect.verb is not Verb.READ:
                continue
            if effect.resource.kind is Kind.SECRET or labels.SECRET in effect.resource.labels:
                read.add(labels.FROM_SECRET)
            elif self.world.taints:
                read.update(self.world.taints.get(effect.resource.name, ()))
        return read

    def origin(self, effect: Effect, words: tuple[Word, ...]) -> Effect:
        """Code that this very text wrote or downloaded before running it carries where it came from."""
        taints = self.world.taints
        names = {effect.resource.name, *(word.text for word in words if word.text is not None)}
        found = {label for name in names if name in taints for label in taints[name]}
        if not found:
            return effect
        resource = effect.resource
        if labels.FROM_NETWORK in found:
            resource = msgspec.structs.replace(resource, labels=tuple(sorted({*resource.labels, labels.DOWNLOADED})))
        return msgspec.structs.replace(effect, resource=resource, taint=tuple(sorted(found | set(effect.taint))))

    def touched(self, effect: Effect, flows: set[str]) -> None:
        """A program writes a file: what it held is no longer known, what flows in stays with it."""
        name = effect.resource.name
        if effect.resource.kind is Kind.DIRECTORY:
            self.world.made.add(name)
        elif name.startswith("/") and "*" not in name and labels.DEVICE_NULL not in effect.resource.labels:
            taint = tuple(sorted(flows | set(effect.taint) | set(self.world.taints.get(name, ()))))
            self.world.write(name, None, taint, append=False)

    def outcome(self, said: Interpretation, stdin: Stdin, read: set[str], state: State) -> None:
        if said.output is not None:
            state.write(said.output, said.output_taint)
            return
        taint = set(said.output_taint) | set(stdin.taint) | read
        passes = bool(said.inner) and all(inner.wrapper in _PASSES_OUTPUT for inner in said.inner)
        if passes and not said.output_taint:
            return
        state.write(None, tuple(sorted(taint)))

    # -- what runs inside

    def inside(self, inner: InnerArgv | InnerText, state: State, span: tuple[int, int], stdin: Stdin) -> None:
        """A wrapper's inner command or text, read again where and as whom it runs."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.exhausted(f"commands nested more than {MAX_NESTING} deep")
        self.spend()
        fork = state.subshell()
        place = state.place
        fork.place = msgspec.structs.replace(
            place,
            wrappers=(*place.wrappers, inner.wrapper),
            privileged=place.privileged or inner.privileged,
            remote=inner.remote or place.remote,
            user=inner.user or place.user,
        )
        if inner.cwd is not None:
            fork.cwd = inner.cwd
        elif inner.remote and inner.remote != place.remote:
            fork.cwd = None
        fork.source = Source(inner.stdin if inner.stdin is not None else stdin)
        if isinstance(inner, InnerArgv):
            self.inner_argv(inner, fork, span)
        else:
            self.inner_text(inner, fork, span)
        self.nesting -= 1

    def inner_argv(self, inner: InnerArgv, state: State, span: tuple[int, int]) -> None:
        if inner.clears_environment:
            state.options |= {"cleared"}
        for name, word in inner.assignments:
            value = Val(word.text, word.prefix, word.taint)
            self.judge(name, value, state, *span)
            state.variables[name] = Var(value, exported=True)
        if not inner.words:
            return
        if inner.words[0].text is None or inner.words[0].glob:
            self.seen(inner.words)
            self.opaque(state, *span, "the name of the wrapped command is not known before it runs")
            state.write(None, (labels.FROM_UNKNOWN,))
            return
        name = inner.words[0].text
        if name in builtins.PURE:
            builtins.TABLE[name](Call(self, state, inner.words, {}, *span))
            return
        self.program(inner.words, state, assigns=inner.assignments, span=span)

    def inner_text(self, inner: InnerText, state: State, span: tuple[int, int]) -> None:
        """A text for a new shell: only what was exported is known there."""
        state.place = msgspec.structs.replace(state.place, span=state.place.span or span)
        state.functions = {
            name: bodies
            for name, bodies in state.functions.items()
            if not inner.remote and ("allexport" in state.options or f"function {name}" in state.options)
        }
        state.aliases = {}
        if inner.remote:
            state.variables = {}
        else:
            state.variables = {
                name: var if var.exported else Var(UNKNOWN)
                for name, var in state.variables.items()
                if name not in ("IFS", "OPTIND")
            }
        arguments = [Val(word.text, word.prefix if word.text is None else "", word.taint) for word in inner.arguments]
        known = not any(word.many for word in inner.arguments)
        state.zero = arguments[0] if arguments and known else Val(inner.origin or "bash")
        state.arguments = tuple(arguments[1:]) if known else None
        if inner.origin and inner.origin not in self.world.written:
            self.operands[inner.origin] = None
        self.text_inside(inner.text, state, span, why=inner.wrapper)

    def text_inside(self, text: str, state: State, span: tuple[int, int], *, why: str) -> bool | None:
        """Read a text in `state`: `eval`, a script, an alias, a trap. It stands at `span` of the text outside."""
        self.nesting += 1
        self.volume += len(text)
        if self.nesting > MAX_NESTING:
            self.exhausted(f"texts nested more than {MAX_NESTING} deep")
        if self.volume > _MAX_TEXT or "\0" in text:
            self.exhausted(f"the text given to {why} is too long or holds a NUL")
        kept = state.place
        state.place = msgspec.structs.replace(kept, span=kept.span or span)
        body = Parser(text).text_of()
        self.texts.append(text)
        status = self.run(body, state)
        self.texts.pop()
        state.place = kept
        self.nesting -= 1
        return status


_RUNS = frozenset({Verb.EXECUTE, Verb.OPAQUE})
_HARMLESS = frozenset({Verb.READ, Verb.FETCH, Verb.SEND})

# `catalogue.programs.startup_variables` judges these before a program, knowing the program.
_CATALOGUE_JUDGES = frozenset(
    [
        "PAGER",
        "GIT_PAGER",
        "EDITOR",
        "VISUAL",
        "GIT_EDITOR",
        "GIT_SEQUENCE_EDITOR",
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_EXTERNAL_DIFF",
        "GIT_PROXY_COMMAND",
        "MANPAGER",
        "LESSOPEN",
        "LESSCLOSE",
        "PROMPT_COMMAND",
        "BROWSER",
        "RSYNC_RSH",
        "CVS_RSH",
        "FZF_DEFAULT_COMMAND",
        "SUDO_ASKPASS",
        "KUBE_EDITOR",
        "PSQL_PAGER",
        "SYSTEMD_PAGER",
        "TAR_OPTIONS",
        "MAKEFLAGS",
        "GIT_SSH",
        "LD_PRELOAD",
        "LD_AUDIT",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "BASH_ENV",
        "ENV",
        "NODE_OPTIONS",
        "PERL5OPT",
        "RUBYOPT",
        "PYTHONSTARTUP",
        "PYTHONHOME",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "ZDOTDIR",
        "PERL5DB",
        "GIT_EXEC_PATH",
        "GIT_TEMPLATE_DIR",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_COUNT",
    ]
)
