"""What statements do to names: one reading from the first to the last, both ways where a condition is not known."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from interlock.changes.taint.calls import TooLong
from interlock.changes.taint.conditions import Conditions
from interlock.changes.taint.program import Closure, Frame, Klass, Program, absolute
from interlock.changes.taint.value import (
    UNKNOWN,
    Box,
    Mark,
    Names,
    Step,
    Value,
    constant,
    forked,
    joined,
    merged,
    together,
)

_NESTED = 2  # loops within loops that are read twice


class Statements(Conditions):
    """Statements. Each action says whether what stands after it is reached."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.defined: list[tuple[Closure, Frame]] = []  # functions in the order they were met
        self._actions: dict[type[ast.stmt], Callable[[Any, Frame], bool]] = {
            ast.Assign: self._assign, ast.AnnAssign: self._annotated, ast.AugAssign: self._augmented,
            ast.Expr: self._expression, ast.Return: self._return, ast.If: self._if, ast.For: self._for,
            ast.AsyncFor: self._for, ast.While: self._while, ast.With: self._with, ast.AsyncWith: self._with,
            ast.Try: self._try, ast.TryStar: self._try, ast.Match: self._match, ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function, ast.ClassDef: self._class, ast.Import: self._import,
            ast.ImportFrom: self._import_from, ast.Raise: self._raise, ast.Break: self._leave,
            ast.Continue: self._leave, ast.Delete: self._delete, ast.Assert: self._assert,
        }  # fmt: skip

    @abstractmethod
    def stored(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Hear of a store into an attribute, a key or a name: see `reader`."""

    @abstractmethod
    def returned(self, node: ast.Return, value: Value, frame: Frame) -> None:
        """Hear of what a function returns: see `reader`."""

    def run(self, body: list[ast.stmt], frame: Frame) -> bool:
        """Read statements; whether their end is reached. Raises TooLong."""
        for node in body:
            self.left -= 1
            if self.left < 0:
                raise TooLong
            action = self._actions.get(type(node))
            if action is not None and not action(node, frame):
                return False
        return True

    def body(self, closure: Closure, frame: Frame) -> Value:
        """What a function gives."""
        node = closure.node
        if isinstance(node, ast.Lambda):
            return self.value(node.body, frame)
        self.run(node.body, frame)
        return frame.returned or UNKNOWN

    # ------------------------------------------------------------------ names

    def _assign(self, node: ast.Assign, frame: Frame) -> bool:
        value = self._stepped(self.value(node.value, frame), frame, node.lineno)
        if isinstance(node.value, ast.Call) and value.box is None and value.ref is None and _matches(node.value):
            value = Value(value.taints, kind=value.kind, ref=node.value)
        for target in node.targets:
            self.bind(target, value, frame)
        return True

    @staticmethod
    def _stepped(value: Value, frame: Frame, line: int) -> Value:
        """The value with this line on its way."""
        if not value.taints:
            return value
        path, taints = frame.module.path, {}
        for source, mark in value.taints.items():
            step = mark.step
            if step is None or step.line != line or step.path != path:
                mark = Mark(mark.cleared, Step(path, line, "", step))  # noqa: PLW2901 - the same mark, a step further
            taints[source] = mark
        return value.but(taints)

    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """Give a target a value."""
        if isinstance(target, ast.Name):
            frame.names[target.id] = value
            if value.taints:
                self.stored(target, value, frame)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpacked(target, value, frame)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, Value(value.all()), frame)
        elif isinstance(target, ast.Subscript):
            holder, key = self.value(target.value, frame), self.value(target.slice, frame)
            if holder.box is not None:
                holder.box.put(key, value)
            elif (value.all() or key.taints) and isinstance(target.value, ast.Name):
                fresh = Box()
                fresh.put(key, value)
                frame.names[target.value.id] = Value(holder.taints, kind=holder.kind, box=fresh, ref=holder.ref)
            self.stored(target, value if not key.taints else Value(merged((value.taints, key.taints))), frame)
        elif isinstance(target, ast.Attribute):
            holder = self.value(target.value, frame)
            if holder.box is not None:
                holder.box.put(constant(target.attr), value)
            elif isinstance(target.value, ast.Name):
                fresh = Box({target.attr: value})
                frame.names[target.value.id] = Value(holder.taints, kind=holder.kind, box=fresh, ref=holder.ref)
            self.stored(target, value, frame)

    def _unpacked(self, target: ast.Tuple | ast.List, value: Value, frame: Frame) -> None:
        box = value.box
        exact = box is not None and box.listed and box.rest is None
        exact = exact and not any(isinstance(part, ast.Starred) for part in target.elts)
        for position, part in enumerate(target.elts):
            if exact and box is not None:
                self.bind(part, box.items.get(position, UNKNOWN), frame)
            else:
                self.bind(part, Value(value.all()), frame)

    def _annotated(self, node: ast.AnnAssign, frame: Frame) -> bool:
        if node.value is not None:
            self.bind(node.target, self._stepped(self.value(node.value, frame), frame, node.lineno), frame)
        elif isinstance(node.target, ast.Name) and frame.function.startswith("class "):
            frame.names[node.target.id] = UNKNOWN
        return True

    def _augmented(self, node: ast.AugAssign, frame: Frame) -> bool:
        before = self.value(node.target, frame)
        more = self.value(node.value, frame)
        value = self.combined(type(node.op), before, more)
        self.bind(node.target, self._stepped(value, frame, node.lineno), frame)
        return True

    def _delete(self, node: ast.Delete, frame: Frame) -> bool:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                box = self.value(target.value, frame).box
                key = self.value(target.slice, frame).consts
                if box is not None and not box.listed and len(key) == 1:
                    box.items.pop(key[0], None)
                elif box is not None:
                    box.blur()
        return True

    # ------------------------------------------------------------------ ways

    def _expression(self, node: ast.Expr, frame: Frame) -> bool:
        value = self.value(node.value, frame)
        return not (isinstance(node.value, ast.Call) and value.kind in _ENDS)

    def _return(self, node: ast.Return, frame: Frame) -> bool:
        value = self.value(node.value, frame) if node.value is not None else constant(None)
        self.returned(node, value, frame)
        frame.returned = joined(frame.returned, self._stepped(value, frame, node.lineno))
        return False

    def _raise(self, node: ast.Raise, frame: Frame) -> bool:
        if node.exc is not None:
            self.value(node.exc, frame)
        return False

    def _assert(self, node: ast.Assert, frame: Frame) -> bool:
        self.value(node.test, frame)  # it is not there under -O: nothing is learnt
        return True

    def _leave(self, _node: ast.Break | ast.Continue, frame: Frame) -> bool:
        if frame.exits:
            frame.exits[-1].append(frame.names)
        return False

    def _if(self, node: ast.If, frame: Frame) -> bool:
        held = self.truth(node.test, frame)
        if held is not None:
            return self.run(node.body if held else node.orelse, frame)
        other = forked(frame.names)
        self.refine(node.test, frame, True)
        reached = self.run(node.body, frame)
        then, frame.names = frame.names, other
        self.refine(node.test, frame, False)
        also = self.run(node.orelse, frame)
        if reached and also:
            frame.names = together(then, frame.names)
        elif reached:
            frame.names = then
        return reached or also

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, frame: Frame, begin: Callable[[], None]) -> bool:
        frame.exits.append([])
        frame.looping += 1
        for _ in range(2 if frame.looping <= _NESTED else 1):
            before = forked(frame.names)
            begin()
            if not self.run(node.body, frame):
                frame.names = before
            else:
                frame.names = together(before, frame.names)
        frame.looping -= 1
        for names in frame.exits.pop():
            frame.names = together(frame.names, names)
        return self.run(node.orelse, frame)

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
        whole = self.value(node.iter, frame)
        if self._unrolled(node, whole, frame):
            return True
        return self._loop(node, frame, lambda: self.bind(node.target, self.each(whole), frame))

    def _unrolled(self, node: ast.For | ast.AsyncFor, whole: Value, frame: Frame) -> bool:
        """A loop over a few known values, read once for each, where it is left only at its end."""
        box = whole.box
        if box is None or not box.listed or box.rest is not None or len(box.items) > 3 or node.orelse:
            return False
        if any(isinstance(part, ast.Break | ast.Continue | ast.Return) for part in ast.walk(node)):
            return False
        for value in list(box.items.values()):
            self.bind(node.target, value, frame)
            if not self.run(node.body, frame):
                break
        return True

    def _while(self, node: ast.While, frame: Frame) -> bool:
        held = self.truth(node.test, frame)
        if held is False:
            return self.run(node.orelse, frame)
        return self._loop(node, frame, lambda: self.refine(node.test, frame, True))

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
        for item in node.items:
            value = self.value(item.context_expr, frame)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, frame)
        return self.run(node.body, frame)

    def _try(self, node: ast.Try | ast.TryStar, frame: Frame) -> bool:
        before = forked(frame.names)
        reached = self.run(node.body, frame) and self.run(node.orelse, frame)
        ends: list[Names] = [frame.names] if reached else []
        somewhere = together(before, frame.names)
        for handler in node.handlers:
            frame.names = forked(somewhere)
            if handler.name:
                frame.names[handler.name] = UNKNOWN
            if self.run(handler.body, frame):
                ends.append(frame.names)
        frame.names = ends[0] if ends else somewhere
        for names in ends[1:]:
            frame.names = together(frame.names, names)
        return self.run(node.finalbody, frame) and bool(ends)

    def _match(self, node: ast.Match, frame: Frame) -> bool:
        subject = self.value(node.subject, frame)
        known = subject.consts if not subject.taints else ()
        ends: list[Names] = []
        start, certain = frame.names, False
        for case in node.cases:
            held = _fits(case.pattern, known) if case.guard is None else None
            if held is False:
                continue
            frame.names = forked(start)
            self._captured(case.pattern, subject, frame)
            if isinstance(node.subject, ast.Name) and isinstance(case.pattern, ast.MatchValue):
                frame.names[node.subject.id] = self.value(case.pattern.value, frame)
            if case.guard is not None:
                self.value(case.guard, frame)
                self.refine(case.guard, frame, True)
            if self.run(case.body, frame):
                ends.append(frame.names)
            if held is True or (case.guard is None and _everything(case.pattern)):
                certain = True
                break
        if not certain:
            ends.append(start)
        frame.names = ends[0] if ends else start
        for names in ends[1:]:
            frame.names = together(frame.names, names)
        return bool(ends)

    def _captured(self, pattern: ast.pattern, subject: Value, frame: Frame) -> None:
        for part in ast.walk(pattern):
            if isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                frame.names[part.name] = subject if part is pattern else Value(subject.all())

    # ------------------------------------------------------------------ definitions

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
        closure = Closure(node, frame)
        frame.names[node.name] = Value(kind=node.name, ref=closure)
        self.defined.append((closure, frame))
        return True

    def _class(self, node: ast.ClassDef, frame: Frame) -> bool:
        klass = Klass(node.name, [self.value(base, frame) for base in node.bases])
        inner = Frame(frame.module, f"class {node.name}", frame)
        kind = f"{node.name}"
        for part in node.body:
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                closure = Closure(part, frame, klass)
                klass.names[part.name] = Value(kind=f"{kind}.{part.name}", ref=closure)
                self.defined.append((closure, frame))
            else:
                inner.names.update(klass.names)
                self.run([part], inner)
                klass.names.update(inner.names)
        frame.names[node.name] = Value(kind=kind, ref=klass)
        return True

    def _import(self, node: ast.Import, frame: Frame) -> bool:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            module = self.program.module(name)
            if module is not None:
                self.loaded(module.path)
            frame.names[alias.asname or name] = Value(kind=name, ref=module if module and module.frame else None)
            if not alias.asname and "." in alias.name:
                self._deeper(alias.name, frame)
        return True

    def _deeper(self, name: str, frame: Frame) -> None:
        """`import a.b.c` where the last is at hand: `a` becomes an object in which it is found."""
        module = self.program.module(name)
        if module is None:
            return
        self.loaded(module.path)
        first, *rest = name.split(".")
        inner = Value(kind=name, ref=module)
        for word in reversed(rest):
            inner = Value(kind=first, box=Box({word: inner}))
        frame.names[first] = inner

    def _import_from(self, node: ast.ImportFrom, frame: Frame) -> bool:
        origin = absolute(frame.module.path, node.module, node.level)
        module = self.program.module(origin)
        held = self.loaded(module.path) if module is not None else None
        for alias in node.names:
            if alias.name == "*":
                frame.names.update(held.names if held is not None else {})
                continue
            inner = self.program.module(f"{origin}.{alias.name}")
            if held is not None and alias.name in held.names:
                value = held.names[alias.name]
            elif inner is not None:
                self.loaded(inner.path)
                value = Value(kind=f"{origin}.{alias.name}", ref=inner)
            else:
                value = Value(kind=f"{origin}.{alias.name}" if origin else alias.name)
            frame.names[alias.asname or alias.name] = value
        return True

    def loaded(self, path: str) -> Frame:
        """A module's names, its body read where it was not yet."""
        module = self.program.modules[path]
        if module.frame is None:
            module.frame = Frame(module, "")
            self.run(module.tree.body, module.frame)
        return module.frame


_ENDS = frozenset({"flask.abort()", "abort()", "sys.exit()", "exit()", "os._exit()", "quit()", "self.send_error()"})


def _matches(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("match", "fullmatch")


def _fits(pattern: ast.pattern, known: tuple[Any, ...]) -> bool | None:
    """Whether a pattern takes a value that is known; None where nobody can say."""
    if not known:
        return None
    if _everything(pattern):
        return True
    if isinstance(pattern, ast.MatchOr):
        said = [_fits(part, known) for part in pattern.patterns]
        return True if True in said else (False if all(one is False for one in said) else None)
    if isinstance(pattern, ast.MatchValue) and isinstance(pattern.value, ast.Constant):
        held = {word == pattern.value.value for word in known}
        return held.pop() if len(held) == 1 else None
    if isinstance(pattern, ast.MatchSingleton):
        held = {word is pattern.value for word in known}
        return held.pop() if len(held) == 1 else None
    return None


def _everything(pattern: ast.pattern) -> bool:
    return isinstance(pattern, ast.MatchAs) and pattern.pattern is None
