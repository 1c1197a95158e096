"""Reads a program from all its entries, and says which foreign values reach where they do harm."""

from __future__ import annotations

import ast
import gc
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from interlock.changes.taint import entries
from interlock.changes.taint.calls import MOST, Arguments, Call, TooLong
from interlock.changes.taint.harm import CONDITIONS, CONSTRUCTS
from interlock.changes.taint.program import Closure, Frame, Klass, Module, Program
from interlock.changes.taint.rules import EVERYTHING, Sink
from interlock.changes.taint.statements import Statements
from interlock.changes.taint.value import UNKNOWN, Box, Mark, Source, Step, Tag, Value, forked

_STEPS = 12  # places of a way that are shown


class Place(NamedTuple):
    """A line of the program."""

    path: str
    line: int
    text: str


class Flow(NamedTuple):
    """A way from a source to a sink; without a source it is a construct that is wrong whoever chose the values."""

    category: str
    kind: str  # the source's, or `construct`
    source: str
    path: str
    line: int
    function: str
    text: str
    way: tuple[Place, ...]


class Read(NamedTuple):
    """All flows, and what could not be read."""

    flows: list[Flow]
    problems: list[str]


def read(files: Mapping[str, str]) -> Read:
    """Read files together: path -> text. Never raises for what they hold."""
    collecting = gc.isenabled()
    gc.disable()  # trees are large and have no circles: looking for some takes longer than the reading
    try:
        return _read(Program(files))
    finally:
        if collecting:
            gc.enable()


def _read(program: Program) -> Read:
    reader = Reader(program)
    problems = list(program.problems)
    for module in program.modules.values():
        reader.left = MOST
        if said := _tried(partial(reader.loaded, module.path)):
            problems.append(f"{module.path}: {said}")
    problems += reader.entries()
    return Read(reader.flows(), problems)


def _tried(action: Callable[[], object]) -> str:
    """What kept the reader from following something; "" where nothing did. A fault of ours is not a clean program."""
    try:
        action()
    except (TooLong, RecursionError):
        return "too much to be followed"
    except Exception as error:  # noqa: BLE001 - see above
        return f"it could not be followed ({type(error).__name__}: {error})"[:200]
    return ""


