"""Conditions as z3 formulas. What has no exact translation is an opaque truth value, or the end of the proof.

Each name that may be None has a flag for it, and each number that may be no whole one a flag for not being a number: a
comparison with NaN is false, and so is what was proved by forgetting that. Errors that evaluating a condition would
raise are left out: where they end a call, they refuse it, before and after.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import z3

from interlock.changes.formal.evaluate import Anything
from interlock.changes.formal.sorts import TEXT_METHODS, Sort, constant, variable

_LONGEST = 200  # characters of a text in a condition


class Untranslated(Exception):
    """A part of a condition that is neither translated nor opaque."""


class Translator:
    """Translates conditions over one set of names. `whole`: numbers are whole ones."""

    def __init__(
        self,
        kinds: Mapping[str, Sort],
        *,
        whole: bool,
        other: frozenset[str] = frozenset(),
        never_none: frozenset[str] = frozenset(),
    ) -> None:
        """`other`: names whose definitions differ between the versions, `never_none`: names that are never None."""
        self._never_none = never_none
        self._kinds = kinds
        self._whole = whole
        self._other = other
        self._side = ""
        self._codes: dict[object, int] = {}
        self._truthy = z3.Function("truthy", z3.IntSort(), z3.BoolSort())
        self.opaque: set[str] = set()
        self.axioms: list[Any] = []

    def truth(self, tree: ast.expr, side: str) -> Any:
        """The condition as a formula; `side`: which version it stands in, for names that are not the same in both."""
        self._side = side
        return self._truth(tree)

    def _truth(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(value) for value in node.values]
            return z3.And(*parts) if isinstance(node.op, ast.And) else z3.Or(*parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return z3.Not(self._truth(node.operand))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.Constant):
            return z3.BoolVal(bool(node.value))
        if (name := variable(node)) is not None and name in self._kinds:
            return self._truthiness(name)
        if isinstance(node, ast.Call) and (asked := self._text_method(node)) is not None:
            return asked
        return self._opaque(node)

    def _symbol(self, name: str) -> str:
        root = name.partition(".")[0]
        return f"{name} ({self._side})" if root in self._other else name

    def _opaque(self, node: ast.expr) -> Any:
        if any(
            isinstance(n, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda) for n in ast.walk(node)
        ):
            raise Untranslated(f"{ast.unparse(node)} changes what it asks about")
        text = ast.unparse(node)
        roots = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        mark = f"{text} ({self._side})" if roots & self._other or (self._other and "_(" in text) else text
        self.opaque.add(mark)
        return z3.Bool(mark)

    def _term(self, name: str) -> Any:
        symbol = self._symbol(name)
        kind = self._kinds[name]
        if kind is Sort.TEXT:
            return z3.String(symbol)
        if kind is Sort.BOOL:
            return z3.Bool(symbol)
        return z3.Int(symbol) if kind is Sort.INT or kind is Sort.VALUE or self._whole else z3.Real(symbol)

    def _none(self, name: str) -> Any:
        if name in self._never_none:
            return z3.BoolVal(False)
        return z3.Bool(f"{self._symbol(name)} is None")

    def _nan(self, name: str) -> Any:
        if self._kinds[name] is not Sort.NUMBER or self._whole:
            return z3.BoolVal(False)
        return z3.Bool(f"{self._symbol(name)} is NaN")

    def _truthiness(self, name: str) -> Any:
        kind, term = self._kinds[name], self._term(name)
        if kind is Sort.VALUE:
            return self._truthy(term)
        if kind is Sort.BOOL:
            held = term
        elif kind is Sort.TEXT:
            held = z3.Length(term) > 0
        else:
            held = z3.Or(self._nan(name), term != 0)
        return z3.And(z3.Not(self._none(name)), held)

    def _text_method(self, node: ast.Call) -> Any | None:
        func = node.func
        if not isinstance(func, ast.Attribute) or func.attr not in TEXT_METHODS or len(node.args) != 1 or node.keywords:
            return None
        name, text = variable(func.value), constant(node.args[0])
        if name is None or self._kinds.get(name) is not Sort.TEXT or not isinstance(text, str):
            return None
        part = z3.StringVal(_plain(text))
        held = z3.PrefixOf(part, self._term(name)) if func.attr == "startswith" else z3.SuffixOf(part, self._term(name))
        return z3.And(z3.Not(self._none(name)), held)

    def _compare(self, node: ast.Compare) -> Any:
        sides = [node.left, *node.comparators]
        pairs = list(zip(sides, node.ops, sides[1:], strict=False))
        parts = [self._compared(left, operator, right) for left, operator, right in pairs]
        if any(part is None for part in parts):
            return self._opaque(node)
        return z3.And(*parts)

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Any | None:
        if isinstance(operator, ast.Is | ast.IsNot):
            name = variable(left)
            if name is None or name not in self._kinds or constant(right) is not None:
                return None
            held = self._is_none(name)
            return z3.Not(held) if isinstance(operator, ast.IsNot) else held
        if isinstance(operator, ast.In | ast.NotIn):
            held = self._member(left, right)
            if held is None:
                return None
            return z3.Not(held) if isinstance(operator, ast.NotIn) else held
        if isinstance(operator, ast.Eq | ast.NotEq):
            held = self._equal(left, right)
            if held is None:
                return None
            return z3.Not(held) if isinstance(operator, ast.NotEq) else held
        return self._ordered(left, operator, right)

    def _is_none(self, name: str) -> Any:
        if self._kinds[name] is Sort.VALUE:
            return self._term(name) == self._code(None)
        return self._none(name)

    def _code(self, value: object) -> Any:
        """A number for each literal: equal ones of the language (`1`, `True`) have the same."""
        if value not in self._codes:
            self._codes[value] = len(self._codes)
            code = z3.IntVal(self._codes[value])
            self.axioms.append(self._truthy(code) == z3.BoolVal(bool(value)))
        return z3.IntVal(self._codes[value])

    def decoded(self, model: Any, name: str) -> object:
        """The value that a name has in a model: a literal, or one that equals none of them."""
        term = self._term(name)
        number = model.eval(term, model_completion=True)
        value = next(
            (v for v, code in self._codes.items() if z3.is_int_value(number) and number.as_long() == code), ...
        )
        if value is not ...:
            return value
        return Anything(truthy=z3.is_true(model.eval(self._truthy(term), model_completion=True)))

    def _equal(self, left: ast.expr, right: ast.expr) -> Any | None:
        if constant(left) is not ...:
            left, right = right, left
        name, value = variable(left), constant(right)
        if name is not None and name in self._kinds and value is not ...:
            return self._equals(name, value)
        if constant(left) is not ... and value is not ...:
            return z3.BoolVal(constant(left) == value)
        sides = self._number(left), self._number(right)
        if sides[0] is None or sides[1] is None:
            return None
        return z3.And(*sides[0][1], *sides[1][1], sides[0][0] == sides[1][0])

    def _equals(self, name: str, value: object) -> Any:
        kind, term = self._kinds[name], self._term(name)
        if kind is Sort.VALUE:
            return term == self._code(value)
        if value is None:
            return self._none(name)
        if kind is Sort.TEXT and isinstance(value, str):
            held = term == z3.StringVal(_plain(value))
        elif kind is Sort.BOOL and isinstance(value, int):
            held = z3.BoolVal(False) if value not in (0, 1) else term == z3.BoolVal(bool(value))
        elif kind in (Sort.INT, Sort.NUMBER) and isinstance(value, int):
            held = z3.And(z3.Not(self._nan(name)), term == int(value))
        else:
            # What it is then, and whether an order of it is an error, depends on the value: nothing is proved of it.
            raise Untranslated(f"{name} is used as {kind} and compared with {value!r}")
        return z3.And(z3.Not(self._none(name)), held)

    def _member(self, left: ast.expr, right: ast.expr) -> Any | None:
        name = variable(left)
        if isinstance(right, ast.Tuple | ast.List | ast.Set) and name is not None and name in self._kinds:
            values = [constant(e) for e in right.elts]
            if any(value is ... for value in values):
                return None
            return z3.Or(*[self._equals(name, value) for value in values]) if values else z3.BoolVal(False)
        part, whole = constant(left), variable(right)
        if isinstance(part, str) and whole is not None and self._kinds.get(whole) is Sort.TEXT:
            return z3.And(z3.Not(self._none(whole)), z3.Contains(self._term(whole), z3.StringVal(_plain(part))))
        return None

    def _ordered(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Any | None:
        sides = self._number(left), self._number(right)
        if sides[0] is None or sides[1] is None:
            return None
        one, other = sides[0][0], sides[1][0]
        held = {ast.Lt: one < other, ast.LtE: one <= other, ast.Gt: one > other, ast.GtE: one >= other}[type(operator)]
        return z3.And(*sides[0][1], *sides[1][1], held)

    def _number(self, node: ast.expr) -> tuple[Any, list[Any]] | None:
        """A number, and under which conditions it is one."""
        value = constant(node)
        if isinstance(value, int):
            return (z3.IntVal(int(value)) if self._whole else z3.RealVal(int(value))), []
        name = variable(node)
        if name is not None and self._kinds.get(name) in (Sort.INT, Sort.NUMBER):
            term = self._term(name)
            if not self._whole and self._kinds[name] is Sort.INT:
                term = z3.ToReal(term)
            return term, [z3.Not(self._none(name)), z3.Not(self._nan(name))]
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "len"
            and len(node.args) == 1
        ):
            return self._length(node.args[0]), []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            one, other = self._number(node.left), self._number(node.right)
            if one is None or other is None:
                return None
            return (one[0] + other[0] if isinstance(node.op, ast.Add) else one[0] - other[0]), [*one[1], *other[1]]
        return None

    def _length(self, node: ast.expr) -> Any:
        name = variable(node)
        if name is not None and self._kinds.get(name) is Sort.TEXT:
            size = z3.Length(self._term(name))
        else:
            self._opaque(node)
            roots = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            mark = f"len({ast.unparse(node)})" + (f" ({self._side})" if roots & self._other else "")
            size = z3.Int(mark)
            self.axioms.append(size >= 0)
        return size if self._whole else z3.ToReal(size)


def _plain(text: str) -> str:
    """A text as z3's literals have it: its escapes are not Python's."""
    if len(text) > _LONGEST:
        raise Untranslated("a text is too long")
    return "".join(c if " " <= c <= "~" and c != "\\" else f"\\u{{{ord(c):x}}}" for c in text)
