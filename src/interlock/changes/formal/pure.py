"""Which changed functions of a Python file can be run side by side: those that only compute. Pure.

Such a function names nothing but its parameters and locals, constants of its module, functions of the same kind beside
it, modules that compute, and built-ins that do nothing to the world. What is not seen to be so is left out.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from types import ModuleType
from typing import NamedTuple

MODULES = frozenset({
    "math", "re", "string", "itertools", "functools", "collections", "decimal", "fractions", "json", "textwrap",
    "unicodedata", "hashlib", "base64", "html", "urllib.parse", "statistics", "bisect", "heapq",
    "datetime", "ipaddress", "__future__", "collections.abc", "fnmatch", "difflib", "numbers",
})  # fmt: skip
BUILTINS = frozenset({
    "abs", "all", "any", "ascii", "bin", "bool", "bytes", "bytearray", "chr", "complex", "dict", "divmod",
    "enumerate", "filter", "float", "format", "frozenset", "hash", "hex", "int", "isinstance", "issubclass",
    "iter", "len", "list", "map", "max", "min", "next", "oct", "ord", "pow", "range", "repr", "reversed",
    "round", "set", "slice", "sorted", "str", "sum", "tuple", "zip", "True", "False", "None", "NotImplemented",
    "Exception", "ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "ArithmeticError",
    "OverflowError", "ZeroDivisionError", "RuntimeError", "AssertionError", "StopIteration",
    "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "AttributeError", "PermissionError",
    "RecursionError", "BaseException",
})  # fmt: skip
_BARRED = (
    ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef,
    ast.Yield, ast.YieldFrom, ast.ClassDef, ast.With,
)  # fmt: skip
# A clock, chance, or a way from a value to the interpreter.
_BARRED_NAMES = frozenset({
    "now", "today", "utcnow", "format_map", "fromtimestamp", "setattr", "file_digest", "load", "dump", "Formatter",
    "get_field", "gi_frame", "tb_frame", "f_globals",
})  # fmt: skip
_LARGEST = 40  # functions and constants that one needs


class Pair(NamedTuple):
    """One function in both versions: its lines in the new one, and the programs that define it. `kinds`: parameter ->
    what is known of its type."""

    name: str
    line: int
    before: str
    after: str
    kinds: dict[str, str]


class _Module:
    def __init__(self, text: str) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.stmt] = {}
        self.imports: dict[str, ast.stmt] = {}
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _constant(node.value):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        self.constants[target.id] = node

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.ImportFrom) and (node.level or node.module not in MODULES):
            return
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                fine = alias.name not in _BARRED_NAMES and not _inner(node.module or "", alias.name)
            else:
                fine = alias.name in MODULES and alias.name != "urllib.parse"
            if fine:
                name = alias.asname or alias.name.partition(".")[0]
                one = (
                    ast.ImportFrom(node.module, [alias], 0) if isinstance(node, ast.ImportFrom) else ast.Import([alias])
                )
                self.imports[name] = one

    def program(self, name: str) -> list[ast.stmt] | None:
        """All that defines a function, or None where it is not seen to be pure."""
        needed: dict[str, ast.stmt] = {}
        look = [name]
        while look:
            one = look.pop()
            if one in needed or (one in BUILTINS and one not in self.functions):
                continue
            node = self.functions.get(one) or self.constants.get(one) or self.imports.get(one)
            if node is None or len(needed) >= _LARGEST:
                return None
            needed[one] = node
            if isinstance(node, ast.FunctionDef):
                free = _free(node)
                if free is None or _reaches(node, self.imports):
                    return None
                look += free
        order = (ast.ImportFrom, ast.Import, ast.Assign, ast.AnnAssign, ast.FunctionDef)
        return sorted(needed.values(), key=lambda n: order.index(type(n)))


def pairs(before: str, after: str) -> list[Pair]:
    """The functions that both versions have, that mean something else now, and that can be run side by side."""
    try:
        old, new = _Module(before), _Module(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for name, node in new.functions.items():
        was = old.functions.get(name)
        if was is None or not _same_parameters(was, node):
            continue
        one, other = old.program(name), new.program(name)
        if one is None or other is None:
            continue
        texts = [ast.unparse(ast.Module([_plain(part) for part in body], [])) for body in (one, other)]
        if texts[0] != texts[1]:
            found.append(Pair(name, node.lineno, texts[0], texts[1], _kinds(node)))
    return found


def _constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "re.compile":
        return all(isinstance(part, ast.Constant) for part in node.args)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("frozenset", "set", "tuple", "dict")
    ):
        return all(_constant(part) for part in node.args) and not node.keywords
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _free(node: ast.FunctionDef) -> set[str] | None:
    """The names that a function takes from outside; None where it does more than compute."""
    if node.decorator_list or node.args.vararg or node.args.kwarg:
        return None
    bound = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    used: set[str] = set()
    for part in [*node.body, *node.args.defaults, *[d for d in node.args.kw_defaults if d is not None]]:
        for one in ast.walk(part):
            if isinstance(one, _BARRED):
                return None
            if isinstance(one, ast.Attribute) and (
                one.attr.startswith("_") or one.attr in _BARRED_NAMES or not isinstance(one.ctx, ast.Load)
            ):
                return None
            if isinstance(one, ast.Name):
                (used if isinstance(one.ctx, ast.Load) else bound).add(one.id)
            elif isinstance(one, ast.FunctionDef | ast.Lambda):
                bound.update(a.arg for a in (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs))
                if isinstance(one, ast.FunctionDef):
                    bound.add(one.name)
            elif isinstance(one, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and one.name:
                bound.add(one.name)
    return None if any(name.startswith("__") for name in used) else used - bound


def _reaches(node: ast.FunctionDef, imports: dict[str, ast.stmt]) -> bool:
    """Whether it takes a module out of a module: `json.codecs.open` reads files."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            module = imports.get(part.value.id)
            if isinstance(module, ast.Import) and _inner(module.names[0].name, part.attr):
                return True
    return False


