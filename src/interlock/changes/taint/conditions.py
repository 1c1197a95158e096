"""Conditions that validate, and what is known of a value once they held: memberships, patterns, shapes, beginnings."""

from __future__ import annotations

import ast
import re

from interlock.changes.taint.calls import Calls
from interlock.changes.taint.patterns import narrow
from interlock.changes.taint.program import Closure, Frame
from interlock.changes.taint.rules import EVERYTHING
from interlock.changes.taint.value import Mark, Tag, Taints, Value, cleared, constant

_SHAPES = frozenset({"isalnum", "isdigit", "isalpha", "isdecimal", "isnumeric", "isidentifier"})
_PLACE = frozenset({"redirect", "ssrf"})
_PATH = frozenset({"path"})
_HOSTS = frozenset({"netloc", "hostname", "host", "scheme"})


class Conditions(Calls):
    """What holds after a test."""

    def refine(self, test: ast.expr, frame: Frame, truth: bool) -> None:
        """What is known in a frame once `test` was true, or false."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self.refine(test.operand, frame, not truth)
        elif isinstance(test, ast.BoolOp):
            if isinstance(test.op, ast.And) is truth:  # all held, or none did
                for part in test.values:
                    self.refine(part, frame, truth)
        elif isinstance(test, ast.NamedExpr):
            self.refine(test.value, frame, truth)
        elif isinstance(test, ast.Compare) and len(test.ops) == 1:
            self._compared(test.left, test.ops[0], test.comparators[0], frame, truth)
        elif isinstance(test, ast.Call):
            if isinstance(test.func, ast.Name) and test.func.id == "bool" and len(test.args) == 1:
                self.refine(test.args[0], frame, truth)
            else:
                self._called(test, frame, truth)
        elif isinstance(test, ast.Name) and truth:
            self._remembered(test, frame)

    def _remembered(self, test: ast.Name, frame: Frame) -> None:
        """`match = re.fullmatch(…, x)` … `if match:`."""
        known = frame.names.get(test.id)
        if known is not None and isinstance(known.ref, ast.Call):
            self._called(known.ref, frame, True)

    def _compared(self, left: ast.expr, kind: ast.cmpop, right: ast.expr, frame: Frame, truth: bool) -> None:
        if isinstance(kind, ast.In | ast.NotIn):
            inside = isinstance(kind, ast.In) is truth
            word = self.value(left, frame)
            if len(word.consts) == 1 and isinstance(word.consts[0], str) and not word.taints:
                if not inside and (clears := self.rules.absent.get(word.consts[0])):
                    self._clear(right, clears, frame)
            elif inside and not self.value(right, frame).all():
                self._member(left, frame)
        elif isinstance(kind, ast.Eq | ast.NotEq | ast.Is | ast.IsNot) and isinstance(kind, ast.Eq | ast.Is) is truth:
            for one, other in ((left, right), (right, left)):
                found = self.value(other, frame)
                if not found.all() and self.value(one, frame).all():
                    if isinstance(one, ast.Name) and len(found.consts) == 1:
                        frame.names[one.id] = constant(found.consts[0])
                    else:
                        self._member(one, frame)
        elif isinstance(left, ast.Call) and not self.value(right, frame).all():
            self._prefixes(left, frame)

    def _prefixes(self, left: ast.Call, frame: Frame) -> None:
        """`os.path.commonpath([base, path]) == base`."""
        if self.value(left.func, frame).kind.endswith("commonpath"):
            for argument in left.args:
                self._origins(self.value(argument, frame).all(), _PATH, frame, normal=True)

    def _member(self, node: ast.expr, frame: Frame) -> None:
        """A value is one of some that nobody else chose."""
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            value = self.value(node, frame)
            last = value.kind.rpartition(".")[2]
            if isinstance(node, ast.Attribute) and last in _HOSTS:
                self._origins(value.taints, _PLACE, frame)
                return
            self._clear(node, EVERYTHING, frame)
            if value.kind.endswith((".hostname", ".netloc")):
                self._origins(value.taints, _PLACE, frame)
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper", "strip"):
                self._member(node.func.value, frame)
            elif self.value(node.func, frame).kind.endswith("commonpath"):
                self._prefixes(node, frame)

    def _called(self, test: ast.Call, frame: Frame, truth: bool) -> None:
        func = test.func
        callee = self.value(func, frame)
        name = callee.kind
        if isinstance(func, ast.Attribute) and truth:
            if func.attr in _SHAPES:
                self._clear(func.value, EVERYTHING, frame)
                return
            if func.attr in ("startswith", "is_relative_to"):
                self._begun(func.value, test, frame)
                return
            if func.attr in ("fullmatch", "match", "search") and test.args:
                self._matched(name, func, test, frame)
                return
        if isinstance(callee.ref, Closure):
            self._through(callee.ref, test, frame, truth)
        elif truth:
            said = name or (func.attr if isinstance(func, ast.Attribute) else "")
            if self.rules.validator.search(said) and not self.rules.no_validator.search(said):
                for argument in test.args:
                    self._clear(argument, EVERYTHING, frame)

    def _matched(self, name: str, func: ast.Attribute, test: ast.Call, frame: Frame) -> None:
        """`re.fullmatch(pattern, x)`, `PATTERN.match(x)`."""
        if name.startswith("re.") and name.count(".") == 1 and len(test.args) > 1:
            pattern, target = self.value(test.args[0], frame), test.args[1]
        else:
            known = self.value(func.value, frame)
            pattern, target = known, test.args[0]
        word = pattern.begins
        anchored = func.attr != "search" or word.startswith(("^", r"\A"))
        if word and anchored and narrow(word, func.attr == "fullmatch"):
            self._clear(target, EVERYTHING, frame)

    def _begun(self, node: ast.expr, test: ast.Call, frame: Frame) -> None:
        """`path.startswith(base)`: of a path without `..`; of a text that begins with a scheme and a host."""
        value = self.value(node, frame)
        if isinstance(test.func, ast.Attribute) and test.func.attr == "is_relative_to":
            self._origins(value.all(), _PATH, frame, normal=True)
            return
        self._origins(value.all(), _PATH, frame, normal=True)
        starts = self.value(test.args[0], frame) if test.args else Value()
        words = [item.consts for item in starts.box.items.values()] if starts.box is not None else [starts.consts]
        hosts = [isinstance(w, str) and bool(re.match(r"https?://[^/]+/|/[^/\\]", w)) for group in words for w in group]
        if hosts and all(hosts):
            self._clear(node, _PLACE, frame)

    def _through(self, closure: Closure, test: ast.Call, frame: Frame, truth: bool) -> None:
        """A function at hand that judges its argument: what its body says, where that is one test."""
        node = closure.node
        if isinstance(node, ast.Lambda):
            return
        names = [argument.arg for argument in node.args.args]
        body = [part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
        inner = Frame(closure.frame.module, closure.name, closure.frame)
        given = dict(zip(names, test.args, strict=False))
        inner.names = {name: self.value(argument, frame) for name, argument in given.items()}
        self._until_true(body, inner, truth)
        for name, argument in given.items():
            now = inner.names[name]
            for source, mark in now.taints.items():
                fresh = mark.cleared - inner_before(self.value(argument, frame), source)
                if fresh:
                    self._clear(argument, fresh, frame)
            if not now.taints:
                self._clear(argument, EVERYTHING, frame)

    def _until_true(self, body: list[ast.stmt], inner: Frame, truth: bool) -> None:
        """Walk to the one place where the function says so: `if bad: return False` … `return test`."""
        for part in body:
            if isinstance(part, ast.If) and not part.orelse and len(part.body) == 1:
                only = part.body[0]
                said = only.value if isinstance(only, ast.Return) else None
                if isinstance(only, ast.Raise) or (isinstance(said, ast.Constant) and bool(said.value) is not truth):
                    self.refine(part.test, inner, False)
                    continue
                return
            if isinstance(part, ast.Assign):
                for target in part.targets:
                    self.bind(target, self.value(part.value, inner), inner)
                continue
            if isinstance(part, ast.Return) and part.value is not None:
                self.refine(part.value, inner, truth)
            return

    # ------------------------------------------------------------------ what was learnt

    def _clear(self, node: ast.expr, categories: frozenset[str], frame: Frame) -> None:
        """A value is harmless for these categories from here on, where it has a name."""
        value = self.value(node, frame)
        taints = value.all()
        if not taints:
            return
        now = Value() if categories >= EVERYTHING else value.but(cleared(value.taints, categories))
        if isinstance(node, ast.Name):
            frame.names[node.id] = now if categories < EVERYTHING or value.box is None else value.but({})
        elif isinstance(node, ast.Attribute | ast.Subscript):
            holder = self.value(node.value, frame)
            if holder.box is not None:
                self.bind(node, now, frame)
            else:
                self._origins(taints, categories, frame)
        elif isinstance(node, ast.Call):
            for part in [*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]:
                if isinstance(part, ast.Name):
                    self._clear(part, categories, frame)

    def _origins(self, taints: Taints, categories: frozenset[str], frame: Frame, *, normal: bool = False) -> None:
        """All that has a name here and comes from the same sources is harmless for these categories."""
        if normal:
            taints = {source: mark for source, mark in taints.items() if Tag.PLAIN_PATH in mark.cleared}
        if not taints:
            return
        for name, value in frame.names.items():
            if value.taints and any(source in taints for source in value.taints):
                marks = {
                    source: Mark(mark.cleared | categories, mark.step) if source in taints else mark
                    for source, mark in value.taints.items()
                }
                frame.names[name] = value.but(marks)


def inner_before(value: Value, source: object) -> frozenset[str]:
    """What a source was harmless for before."""
    for known, mark in value.taints.items():
        if known == source:
            return mark.cleared
    return frozenset()
