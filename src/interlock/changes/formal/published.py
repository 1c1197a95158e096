"""Which Python files of a change are part of a package that others import, and what of them is read. Pure.

A package is the outermost folder with an `__init__.py` around a file, or what `layout` says: a namespace package has no
such file, and a module is one file. Of it the files of the change are read, and the `__init__.py` above them, which say
what is public under which name. What the change leaves alone is on both sides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from interlock.changes import shapes
from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.config import matches
from interlock.changes.formal.layout import Layout, layout

_LARGEST = 2 << 20  # bytes of all that is read of one side


class Package(NamedTuple):
    """One package or module: its `folder`, its name, and what is read of both sides, by paths of the repository.

    `built`: the repository makes a distribution of what it holds. `stands`: the change leaves some of it.
    """

    folder: str
    name: str
    before: dict[str, str]
    after: dict[str, str]
    built: bool
    published: tuple[str, ...]
    stands: bool = True

    def others_import(self, path: str) -> bool:
        """Whether a file's names are there for others: those that the base's configuration says, or all that is
        built."""
        return bool(matches(path, self.published)) if self.published else self.built


def packages(change: Change, problems: list[str]) -> list[Package]:
    """The packages that a change touches in what others may import."""
    found: dict[tuple[str, str], Package] = {}
    trees = {True: set(change.paths()), False: set(change.paths(after=False))}
    said = layout(lambda name: _text(change, name))
    for file in change.files:
        # Without an old version there is nothing to break; as the target of a move a new file is read all the same.
        for after in (False, True):
            side = file.after if after else file.before
            if side is None or side.kind is not Kind.TEXT or not side.path.endswith(".py") or shapes.is_test(side.path):
                continue
            root = _root(side.path, trees[after], said, change.config.published)
            if root is None:
                continue
            package = found.setdefault(root, Package(*root, {}, {}, said.built, change.config.published))
            (package.after if after else package.before)[side.path] = side.text
    out = []
    for package in found.values():
        _add_above(package, change)
        if package.before and _readable(package, change.files, problems):
            out.append(package._replace(stands=_stands(package, trees[True])))
    return out


def _stands(package: Package, tree: set[str]) -> bool:
    place = f"{package.folder}/{package.name}".lstrip("/")
    return f"{place}.py" in tree or any(path.startswith(f"{place}/") and path.endswith(".py") for path in tree)


def _text(change: Change, path: str) -> str | None:
    content = change.read(path, after=False)
    return None if content is None else content.decode("utf-8", "replace")


def _root(path: str, tree: set[str], said: Layout, published: tuple[str, ...]) -> tuple[str, str] | None:
    """(the folder that is searched for it, the package's name), or None for a file that nobody imports from outside."""
    alone = bool(matches(path, published))
    found = (said.top(path, tree) if alone or said.built else None) or _marked(path, tree)
    if alone and found is None:
        found = _bare(path)
    if found is None or not found[1].isidentifier() or found[1].startswith("_"):
        return None
    return found


def _bare(path: str) -> tuple[str, str]:
    """A file that the base publishes, and of which nothing says where it is looked for: a module, in its folder."""
    folder, _, name = path.removesuffix(".py").rpartition("/")
    return folder, name


def _marked(path: str, tree: set[str]) -> tuple[str, str] | None:
    """The outermost folder with an `__init__.py`."""
    folders = path.split("/")[:-1]
    if not folders or f"{'/'.join(folders)}/__init__.py" not in tree:
        return None
    while len(folders) > 1 and f"{'/'.join(folders[:-1])}/__init__.py" in tree:
        folders.pop()
    return "/".join(folders[:-1]), folders[-1]


def _add_above(package: Package, change: Change) -> None:
    """The `__init__.py` between each file and the package's folder."""
    wanted = set()
    for path in (*package.before, *package.after):  # where a module goes, what is above it says what is left
        parts = path.split("/")[:-1]
        least = package.folder.count("/") + 1 if package.folder else 0
        wanted |= {"/".join([*parts[:n], "__init__.py"]) for n in range(least + 1, len(parts) + 1)}
    for after, read in ((False, package.before), (True, package.after)):
        for path, content in change.reads(wanted - read.keys(), after=after).items():
            if content is not None:
                read[path] = content.decode("utf-8", "replace")


def _readable(package: Package, files: tuple[FileChange, ...], problems: list[str]) -> bool:
    """Leave out on both sides what does not parse on one, and say so."""
    if max(sum(map(len, side.values())) for side in (package.before, package.after)) > _LARGEST:
        problems.append(f"{package.name}: too much of it changed for its interface to be compared")
        return False
    moved = {f.before.path: f.after.path for f in files if f.before and f.after}
    back = {new: old for old, new in moved.items()}
    for path in _broken(package):
        problems.append(f"{path} does not parse: its interface was not compared")
        package.before.pop(back.get(path, path), None)
        package.after.pop(moved.get(path, path), None)
    return bool(package.before)


def _broken(package: Package) -> Iterator[str]:
    for path, text in [*package.before.items(), *package.after.items()]:
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            yield path
