"""What an expression is, given what the names in it are."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from interlock.changes.taint import folding
from interlock.changes.taint.program import Bound, Closure, Frame, Klass, Module, Program
from interlock.changes.taint.rules import Rules, rules
from interlock.changes.taint.value import (
    UNKNOWN,
    Box,
    Mark,
    Source,
    Step,
    Tag,
    Taints,
    Value,
    cleared,
    constant,
    joined,
    merged,
)

_BUILT = frozenset({Tag.BUILT})
_WHOLE = frozenset({Tag.WHOLE})
_LOG = frozenset({"log", "header"})
_LONGEST = 160  # characters of a dotted name
_CONVERSION = re.compile(r"%(?:\([^)]*\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?([a-zA-Z%])")
_BOTH = (constant(False), constant(True))


class Expressions(ABC):
    """Expressions. What is called is in `calls`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rules: Rules = rules()
        self._table: dict[type[ast.expr], Callable[[Any, Frame], Value]] = {
            ast.Constant: self._constant, ast.Name: self._name, ast.Attribute: self._attribute, ast.Call: self.call,
            ast.BinOp: self._binary, ast.JoinedStr: self._joined, ast.FormattedValue: self._formatted,
            ast.Subscript: self._subscript, ast.Compare: self._compare, ast.BoolOp: self._logic,
            ast.IfExp: self._choice, ast.Dict: self._dict, ast.List: self._list, ast.Tuple: self._list,
            ast.Set: self._set, ast.UnaryOp: self._unary, ast.NamedExpr: self._walrus, ast.Await: self._inner,
            ast.Starred: self._inner, ast.Lambda: self._lambda, ast.ListComp: self._comprehended,
            ast.SetComp: self._comprehended, ast.GeneratorExp: self._comprehended, ast.DictComp: self._comprehended,
            ast.Yield: self._yielded, ast.YieldFrom: self._inner,
        }  # fmt: skip
        self._builtins: dict[str, Value] = {}

    def value(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an expression."""
        return self._table.get(type(node), self._other)(node, frame)

    @abstractmethod
    def call(self, node: ast.Call, frame: Frame) -> Value:
        """The value of a call: see `calls`."""

    @abstractmethod
    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Give a target a value: see `statements`."""

    @abstractmethod
    def refine(self, test: ast.expr, frame: Frame, truth: bool) -> None:
        """What is known once a condition held, or did not: see `conditions`."""

    # ------------------------------------------------------------------ names

    def _constant(self, node: ast.Constant, _frame: Frame) -> Value:
        return constant(node.value)

    def _name(self, node: ast.Name, frame: Frame) -> Value:
        name = node.id
        scope: Frame | None = frame
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found if found.taints or not found.kind else self.sourced(found, frame, node.lineno)
            scope = scope.outer
        known = self._builtins.get(name)
        if known is None:
            known = self._builtins[name] = Value(kind=name)
        return self.sourced(known, frame, node.lineno)

    def sourced(self, value: Value, frame: Frame, line: int) -> Value:
        """The value, with a source of its own where its dotted name is one's."""
        found = self.rules.sources.get(value.kind)
        if found is None:
            return value
        return value.but(merged((value.taints, self.origin(found, frame, line))))

    def origin(self, source: tuple[str, str], frame: Frame, line: int) -> Taints:
        """Taints of one source that comes in at a line."""
        path = frame.module.path
        return {Source(source[0], source[1], path, line): Mark(frozenset(), Step(path, line, "", None))}

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        return self.member(self.value(node.value, frame), node.attr, frame, node.lineno)

    def member(self, holder: Value, name: str, frame: Frame, line: int) -> Value:
        """An attribute of a value."""
        if holder.ref is not None:
            found = self._own(holder, name)
            if found is not None:
                return found
        elif holder.box is not None and not holder.box.listed and name in holder.box.items:
            return holder.box.items[name]
        kind = f"{holder.kind}.{name}"
        if len(kind) > _LONGEST:
            kind = f".{name}"
        taints = holder.taints
        if taints:
            clears = self.rules.clean_attributes.get(name)
            if holder.kind in self.rules.requests:
                if name in self.rules.request_safe:
                    return Value(kind=kind)
                if name in self.rules.request_whole:
                    taints = cleared(taints, _WHOLE)
            elif clears and holder.kind.startswith(("pathlib.", "werkzeug.")):
                taints = cleared(taints, clears)
        if kind in self.rules.sources:
            return self.sourced(Value(taints, kind=kind), frame, line)
        return Value(taints, kind=kind)

    @staticmethod
    def _own(holder: Value, name: str) -> Value | None:
        ref = holder.ref
        if isinstance(ref, Module):
            return ref.frame.names.get(name) if ref.frame else None
        if not isinstance(ref, Klass):
            return None
        if holder.box is not None and name in holder.box.items:
            return holder.box.items[name]
        found = ref.find(name)
        if found is not None and isinstance(found.ref, Closure) and holder.box is not None:
            return Value(kind=found.kind, ref=Bound(found.ref, holder))
        return found

    # ------------------------------------------------------------------ texts

    def text(self, parts: list[Value]) -> Value:
        """Parts that are put together to one text."""
        taints = merged(part.all() for part in parts)
        if taints and any(part.consts != ("",) and not part.all() for part in parts):
            taints = cleared(taints, _BUILT)
        begins, whole = "", True
        for part in parts:
            if len(part.consts) == 1 and isinstance(part.consts[0], str | int):
                begins += str(part.consts[0])
                continue
            whole = False
            begins += part.prefix
            break
        return Value(taints, (begins[:4_000],)) if whole else Value(taints, prefix=begins[:120])

    def _joined(self, node: ast.JoinedStr, frame: Frame) -> Value:
        return self.text([self.value(part, frame) for part in node.values])

    def _formatted(self, node: ast.FormattedValue, frame: Frame) -> Value:
        inner = self.value(node.value, frame)
        if node.conversion in (114, 97):  # !r, !a
            return Value(cleared(inner.all(), _LOG))
        if node.format_spec is not None:
            spec = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
            said = spec[0].value if len(spec) == 1 and isinstance(spec[0], ast.Constant) else ""
            if isinstance(said, str) and said.endswith(("d", "x", "f", "e", "g", "b", "o", "%", "X")):
                return UNKNOWN
        return inner

    def percent(self, left: Value, right: Value) -> Value:
        """`left % right`, where `left` is a text."""
        parts = list(right.box.items.values()) if right.box is not None and right.box.items else [right]
        template = left.begins
        taken = [m[1] for m in _CONVERSION.finditer(template) if m[1] != "%"]
        exact = len(left.consts) == 1 and len(taken) == len(parts) and right.box is not None
        pieces: list[Value] = [Value(left.taints, prefix=template.partition("%")[0])]
        for number, part in enumerate(parts):
            sign = taken[number] if exact else (taken[0] if len(set(taken)) == 1 and left.consts else "s")
            if sign in "di" + "fFeEgGxXoc":
                continue
            pieces.append(Value(cleared(part.all(), _LOG)) if sign in "ra" else part)
        found = self.text(pieces)
        return Value(found.taints if not template else cleared(found.taints, _BUILT), prefix=pieces[0].prefix)

    def _binary(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        return self.combined(type(node.op), left, right)

    def combined(self, kind: type[ast.operator], left: Value, right: Value) -> Value:
        """What an operator makes of two values."""
        if len(left.consts) == 1 and len(right.consts) == 1 and not (left.taints or right.taints):
            try:
                return constant(folding.binary(kind, left.consts[0], right.consts[0]))
            except folding.Unfolded:
                pass
        if kind is ast.Add:
            if left.box is not None or right.box is not None:
                return _chained(left, right)
            return self.text([left, right])
        if kind is ast.Mod and (left.prefix or any(isinstance(word, str) for word in left.consts) or right.taints):
            return self.percent(left, right)
        if kind is ast.Div:
            found = self.text([left, right])
            return Value(found.taints, prefix=found.begins, kind="pathlib.Path()" if found.taints else "")
        if kind is ast.Mult:
            return Value(merged((left.all(), right.taints)), prefix=left.begins)
        if kind is ast.BitOr:
            return joined(left, right)
        return UNKNOWN

    # ------------------------------------------------------------------ containers

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        whole = self.value(node.value, frame)
        if isinstance(node.slice, ast.Slice):
            return self._sliced(whole, node.slice, frame)
        key = self.value(node.slice, frame)
        if whole.box is not None:
            found = whole.box.get(key)
            return found if not whole.taints else joined(found, Value(whole.taints))
        if len(whole.consts) == 1 and len(key.consts) == 1 and not whole.taints:
            try:
                return constant(folding.item(whole.consts[0], key.consts[0]))
            except folding.Unfolded:
                return UNKNOWN
        return self.sourced(Value(whole.taints, kind=f"{whole.kind}[]" if whole.kind else ""), frame, node.lineno)

    def _sliced(self, whole: Value, cut: ast.Slice, frame: Frame) -> Value:
        ends = [
            self.value(end, frame) if end is not None else constant(None) for end in (cut.lower, cut.upper, cut.step)
        ]
        box = whole.box
        if box is not None:
            known = all(len(end.consts) == 1 for end in ends)
            if box.listed and box.rest is None and known:
                kept = list(box.items.values())[slice(*(end.consts[0] for end in ends))]
                return Value(whole.taints, box=Box(dict(enumerate(kept)), listed=True))
            return Value(whole.taints, box=Box(rest=box.anything(), listed=True))
        if len(whole.consts) == 1 and all(len(end.consts) == 1 for end in ends):
            try:
                return Value(whole.taints, (folding.item(whole.consts[0], slice(*(end.consts[0] for end in ends))),))
            except folding.Unfolded:
                pass
        return Value(whole.taints, kind=whole.kind)

    def _dict(self, node: ast.Dict, frame: Frame) -> Value:
        box = Box()
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.value(item, frame)
            if key is None:
                if value.box is not None:
                    box.items.update(value.box.items)
                    box.rest = joined(box.rest, value.box.rest) if value.box.rest else box.rest
                elif value.taints:
                    box.rest = joined(box.rest, value)
            else:
                box.put(self.value(key, frame), value)
        return Value(box=box)

    def _list(self, node: ast.List | ast.Tuple, frame: Frame) -> Value:
        box = Box(listed=True)
        for item in node.elts:
            value = self.value(item, frame)
            if isinstance(item, ast.Starred):
                if value.box is not None and value.box.listed and value.box.rest is None:
                    for inner in value.box.items.values():
                        box.append(inner)
                else:
                    box.rest = joined(box.anything(), Value(value.all()))
                    box.items = {}
            else:
                box.append(value)
        return Value(box=box)

    def _set(self, node: ast.Set, frame: Frame) -> Value:
        found: Value | None = None
        box = Box()
        for item in node.elts:
            found = joined(found, self.value(item, frame))
        box.rest = found
        if all(isinstance(item, ast.Constant) for item in node.elts):
            box.rest = UNKNOWN
        return Value(box=box)

    def _comprehended(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame) -> Value:
        inner = Frame(frame.module, frame.function, frame)
        for part in node.generators:
            self.bind(part.target, self.each(self.value(part.iter, inner)), inner)
            for test in part.ifs:
                self.value(test, inner)
                self.refine(test, inner, True)
        if isinstance(node, ast.DictComp):
            key = self.value(node.key, inner)
            return Value(box=Box(rest=joined(self.value(node.value, inner), Value(key.taints))))
        return Value(box=Box(rest=self.value(node.elt, inner), listed=True))

    @staticmethod
    def each(whole: Value) -> Value:
        """What a loop over a value gets."""
        if whole.box is None:
            return Value(whole.taints)
        if whole.box.listed or whole.box.rest is not None:
            return joined(whole.box.anything(), Value(whole.taints)) if whole.taints else whole.box.anything()
        keys: Value | None = None
        for key in whole.box.items:
            keys = joined(keys, constant(key))
        return keys or Value(whole.taints)

    # ------------------------------------------------------------------ choices

    def truth(self, node: ast.expr, frame: Frame) -> bool | None:
        """Whether a condition holds, where that is known."""
        found = self.value(node, frame)
        if found.taints or not found.consts:
            return None
        said = {bool(word) for word in found.consts}
        return said.pop() if len(said) == 1 else None

    def _compare(self, node: ast.Compare, frame: Frame) -> Value:
        left = self.value(node.left, frame)
        held: bool | None = True
        for kind, side in zip(node.ops, node.comparators, strict=True):
            right = self.value(side, frame)
            now = _related(type(kind), left, right)
            held = None if now is None or held is None else held and now
            left = right
        return UNKNOWN if held is None else _BOTH[held]

    def _logic(self, node: ast.BoolOp, frame: Frame) -> Value:
        stops = isinstance(node.op, ast.Or)
        found: Value | None = None
        for part in node.values:
            value = self.value(part, frame)
            known = {bool(word) for word in value.consts} if value.consts and not value.taints else set()
            if known == {not stops} and part is not node.values[-1]:
                continue
            found = joined(found, value)
            if known == {stops}:
                break
        return found or UNKNOWN

    def _choice(self, node: ast.IfExp, frame: Frame) -> Value:
        held = self.truth(node.test, frame)
        if held is not None:
            return self.value(node.body if held else node.orelse, frame)
        sides = []
        for branch, truth in ((node.body, True), (node.orelse, False)):
            inner = Frame(frame.module, frame.function, frame)
            self.refine(node.test, inner, truth)
            sides.append(self.value(branch, inner))
        return joined(sides[0], sides[1])

    def _unary(self, node: ast.UnaryOp, frame: Frame) -> Value:
        inner = self.value(node.operand, frame)
        if inner.taints or len(inner.consts) != 1:
            return UNKNOWN
        word = inner.consts[0]
        if isinstance(node.op, ast.Not):
            return _BOTH[not word]
        if isinstance(node.op, ast.USub) and isinstance(word, int | float):
            return constant(-word)
        return UNKNOWN

    # ------------------------------------------------------------------ others

    def _walrus(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.value(node.value, frame)
        self.bind(node.target, value, frame)
        return value

    def _inner(self, node: ast.Await | ast.Starred | ast.YieldFrom, frame: Frame) -> Value:
        return self.value(node.value, frame)

    def _yielded(self, node: ast.Yield, frame: Frame) -> Value:
        if node.value is not None:
            box = frame.returned.box if frame.returned is not None and frame.returned.box else Box(listed=True)
            box.rest = joined(box.rest, self.value(node.value, frame))
            frame.returned = Value(box=box)
        return UNKNOWN

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return Value(ref=Closure(node, frame))

    def _other(self, node: ast.expr, frame: Frame) -> Value:
        return Value(
            merged(
                self.value(child, frame).all() for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)
            )
        )


def _chained(left: Value, right: Value) -> Value:
    one, other = left.box, right.box
    exact = one is not None and other is not None and one.listed and other.listed and not (one.rest or other.rest)
    if exact and one is not None and other is not None:
        return Value(box=Box(dict(enumerate([*one.items.values(), *other.items.values()])), listed=True))
    parts = [side.box.anything() if side.box is not None else Value(side.taints) for side in (left, right)]
    return Value(box=Box(rest=joined(parts[0], parts[1]), listed=True))


def _related(kind: type[ast.cmpop], left: Value, right: Value) -> bool | None:
    if left.taints or right.taints or not left.consts:
        return None
    if right.box is not None:
        if kind not in (ast.In, ast.NotIn) or right.box.rest is not None:
            return None
        held = right.box.items.values() if right.box.listed else [constant(key) for key in right.box.items]
        if not all(len(item.consts) == 1 and not item.taints for item in held):
            return None
        words: tuple[Any, ...] = (tuple(item.consts[0] for item in held),)
    else:
        words = right.consts
    said = set()
    for one in left.consts:
        for other in words:
            try:
                said.add(folding.compared(kind, one, other))
            except folding.Unfolded:
                return None
    return said.pop() if len(said) == 1 else None
