"""Is a package's name one that everybody uses, or one that is nearly so? (docs/decisions/0009)

Answered from a list in data, never from a registry: nothing here reaches out. A name that is not listed is merely
unknown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

_LONGEST = 100  # a longer name is no everyday name, and not worth comparing
_SHORT = 4  # names up to here have neighbours by chance
_FAR = 8  # from here on two mistakes in a name are still a look-alike
_AFFIXES = re.compile(
    r"^(?:python|py|node|js|npm|go|golang|rust|cargo|ruby|gem|php|the|new|real|official|lib|get|my)[-_.]?"
    r"|[-_.]?(?:python|py|py3|python3|node|nodejs|js|ts|npm|go|rust|rs|ruby|lib|libs|api|sdk|cli|core|utils?|helpers?|tools?"
    r"|dev|beta|new|latest|official|pro|plus|fix|fixed|patched|2|3|v2|v3)$"
)


class Standing(NamedTuple):
    """`known`: exactly an everyday name. `resembles`: the everyday name that this one is nearly, or ""."""

    known: bool = False
    resembles: str = ""


class _Index(NamedTuple):
    names: frozenset[str]
    scopes: frozenset[str]
    prefixes: tuple[str, ...]
    by_length: dict[int, tuple[str, ...]]


def standing(registry: str, name: str) -> Standing:
    """What is known of a bare name (no version) in npm, pypi, crates, gems, go, composer, nuget or pub.

    Total: a registry or a name nobody knows is neither known nor a look-alike.
    """
    if not name or len(name) > _LONGEST or registry not in _indexes():
        return Standing()
    return _standing(registry, _plain(registry, name))


@lru_cache(maxsize=4_096)
def _standing(registry: str, name: str) -> Standing:
    index = _indexes()[registry]
    if name in index.names or _owned(index, registry, name) or _below(index.prefixes, name):
        return Standing(known=True)
    return Standing(resembles=_lookalike(index, registry, name))


def _plain(registry: str, name: str) -> str:
    """One spelling for what the registry takes for one name."""
    if registry == "pypi":
        return re.sub(r"[-_.]+", "-", name).lower()
    if registry == "crates":
        return name.replace("-", "_").lower()
    return name if registry == "gems" else name.lower()


def _owned(index: _Index, registry: str, name: str) -> bool:
    """`@types/node`, `symfony/console`, `Microsoft.Extensions.Http`: names below an owner who is known."""
    owner = name.partition("." if registry == "nuget" else "/")[0]
    return owner != name and owner in index.scopes


def _below(prefixes: tuple[str, ...], name: str) -> bool:
    return any(name == prefix or name.startswith(prefix + "/") for prefix in prefixes)


def _lookalike(index: _Index, registry: str, name: str) -> str:
    if registry == "go":
        return _near(_cut(name, index.prefixes), index.prefixes)
    separator = "." if registry == "nuget" else "/"
    owner, slash, rest = name.partition(separator)
    if slash and index.scopes and registry != "nuget":
        close = _near([owner], tuple(sorted(index.scopes)))
        if close:
            return f"{close}/{rest}"
    if slash and registry == "npm":
        return ""
    shapes = [name, *_without_affixes(name)]
    squeezed = re.sub(r"[-_.]", "", name)
    for candidate in index.names:
        if re.sub(r"[-_.]", "", candidate) == squeezed:
            return candidate
    for shape in shapes[1:]:
        if shape in index.names:
            return shape
    return _near(
        [name], tuple(c for length in range(len(name) - 2, len(name) + 3) for c in index.by_length.get(length, ()))
    )


def _cut(name: str, prefixes: tuple[str, ...]) -> list[str]:
    """A Go module path cut to as many elements as each known prefix has."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in sorted({p.count("/") + 1 for p in prefixes}) if count <= len(parts)]


def _without_affixes(name: str) -> Iterator[str]:
    for match in _AFFIXES.finditer(name):
        rest = name[: match.start()] + name[match.end() :]
        if len(rest) >= _SHORT - 1:
            yield rest
    if name.startswith(("cross", "node")) and "-" not in name:
        yield re.sub(r"^(cross|node)", r"\1-", name)


def _near(names: list[str], known: tuple[str, ...]) -> str:
    for name in names:
        for candidate in known:
            if abs(len(name) - len(candidate)) > 2 or min(len(name), len(candidate)) < _SHORT:
                continue
            allowed = 2 if min(len(name), len(candidate)) >= _FAR else 1
            if 0 < distance(name, candidate, allowed) <= allowed:
                return candidate
    return ""


def distance(a: str, b: str, most: int) -> int:
    """Letters added, lost, changed or swapped with a neighbour between two names; more than `most` is `most + 1`."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(b) + 1))
    for row, letter in enumerate(a, 1):
        here = [row]
        for column, other in enumerate(b, 1):
            cost = min(above[column] + 1, here[column - 1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == b[column - 2] and a[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            here.append(cost)
        if min(here) > most:
            return most + 1
        before, above = above, here
    return above[-1]


@cache
def _indexes() -> dict[str, _Index]:
    text = resources.files("interlock.effects.data").joinpath("popular-packages.toml").read_text("utf-8")
    return {registry: _index(registry, table) for registry, table in tomllib.loads(text).items()}


def _index(registry: str, table: dict[str, str]) -> _Index:
    names = frozenset(_plain(registry, name) for name in table.get("names", "").split())
    lengths: dict[int, list[str]] = {}
    for name in sorted(names):
        lengths.setdefault(len(name), []).append(name)
    return _Index(
        names,
        frozenset(scope.lower() for scope in table.get("scopes", "").split()),
        tuple(sorted(prefix.lower() for prefix in table.get("prefixes", "").split())),
        {length: tuple(found) for length, found in lengths.items()},
    )
