"""The table of known HTTP interfaces (`data/apis.toml`), compiled once: hosts, paths, and what each call does."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.effects.catalogue.grammar import GrammarError
from interlock.effects.catalogue.rules import Rule, read_rule
from interlock.model.errors import CatalogueError

_LINE = re.compile(r"^(\S+) (/\S*?)(?:\?(\S+))? = (.+)$")
_KEYS = {"name", "hosts", "ports", "paths", "graphql", "sql", "calls"}


class Call(NamedTuple):
    """One line: methods (none: all), the pieces of the path, parameters with their globs, and the effects."""

    methods: frozenset[str]
    path: tuple[str, ...]
    parameters: tuple[tuple[str, tuple[str, ...]], ...]
    rules: tuple[Rule, ...]

    @property
    def asks(self) -> bool:
        """It changes nothing."""
        return not self.rules


class Api(NamedTuple):
    """One provider."""

    name: str
    hosts: tuple[str, ...]
    ports: frozenset[str]
    paths: tuple[tuple[str, ...], ...]
    graphql: tuple[tuple[str, ...], ...]
    sql: tuple[tuple[str, ...], ...]
    calls: tuple[Call, ...]


def load(text: str) -> tuple[Api, ...]:
    """The interfaces in `text` (TOML, the format of `data/apis.toml`).

    Raises:
        CatalogueError: not TOML, an unknown key, or a line that says nothing.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"the list of HTTP interfaces is not TOML: {error}") from error
    return tuple(_api(entry) for entry in table.get("api", ()))


def _api(entry: dict[str, str]) -> Api:
    name = entry.get("name", "")
    if not name or set(entry) - _KEYS:
        raise CatalogueError(f"HTTP interface {name!r}: needs a name, and of {', '.join(sorted(_KEYS))} nothing else")
    return Api(
        name=name,
        hosts=tuple(entry.get("hosts", "").split()),
        ports=frozenset(entry.get("ports", "").split()),
        paths=tuple(_pieces(path) for path in entry.get("paths", "").split()),
        graphql=tuple(_pieces(path) for path in entry.get("graphql", "").split()),
        sql=tuple(_pieces(path) for path in entry.get("sql", "").split()),
        calls=tuple(_call(name, line.strip()) for line in entry.get("calls", "").splitlines() if line.strip()),
    )


def _pieces(path: str) -> tuple[str, ...]:
    return tuple(piece for piece in path.split("/") if piece)


def _call(api: str, line: str) -> Call:
    match = _LINE.match(line)
    if match is None:
        raise CatalogueError(f"HTTP interface {api}: {line!r}: write `METHODS PATH[?name=glob] = EFFECT ; EFFECT`")
    methods, path, query, said = match.groups()
    parameters = tuple(
        (name, tuple(globs.split("|")))
        for name, _, globs in (term.partition("=") for term in (query or "").split("&") if term)
    )
    try:
        rules = () if said == "asks" else tuple(read_rule(part.strip()) for part in said.split(" ; "))
    except GrammarError as error:
        raise CatalogueError(f"HTTP interface {api}: {error}") from error
    captured = {name for name, _ in parameters} | set(re.findall(r"\{(\w+)\}", path)) | {"host", "path"}
    missing = {name for rule in rules for name in rule.names()} - captured
    if missing:
        raise CatalogueError(f"HTTP interface {api}: {line!r}: nothing captures {', '.join(sorted(missing))}")
    return Call(frozenset() if methods == "*" else frozenset(methods.split("|")), _pieces(path), parameters, rules)


@cache
def packaged() -> tuple[Api, ...]:
    """The interfaces that ship with Interlock, read once."""
    return load(resources.files("interlock.effects").joinpath("data/apis.toml").read_text("utf-8"))
