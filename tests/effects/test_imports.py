"""No circle of imports: each module of the readers can be the first one that a program imports."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import interlock.effects

ROOT = Path(interlock.effects.__path__[0])


def test_every_module_can_be_imported_first():
    """What a module imports as it loads, and the packages around that, come strictly below it."""
    graph = {name: set(_below(name, path.read_text(), set(MODULES))) for name, path in MODULES.items()}
    assert "interlock.effects.catalogue.grammar" in graph["interlock.effects.catalogue.api_table"]
    assert tuple(graphlib.TopologicalSorter(graph).static_order())


def test_a_circle_is_found():
    graph = {"a": set(_below("a", "from b import c", {"a", "b"})), "b": set(_below("b", "import a", {"a", "b"}))}
    with pytest.raises(graphlib.CycleError):
        tuple(graphlib.TopologicalSorter(graph).static_order())


def _name(path: Path) -> str:
    parts = ("interlock", "effects", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def _below(name: str, text: str, known: set[str]) -> Iterator[str]:
    """The modules among `known` that run before the end of this one."""
    for imported in _imported(ast.parse(text).body):
        parts = imported.split(".")
        for end in range(1, len(parts) + 1):
            around = ".".join(parts[:end])
            if around in known and not f"{name}.".startswith(f"{around}."):
                yield around


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Try):
            yield from _imported(node.body)
