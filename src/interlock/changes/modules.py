"""Modules that new code imports and that nothing declares: Python and JavaScript. Pure.

A model that invents a package imports it first. What is declared anywhere in the project, lies in its tree, or comes
with the language is not meant; neither is what was imported before.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Set
from functools import cache
from importlib import resources

from interlock.changes.change import Change, FileChange, Version
from interlock.changes.code import parts
from interlock.changes.finding import Finding, Weight
from interlock.changes.manifests import is_manifest, plain
from interlock.effects.packages_known import standing

_FIX = "Declare it in the manifest, under the name that its documentation gives; or use what is there already."


@cache
def _data() -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    text = resources.files("interlock.changes.data").joinpath("modules.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return {k: tuple(v.split()) for k, v in data["python"].items()}, frozenset(data["node"]["builtin"].split())


def undeclared(change: Change, held: Set[tuple[str, str]]) -> Iterator[Finding]:
    """Findings for new imports of what is not declared. `held`: (registry, name) of all that is."""
    kinds = {path.rpartition("/")[2] for path in change.paths() if is_manifest(path)}
    python = bool(kinds - {"package.json", "go.mod", "Cargo.toml"})
    local = _local(change)
    for file in change.files:
        path = file.path
        if python and path.endswith(".py"):
            yield from _new(file, "pypi", held, local)
        elif "package.json" in kinds and path.endswith((".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts")):
            yield from _new(file, "npm", held, local)


def _local(change: Change) -> set[str]:
    """First names of modules in the tree: any file or folder may be on a search path."""
    out: set[str] = set()
    for path in change.paths():
        pieces = path.split("/")
        out.update(pieces[:-1])
        out.add(pieces[-1].partition(".")[0])
    return out


def _new(file: FileChange, registry: str, held: Set[tuple[str, str]], local: set[str]) -> Iterator[Finding]:
    find = _python if registry == "pypi" else _script
    before = {name for name, _ in find(file.before)}
    for name, line in find(file.after):
        if name in before or line not in file.added_numbers or _there(registry, name, held, local):
            continue
        before.add(name)
        known = standing(registry, plain(name) if registry == "pypi" else name)
        looks = f", and nearly {known.resembles}, which everybody uses" if known.resembles and not known.known else ""
        yield Finding(
            rule="dependencies/undeclared", weight=Weight.BLOCK if looks else Weight.REVIEW, path=file.path, line=line,
            anchor=f"{registry} {name}", title=f"{name} is imported and declared nowhere{looks}.",
            why="Models invent modules, and others register their names.", fix=_FIX,
        )  # fmt: skip


def _there(registry: str, name: str, held: Set[tuple[str, str]], local: set[str]) -> bool:
    if registry == "npm":
        bare = name.removeprefix("node:")
        types = f"@types/{name}"
        return bare in _data()[1] or name.startswith(("@/", "~", "#", "virtual:", "bun:", "node:")) or (
            ("npm", name) in held or ("npm", types) in held or name.partition("/")[0] in local
        )  # fmt: skip
    if name in sys.stdlib_module_names or name in local:
        return True
    names = (plain(name), *_data()[0].get(name, ()))
    declared = {n for r, n in held if r == "pypi"}
    # One distribution may bring modules of other names that begin like it (`google`, `django_x` for `django-x`).
    return any(n in declared or f"python-{n}" in declared or f"py{n}" in declared for n in names) or any(
        d.startswith(f"{plain(name)}-") for d in declared
    )


def _python(side: Version | None) -> Iterator[tuple[str, int]]:
    if side is None:
        return
    try:
        tree = ast.parse(side.text)
    except (SyntaxError, ValueError, RecursionError):
        return  # other stages say so
    guarded = {id(n) for t in ast.walk(tree) if isinstance(t, ast.Try) for p in t.body for n in ast.walk(p)}
    for node in ast.walk(tree):
        if id(node) in guarded:  # `try: import x` knows that it may not be there
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


_IMPORT = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])((?:@[\w.-]+/)?[A-Za-z][\w.-]*)(?:/[^'"\n]*)?\1"""
)


def _script(side: Version | None) -> Iterator[tuple[str, int]]:
    if side is None:
        return
    code = parts(side.text, side.path).code
    for match in _IMPORT.finditer(code):
        yield match[2], code.count("\n", 0, match.start()) + 1