@cache
def _inner(module: str, name: str) -> bool:
    return isinstance(getattr(importlib.import_module(module), name, None), ModuleType)


def _plain(node: ast.stmt) -> ast.stmt:
    """A function without docstring and annotations, which are not what it does, that takes arguments by name."""
    if not isinstance(node, ast.FunctionDef):
        return (
            ast.Assign([node.target], node.value, lineno=1) if isinstance(node, ast.AnnAssign) and node.value else node
        )
    arguments = ast.arguments(
        [], [ast.arg(a.arg) for a in (*node.args.posonlyargs, *node.args.args)], None,
        [ast.arg(a.arg) for a in node.args.kwonlyargs], node.args.kw_defaults, None, node.args.defaults,
    )  # fmt: skip
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return ast.FunctionDef(node.name, arguments, body or [ast.Pass()], [], None, None, lineno=node.lineno)


def _same_parameters(one: ast.FunctionDef, other: ast.FunctionDef) -> bool:
    sides = [[a.arg for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)] for f in (one, other)]
    return sides[0] == sides[1] and bool(sides[0])


_TEXT = frozenset(
    {"startswith", "endswith", "strip", "split", "lower", "upper", "replace", "encode", "isdigit", "join"}
)


def _kinds(node: ast.FunctionDef) -> dict[str, str]:
    """Parameter -> its annotation, or what its uses say (`str`, `int`, `list`), or "" where nothing does."""
    found = {}
    for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
        said = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        found[argument.arg] = said.strip("'\"") or _used(node, argument.arg)
    return found


def _used(node: ast.FunctionDef, name: str) -> str:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == name:
            if part.attr in _TEXT:
                return "str"
            if part.attr in ("items", "keys", "values", "get"):
                return "dict"
        elif isinstance(part, ast.BinOp | ast.Compare):
            sides = [part.left, *([part.right] if isinstance(part, ast.BinOp) else part.comparators)]
            if any(isinstance(side, ast.Name) and side.id == name for side in sides):
                for side in sides:
                    if isinstance(side, ast.Constant) and isinstance(side.value, int | float | str):
                        return type(side.value).__name__
        elif isinstance(part, ast.For | ast.comprehension) and isinstance(part.iter, ast.Name) and part.iter.id == name:
            return "list"
    return ""
