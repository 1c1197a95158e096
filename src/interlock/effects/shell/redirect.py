"""Redirections: where a command's input and output go, and the file and network effects of sending them there."""

from __future__ import annotations

import re

import msgspec

from interlock.effects.catalogue.files import absent, regenerable
from interlock.effects.catalogue.words import word_list
from interlock.effects.hosts import host_environment, host_resource
from interlock.effects.invocation import Redirect, Stdin, Word
from interlock.effects.ownkeys import own_key
from interlock.effects.places import absolute, file_environment, file_resource, normal
from interlock.effects.shell.expand import Expander, placed
from interlock.effects.shell.state import NOTHING, TERMINAL, Sink, Source, State, Val, Var
from interlock.effects.shell.syntax import Redir
from interlock.model import labels
from interlock.model.effect import Effect, Environment, Kind, Resource, Reversibility, Verb

_NETWORK = ("/dev/tcp/", "/dev/udp/")


_CODE = word_list("code_suffixes")
_OF_A_PROCESS = re.compile(r"[\"']?/proc/[^/]*\$[^/]*(/[a-z]+)[\"']?")  # `/proc/$$/environ`


class Written:
    """A file that a redirection opened, to be judged when it is known what flowed into it."""

    __slots__ = ("append", "before", "end", "fresh", "made", "path", "resource", "sink", "start", "verb", "word")

    def __init__(self, word: Word, resource: Resource, verb: Verb, sink: Sink, redir: Redir) -> None:
        self.word = word
        self.resource = resource
        self.verb = verb
        self.sink = sink
        self.append = redir.op in (">>", "&>>")
        self.before: str | None = ""  # what the file held, when more is appended
        self.fresh = False  # nothing was there before, for certain
        self.made = False  # this text made it
        self.path = resource.name
        self.start = redir.start
        self.end = redir.end


