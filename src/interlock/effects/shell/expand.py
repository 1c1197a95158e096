"""From words as written to the words a program receives: every expansion of bash, in bash's order.

Braces, tilde, parameters, substitutions and arithmetic, splitting, globs, quote removal. What is not known stays an
unknown `Word` with the constant text it begins with, and `many` where it may stand for any number of words.
Source: bash 5.2 manual, 3.5.
"""

from __future__ import annotations

from abc import abstractmethod

import msgspec

from interlock.effects.invocation import Stdin, Word
from interlock.effects.shell import globs
from interlock.effects.shell.braces import TooMany, expand_braces, has_braces
from interlock.effects.shell.core import MAX_VALUE, MAX_WORDS
from interlock.effects.shell.fields import BREAK, VANISH, Field, Piece, separated
from interlock.effects.shell.parameters import Parameters
from interlock.effects.shell.state import EMPTY, NOTHING, UNKNOWN, Place, Sink, Source, State, Val
from interlock.effects.shell.syntax import Arith, Lit, Param, Part, Proc, Redir, Sequence, Simple, Sub, WordNode
from interlock.model import labels


def _origin(node: WordNode, state: State) -> str:
    """What a variable that holds the number of a process was made from (`$!`), when nothing else stands in the word."""
    parts = [part for part in node.parts if not (isinstance(part, Lit) and not part.text)]
    only = parts[0] if len(parts) == 1 else None
    if not state.options or not isinstance(only, Param) or only.op:
        return ""
    start = f"from {only.name} "
    return next((mark[len(start) :] for mark in state.options if mark.startswith(start)), "")