class Reader(Statements):
    """The reader with its findings."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._found: dict[object, tuple[Flow, int]] = {}  # and the function that was read as an entry then
        self._entry = 0
        self._entered: set[int] = set()

    def flows(self) -> list[Flow]:
        """What was found, without what only a function's own parameters say where somebody at hand calls it."""
        kept = [f for f, entry in self._found.values() if f.kind != "parameter" or entry not in self.followed]
        return sorted(kept, key=lambda flow: (flow.path, flow.line, flow.category))

    def entries(self) -> list[str]:
        """Read every function that is called from outside, or by nobody at hand; problems with them."""
        problems: list[str] = []
        later: deque[tuple[Closure, Frame]] = deque()
        met = 0
        # Those that something routes to come first: what they call is read with what they give it. Reading one may
        # define others.
        while met < len(self.defined) or later:
            routed = met < len(self.defined)
            closure, frame = self.defined[met] if routed else later.popleft()
            met += routed
            if routed and not entries.routed(closure):
                later.append((closure, frame))
            elif routed or id(closure.node) not in self.followed:
                if id(closure.node) in self._entered:
                    continue
                self._entered.add(id(closure.node))
                if said := _tried(lambda: self._enter(closure, frame)):  # noqa: B023 - called at once
                    problems.append(f"{frame.module.path}: {closure.name}(): {said}")
        return problems

    def _enter(self, closure: Closure, frame: Frame) -> None:
        self.left, self._entry = MOST, id(closure.node)
        inner = Frame(frame.module, closure.name, Frame(frame.module, "", frame.outer, forked(frame.names)))
        inner.entry = True
        inner.page = entries.page(closure, frame.module)
        for name, kind in entries.parameters(closure, self.rules.requests).items():
            inner.names[name] = self._parameter(closure, name, kind, inner)
        self._stack.append(id(closure.node))
        try:
            self.body(closure, inner)
        finally:
            self._stack.pop()

    def _parameter(self, closure: Closure, name: str, kind: str, frame: Frame) -> Value:
        if kind == "own":
            owner = closure.owner or Klass("", [])
            start = owner.find("__init__")
            if start is not None and start.ref is closure:
                return Value(kind="self", box=Box(), ref=owner)
            return self.made(owner, Arguments([], {}))
        line = closure.node.lineno
        if kind == "request":
            return self.sourced(Value(kind="request"), frame, line)
        if not kind:
            return UNKNOWN
        text = "the request" if kind == "remote" else "a parameter"
        return Value(
            self.origin((kind, f"{name} of {text}" if kind == "remote" else f"the parameter {name}"), frame, line)
        )

    # ------------------------------------------------------------------ what does harm

    def judge(self, call: Call) -> None:
        """Report a call that does harm."""
        rules = self.rules
        sinks = rules.sinks.get(call.name)
        if sinks is None and call.method and (call.holder.ref is None or call.holder.ref.__class__ is ast.Call):
            sinks = rules.sink_methods.get(call.method)
        for sink in sinks or ():
            if sink.near is None or sink.near.search(call.frame.module.imports):
                self._sink(sink, call)
        if call.method in ("setFeature", "setProperty") and call.holder.box is not None:
            placed = call.arguments.placed
            if len(placed) > 1:
                call.holder.box.items[placed[0].kind or str((placed[0].consts or ("",))[0])] = placed[1]
        for sink in rules.constructs.get(call.name) or rules.construct_methods.get(call.method) or ():
            if CONSTRUCTS[sink.when](call):
                self._report(sink.category, None, call.node, call.frame)

    def _sink(self, sink: Sink, call: Call) -> None:
        for place in sink.at:
            value = call.holder if place == "self" else call.argument(place)
            if value is None:
                continue
            taints = CONDITIONS[sink.when](call, value) if sink.when else value.all()
            for source, mark in taints.items():
                if self._counts(sink, source, mark):
                    self._report(sink.category, (source, mark), call.node, call.frame)
        more = call.arguments.more
        if more is not None and more.taints and not sink.when and not call.arguments.placed:
            for source, mark in more.taints.items():
                if self._counts(sink, source, mark):
                    self._report(sink.category, (source, mark), call.node, call.frame)

    @staticmethod
    def _counts(sink: Sink, source: Source, mark: Mark) -> bool:
        if source.kind not in sink.sources or sink.category in mark.cleared or mark.cleared >= EVERYTHING:
            return False
        if source.kind == "parameter":
            return sink.parameters == "any" or (sink.parameters == "built" and Tag.BUILT in mark.cleared)
        return True

    def stored(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """A store: into a session or headers, or of what can be guessed under a name that must not be."""
        taints = value.all()
        if not taints:
            return
        name = _last(target)
        chance = [(source, mark) for source, mark in taints.items() if source.kind == "chance"]
        if chance and self.rules.guessable.search(name):
            for found in chance:
                self._report("chance", found, target, frame)
        if not isinstance(target, ast.Subscript):
            return
        kind = self.value(target.value, frame).kind
        for store in self.rules.stores if kind else ():
            if store.names.fullmatch(kind):
                for source, mark in taints.items():
                    if source.kind == "chance" and store.category == "trust":
                        self._report("chance", (source, mark), target, frame)
                    elif source.kind in ("remote", "local") and store.category not in mark.cleared:
                        self._report(store.category, (source, mark), target, frame)

    def returned(self, node: ast.Return, value: Value, frame: Frame) -> None:
        """What is sent as a page."""
        if not frame.page:
            return
        if value.box is not None:
            if not value.box.listed or not isinstance(node.value, ast.Tuple):
                return
            value = value.box.items.get(0, UNKNOWN)
        if value.kind.endswith(("esponse()", "redirect()", "send_file()", "send_from_directory()", "jsonify()")):
            return
        for source, mark in value.taints.items():
            if source.kind == "remote" and not mark.cleared & {"xss", Tag.WHOLE, Tag.ALL}:
                self._report("xss", (source, mark), node, frame)

    def _report(self, category: str, found: tuple[Source, Mark] | None, node: ast.AST, frame: Frame) -> None:
        line: int = getattr(node, "lineno", 0)
        module = frame.module
        source = found[0] if found else None
        key = (category, module.path, line, getattr(node, "col_offset", 0), source)
        if key in self._found:
            return
        way = tuple(self._way(found, module, line)) if found else ()
        flow = Flow(
            category, source.kind if source else "construct", source.text if source else "", module.path, line,
            frame.function, module.line(line), way,
        )  # fmt: skip
        self._found[key] = (flow, self._entry)

    def _way(self, found: tuple[Source, Mark], module: Module, line: int) -> list[Place]:
        places: list[tuple[str, int]] = [(module.path, line)]
        step: Step | None = found[1].step
        while step is not None and len(places) < 200:
            if (step.path, step.line) != places[-1]:
                places.append((step.path, step.line))
            step = step.before
        places.reverse()
        if len(places) > _STEPS:
            places = [*places[: _STEPS // 2], *places[-_STEPS // 2 :]]
        modules = self.program.modules
        return [Place(path, at, modules[path].line(at)) for path, at in places]


def _last(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return ""