class Redirector(Expander):
    """Applies redirections to a state's plumbing."""

    def redirect(self, redirs: tuple[Redir, ...], state: State, shown: list[Redirect]) -> list[Written]:
        """Apply `redirs` to `state` in order; `shown` collects what the catalogue is told of them."""
        written: list[Written] = []
        for redir in redirs:
            if redir.variable:
                number = 10 + len(state.fds)
                state.variables[redir.variable] = Var(Val(str(number)))
                redir = msgspec.structs.replace(redir, fd=number)  # noqa: PLW2901
            if redir.op in ("<<", "<<-"):
                self.document(redir, state)
            elif redir.op == "<<<":
                value = self.one(redir.target, state)
                text = value.text + "\n" if value.text is not None else None
                self.input(redir, Stdin(present=True, text=text, taint=value.taint), state)
            elif redir.op in ("<&", ">&") and self.duplicate(redir, state):
                continue
            else:
                self.file(redir, state, written, shown)
        return written

    def input(self, redir: Redir, stdin: Stdin, state: State) -> None:
        if redir.fd in (None, 0):
            state.source = Source(stdin)

    def document(self, redir: Redir, state: State) -> None:
        place, state.place = state.place, placed(state.place, (redir.start, redir.end))
        self.texts.append(redir.document)
        value = self.joined(self.pieces(redir.body or (), state, splits=False))
        self.texts.pop()
        state.place = place
        self.input(redir, Stdin(present=True, text=value.text, taint=value.taint), state)

    def duplicate(self, redir: Redir, state: State) -> bool:
        """`2>&1`, `>&-`, `<&3`; False when the target is a file name (`>& file`)."""
        target = redir.target.plain
        if target is None:
            word = self.target(redir.target, state)
            target = word.text
            if target is None:
                if redir.op == ">&":
                    return False
                self.input(redir, Stdin(present=True, taint=word.taint), state)
                return True
        source = target.removesuffix("-") or "-"
        if source != "-" and not source.isdigit():
            return False
        number = int(source[:9]) if source.isdigit() else -1
        if redir.op == "<&":
            self.duplicate_input(redir, number, state)
            return True
        sink = {1: state.out, 2: state.err}.get(number) or state.fds.get(number, TERMINAL)
        self.output(redir.fd if redir.fd is not None else 1, sink, state)
        return True

    def duplicate_input(self, redir: Redir, number: int, state: State) -> None:
        if redir.fd not in (None, 0):
            return
        if number == 0:
            return
        if number < 0:
            state.source = NOTHING
            return
        sink = state.fds.get(number)
        taint = (labels.FROM_NETWORK,) if sink is not None and sink.host else (labels.FROM_UNKNOWN,)
        state.source = Source(Stdin(present=True, taint=taint))

    def output(self, fd: int, sink: Sink, state: State) -> None:
        if fd == 1:
            state.out = sink
        elif fd == 2:
            state.err = sink
        else:
            state.fds[fd] = sink

    # -- files

    def file(self, redir: Redir, state: State, written: list[Written], shown: list[Redirect]) -> None:
        word = self.target(redir.target, state)
        both = redir.op in ("&>", "&>>", ">&") and redir.fd is None
        reads = redir.op in ("<", "<>", "<&")
        fd = -1 if both else redir.fd if redir.fd is not None else 0 if reads else 1
        shown.append(Redirect(redir.op, fd, word))
        if word.text is None and not self.begun(word, state):
            self.unknown_target(redir, word, fd, reads, state)
            return
        name = word.text if word.text is not None else word.prefix
        if name.startswith(_NETWORK):
            self.network(redir, word, fd, reads, state)
            return
        if reads:
            stdin = self.opened(redir, word, state)
            if redir.fd in (None, 0):
                state.source = Source(stdin)
            if redir.op != "<>":
                return
        self.opened_to_write(redir, word, fd, state, written)

    def begun(self, word: Word, state: State) -> bool:
        """Whether a name that is not known as a whole says where it stands: `/srv/$X`, `logs/$name.log` (R10)."""
        if word.prefix.startswith("/"):
            return True
        hostile = {labels.FROM_NETWORK, labels.FROM_UNTRUSTED} & set(word.taint)
        return state.cwd is not None and word.prefix[:1].isalnum() and not hostile

    def unknown_target(self, redir: Redir, word: Word, fd: int, reads: bool, state: State) -> None:
        why = "a redirection whose file is not known"
        own = None if state.place.remote else own_key(word.source, self.setting, self.around(state))
        file = own or Resource(Kind.FILE, word.source, (labels.UNPLACED,))
        if reads:
            self.add(
                Effect(
                    Verb.READ, file, file_environment(file), via="shell",
                    span=self.span(state, redir.start, redir.end), notes=(why,),
                )
            )  # fmt: skip
            if redir.fd in (None, 0):
                state.source = Source(Stdin(present=True, path=word, taint=(labels.FROM_FILE, labels.FROM_UNKNOWN)))
            return
        self.add(
            Effect(
                Verb.OVERWRITE if redir.op != ">>" else Verb.WRITE,
                file, file_environment(file), Reversibility.IRREVERSIBLE, via="shell",
                span=self.span(state, redir.start, redir.end), notes=(why,),
            )
        )  # fmt: skip
        self.world.changed = True
        sink = Sink(state.conditions)
        for one in (1, 2) if fd == -1 else (fd,):
            self.output(one, sink, state)

    def resource(self, word: Word, state: State) -> Resource:
        """What a redirection's file is."""
        name = word.text if word.text is not None else word.prefix
        glob = word.glob or word.text is None
        process = _OF_A_PROCESS.fullmatch(word.source) if word.text is None else None
        path = f"/proc/*{process[1]}" if process else name if word.text is not None else name + "*"
        found = file_resource(path, self.setting, self.around(state), cwd=state.cwd, directory=False, glob=glob)
        return remote(found, state)

    def environment(self, resource: Resource, state: State) -> Environment:
        if state.place.remote:
            from interlock.effects.environments import environment_of

            return environment_of("host", state.place.remote, self.setting)
        return file_environment(resource, self.setting)

    def opened(self, redir: Redir, word: Word, state: State) -> Stdin:
        """`< file`: the effect of reading it, and its content where known."""
        resource = self.resource(word, state)
        if labels.DEVICE_NULL in resource.labels and not (word.text or "").startswith("/dev/fd/"):
            return Stdin(present=(word.text or "") != "/dev/stdin", text="" if word.text == "/dev/null" else None)
        path = self.path(word, state)
        stream = path is not None and path.startswith("/dev/fd/")
        taint = set(self.world.taint(path)) if path is not None else set()
        if not stream:
            taint.add(labels.FROM_SECRET if labels.SECRET in resource.labels else labels.FROM_FILE)
            self.add(
                Effect(
                    Verb.READ, resource, self.environment(resource, state), via="shell",
                    span=self.span(state, redir.start, redir.end),
                )
            )  # fmt: skip
        text = None
        if path is not None and not state.place.remote:
            text = self.world.text(path)
            if text is not None and path not in self.world.written:
                self.operands[path] = None
        listed = self.world.listings.get(path, ()) if text is None and path is not None else ()
        return Stdin(present=True, text=text, path=word, taint=tuple(sorted(taint)), listed=listed)

    def path(self, word: Word, state: State) -> str | None:
        """The absolute path that a word names."""
        if word.text is None or word.glob:
            return None
        found = absolute(word.text, self.setting, cwd=state.cwd)
        return None if found is None else normal(found)

    def read_file(self, redir: Redir, state: State) -> tuple[str | None, tuple[str, ...]]:
        word = self.target(redir.target, state)
        if word.text is None:
            self.unknown_target(redir, word, 0, True, state)
            return None, (labels.FROM_FILE,)
        stdin = self.opened(redir, word, state)
        return stdin.text, stdin.taint

    def opened_to_write(self, redir: Redir, word: Word, fd: int, state: State, written: list[Written]) -> None:
        if word.text in ("/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd/1", "/dev/fd/2"):
            sink = state.err if word.text in ("/dev/stderr", "/dev/fd/2") else state.out
            for one in (1, 2) if fd == -1 else (fd,):
                self.output(one, TERMINAL if word.text == "/dev/tty" else sink, state)
            return
        resource = self.resource(word, state)
        if labels.DEVICE_NULL in resource.labels:
            for one in (1, 2) if fd == -1 else (fd,):
                self.output(one, TERMINAL, state)
            return
        path = self.path(word, state)
        sink = Sink(state.conditions, path=path or "")
        if redir.op in (">>", "&>>", "<>"):
            verb = Verb.WRITE
        else:
            here = path is not None and not state.place.remote and resource.kind is not Kind.DEVICE
            verb = Verb.CREATE if here and path is not None and self.world.kind(path) is None else Verb.OVERWRITE
        file = Written(word, resource, verb, sink, redir)
        written.append(file)
        if path is not None and not state.place.remote:
            there = self.world.kind(path) is not None
            file.made = path in self.world.fresh
            file.fresh = file.made or absent(path, self.world)
            if file.append and there:
                file.before = self.world.text(path)
            if verb is not Verb.WRITE or not there:
                # The file is there, and empty, from the moment the command starts.
                self.world.write(path, None if state.conditions else "", (), append=False)
            sink.world = self.world
        for one in (1, 2) if fd == -1 else (fd,):
            self.output(one, sink, state)

    def settle(self, written: list[Written], state: State) -> None:
        """The command is over: what it wrote is known."""
        for file in written:
            taint = tuple(sorted(file.sink.taint))
            undo = self.undo(file, state)
            span = self.span(state, file.start, file.end)
            where = self.environment(file.resource, state)
            resource = self.left(file, state)
            self.add(Effect(file.verb, resource, where, undo, taint=taint, via="shell", span=span))
            if state.place.remote:
                continue
            if file.word.text is None:
                self.world.changed = True
            else:
                path = self.path(file.word, state) or file.path
                text = file.sink.joined() if not state.conditions else None
                if file.append:
                    taint = tuple(sorted(set(taint) | set(self.world.taint(path))))
                    text = None if text is None or file.before is None else file.before + text
                self.world.write(path, text, taint, append=False)
                if text is None:
                    self.world.unread.add(path)
                else:
                    self.world.unread.discard(path)

    def left(self, file: Written, state: State) -> Resource:
        """The file as it stands after a redirection: marked where it held something, and now holds nothing."""
        text = file.sink.joined()
        if file.verb is Verb.WRITE or text is None or text.strip() or state.place.remote:
            return file.resource
        if file.path.endswith("/__init__.py"):  # the one file of code that is empty by custom
            return file.resource
        if (file.fresh and not _code(file)) or regenerable(file.resource, self.setting):
            return file.resource
        marked = tuple(sorted({*file.resource.labels, labels.EMPTIED}))
        return msgspec.structs.replace(file.resource, labels=marked)

    def undo(self, file: Written, state: State) -> Reversibility:
        """Who can bring back what a redirection overwrote: the same answer as for the agent's own Write tool."""
        if state.place.remote:
            return Reversibility.IRREVERSIBLE
        if file.verb is not Verb.OVERWRITE:
            return Reversibility.REVERSIBLE
        near = labels.WORKSPACE in file.resource.labels or labels.SCRATCH in file.resource.labels
        return Reversibility.RECOVERABLE if near else Reversibility.IRREVERSIBLE

    # -- network

    def network(self, redir: Redir, word: Word, fd: int, reads: bool, state: State) -> None:
        """`/dev/tcp/host/port`: bash itself connects."""
        name = word.text if word.text is not None else word.prefix
        parts = name.split("/")
        host = ":".join(part for part in parts[3:5] if part) or word.source
        resource = remote(host_resource(host, self.setting), state)
        environment = host_environment(resource, self.setting)
        span = self.span(state, redir.start, redir.end)
        if reads:
            self.add(Effect(Verb.FETCH, resource, environment, via="shell", span=span))
            if redir.fd in (None, 0):
                state.source = Source(Stdin(present=True, taint=(labels.FROM_NETWORK,)))
        if not reads or redir.op == "<>":
            sink = Sink(state.conditions, host=host)
            self.add(Effect(Verb.SEND, resource, environment, Reversibility.IRREVERSIBLE, via="shell", span=span))
            self.sends.append((sink, resource, environment, span))
            for one in (1, 2) if fd == -1 else (fd,):
                if one == 0 and redir.op == "<>":
                    state.fds[0] = sink
                else:
                    self.output(one, sink, state)

    def sent(self) -> None:
        """At the end: what flowed into each connection."""
        for sink, resource, environment, span in self.sends:
            if sink.taint:
                taint = tuple(sorted(sink.taint))
                self.effects.pop(
                    Effect(Verb.SEND, resource, environment, Reversibility.IRREVERSIBLE, via="shell", span=span), None
                )
                self.add(
                    Effect(
                        Verb.SEND,
                        resource,
                        environment,
                        Reversibility.IRREVERSIBLE,
                        taint=taint,
                        via="shell",
                        span=span,
                    )
                )


def remote(resource: Resource, state: State) -> Resource:
    """The resource as it stands where the command runs."""
    extra = [labels.REMOTE] if state.place.remote else []
    if state.place.privileged:
        extra.append(labels.PRIVILEGED)
    if not extra:
        return resource
    return Resource(resource.kind, resource.name, tuple(sorted({*resource.labels, *extra})))


def _code(file: Written) -> bool:
    """Whether the name is one of written code: nobody makes such a file empty, one empties it when it is there."""
    stem, dot, suffix = file.path.rpartition("/")[2].rpartition(".")
    return not file.made and bool(dot and stem) and suffix in _CODE