class Expander(Parameters):
    """Expansion of words in a state. Substitutions are run as they are met, as bash does."""

    # -- whole words

    def words(self, nodes: tuple[WordNode, ...], state: State) -> tuple[Word, ...]:
        out: list[Word] = []
        for node in nodes:
            self.word(node, state, out)
        if len(out) > MAX_WORDS:
            self.exhausted(f"a command of more than {MAX_WORDS} words")
        return tuple(out)

    def word(self, node: WordNode, state: State, out: list[Word]) -> None:
        """Append the words that `node` stands for."""
        span = state.place.span or (node.start, node.end)
        if node.plain is not None:
            out.append(Word(node.plain, self.texts[-1][node.start : node.end], span, node.plain))
            return
        source = _origin(node, state) or self.texts[-1][node.start : node.end]
        variants = [node.parts]
        if has_braces(node.parts):
            try:
                variants = expand_braces(node.parts)
            except TooMany:
                self.opaque(state, node.start, node.end, "a brace expansion of too many words")
                out.append(Word(None, source, span, many=True))
                return
        for parts in variants:
            for field in self.fields(self.word_pieces(parts, state), state):
                out.extend(self.globbed(field, source, span, state))

    def word_pieces(self, parts: tuple[Part, ...], state: State) -> list[Piece]:
        """The pieces of an argument. One that looks like an assignment gets the tildes of one, as in bash."""
        first = parts[0] if parts else None
        if isinstance(first, Lit) and not first.quoted and "=" in first.text:
            name, _, rest = first.text.partition("=")
            if name.isidentifier() and any(isinstance(part, Lit) and "~" in part.text for part in parts):
                value = self.pieces((Lit(rest), *parts[1:]), state, tilde=True, colons=True)
                return [Piece(Val(name + "="), quoted=False), *value]
        return self.pieces(parts, state, tilde=True)

    def assigned(self, node: WordNode, state: State) -> Val:
        """The value of `name=word`: no splitting, and a tilde after a colon expands too."""
        if node.plain is not None:
            return Val(node.plain)
        return self.joined(self.pieces(node.parts, state, tilde=True, splits=False, colons=True))

    def one(self, node: WordNode | None, state: State) -> Val:
        """The value of a word where no splitting happens: assignments, `case`, here-strings."""
        if node is None:
            return EMPTY
        if node.plain is not None:
            return Val(node.plain)
        return self.joined(self.pieces(node.parts, state, tilde=True, splits=False))

    def target(self, node: WordNode, state: State) -> Word:
        """A redirection's target: one word."""
        out: list[Word] = []
        self.word(node, state, out)
        if len(out) == 1:
            return out[0]
        span = state.place.span or (node.start, node.end)
        return Word(None, self.texts[-1][node.start : node.end], span, many=True)

    # -- parts

    def pieces(
        self,
        parts: tuple[Part, ...],
        state: State,
        *,
        tilde: bool = False,
        splits: bool = True,
        colons: bool = False,
    ) -> list[Piece]:
        out: list[Piece] = []
        for index, part in enumerate(parts):
            if isinstance(part, Lit):
                text = part.text
                if tilde and not part.quoted and "~" in text:
                    last = index == len(parts) - 1
                    text = self.tildes(text, state, out, first=index == 0, last=last, colons=colons)
                out.append(Piece(Val(text), quoted=part.quoted))
            elif isinstance(part, Param):
                self.parameter(part, state, out, splits=splits and not part.quoted)
            elif isinstance(part, Sub):
                out.append(Piece(self.substitute(part, state), quoted=part.quoted, splits=splits and not part.quoted))
            elif isinstance(part, Arith):
                number = self.arithmetic(part.parts, state, part.start, part.end)
                if number.text is None:
                    self.may_throw(state)
                out.append(Piece(number, quoted=part.quoted))
            else:
                out.append(Piece(self.process(part, state), quoted=True))
        return out

    def tildes(self, text: str, state: State, out: list[Piece], *, first: bool, last: bool, colons: bool) -> str:
        """Expand the tildes at the front of a literal (and after its colons); returns what stands after the last."""
        segments = text.split(":") if colons else [text]
        if len(segments) > MAX_WORDS:
            self.exhausted("a value of too many parts")
        pending = ""
        for index, segment in enumerate(segments):
            if index:
                pending += ":"
            if segment.startswith("~") and (index or first):
                if pending:
                    out.append(Piece(Val(pending), quoted=False))
                alone = index < len(segments) - 1 or last
                pending = self.tilde(segment, state, out, alone=alone)
            else:
                pending += segment
        return pending

    def tilde(self, text: str, state: State, out: list[Piece], *, alone: bool) -> str:
        """Expand one leading tilde; returns the rest of the text."""
        name, slash, rest = text[1:].partition("/")
        if not slash and not alone:
            return text
        if not name or name == self.setting.user:
            home = self.look(state, "HOME") or UNKNOWN
        elif name == "+":
            home = Val(state.cwd)
        elif name == "-":
            home = Val(state.oldcwd)
        elif name == "root":
            home = Val("/root")
        elif name.replace("-", "").replace("_", "").replace(".", "").isalnum() and not name[0].isdigit():
            home = Val(f"/home/{name}")
        else:
            return text
        out.append(Piece(home, quoted=True))
        return slash + rest

    # -- substitutions

    def substitute(self, node: Sub, state: State) -> Val:
        """The output of `$( … )`, newlines at its end removed."""
        direct = self.file_content(node.body, state) if node.inside is None else None
        if direct is not None:
            return direct
        inner = state.subshell()
        sink = Sink(inner.conditions)
        inner.out = sink
        if node.inside is not None:
            self.texts.append(node.inside)
            inner.place = placed(inner.place, (node.start, node.end))
            self.nested(node.body, inner)
            self.texts.pop()
        else:
            self.nested(node.body, inner)
        text = sink.joined()
        taint = tuple(sorted(sink.taint))
        names = sink.listing()
        if len(names) == 1 and names[0].text is not None:  # each word of it is a name of this pattern
            return Val(names[0].text, taint=taint, glob=True)
        return Val(text.rstrip("\n"), taint=taint) if text is not None else Val(None, sink.prefix, taint)

    def nested(self, body: Sequence, state: State) -> None:
        self.nesting += 1
        if self.nesting > 2 * 32:
            self.exhausted("substitutions nested too deep")
        self.run(body, state)
        self.nesting -= 1

    def file_content(self, body: Sequence, state: State) -> Val | None:
        """`$(< file)`."""
        if len(body.items) != 1 or not isinstance(body.items[0][0], Simple):
            return None
        command = body.items[0][0]
        if command.words or command.assigns or len(command.redirs) != 1 or command.redirs[0].op != "<":
            return None
        text, taint = self.read_file(command.redirs[0], state)
        return Val(text.rstrip("\n") if text is not None else None, taint=taint)

    @abstractmethod
    def read_file(self, redir: Redir, state: State) -> tuple[str | None, tuple[str, ...]]:
        """Record the reading of a redirection's file; its text when known, and its taint."""

    def process(self, node: Proc, state: State) -> Val:
        """A process substitution: a path whose content is what the inner list writes."""
        inner = state.subshell()
        if node.reads:
            inner.source = NOTHING
            sink = Sink(inner.conditions)
            inner.out = sink
            self.nested(node.body, inner)
            taint = tuple(sorted(sink.taint))
            path = self.world.stream(sink.joined(), taint)
            self.world.listings[path] = sink.listing()
            return Val(path, taint=taint)
        inner.source = self.unknown_source()
        self.nested(node.body, inner)
        path = self.world.stream(None, ())
        return Val(path)

    def unknown_source(self) -> Source:
        return Source(Stdin(present=True, taint=(labels.FROM_UNKNOWN,)))

    # -- splitting and globbing

    def fields(self, pieces: list[Piece], state: State) -> list[Field]:
        """Field splitting. A word of only empty unquoted expansions is no word at all."""
        out: list[Field] = []
        field = Field()
        ifs: str | None = " \t\n"
        if any(piece.splits for piece in pieces) and "IFS" in state.variables:
            ifs = self.separators(state)
        for piece in pieces:
            if piece is BREAK:
                out.append(field)
                field.alive = True
                field = Field()
            elif piece is VANISH:
                if not all(other is VANISH or other.value.text == "" for other in pieces):
                    continue
                if len(pieces) == 1:
                    return []  # "$@" without arguments is no word at all
                field.known, field.many, field.alive = (
                    False,
                    True,
                    True,
                )  # with more quotes around: one empty word or none
            elif not piece.splits:
                field.put(piece.value, quoted=piece.quoted)
                if piece.quoted:
                    field.alive = True
            elif piece.value.text is None or ifs is None:
                field.put(Val(None, taint=piece.value.taint) if ifs is None else piece.value, quoted=False)
                field.many = True
            else:
                field = self.split(piece.value, ifs, field, out)
        if field.alive:
            out.append(field)
        return out

    def separators(self, state: State) -> str | None:
        """The value of IFS, None when not known; an unset IFS is the usual one."""
        var = state.variables["IFS"]
        if var.value is None and var.items is None:
            return " \t\n"
        value = self.look(state, "IFS")
        return None if value is None else value.text

    def split(self, value: Val, ifs: str, field: Field, out: list[Field]) -> Field:
        """Split one unquoted value; returns the field that what follows belongs to."""
        text = value.text or ""
        if not any(char in text for char in ifs):
            field.put(value, quoted=False)
            return field
        blanks = "".join(char for char in ifs if char in " \t\n")
        if len(text) > MAX_VALUE:
            self.exhausted("a value that is too long to be split")
        pieces = separated(text, blanks, "".join(char for char in ifs if char not in " \t\n"))
        for index, piece in enumerate(pieces):
            if index:
                if field.alive or field.text:
                    out.append(field)
                    field = Field()
                if len(out) > MAX_WORDS:
                    self.exhausted(f"a command of more than {MAX_WORDS} words")
            if piece is None:
                continue
            field.put(Val(piece, taint=value.taint, glob=value.glob), quoted=False)
            if not piece:
                field.alive = True
        return field

    def globbed(self, field: Field, source: str, span: tuple[int, int], state: State) -> list[Word]:
        """Pathname expansion of one field."""
        if field.glob and not globs.live(field.quoting):
            field.glob = False
        if not field.glob or not field.known:
            return [field.word(source, span)]
        if not self.world.changed and state.cwd is not None and not state.place.remote and "globs" not in state.options:
            deep = "**" in "".join(field.text)  # what that finds depends on an option of the shell
            names = None if deep else globs.expand(field.quoting, state.cwd, self.world)
            if names:  # a pattern that finds nothing yet stays one: it is judged by what it could find
                taint = tuple(sorted(field.taint))
                return [Word(name, source, span, name, taint, matched=True) for name in names]
        return [field.word(source, span)]


def placed(place: Place, span: tuple[int, int]) -> Place:
    """The place of a text that stands for `span` of the text around it."""
    if place.span is not None:
        return place
    return msgspec.structs.replace(place, span=span)
