"""What a call gives: of a function that is at hand, of one that the data names, of a container, of anything else.

A function at hand is followed with the values that it gets; what it gave for such values is kept (its summary). One
that is not at hand gives what its arguments and its object hold.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from typing import NamedTuple

from interlock.changes.taint import containers, folding
from interlock.changes.taint.expressions import Expressions
from interlock.changes.taint.patterns import only_outside
from interlock.changes.taint.program import Bound, Closure, Frame, Klass, Program
from interlock.changes.taint.rules import EVERYTHING, Named
from interlock.changes.taint.value import (
    UNKNOWN,
    Box,
    Tag,
    Taints,
    Value,
    cleared,
    constant,
    hashable,
    joined,
    merged,
    restored,
)

_DEEPEST = 6  # calls within calls that are followed
MOST = 12_000  # statements that are read from one entry
_ENOUGH = 6_000  # of these left, calls are still followed; below it they give what their arguments hold
_NORMAL = frozenset({Tag.PLAIN_PATH})
_WHOLE = frozenset({Tag.WHOLE})
_COPIES = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "copy.copy", "copy.deepcopy"})


class TooLong(Exception):
    """More statements than are read from one entry."""


class Arguments(NamedTuple):
    """What a call is given. `more`: what comes by `*` and `**` at places that are not known."""

    placed: list[Value]
    named: dict[str, Value]
    more: Value | None = None

    def all(self) -> Taints:
        """The taints of all."""
        values = [*self.placed, *self.named.values()]
        if self.more is not None:
            values.append(self.more)
        return merged(value.all() for value in values)


class Call(NamedTuple):
    """A call that may do harm, for conditions: its dotted name, the object and arguments."""

    node: ast.Call
    name: str
    method: str
    holder: Value
    arguments: Arguments
    frame: Frame

    def argument(self, *places: int | str) -> Value | None:
        """The first of these arguments that is given."""
        for place in places:
            if isinstance(place, str):
                if place in self.arguments.named:
                    return self.arguments.named[place]
            elif place < len(self.arguments.placed):
                return self.arguments.placed[place]
        return None


class Calls(Expressions):
    """Calls. What functions do inside is in `statements`."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.left = MOST
        self._stack: list[int] = []
        self._summaries: dict[object, Value] = {}
        self.followed: set[int] = set()

    @abstractmethod
    def body(self, closure: Closure, frame: Frame) -> Value:
        """Read a function in a frame that holds its arguments: see `statements`."""

    @abstractmethod
    def judge(self, call: Call) -> None:
        """Report a call that does harm: see `reader`."""

    def call(self, node: ast.Call, frame: Frame) -> Value:
        """The value of a call."""
        func = node.func
        if isinstance(func, ast.Attribute):
            method = func.attr
            if (
                isinstance(func.value, ast.Call)
                and isinstance(func.value.func, ast.Name)
                and func.value.func.id == "super"
            ):
                holder = self._above(frame)
            else:
                holder = self.value(func.value, frame)
            callee = self.member(holder, method, frame, node.lineno)
        else:
            holder, callee, method = UNKNOWN, self.value(func, frame), ""
        given = self._arguments(node, frame)
        call = Call(node, callee.kind, method, holder, given, frame)
        self.judge(call)
        if callee.ref is not None:
            found = self.follow(callee, given)
            if found is not None:
                return found
        return self._foreign(call)

    def _arguments(self, node: ast.Call, frame: Frame) -> Arguments:
        placed: list[Value] = []
        more: Value | None = None
        for item in node.args:
            value = self.value(item, frame)
            if isinstance(item, ast.Starred):
                if value.box is not None and value.box.listed and value.box.rest is None and more is None:
                    placed += value.box.items.values()
                else:
                    more = joined(more, Value(value.all()))
            else:
                placed.append(value)
        named = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, frame)
            if keyword.arg is not None:
                named[keyword.arg] = value
            elif value.box is not None and value.box.rest is None:
                named.update({key: item for key, item in value.box.items.items() if isinstance(key, str)})
            else:
                more = joined(more, Value(value.all()))
        return Arguments(placed, named, more)

    def _above(self, frame: Frame) -> Value:
        """`super()`: the object, seen as of its class's bases."""
        own = self.value(ast.Name("self", ast.Load(), lineno=1), frame)
        if not isinstance(own.ref, Klass):
            return UNKNOWN
        above = Klass(own.ref.name, own.ref.bases)
        return Value(own.taints, kind="super()", box=own.box, ref=above)

    # ------------------------------------------------------------------ what is at hand

    def follow(self, callee: Value, given: Arguments) -> Value | None:
        """What a function or class at hand gives; None where it is not followed."""
        ref = callee.ref
        if isinstance(ref, Klass):
            return self.made(ref, given)
        closure = ref.closure if isinstance(ref, Bound) else ref
        if not isinstance(closure, Closure) or id(closure.node) in self._stack or len(self._stack) >= _DEEPEST:
            return None
        if self.left < _ENOUGH and len(self._stack) > 1:
            return None
        if not isinstance(closure.node, ast.Lambda) and _property(closure.node):
            return None
        self.followed.add(id(closure.node))
        inner = Frame(closure.frame.module, closure.name, closure.frame)
        self._fill(closure, given, inner, ref.holder if isinstance(ref, Bound) else None)
        key = _signature(closure, inner)
        if key is not None and key in self._summaries:
            return self._summaries[key]
        self._stack.append(id(closure.node))
        try:
            found = self.body(closure, inner)
        finally:
            self._stack.pop()
        if key is not None and found.box is None:
            self._summaries[key] = found
        return found

    def made(self, klass: Klass, given: Arguments) -> Value:
        """An object of a class at hand."""
        kinds = klass.kinds()
        own = Value(
            kind="handler" if any("HTTPRequestHandler" in kind for kind in kinds) else "self", box=Box(), ref=klass
        )
        start = klass.find("__init__")
        if start is not None and isinstance(start.ref, Closure):
            self.follow(Value(ref=Bound(start.ref, own)), given)
            return own
        # A dataclass, a model, an enumeration: its fields are what it is given.
        fields = [name for name, value in klass.names.items() if not isinstance(value.ref, Closure)]
        box = own.box or Box()
        for name, value in zip(fields, given.placed, strict=False):
            box.items[name] = value
        box.items.update(given.named)
        rest = [*given.placed[len(fields) :], *([given.more] if given.more is not None else [])]
        taints = merged(value.all() for value in rest)
        return own.but(taints) if taints else own

    def _fill(self, closure: Closure, given: Arguments, inner: Frame, holder: Value | None) -> None:
        """Give the parameters their values."""
        spec = closure.node.args
        names = [argument.arg for argument in (*spec.posonlyargs, *spec.args)]
        placed = list(given.placed)
        static = not isinstance(closure.node, ast.Lambda) and any(
            isinstance(d, ast.Name) and d.id == "staticmethod" for d in closure.node.decorator_list
        )
        if holder is not None and not static:
            placed.insert(0, holder)
        elif closure.owner is not None and not static and names[:1] == ["self"] and len(placed) < len(names):
            placed.insert(0, Value(kind="self", box=Box(), ref=closure.owner))
        more = given.more or UNKNOWN
        defaults = dict(zip(reversed(names), reversed(spec.defaults), strict=False))
        for position, name in enumerate(names):
            if position < len(placed):
                inner.names[name] = placed[position]
            elif name in given.named:
                inner.names[name] = given.named[name]
            elif name in defaults and given.more is None:
                inner.names[name] = self.value(defaults[name], closure.frame)
            else:
                inner.names[name] = more
        for argument, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            own = self.value(default, closure.frame) if default is not None else more
            inner.names[argument.arg] = given.named.get(argument.arg, own)
        if spec.vararg is not None:
            box = Box(dict(enumerate(placed[len(names) :])), given.more, listed=True)
            inner.names[spec.vararg.arg] = Value(box=box)
        if spec.kwarg is not None:
            known = {*names, *(argument.arg for argument in spec.kwonlyargs)}
            rest: dict[object, Value] = {k: v for k, v in given.named.items() if k not in known}
            inner.names[spec.kwarg.arg] = Value(box=Box(rest, given.more))

    # ------------------------------------------------------------------ what is not

    def _foreign(self, call: Call) -> Value:
        """What a call gives that is not followed."""
        name, method, holder, given = call.name, call.method, call.holder, call.arguments
        kind = f"{name}()" if name and len(name) < 120 and name[0] != "." else ""
        if name == "socket.socket" and given.placed and given.placed[0].kind == "socket.AF_UNIX":
            return Value(kind="socket.unix()")
        if (found := containers.called(holder, method, given.placed, given.named)) is not None:
            return found
        if name in _COPIES and given.placed and given.placed[0].box is not None:
            box = given.placed[0].box
            return Value(given.placed[0].taints, box=Box(dict(box.items), box.rest, listed=box.listed))
        if (known := self._computed(call)) is not None:
            return known
        taints = merged((holder.all() if method else UNKNOWN.taints, given.all()))
        rules = self.rules
        source = rules.sources.get(kind) or (rules.source_methods.get(method) if holder.ref is None else None)
        if source is not None:
            whole = method in rules.request_whole
            fresh = self.origin(source, call.frame, call.node.lineno)
            return Value(merged((taints, cleared(fresh, _WHOLE) if whole else fresh)), kind=kind)
        if name in rules.opaque or (method in rules.opaque_methods and not name.startswith("re.")):
            return Value(kind=kind, box=_settings(call))
        if not taints:
            return Value(kind=kind, prefix=_begins(call), box=_settings(call))
        return Value(self._after(call, taints), kind=kind, prefix=_begins(call))

    def _computed(self, call: Call) -> Value | None:
        """Formatting, joining, and methods of constants."""
        holder, placed, method = call.holder, call.arguments.placed, call.method
        if method == "format" and (holder.consts or holder.prefix or holder.taints):
            first = Value(holder.taints, prefix=holder.begins.partition("{")[0])
            return self.text([first, *placed, *call.arguments.named.values()])
        if method == "join" and placed and call.name != "os.path.join":
            whole = placed[0]
            parts = (
                list(whole.box.items.values())
                if whole.box is not None and whole.box.rest is None
                else [self.each(whole)]
            )
            text = self.text([part for item in parts for part in (item, holder)][:-1])
            return Value(
                text.taints, text.consts if whole.box is not None and whole.box.rest is None else (), prefix=text.prefix
            )
        if method and len(holder.consts) == 1 and not holder.taints and all(len(v.consts) == 1 for v in placed):
            try:
                return constant(folding.method(method, holder.consts[0], [v.consts[0] for v in placed]))
            except folding.Unfolded:
                return None
        if call.name == "str" and len(placed) == 1 and len(placed[0].consts) == 1 and not placed[0].taints:
            return constant(str(placed[0].consts[0]))
        if call.name in ("os.path.join", "pathlib.Path", "pathlib.PurePath", "posixpath.join", "str") and placed:
            text = self.text(placed)
            clears = self.rules.clean.get(call.name)
            taints = cleared(text.taints, clears) if clears else text.taints
            return Value(taints, () if call.name != "str" else text.consts, prefix=text.begins, kind=f"{call.name}()")
        return None

    def _after(self, call: Call, taints: Taints) -> Taints:
        """Taints after a call that may make them harmless, or undo that."""
        rules, name, method = self.rules, call.name, call.method
        clears = rules.clean.get(name)
        if clears is None and call.holder.ref is None:
            clears = rules.clean_methods.get(method) or self._replaced(call)
        if name in rules.restore:
            return cleared(restored(taints), _WHOLE) if name.endswith("json.loads") else restored(taints)
        if name in rules.normal or method in rules.normal_methods:
            return cleared(taints, _NORMAL)
        if clears is None:
            clears = frozenset().union(*(one.clears for one in rules.named if _meant(one, call)))
        if clears >= EVERYTHING:
            return UNKNOWN.taints
        return cleared(taints, clears) if clears else taints

    def _replaced(self, call: Call) -> frozenset[str] | None:
        """What `.replace(what, by)` and `re.sub` with a class of harmless letters take out."""
        placed = call.arguments.placed
        if call.name == "re.sub" and placed and len(placed[0].consts) == 1:
            return EVERYTHING if only_outside(str(placed[0].consts[0])) else None
        if call.method == "replace" and len(placed) > 1 and len(placed[0].consts) == 1 and len(placed[1].consts) == 1:
            word = placed[0].consts[0]
            found = self.rules.absent.get(word) if isinstance(word, str) else None
            # Doubling a quote, or taking `../` out once, is what those who know get around.
            return None if found is None or word in ("..", "../", "//", "://", "<") else found - {"sql"}
        return None


def _meant(named: Named, call: Call) -> bool:
    func = call.node.func
    said = call.name or call.method or (func.id if isinstance(func, ast.Name) else "")
    if named.first is None:
        return bool(named.regex.search(said))
    words = call.arguments.placed[0].consts if call.arguments.placed else ()
    return bool(named.regex.search(said)) and bool(words) and all(named.first.search(str(word)) for word in words)


def _property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list)


def _settings(call: Call) -> Box | None:
    """The keywords of what makes a parser, where `conditions` asks for them later."""
    if not call.name.endswith(("Parser", "make_parser")):
        return None
    return Box(dict(call.arguments.named))


def _begins(call: Call) -> str:
    return call.holder.begins if call.method in ("strip", "lower", "rstrip", "lstrip") else ""


def _signature(closure: Closure, inner: Frame) -> object | None:
    """What a summary is kept under; None where a container comes in, whose changes are seen outside."""
    parts = []
    for value in inner.names.values():
        if value.box is not None or value.ref is not None or not all(hashable(word) for word in value.consts):
            return None
        parts.append((repr(value.consts), value.kind, value.prefix, frozenset(value.taints.items())))
    return id(closure.node), id(closure.frame), tuple(parts)
