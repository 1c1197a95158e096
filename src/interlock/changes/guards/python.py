"""The functions of a Python file and the guards in them, through `ast`. Pure; nothing of the file is run."""

from __future__ import annotations

import ast
import warnings

from interlock.changes.guards import pieces
from interlock.changes.guards.guard import Function, Unreadable
from interlock.changes.guards.lists import Listed, placed
from interlock.changes.guards.pythonscribe import Block, Scribe

MOST_BYTES = 2 << 20
_MOST_DEPTH = 200  # of nested statements and expressions, far below Python's own limit


def read(path: str, text: str) -> list[Function]:
    """The functions of `text`; the first one, without a name, is the file's own statements and its classes'.

    Raises:
        Unreadable: it is no Python that this interpreter reads, or beyond the bounds.
    """
    if len(text) > MOST_BYTES:
        raise Unreadable(f"{path} is too long to be read for guards")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            _bounded(tree)
            return _Reader(path, text).functions(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Unreadable(f"{path} cannot be read as Python: {error}") from error


def _bounded(tree: ast.AST) -> None:
    level = [tree]
    for _ in range(_MOST_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


class _Reader:
    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._lists: dict[str, list[Listed]] = {}
        self._picks: set[str] = set()
        self._off: frozenset[str] = frozenset()

    def functions(self, tree: ast.Module) -> list[Function]:
        found: list[Function] = []
        self._off = pieces.off_parameters(tree)
        self._block(tree, "", found)
        numbers = {one.name: number for number, one in enumerate(found)}
        lists = [e._replace(function=numbers[n]) for n, some in self._lists.items() for e in some]
        return placed(found, lists, self._picks)

    def _block(self, node: ast.Module | Block, name: str, found: list[Function]) -> None:
        """One function, or a module's or class's own statements; what is nested under a name is one of its own."""
        scribe = Scribe(name, self._off)
        place = len(found)
        nested = scribe.write(node)
        self._picks |= scribe.picks
        for child in nested:
            self._block(child, f"{name}.{child.name}" if name else child.name, found)
        start, end = (
            (1, len(self._lines)) if isinstance(node, ast.Module) else (node.lineno, node.end_lineno or node.lineno)
        )
        whole = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if scribe.lists:
            self._lists[name if whole else f"{name}.".removeprefix(".")] = scribe.lists
        scribe.decorators += [] if isinstance(node, ast.Module) else map(ast.unparse, node.decorator_list)
        if not isinstance(node, ast.Module) and node.decorator_list:
            start = min(start, node.decorator_list[0].lineno)
        found.insert(
            place,
            scribe.function(
                path=self._path,
                name=name if whole else f"{name}.".removeprefix("."),
                line=start,
                end=end,
                source="\n".join(self._lines[start - 1 : end]),
                parameters=_parameters(node) if whole else (),
                answer=_answered(node),
            ),
        )


def _parameters(node: ast.AST) -> tuple[str, ...]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ()
    given = node.args
    return tuple(a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def _answered(node: ast.AST) -> str:
    """What a function returns that does nothing else, its docstring aside."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    only = body[0] if len(body) == 1 else None
    return ast.unparse(only.value) if isinstance(only, ast.Return) and only.value is not None else ""
