"""Which behaviour of Python code a change makes new: functions that do something else now, and their new lines. Pure.

Comments, docstrings, annotations and layout are no behaviour; neither is an import by itself.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from types import CodeType
from typing import NamedTuple

from interlock.changes.change import FileChange, Kind, Version
from interlock.changes.functions import functions

MODULE = "<module>"


class Behaviour(NamedTuple):
    """One function (or a module's own statements) that does something else now.

    `lines`: its new lines that something is executed on; where lines only went, all of its lines.
    """

    path: str
    name: str
    line: int
    lines: frozenset[int]
    only_less: bool = False


class Unread(Exception):
    """The new version is no Python."""


def behaviours(file: FileChange) -> list[Behaviour]:
    """What the change makes new in one file of Python. Raises Unread."""
    after = file.after
    if after is None or after.kind is not Kind.TEXT:
        return []
    try:
        now = _meanings(after)
        runs = executable(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unread(f"{after.path} does not parse: {error}") from error
    was = _before(file.before)
    owners = _owners(after)
    touched: dict[str, set[int]] = defaultdict(set)
    for hunk in file.hunks:
        for number in hunk.new or range(hunk.new.start - 1, hunk.new.start + 1):
            touched[owners.get(number, MODULE)].add(number)
    out = []
    for name, numbers in touched.items():
        if now.get(name) == was.get(name):
            continue
        own = {n for n in runs if owners.get(n, MODULE) == name}
        new = own & numbers & file.added_numbers
        out.append(Behaviour(after.path, name, min(numbers), frozenset(new or own), not new))
    return sorted(out, key=lambda one: one.line)


def executable(side: Version) -> frozenset[int]:
    """The lines that something is executed on. Raises SyntaxError, ValueError, RecursionError, MemoryError."""
    look, found = [compile(side.text, side.path, "exec", dont_inherit=True)], set[int]()
    while look:
        code = look.pop()
        found.update(line for _, _, line in code.co_lines() if line)
        look += [part for part in code.co_consts if isinstance(part, CodeType)]
    return frozenset(found - _silent(side))


def _silent(side: Version) -> set[int]:
    """Lines of definitions, imports and docstrings: they run whenever the module does, and say nothing."""
    out: set[int] = set()
    for node in ast.walk(ast.parse(side.text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            out.update(range(node.lineno, node.body[0].lineno))
            if _is_text(node.body[0]):
                out.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            out.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.Module) and node.body and _is_text(node.body[0]):
            out.update(range(1, (node.body[0].end_lineno or 0) + 1))
    return out


def _owners(side: Version) -> dict[int, str]:
    """line -> the innermost function around it."""
    out: dict[int, str] = {}
    for function in functions(side):  # outer ones first
        out.update(dict.fromkeys(range(function.start, function.end + 1), function.name))
    return out


def _before(side: Version | None) -> dict[str, str]:
    if side is None or side.kind is not Kind.TEXT:
        return {}
    try:
        return _meanings(side)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # all of it is new then


def _meanings(side: Version) -> dict[str, str]:
    """function -> what it does, as text without places; functions within are named in it and told by themselves."""
    tree = _Bare().visit(ast.parse(side.text))
    found: dict[str, str] = {}
    _tell(tree, "", found)
    found[MODULE] = ast.dump(_Hollow().visit(tree))
    return found


def _tell(node: ast.AST, outer: str, found: dict[str, str]) -> None:
    """Inner functions first, each replaced by its name when it has been told."""
    for child in ast.iter_child_nodes(node):
        name = ""
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}{child.name}"
        _tell(child, f"{name}." if name else outer, found)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            found[name] = ast.dump(child)
            child.body, child.decorator_list = [ast.Pass()], []
            child.args = ast.arguments([], [], None, [], [], None, [])


class _Hollow(ast.NodeTransformer):
    """Takes functions out: what a module does by itself is the rest."""

    def visit_FunctionDef(self, _: ast.FunctionDef) -> None:
        """Gone."""

    def visit_AsyncFunctionDef(self, _: ast.AsyncFunctionDef) -> None:
        """Gone."""


class _Bare(ast.NodeTransformer):
    """Takes out what says nothing: docstrings, annotations, imports."""

    def visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [part for part in body if not _says_nothing(part)] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("_")
        self.generic_visit(node)
        return node


def _is_text(part: ast.AST) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)


def _says_nothing(part: ast.AST) -> bool:
    return _is_text(part) or isinstance(part, ast.Import | ast.ImportFrom)
