"""Programs: what the catalogue says of one, and what runs inside it."""

from __future__ import annotations

import posixpath

import msgspec

from interlock.effects.catalogue.files import regenerable
from interlock.effects.handed import handed
from interlock.effects.invocation import (
    MOVED,
    InnerArgv,
    InnerText,
    Interpretation,
    Invocation,
    Reach,
    Redirect,
    Stdin,
    Word,
)
from interlock.effects.shell import builtins
from interlock.effects.shell.assignments import Assigner
from interlock.effects.shell.calls import Call
from interlock.effects.shell.core import MAX_NESTING
from interlock.effects.shell.parse import Parser
from interlock.effects.shell.state import UNKNOWN, Source, State, Val, Var
from interlock.effects.shell.written import compiles, reaches
from interlock.model import labels
from interlock.model.effect import Breadth, Effect, Environment, Kind, Resource, Reversibility, Scale, Verb

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
MARK = "X" * 3  # what mktemp replaces
_WRITES = frozenset({Verb.WRITE, Verb.CREATE, Verb.OVERWRITE})
_COPIERS = frozenset({"cp", "rsync", "ditto", "install"})
_RUNS = frozenset({Verb.EXECUTE, Verb.OPAQUE, Verb.INSTALL})
_HARMLESS = frozenset({Verb.READ, Verb.FETCH, Verb.SEND})


def fetched(said: Interpretation) -> set[str]:
    """The network, when the command fetches from a host that is no package registry or code host."""
    hosts = [e.resource for e in said.effects if e.verb is Verb.FETCH and e.resource.kind is Kind.HOST]
    trusted = {labels.REGISTRY, labels.VCS_HOST}
    return {labels.FROM_NETWORK} if any(trusted.isdisjoint(host.labels) for host in hosts) else set()


_PROGRAMS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/opt/homebrew/bin/")


