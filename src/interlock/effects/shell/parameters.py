"""Parameters and arithmetic in words: `$x`, `${…}`, arrays, the positional ones, and `$((…))`.

Source: bash 5.2 manual, 3.4, 3.5.3 and 6.5.
"""

from __future__ import annotations

from abc import abstractmethod

from interlock.effects.shell import arith, params
from interlock.effects.shell.core import MAX_VALUE, Core
from interlock.effects.shell.fields import BREAK, VANISH, Field, Piece
from interlock.effects.shell.state import EMPTY, UNKNOWN, State, Val, Var
from interlock.effects.shell.syntax import Lit, Param, Part
from interlock.model import labels

MAX_LEAVES = 64  # early ends of one line or function that are told apart


class Parameters(Core):
    """What `$` stands for, in a state."""

    @abstractmethod
    def pieces(
        self,
        parts: tuple[Part, ...],
        state: State,
        *,
        tilde: bool = False,
        splits: bool = True,
        colons: bool = False,
    ) -> list[Piece]:
        """The parts of a word, expanded and not yet split."""

    def joined(self, pieces: list[Piece]) -> Val:
        """Pieces as one value, without splitting."""
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
                out.append(Piece(self.pointed(node, state, index), quoted=node.quoted, splits=True))
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

    def pointed(self, node: Param, state: State, index: str | None) -> Val:
        """`${!name}` where nobody knows which variable is meant: it may be any, with what the environment holds."""
        named = node.op == "@names" or index in ("@", "*") or not node.name.isidentifier()
        pointer = self.look(state, node.name) if not named else EMPTY
        return (
            UNKNOWN if pointer is not None and pointer.text is not None else Val(None, "", (labels.FROM_ENVIRONMENT,))
        )

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
