"""From words as written to the words a program receives: every expansion of bash, in bash's order.

Braces, tilde, parameters, substitutions and arithmetic, splitting, globs, quote removal. What is not known stays an
unknown `Word` with the constant text it begins with, and `many` where it may stand for any number of words.
Source: bash 5.2 manual, 3.5.
"""

from __future__ import annotations

from abc import abstractmethod

import msgspec

from interlock.effects.invocation import Stdin, Word
from interlock.effects.shell import arith, globs, params
from interlock.effects.shell.braces import TooMany, expand_braces, has_braces
from interlock.effects.shell.core import MAX_VALUE, MAX_WORDS, Core
from interlock.effects.shell.fields import BREAK, VANISH, Field, Piece, separated
from interlock.effects.shell.state import EMPTY, NOTHING, UNKNOWN, Place, Sink, Source, State, Val, Var
from interlock.effects.shell.syntax import Arith, Lit, Param, Part, Proc, Redir, Sequence, Simple, Sub, WordNode
from interlock.model import labels

MAX_LEAVES = 64  # early ends of one line or function that are told apart


def _origin(node: WordNode, state: State) -> str:
    """What a variable that holds the number of a process was made from (`$!`), when nothing else stands in the word."""
    parts = [part for part in node.parts if not (isinstance(part, Lit) and not part.text)]
    only = parts[0] if len(parts) == 1 else None
    if not state.options or not isinstance(only, Param) or only.op:
        return ""
    start = f"from {only.name} "
    return next((mark[len(start) :] for mark in state.options if mark.startswith(start)), "")


