"""What of a module can be called from outside: its functions, and methods of its classes and of objects it keeps."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

from .making import said
from .unknown import Shape
from .world import World, named


class Entry(NamedTuple):
    """Something to call: a function of the module, or a method of one of its classes (`owner`), or of an object that it
    keeps (`kept`)."""

    name: str
    shapes: dict[str, Shape]
    owner: str = ""
    kept: str = ""
    required: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """`Class.method`, or the function's name; `function()` where what that gives is called."""
        if not self.name:
            return f"{self.owner}()"
        return f"{self.owner or self.kept}.{self.name}" if self.owner or self.kept else self.name


def classes(module: types.ModuleType) -> dict[str, type]:
    """The classes that a module defines."""
    return {n: v for n, v in named(module) if isinstance(v, type) and v.__module__ == module.__name__}


def entries(worlds: list[World], private: frozenset[str]) -> Iterator[Entry]:
    """What both versions let others call, and the names of `private`."""
    first = worlds[-1].module
    for name, value in named(first):
        if name.startswith("__") or not all(name in vars(w.module) for w in worlds):
            continue
        if isinstance(value, type):
            if value.__module__ == first.__name__ and not issubclass(value, BaseException):
                yield from _of_class(worlds, name, value)
        elif _ours(value, first) and (not name.startswith("_") or name in private):
            yield entry_of(name, value, classes(first))
        elif type(value).__module__ == first.__name__ and not name.startswith("_"):
            yield from (
                e._replace(owner="", kept=name) for e in _of_class(worlds, type(value).__name__, type(value)) if e.name
            )


def _ours(value: Any, module: types.ModuleType) -> bool:
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return isinstance(value, types.FunctionType) and value.__module__ == module.__name__


def _of_class(worlds: list[World], name: str, of: type) -> Iterator[Entry]:
    known = classes(worlds[-1].module)
    for method in dir(of):
        value = inspect.getattr_static(of, method, None)
        public = not method.startswith("_") or method == "__call__"
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        everywhere = all(hasattr(vars(w.module).get(name), method) for w in worlds)
        if public and everywhere and isinstance(value, types.FunctionType):
            yield entry_of(method, value, known)._replace(owner=name)


def entry_of(name: str, value: Any, known: dict[str, type]) -> Entry:
    """A function or a class as something to call. `known`: the classes of its module, which annotations name."""
    shapes: dict[str, Shape] = {}
    required = set()
    for parameter, hint, default in _parameters(value):
        shape = shapes[parameter] = Shape()
        said(shape, hint, known)
        if default is inspect.Parameter.empty:
            required.add(parameter)
        elif default is not None and not shape.kinds:
            shape.near(default)
    return Entry(name, shapes, required=frozenset(required))


def _parameters(function: Any) -> Iterator[tuple[str, Any, Any]]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return
    try:
        hints = typing.get_type_hints(getattr(function, "__wrapped__", function))
    except Exception:  # noqa: BLE001 - annotations may name anything
        hints = {}
    for name, parameter in parameters.items():
        if name not in ("self", "cls"):
            hint = hints.get(name, parameter.annotation)
            if parameter.kind is parameter.VAR_POSITIONAL:
                hint = list
            elif parameter.kind is parameter.VAR_KEYWORD:
                hint = dict
            yield name, hint, parameter.default if parameter.kind < 2 or parameter.kind == 3 else None
