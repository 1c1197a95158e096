"""What a change takes from those who import a Python package, by griffe: it reads the code and never runs it.

griffe is an extra (`api`). A name that stays as an alias of the new one, or that a module's `__getattr__` may answer
for, is not gone.
"""

from __future__ import annotations

import importlib.util
import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from interlock.changes.change import Change
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal.published import Package, packages

MISSING = "griffe (the extra `api`) is not installed: what the change takes from those who import it was not compared"
_PARAMETERS = {
    "PARAMETER_REMOVED": "takes {name} no more",
    "PARAMETER_ADDED_REQUIRED": "needs {name} now",
    "PARAMETER_CHANGED_REQUIRED": "needs {name} now, which could be left out",
    "PARAMETER_CHANGED_DEFAULT": "takes {new} for {name} where it is left out, no longer {old}",
    "PARAMETER_CHANGED_KIND": "takes {name} in another way: {new_kind}, no longer {old_kind}",
    "PARAMETER_MOVED": "takes {name} at another place",
}


def available() -> bool:
    """Whether griffe is there."""
    return importlib.util.find_spec("griffe") is not None


def judged(change: Change, problems: list[str], notes: list[str]) -> Iterator[Finding]:
    """Findings on what is gone, or called otherwise. Without griffe a note says so."""
    touched = packages(change, problems)
    if touched and not available():
        notes.append(MISSING)
        return
    for package in touched:
        yield from _package(package, change, problems)


class _Loaded(NamedTuple):
    """One side of a package as griffe has it; None where there is none. `files`: where it was read -> path."""

    module: Any
    files: dict[str, str]


def _package(package: Package, change: Change, problems: list[str]) -> Iterator[Finding]:
    import griffe

    logging.getLogger("griffe").setLevel(logging.CRITICAL)  # what it does not resolve is not worth a line
    with tempfile.TemporaryDirectory(prefix="interlock-gate-") as folder:
        try:
            old = _loaded(package, package.before, Path(folder) / "old")
            new = _loaded(package, package.after, Path(folder) / "new", stands=package.stands)
            if old.module is None:
                return
            if new.module is None:
                path = next(iter(package.before))
                what = "module" if path == f"{package.folder}/{package.name}.py".lstrip("/") else "package"
                yield _finding(package, path, 0, package.name, f"The {what} {package.name} is gone, or has moved.")
                return
            lost: list[tuple[str, str]] = []
            _resolve(new.module, old.module, lost)
            found = list(griffe.find_breaking_changes(old.module, new.module))
        except (griffe.GriffeError, RecursionError, MemoryError, KeyError, ValueError, AttributeError) as error:
            problems.append(f"{package.name}: griffe could not compare its interface: {type(error).__name__}")
            return
        for name, file in lost:
            yield _finding(
                package, old.files.get(file, package.folder), 0, f"OBJECT_REMOVED {name}", f"{name} is gone."
            )
        for one in found:
            yield from _said(one, package, old, new, change)


def _loaded(package: Package, texts: Mapping[str, str], folder: Path, *, stands: bool = True) -> _Loaded:
    """A package from files of ours that hold its text: nothing else of the repository is beside them.

    Folders without an `__init__.py` get an empty one: of a namespace package griffe would read the first folder only.
    """
    import griffe

    prefix = f"{package.folder}/" if package.folder else ""
    files = {}
    for path, text in texts.items():
        if path.startswith(prefix):
            place = folder / path.removeprefix(prefix)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", errors="replace")
            files[str(place)] = path
    top = folder / package.name
    if not stands:
        return _Loaded(None, files)
    if not top.with_suffix(".py").is_file():
        top.mkdir(parents=True, exist_ok=True)
    for place in (top, *top.rglob("*")):
        if place.is_dir():
            (place / "__init__.py").touch()
    loader = griffe.GriffeLoader(search_paths=[folder], allow_inspection=False, store_source=False)
    module = loader.load(package.name, try_relative_path=False)
    loader.resolve_aliases(implicit=True, external=False)
    return _Loaded(module, files)


def _resolve(new: Any, old: Any, lost: list[tuple[str, str]], deep: int = 0) -> None:
    """Put in the place of another name (`old = new`, `from b import f`) what it stands for, as griffe compares only
    what is defined on both sides; where nothing here says what it stands for, it stays a name, and is not gone.
    `lost`: public names that are gone, with their files, of those that griffe cannot be asked about."""
    import griffe

    for name, was in list(old.members.items()):
        now = new.members.get(name)
        if was.is_alias and _circular(was):
            del old.members[name]  # griffe stumbles over it: nobody can say more of it than whether it is there
            if now is None and name in (old.exports or ()):
                lost.append((f"{old.path}.{name}", str(old.filepath)))
            continue
        if now is None or was.is_alias or deep > 20:
            continue
        if not now.is_alias and now.is_attribute and not was.is_attribute and isinstance(now.value, griffe.ExprName):
            now = new.members.get(now.value.name, now)
        if now.is_alias:
            try:
                now = now.final_target
            except (griffe.AliasResolutionError, griffe.CyclicAliasError):
                continue
        new.members[name] = now
        if was.kind is now.kind and (was.is_module or was.is_class):
            _resolve(now, was, lost, deep + 1)