class Expander(Core):
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

    def joined(self, pieces: list[Piece]) -> Val:
        field = Field()
        for piece in pieces:
            field.put(piece.value, quoted=True)
        taint = tuple(sorted(field.taint))
        if not field.known:
            return Val(None, field.prefix, taint)
        text = "".join(field.text)
        if len(text) > MAX_VALUE:
            self.exhausted("a value that is too long")
        return Val(text, taint=taint, glob=any(piece.value.glob for piece in pieces))

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

    # -- parameters

    def parameter(self, node: Param, state: State, out: list[Piece], *, splits: bool) -> None:
        if not node.op and node.index is None and not node.indirect:
            name = node.name
            if name in ("@", "*"):
                self.several(state.arguments, name == "@", node, state, out, splits=splits)
                return
            value = params.special(state, name)
            if value is None:
                value = self.look(state, name)
                if value is None:
                    value = params.unset_value(name)
            out.append(Piece(value, quoted=node.quoted, splits=splits))
            return
        self.elaborate(node, state, out, splits=splits)

    def several(
        self,
        items: tuple[Val, ...] | None,
        separate: bool,
        node: Param,
        state: State,
        out: list[Piece],
        *,
        splits: bool,
    ) -> None:
        """`$@`, `"$@"`, `$*`, `"$*"` and their array forms."""
        if items is None:
            var = state.variables.get(node.name)
            taint = var.value.taint if var is not None and var.value is not None else ()
            out.append(Piece(Val(None, taint=taint), quoted=False, splits=True))
            return
        if not separate and node.quoted:
            ifs = self.look(state, "IFS")
            known = ifs is not None and ifs.text is not None
            separator = Val(ifs.text[:1]) if known and ifs is not None and ifs.text is not None else UNKNOWN
            for index, item in enumerate(items):
                if index:
                    out.append(Piece(separator, quoted=True))
                out.append(Piece(item, quoted=True))
            if not items:
                out.append(Piece(EMPTY, quoted=True))
            return
        for index, item in enumerate(items):
            if index:
                out.append(BREAK)
            out.append(Piece(item, quoted=node.quoted, splits=splits))
        if not items and node.quoted:
            out.append(VANISH)

    def elaborate(self, node: Param, state: State, out: list[Piece], *, splits: bool) -> None:
        """Everything in `${…}` beyond the plain value."""
        name = node.name
        index = params.is_plain_index(node.index)
        if node.index is not None and index is None:
            self.joined(self.pieces(node.index, state))
        if node.indirect:
            resolved = self.indirect(node, state, index)
            if resolved is None:
                self.may_throw(state)
                out.append(Piece(UNKNOWN, quoted=node.quoted, splits=True))
                return
            name = resolved
        many = name in ("@", "*") or index in ("@", "*")
        if many and not node.op:
            items = params.elements(state, name, state.variables.get(name))
            self.several(items, "@" in (name, index), node, state, out, splits=splits)
            return
        if many:
            out.extend(self.each(node, name, state, splits=splits))
            return
        value = self.element(node, name, index, state)
        self.operated(node, name, value, state, out, splits=splits)

    def indirect(self, node: Param, state: State, index: str | None) -> str | None:
        if node.op == "@names" or index in ("@", "*"):
            return None
        pointer = params.special(state, node.name) or self.look(state, node.name)
        if pointer is None or pointer.text is None or not pointer.text.isidentifier():
            return None
        return pointer.text

    def each(self, node: Param, name: str, state: State, *, splits: bool) -> list[Piece]:
        """An operator on every item of a list: known item by item for slices and patterns."""
        items = params.elements(state, name, state.variables.get(name))
        if node.op == "#len":
            return [Piece(UNKNOWN if items is None else Val(str(len(items))), quoted=True)]
        out: list[Piece] = []
        if items is not None and node.op == ":":
            bounds = self.bounds(node, state)
            if bounds is not None:
                offset, length = bounds
                whole = (state.zero, *items) if name in ("@", "*") and offset == 0 else items
                start = offset - 1 if name in ("@", "*") and offset > 0 else offset
                stop = None if length is None else start + length
                if length is None or length >= 0:
                    self.several(whole[start:stop], True, node, state, out, splits=splits)
                    return out
        if items is not None and node.op in ("-", ":-", "+", ":+"):
            if bool(items) != ("+" in node.op):
                if items and "-" in node.op:
                    self.several(items, True, node, state, out, splits=splits)
                return out
            self.operand(node.arg or (), state, out, splits=splits)
            return out
        if items is not None and node.op[0] in "#%/^,":
            changed = tuple(self.pattern_operator(node, item, state) for item in items)
            self.several(changed, True, node, state, out, splits=splits)
            return out
        if node.arg is not None:
            self.joined(self.pieces(node.arg, state))
        return [Piece(UNKNOWN, quoted=False, splits=True)]

    def element(self, node: Param, name: str, index: str | None, state: State) -> Val | None:
        """The value that an operator works on; None when it may be unset."""
        value = params.special(state, name)
        if value is not None:
            unset = name.isdigit() and state.arguments is not None and int(name[:9]) > len(state.arguments)
            return None if unset else value
        if node.index is None:
            var = state.variables.get(name)
            if var is not None and var.value is None and var.items is None:
                return None
            return self.look(state, name)
        var = state.variables.get(name)
        if var is None or var.items is None or index is None or not index.isdigit():
            taint = var.value.taint if var is not None and var.value is not None else ()
            return Val(
                None,
                taint=tuple(sorted({*taint, *(label for item in (var and var.items) or () for label in item.taint)})),
            )
        at = int(index[:9])
        return var.items[at] if at < len(var.items) else None

    def operated(
        self, node: Param, name: str, value: Val | None, state: State, out: list[Piece], *, splits: bool
    ) -> None:
        op = node.op
        quoted = node.quoted
        if op in ("", "@Q", "@E", "@P", "@A", "@K", "@k", "@a", "@L", "@U", "@u"):
            result = value if value is not None else self.absent(name, state)
            if op == "@P":
                self.opaque(state, node.start, node.end, "a value expanded as a prompt, which can run commands")
            if op:
                result = Val(None, taint=result.taint)
            out.append(Piece(result, quoted=quoted, splits=splits))
        elif op.lstrip(":") in ("-", "=", "?", "+") and op != ":":
            self.default(node, name, value, state, out, splits=splits)
        elif op == "#len":
            known = value is not None and value.text is not None and not value.glob
            length = str(len(value.text)) if known and value is not None and value.text is not None else None
            out.append(Piece(Val(length), quoted=True))
        elif op == ":":
            bounds = self.bounds(node, state)
            base = value if value is not None else self.absent(name, state)
            result = Val(None, taint=base.taint) if bounds is None else params.substring(base, *bounds)
            out.append(Piece(result, quoted=quoted, splits=splits))
        else:
            base = value if value is not None else self.absent(name, state)
            out.append(Piece(self.pattern_operator(node, base, state), quoted=quoted, splits=splits))

    def absent(self, name: str, state: State) -> Val:
        """A variable without a known value: empty when the text unset it, else whatever the environment holds."""
        if name.isdigit() or name in state.variables:
            return EMPTY
        return params.unset_value(name)

    def default(
        self, node: Param, name: str, value: Val | None, state: State, out: list[Piece], *, splits: bool
    ) -> None:
        """`-`, `:-`, `=`, `:=`, `?`, `:?`, `+`, `:+`."""
        op, colon = node.op[-1], node.op.startswith(":")
        arg = node.arg or ()
        is_set: bool | None
        if value is None:
            is_set = False if name.isdigit() or name in state.variables else None
        elif value.text is None:
            is_set = None if colon and not value.prefix else True
        else:
            is_set = bool(value.text) or not colon
        if is_set is None:
            saved = state.maybe
            state.maybe += 1
            other = self.joined(self.pieces(arg, state, tilde=True, splits=False))
            state.maybe = saved
            known = value if value is not None else params.unset_value(name)
            # `${x:+word}` is the word or nothing: of x it says only whether it is set.
            taint = () if op == "+" else known.taint
            taint = tuple(sorted(set(taint) | (set(other.taint) if op != "?" else set())))
            if op == "=":
                state.variables[name] = Var(Val(None, taint=taint))
            out.append(Piece(Val(None, taint=taint), quoted=node.quoted, splits=splits))
            return
        if op == "+":
            if is_set:
                self.operand(arg, state, out, splits=splits)
            return
        if is_set:
            out.append(Piece(value or EMPTY, quoted=node.quoted, splits=splits))
            return
        if op == "?":
            self.joined(self.pieces(arg, state))
            state.ended = state.ended or "exit"
            out.append(Piece(UNKNOWN, quoted=node.quoted, splits=splits))
            return
        if op == "=":
            value = self.joined(self.pieces(arg, state, tilde=True, splits=False))
            old = state.variables.get(name)
            state.variables[name] = Var(value, exported=bool(old and old.exported))
            out.append(Piece(value, quoted=node.quoted, splits=splits))
            return
        self.operand(arg, state, out, splits=splits)

    def may_throw(self, state: State) -> None:
        """An expansion that may fail (`${!x}` of no name, `$((` of no number) and take the rest of its line with it."""
        if len(state.leaves) < MAX_LEAVES:
            thrown = state.fork()
            thrown.ended = "error"
            state.leaves.append(thrown)

    def operand(self, parts: tuple[Part, ...], state: State, out: list[Piece], *, splits: bool) -> None:
        """The word after `:-` or `:+` in the place of the value: its unquoted text is split like one."""
        for piece in self.pieces(parts, state, tilde=True, splits=splits):
            if splits and not piece.quoted and piece is not BREAK and piece is not VANISH:
                piece.splits = True
            out.append(piece)

    def pattern_operator(self, node: Param, value: Val, state: State) -> Val:
        pattern: params.Pieces | None = ()
        if node.arg is not None:
            pattern = self.pattern(node.arg, state)
        by = None
        if node.arg2 is not None:
            by = self.joined(self.pieces(node.arg2, state, tilde=True, splits=False))
        result = params.operate(node.op, value, pattern, by)
        if result.text is not None and len(result.text) > MAX_VALUE:
            self.exhausted("a value that is too long")
        return result

    def pattern(self, parts: tuple[Part, ...], state: State) -> params.Pieces | None:
        """The pieces of a pattern, None when a part of it is unknown."""
        out: list[tuple[str, bool]] = []
        for piece in self.pieces(parts, state, tilde=True, splits=False):
            if piece.value.text is None or piece.value.glob:
                return None
            out.append((piece.value.text, piece.quoted))
        return tuple(out)

    def bounds(self, node: Param, state: State) -> tuple[int, int | None] | None:
        """Offset and length of `${x:offset:length}`."""
        value = self.joined(self.pieces(node.arg or (), state, splits=False))
        if value.text is None or "?" in value.text:
            return None
        offset, colon, length = value.text.partition(":")
        try:
            look, store = self.arithmetic_variables(state)
            start = arith.compute(offset, look, store)
            return start, arith.compute(length, look, store) if colon else None
        except arith.NotConstant:
            return None

    # -- arithmetic

    def arithmetic(self, parts: tuple[Part, ...], state: State, start: int, end: int) -> Val:
        text = self.joined(self.pieces(parts, state, splits=False))
        if text.text is None:
            self.forget(text.prefix + "=" + "".join(p.text for p in parts if isinstance(p, Lit)), state)
            return Val(None, taint=text.taint)
        look, store = self.arithmetic_variables(state)
        try:
            return Val(str(arith.compute(text.text, look, store)), taint=text.taint)
        except arith.NotConstant:
            self.hidden_code(text.text, state, start, end)
            self.forget(text.text, state)
            return Val(None, taint=text.taint)

    def forget(self, expression: str, state: State) -> None:
        for name in arith.names_assigned(expression):
            old = state.variables.get(name)
            state.variables[name] = Var(UNKNOWN, exported=bool(old and old.exported))

    def hidden_code(self, expression: str, state: State, start: int, end: int) -> None:
        """bash evaluates subscripts inside values: `x='a[$(rm -rf /)]'; echo $((x))` runs the command."""
        values = [expression]
        kept = (var.value.text for var in state.variables.values() if var.value is not None)
        values.extend(text for text in kept if text is not None and "[" in text)
        if any("[" in value and ("$(" in value or "`" in value) for value in values):
            self.opaque(state, start, end, "arithmetic over text that holds a command substitution")

    def arithmetic_variables(self, state: State) -> tuple[arith.Look, arith.Store]:
        def look(name: str) -> str | None:
            value = self.look(state, name)
            return None if value is None or value.glob else value.text

        def store(name: str, number: int) -> None:
            old = state.variables.get(name)
            state.variables[name] = Var(Val(str(number)), exported=bool(old and old.exported))

        return look, store

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
            return Val(self.world.stream(sink.joined(), taint), taint=taint)
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