class Runner(Assigner):
    """Runs programs and the texts they are given."""

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
        self.hand(words)
        if not assigns:
            self.ran(words, state)
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
            unknown=tuple(
                n for n, v in state.variables.items() if v.exported and (v.value is None or v.value.text is None)
            ),
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
        if words[0].text == "mktemp" and said.output is None:
            state.begin(self.scratch_prefix(words, state), said.output_taint)
        else:
            self.outcome(said, stdin, carried, state)
        for inner in said.inner:
            self.inside(inner, state, span, stdin, assigns)

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
        read = self.files_read(said) | self.copied(said, words)
        flows = read | set(stdin.taint)
        taints = self.world.taints
        for word in words:
            flows.update(word.taint)
            if word.text is not None and word.text.startswith("/dev/fd/"):
                flows.update(taints.get(word.text, ()))
        span = state.place.span
        arriving = flows | self.moved(said) | fetched(said)
        renamed = any(e.verb is Verb.READ and e.resource.name.startswith(_PROGRAMS) for e in said.effects)
        owned = {effect for effect in said.effects if effect.verb is Verb.DELETE and self.own(effect)}
        for effect in said.effects:
            if effect in owned:
                notes = (*effect.notes, "this action made it")
                effect = msgspec.structs.replace(effect, reversibility=Reversibility.RECOVERABLE, notes=notes)  # noqa: PLW2901
            if effect.verb in _WRITES and labels.FROM_NETWORK in arriving and labels.FROM_NETWORK not in effect.taint:
                taint = tuple(sorted({*effect.taint, labels.FROM_NETWORK}))
                effect = msgspec.structs.replace(effect, taint=taint)  # noqa: PLW2901
            if flows and effect.verb in _CARRIES and not flows <= set(effect.taint):
                effect = msgspec.structs.replace(effect, taint=tuple(sorted(flows | set(effect.taint))))  # noqa: PLW2901
            elif effect.verb in _RUNS:
                effect = self.origin(effect, words)  # noqa: PLW2901
                self.by_name(effect, words, state)
            if span is not None and effect.span != span:
                effect = msgspec.structs.replace(effect, span=span)  # noqa: PLW2901
            self.add(effect)
            self.gone(effect)
            if effect.verb not in _HARMLESS:
                self.world.changed = True
                if effect.verb in _WRITES:
                    if renamed:
                        self.world.unread.add(effect.resource.name)  # a program of the system by another name
                    self.touched(
                        effect, arriving, stdin.text if words[0].text == "tee" and not state.conditions else None
                    )
                    self.compiled(effect, words, arriving, state.cwd)
        self.carry(said)
        return read

    def carry(self, said: Interpretation) -> None:
        """`mv src /tmp/x`: whoever removes /tmp/x later in this text removes src."""
        moves = [e for e in said.effects if e.verb is Verb.DELETE and MOVED in e.notes]
        if moves:
            self.world.carry([e.resource.name for e in said.effects if e.verb in _WRITES], moves)

    def gone(self, effect: Effect) -> None:
        """What is removed under its new name is lost as if it had been removed under its old one."""
        if effect.verb is not Verb.DELETE or MOVED in effect.notes or not self.world.carried:
            return
        for move in self.world.lost(effect.resource.name):
            kept = Reversibility.RECOVERABLE if regenerable(move.resource, self.setting) else Reversibility.IRREVERSIBLE
            whole = (
                self.world.under.kind(move.resource.name) != "file" and not posixpath.splitext(move.resource.name)[1]
            )
            lost = msgspec.structs.replace(
                move,
                reversibility=kept,
                scale=Scale(Breadth.ALL, unit="files") if whole else effect.scale,
                notes=("moved away, then removed",),
                span=effect.span,
            )
            self.add(lost)

    def compiled(self, effect: Effect, words: tuple[Word, ...], flows: set[str], cwd: str | None) -> None:
        """A program that a compiler makes here is as much the project's as its source is, wherever it is put."""
        name = effect.resource.name
        if cwd is None or not compiles([w.text for w in words], name, self.setting.workspace, self.world.written):
            return
        sources = {posixpath.normpath(posixpath.join(cwd, word.text or "")) for word in words[1:]}
        if labels.FROM_NETWORK not in flows.union(*(self.world.taint(path) for path in sources)):
            self.world.built.add(name)

    def own(self, effect: Effect) -> bool:
        """Whether what is removed was made by this very text, inside the workspace."""
        return labels.WORKSPACE in effect.resource.labels and self.world.own(effect.resource.name)

    def files_read(self, said: Interpretation) -> set[str]:
        """The taint of what a command reads: secrets, and files that this text filled."""
        read: set[str] = set()
        for effect in said.effects:
            if effect.verb is not Verb.READ:
                continue
            if effect.resource.kind is Kind.SECRET or labels.SECRET in effect.resource.labels:
                read.add(labels.FROM_SECRET)
            else:
                read.update(self.world.taint(effect.resource.name))
        return read

    def moved(self, said: Interpretation) -> set[str]:
        """The taint of files that the command takes away: what it then writes may be their content (`mv`)."""
        found: set[str] = set()
        for effect in said.effects:
            if effect.verb is Verb.DELETE:
                if effect.resource.kind is Kind.SECRET or labels.SECRET in effect.resource.labels:
                    found.add(labels.FROM_SECRET)
                found.update(self.world.taint(effect.resource.name))
        return found

    def copied(self, said: Interpretation, words: tuple[Word, ...]) -> set[str]:
        """The taint of what lies in directories that are moved, or copied whole; where they go, it has gone as well.

        To read a directory is not to carry all of it on: that is done by what copies, and by what takes it away.
        """
        copies = (words[0].text or "").rpartition("/")[2] in _COPIERS
        whole = [
            effect.resource.name + "/**"
            for effect in said.effects
            if effect.resource.kind is Kind.DIRECTORY
            and ((copies and effect.verb is Verb.READ) or (effect.verb is Verb.DELETE and MOVED in effect.notes))
        ]
        found = {label for pattern in whole for label in self.world.taint(pattern)}
        if labels.FROM_NETWORK in found:
            self.world.arrived |= {effect.resource.name for effect in said.effects if effect.verb in _WRITES}
        return found

    def origin(self, effect: Effect, words: tuple[Word, ...]) -> Effect:
        """Code that this text or an earlier action wrote or downloaded carries where it came from."""
        if effect.verb is Verb.INSTALL:
            return self.installed(effect)
        if effect.resource.kind is Kind.CODE and effect.resource.name in self.world.built:
            marks = {*effect.resource.labels, labels.PROJECT} - {labels.UNREAD}
            resource = Resource(Kind.PROCESS, effect.resource.name, tuple(sorted(marks)))
            notes = ("this action compiled it",)
            effect = msgspec.structs.replace(
                effect, resource=resource, reversibility=Reversibility.REVERSIBLE, notes=notes
            )
        names = {effect.resource.name, *(word.text for word in words if word.text is not None)}
        found = {label for name in names if name.startswith("/") for label in self.world.taint(name)}
        extra = {labels.UNREAD} if not names.isdisjoint(self.world.unread) else set()
        if labels.PROJECT in effect.resource.labels and reaches(self.world.written):
            extra.add(labels.UNREAD)
        if labels.FROM_NETWORK in found:
            extra.add(labels.DOWNLOADED)
        if not found and not extra:
            return effect
        resource = effect.resource
        if extra:
            resource = msgspec.structs.replace(resource, labels=tuple(sorted({*resource.labels, *extra})))
        return msgspec.structs.replace(effect, resource=resource, taint=tuple(sorted(found | set(effect.taint))))

    def installed(self, effect: Effect) -> Effect:
        """`cat > setup.py`, `pip install .`: what this text wrote to run at the install is no work of the project's."""
        if labels.PROJECT not in effect.resource.labels or not reaches(self.world.written):
            return effect
        marks = {*effect.resource.labels, labels.UNREAD} - {labels.PROJECT}
        resource = msgspec.structs.replace(effect.resource, labels=tuple(sorted(marks)))
        return msgspec.structs.replace(effect, resource=resource)

    def touched(self, effect: Effect, flows: set[str], text: str | None) -> None:
        """A program writes a file: what it held is no longer known (but for `tee`), what flows in stays with it."""
        name = effect.resource.name
        several = effect.resource.kind is Kind.DIRECTORY or name.endswith("(members)")
        if several and labels.FROM_NETWORK in flows | set(effect.taint):
            self.world.arrived.add(name.removesuffix("(members)").rstrip("/"))
        if effect.resource.kind is Kind.DIRECTORY:
            self.world.make(name)
        elif name.startswith("/") and "*" not in name and labels.DEVICE_NULL not in effect.resource.labels:
            taint = tuple(sorted(flows | set(effect.taint) | set(self.world.taint(name))))
            self.world.write(name, text, taint, append=False)
            if text is None and labels.FROM_NETWORK in taint:
                self.world.unread.add(name)

    def outcome(self, said: Interpretation, stdin: Stdin, read: set[str], state: State) -> None:
        if said.output is not None:
            state.write(said.output, tuple(sorted(read.union(said.output_taint))))
            return
        taint = set(said.output_taint) | set(stdin.taint) | read
        passes = bool(said.inner) and all(inner.wrapper in _PASSES_OUTPUT for inner in said.inner)
        if passes and not said.output_taint:
            return
        state.write(None, tuple(sorted(taint)))
        if state.out.collects:
            state.out.names(said.listed)

    def scratch_prefix(self, words: tuple[Word, ...], state: State) -> str:
        """What the name that `mktemp` makes begins with: its template's constant part, or the scratch directory."""
        for word in words[1:]:
            text = word.text or ""
            if MARK in text and not text.startswith("-"):
                return text.partition(MARK)[0] if len(words) <= 3 and "-p" not in [w.text for w in words] else ""
        if any(word.text not in ("-d", "-q", "-u", "--directory", "--quiet") for word in words[1:]):
            return ""
        scratch = self.look(state, "TMPDIR")
        known = scratch.text if scratch is not None and scratch.text else "/tmp"  # noqa: S108 - the default of mktemp
        return known.rstrip("/") + "/" + "tmp."

    # -- what runs inside

    def inside(
        self,
        inner: InnerArgv | InnerText,
        state: State,
        span: tuple[int, int],
        stdin: Stdin,
        assigns: tuple[tuple[str, Word], ...] = (),
    ) -> None:
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
        if not inner.remote:  # `RAILS_ENV=production bundle exec rails ...`: what runs inside sees it too
            for name, word in assigns:
                fork.variables[name] = Var(Val(word.text, word.prefix, word.taint), exported=True)
        if isinstance(inner, InnerArgv):
            self.inner_argv(inner, fork, span)
        else:
            if stdin.present and stdin.text == inner.text:
                self.arrived(stdin.path.source if stdin.path else "standard input", stdin.taint, fork)
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
        if inner.origin and not inner.remote:
            self.script(inner.origin, state)
        self.text_inside(inner.text, state, span, why=inner.wrapper)

    def script(self, path: str, state: State) -> None:
        """A file whose text is read and runs: its content is bound, and where it came from counts as well."""
        if path not in self.world.written:
            self.operands[path] = None
        self.arrived(path, self.world.taint(path), state)

    def by_name(self, effect: Effect, words: tuple[Word, ...], state: State) -> None:
        """Code of the project runs: what it loads by name may have been downloaded."""
        ours = labels.PROJECT in effect.resource.labels or effect.resource.kind is Kind.CONTAINER
        if ours and state.cwd is not None and labels.DOWNLOADED not in effect.resource.labels:
            for path in dict.fromkeys(handed(effect.resource.name, [word.text for word in words], state.cwd)):
                self.arrived(path, self.world.taint(path), state)

    def arrived(self, name: str, taint: tuple[str, ...], state: State) -> None:
        """Text runs that was read here, and that came from somewhere: that it can be read does not make it wanted."""
        if labels.FROM_NETWORK in taint or labels.FROM_UNTRUSTED in taint:
            self.add(
                Effect(
                    Verb.EXECUTE, Resource(Kind.CODE, name, (labels.DOWNLOADED,)), Environment.MACHINE,
                    Reversibility.IRREVERSIBLE, taint=taint, via="shell", span=state.place.span,
                    notes=("it came from the network, in this action or before",),
                )
            )  # fmt: skip

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
