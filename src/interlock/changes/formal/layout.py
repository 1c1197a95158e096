"""Where Python looks for what a repository distributes, as its manifests say: folders, and names without `__init__.py`.

A namespace package has none, and a module is one file, so their names alone do not tell them from a folder of scripts:
they count below a folder that is searched (`src`, or what a manifest names), or where a manifest names them. Pure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_BUILDS = re.compile(r"(?m)^\s*\[(?:build-system|metadata)\]|\bsetup\s*\(")
_WHERE = re.compile(r"""(?:\bpackage_dir\s*=\s*(?:\{\s*["']{2}\s*:\s*["']|=)|(?m:^where\s*=))\s*([\w./-]+)""")
_MODULES = re.compile(r"""\bpy_modules\s*=\s*(\[[^\]]{0,2000}\]|[\w.,-]+(?:\n?[ \t]+[\w.,-]+){0,100})""")
_WORD = re.compile(r"[A-Za-z_]\w*")


class Layout(NamedTuple):
    """`searched`: folders from which names are looked up, beside every `src`. `named`: names of the top that a manifest
    gives. `built`: a distribution is made of the repository at all.
    """

    searched: frozenset[str]
    named: frozenset[str]
    built: bool

    def top(self, path: str, tree: set[str]) -> tuple[str, str] | None:
        """(the folder that is searched, the name there) of a file, whether or not there is an `__init__.py`."""
        parts = path.removesuffix(".py").split("/")
        for n in range(len(parts)):
            folder = "/".join(parts[:n])
            if n and f"{folder}/__init__.py" in tree:
                break
            if (n and parts[n - 1] == "src") or folder in self.searched:
                return folder, parts[n]
        return ("", parts[0]) if parts[0] in self.named else None


def layout(read: Callable[[str], str | None]) -> Layout:
    """What the manifests at the top say; `read` gives a file's text. What does not parse says nothing."""
    project, *others = (read(name) or "" for name in ("pyproject.toml", "setup.cfg", "setup.py"))
    try:
        table = tomllib.loads(project)
    except (tomllib.TOMLDecodeError, RecursionError):
        table = {}
    folders, names = set(_folders(table)), set(_names(table))
    for text in others:
        folders |= {match[1] for match in _WHERE.finditer(text)}
        names |= {word for match in _MODULES.finditer(text) for word in _WORD.findall(match[1])}
    searched = {folder.removeprefix("./").strip("/") for folder in folders} - {"", "."}
    return Layout(frozenset(searched), frozenset(names), any(_BUILDS.search(text) for text in (project, *others)))


def _folders(table: dict[str, Any]) -> Iterator[str]:
    tools = _at(table, "tool")
    yield from _texts(_at(tools, "setuptools", "packages", "find").get("where"))
    yield from _texts([_at(tools, "setuptools", "package-dir").get("")])
    yield from _texts(
        [_at(tools, "pdm", "build").get("package-dir"), _at(tools, "uv", "build-backend").get("module-root")]
    )
    for one in _list(_at(tools, "poetry").get("packages")):
        yield from _texts([one.get("from")] if isinstance(one, dict) else [])
    for path in _texts(_at(tools, "hatch", "build", "targets", "wheel").get("packages")):
        yield path.rpartition("/")[0]


def _names(table: dict[str, Any]) -> Iterator[str]:
    """Names of the top; what a manifest calls `acme.shop` or `acme*` is looked up as `acme`."""
    tools = _at(table, "tool")
    setuptools, poetry = _at(tools, "setuptools"), _at(tools, "poetry")
    found = [*_texts(setuptools.get("py-modules")), *_texts(setuptools.get("packages"))]
    found += _texts(_at(setuptools, "packages", "find").get("include"))
    found += _texts([_at(tools, "flit", "module").get("name")])
    found += _texts([_at(table, "project").get("name"), poetry.get("name")])
    found += [
        text for one in _list(poetry.get("packages")) if isinstance(one, dict) for text in _texts([one.get("include")])
    ]
    for name in found:
        first = re.split(r"[./*]", name.replace("-", "_"))[0]
        yield from {first, first.lower()} - {""}


def _at(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = table
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]
