"""What of a changed Python file is worth walking through: what changed, and what leads to it. Pure."""

from __future__ import annotations

import ast
from typing import NamedTuple

_BUILDING = (".__init__", ".__post_init__", ".constructor")


class Subject(NamedTuple):
    """`near`: functions, classes and methods (`Class.method`) that changed or use what changed; `private`: those of
    them that no public one leads to, and that are called themselves for that."""

    near: frozenset[str]
    private: frozenset[str]


def subject(before: str, after: str) -> Subject | None:
    """None where nothing that runs has changed, or a version is no Python."""
    try:
        old, new = _parts(before), _parts(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    changed = {name for name, part in new.items() if name not in old or old[name].text != part.text}
    changed |= {name for name in old if name not in new}
    if not changed:
        return None
    near = reaching(changed, new) | reaching(changed, old)
    public = {name for name in near if not any(word.startswith("_") for word in name.split("."))}
    led = {name for name in changed if _led(name, public, new)}
    private = {name for name in changed if name in new and name.startswith("_") and name not in led}
    return Subject(frozenset(near), frozenset(private))


class Part(NamedTuple):
    """Something that a module names: `text`, by which two versions compare, and the names that it uses."""

    text: str  # without comments and formatting
    uses: frozenset[str]


def _parts(source: str) -> dict[str, Part]:
    """Name -> what it is: functions, methods, and what else a module or a class names."""
    found: dict[str, Part] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found |= _of_class(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = _part(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = Part(ast.unparse(node), frozenset())
        else:
            for target in ast.walk(node):
                if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store):
                    found[target.id] = _part(node)
    return found


def _of_class(node: ast.ClassDef) -> dict[str, Part]:
    found: dict[str, Part] = {}
    rest: list[ast.stmt] = []
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            found[f"{node.name}.{inner.name}"] = _part(inner)
        else:
            rest.append(inner)
    head = ast.ClassDef(node.name, node.bases, node.keywords, rest or [ast.Pass()], node.decorator_list)
    own = frozenset(f"{node.name}.{inner}" for inner in ("__init__", "__post_init__", "__new__"))
    part = _part(head)
    return {node.name: Part(part.text, part.uses | own), **found}


def _part(node: ast.stmt) -> Part:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(inner):
            inner.body = inner.body[1:] or [ast.Pass()]
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    names |= {f".{one.attr}" for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    return Part(ast.unparse(ast.fix_missing_locations(node)), frozenset(names))


def reaching(changed: set[str], parts: dict[str, Part]) -> set[str]:
    """The changed ones, and those that use one of them, near or far. A method is used by whoever names it."""
    found = set(changed)
    while True:
        words = found | {f".{name.partition('.')[2]}" for name in found if "." in name}
        # An object of a class is changed where its constructor is: each method of it may differ.
        built = {name.partition(".")[0] for name in found if name.endswith(_BUILDING)}
        more = {
            name for name, part in parts.items()
            if name not in found and (part.uses & words or name.partition(".")[0] in built)
        }  # fmt: skip
        if not more:
            return found
        found |= more


def _led(name: str, public: set[str], parts: dict[str, Part]) -> bool:
    return bool((reaching({name}, parts) - {name}) & public)
