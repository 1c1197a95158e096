"""A condition with what small helpers answer in place of their calls: `if not allowed(user)` is what that asks. Pure.

A helper is a function of the change that only returns an expression; what it calls itself stays as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from interlock.changes.guards.atoms import parsed
from interlock.changes.guards.guard import Function

_CALLED = re.compile(r"([\w$.]+)\(([^()]*)\)")
_OWN = ("self.", "cls.", "this.")
_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def helpers(functions: Iterable[Function]) -> dict[str, Function]:
    """Those that only answer, by the last part of their names; where two have one name, neither."""
    found: dict[str, Function | None] = {}
    for one in functions:
        found[one.short] = None if one.short in found else one
    return {name: one for name, one in found.items() if one is not None and one.answer}


def inlined(condition: str, known: Mapping[str, Function]) -> str:
    """The condition, a Python expression, with what its helpers return.

    Args:
        condition: as the guard has it.
        known: of that version; see `helpers`.
    """
    tree = parsed(condition)
    if tree is None or not any(name in condition for name in known):
        return condition
    return ast.unparse(_Inlining(known).visit(tree))


class _Inlining(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, Function]) -> None:
        self._helpers = known

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "_" and isinstance(node.args[0], ast.Constant):
            return self._opaque(node, str(node.args[0].value))
        return node if node.keywords else self._answer(ast.unparse(node.func), node.args) or node

    def _opaque(self, node: ast.Call, text: str) -> ast.expr:
        """A call of another language that was kept as its text."""
        called = _CALLED.fullmatch(text)
        given = [part.strip() for part in called[2].split(",")] if called and called[2].strip() else []
        if called is None or not all(_PLAIN.fullmatch(part) for part in given):
            return node
        values = [value for part in given if (value := parsed(part)) is not None]  # `this.import` is none of Python's
        return (self._answer(called[1], values) if len(values) == len(given) else None) or node

    def _answer(self, name: str, given: list[ast.expr]) -> ast.expr | None:
        own = next((name.removeprefix(mark) for mark in _OWN if name.startswith(mark)), "")
        helper = self._helpers.get(own or name)
        answer = parsed(helper.answer) if helper is not None else None
        if helper is None or answer is None or bool(own) is not ("." in helper.name):
            return None
        asked = [p for n, p in enumerate(helper.parameters) if n or p not in ("self", "cls")]
        return _Given(dict(zip(asked, given, strict=True))).visit(answer) if len(asked) == len(given) else None


class _Given(ast.NodeTransformer):
    """What is given in place of parameters."""

    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self._given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._given.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id == "_" and isinstance(node.args[0], ast.Constant):
            words = {name: ast.unparse(value) for name, value in self._given.items()}
            text = re.sub(r"(?<![\w$.])[A-Za-z_$][\w$]*", lambda m: words.get(m[0], m[0]), str(node.args[0].value))
            return ast.Call(node.func, [ast.Constant(text)], [])
        self.generic_visit(node)
        return node