def _circular(alias: Any) -> bool:
    """Whether a name leads back to itself, as griffe reads it: `from .parts import parts` beside a `parts.py`."""
    import griffe

    try:
        _ = alias.final_target
    except griffe.CyclicAliasError:
        return True
    except griffe.AliasResolutionError:
        return False
    return False


def _said(one: Any, package: Package, old: _Loaded, new: _Loaded, change: Change) -> Iterator[Finding]:
    kind, thing = one.kind.name, one.obj
    if kind in _PARAMETERS:
        parameter = one.old_value or one.new_value
        if parameter.name.startswith("_"):
            return
        words = {"name": parameter.name, "old": "", "new": "", "old_kind": "", "new_kind": ""}
        for side, value in (("old", one.old_value), ("new", one.new_value)):
            if value is not None:
                words[side], words[f"{side}_kind"] = str(value.default)[:80], value.kind.value
        end = _PARAMETERS[kind].format_map(words)
        path = new.files.get(str(thing.filepath), package.folder)
        yield _finding(
            package, path, thing.lineno or 0, f"{kind} {thing.path} {parameter.name}", f"{_call(thing)} {end}."
        )
    elif kind == "OBJECT_CHANGED_KIND" and str(one.old_value.value) in ("function", "class"):
        path = new.files.get(str(thing.filepath), package.folder)
        title = f"{thing.path} is another kind of thing now ({one.new_value.value}, no longer {one.old_value.value})."
        yield _finding(package, path, thing.lineno or 0, f"{kind} {thing.path}", title)
    elif kind == "OBJECT_REMOVED" and _counts(thing):
        yield from _gone(thing, package, old, new, change)


def _counts(thing: Any) -> bool:
    """Whether it is more than a value that lies around: constants are public where `__all__` says so."""
    if thing.name.startswith("__") and thing.name != "__init__":
        return False
    if thing.is_alias:
        return True
    if thing.is_attribute:
        return "property" in thing.labels or bool(getattr(thing.parent, "exports", None))
    return True


def _gone(thing: Any, package: Package, old: _Loaded, new: _Loaded, change: Change) -> Iterator[Finding]:
    parent = _at(new.module, thing.parent)
    if parent is not None and "__getattr__" in parent.members:
        return
    path = old.files.get(str(thing.filepath), package.folder)
    title, weight = f"{_call(thing)} is gone.", Weight.REVIEW
    moved = change.renamed.get(path) if not thing.is_alias and thing.is_module else None
    place = None if moved else _elsewhere(new.module, thing)
    if moved:
        title = f"{thing.path} is gone: it has moved to {moved}, and nothing is left in its place."
    elif place:
        title = f"{_call(thing)} is gone: {place} has that name now, and nothing is left in its place."
    if parent is not None and _may_have(parent):
        title, weight = title[:-1] + ", unless it comes from where griffe does not look.", Weight.NOTE
    yield _finding(package, path, 0, f"OBJECT_REMOVED {thing.path}", title, weight)


def _at(root: Any, thing: Any) -> Any:
    """The same thing in the other version."""
    found = root
    for name in thing.path.split(".")[1:]:
        found = None if found is None or found.is_alias else found.members.get(name)
    return found


def _may_have(parent: Any) -> bool:
    """Whether a name may come to it from a module, or a class, that was not read."""
    if parent.is_alias:
        return True
    if parent.is_class:
        return len(parent.resolved_bases) < sum(
            str(base) not in ("object", "Exception", "Enum") for base in parent.bases
        )
    return any(name.endswith("*") for name in parent.members)


def _elsewhere(root: Any, thing: Any) -> str:
    """Another public place in what was read that has this function or class now."""
    look = [root]
    while look:
        module = look.pop()
        for member in module.members.values():
            if member.is_alias or not member.is_public:
                continue
            if member.is_module:
                look.append(member)
            elif member.name == thing.name and member.kind is thing.kind and member.path != thing.path:
                return str(member.path)
    return ""


def _call(thing: Any) -> str:
    return f"{thing.path}()" if thing.is_function else str(thing.path)


def _finding(
    package: Package, path: str, line: int, anchor: str, title: str, weight: Weight = Weight.REVIEW
) -> Finding:
    return Finding(
        rule="formal/api-breaks", weight=weight if package.others_import(path) else Weight.NOTE, path=path,
        line=line, anchor=anchor, title=title[:400], why="Whoever imports it as before fails, or gets something else.",
        fix="Leave the old name or form beside the new one until nobody uses it.",
    )  # fmt: skip
