"""The modules that are read together, and the functions and classes in them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import NamedTuple

from interlock.changes.taint.value import Names, Value


class Module:
    """One file: its tree, its lines, and its names once its body was read. `imports`: all it imports, as one text."""

    def __init__(self, path: str, text: str) -> None:
        """Raises SyntaxError, ValueError, RecursionError or MemoryError: it does not parse."""
        self.path = path
        self.tree = ast.parse(text)
        self.lines = text.split("\n")
        self.frame: Frame | None = None
        self.imports = " ".join(_imports(self.tree.body))

    def line(self, number: int) -> str:
        """A line's text."""
        return self.lines[number - 1].strip() if 0 < number <= len(self.lines) else ""


def _imports(body: list[ast.stmt]) -> list[str]:
    found: list[str] = []
    for node in body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(f"{node.module or ''} {' '.join(alias.name for alias in node.names)}")
        elif isinstance(node, ast.FunctionDef | ast.Try | ast.If):
            found += _imports(node.body)
    return found


class Closure(NamedTuple):
    """A function with the names around it. `owner`: its class."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Frame
    owner: Klass | None = None

    @property
    def name(self) -> str:
        """Its name, with that of its class."""
        own = "lambda" if isinstance(self.node, ast.Lambda) else self.node.name
        return f"{self.owner.name}.{own}" if self.owner else own


class Bound(NamedTuple):
    """A method with its object."""

    closure: Closure
    holder: Value


class Klass:
    """A class: its methods and attributes, and the values of its bases."""

    def __init__(self, name: str, bases: list[Value]) -> None:
        self.name = name
        self.bases = bases
        self.names: Names = {}

    def find(self, name: str, deep: int = 5) -> Value | None:
        """An attribute of the class or of a base that is at hand."""
        if name in self.names:
            return self.names[name]
        for base in self.bases if deep else ():
            if isinstance(base.ref, Klass) and (found := base.ref.find(name, deep - 1)):
                return found
        return None

    def kinds(self, deep: int = 5) -> list[str]:
        """The dotted names of all bases."""
        found = [base.kind for base in self.bases]
        for base in self.bases if deep else ():
            if isinstance(base.ref, Klass):
                found += base.ref.kinds(deep - 1)
        return found


class Frame:
    """A function, class or module while it is read."""

    __slots__ = ("entry", "exits", "function", "looping", "module", "names", "outer", "page", "returned")

    def __init__(self, module: Module, function: str, outer: Frame | None = None, names: Names | None = None) -> None:
        self.module = module
        self.function = function
        self.outer = outer
        self.names: Names = names if names is not None else {}
        self.returned: Value | None = None
        self.exits: list[list[Names]] = []  # what names are at `break` and `continue`, a list a loop
        self.looping = 0
        self.entry = False
        self.page = False  # what it returns is sent as a page


class Program:
    """The files that are read together, found by their dotted names."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.modules: dict[str, Module] = {}
        for path, text in files.items():
            try:
                self.modules[path] = Module(path, text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self.problems.append(f"{path} does not parse: {error}")
        self._known: dict[str, Module] = {}
        for path, module in self.modules.items():
            for name in names_of(path):
                self._known.setdefault(name, module)

    def module(self, name: str) -> Module | None:
        """The module of a dotted name, whatever folder the search path begins in."""
        return self._known.get(name)


def names_of(path: str) -> list[str]:
    """The dotted names by which a file can be imported: `src/a/b.py` is `src.a.b`, `a.b` and `b`."""
    stem = path.removesuffix(".py").removesuffix("/__init__")
    words = stem.split("/")
    return [".".join(words[start:]) for start in range(len(words))]


def absolute(path: str, module: str | None, level: int) -> str:
    """What `from ..x import y` in a file names."""
    if not level:
        return module or ""
    package = path.split("/")[:-1]
    base = package[: len(package) - level + 1]
    return ".".join([*base, *([module] if module else [])])
