"""The word lists of SQL: functions that reach out of the database, tables that hold credentials, first words."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.model.errors import CatalogueError
from interlock.model.labels import RESOURCE_LABELS

DOES = frozenset({"read_file", "write_file", "execute", "network", "configure", "kill", "look"})


class Function(NamedTuple):
    """What a function does (one of `DOES`) and why that matters."""

    does: str
    why: str


class Words(NamedTuple):
    """Lists of words by which statements are told apart; the file says what each holds. Upper case but for pragmas."""

    looks: frozenset[str]
    reports: frozenset[str]
    upkeep: frozenset[str]
    frames: frozenset[str]
    in_frames: frozenset[str]
    accounts: frozenset[str]
    bodies: frozenset[str]
    runs: frozenset[str]
    looking_pragmas: frozenset[str]
    definitions: frozenset[str]
    databases: frozenset[str]


class Names(NamedTuple):
    """Everything in `data/sql.toml`; keys in lower case."""

    functions: dict[str, Function]
    tables: dict[str, str]
    schemas: dict[str, str]  # "mysql" for the entry "mysql.*"
    databases: dict[str, str]
    words: Words
    dialects: dict[str, str]
    plain_nodes: frozenset[str]
    reaching_nodes: frozenset[str]


def load(text: str) -> Names:
    """The lists in `text` (TOML, the format of `data/sql.toml`).

    Raises:
        CatalogueError: not TOML, an unknown `does` or label, an entry without a reason, a missing list.
    """
    try:
        table = tomllib.loads(text)
        words = Words(**{key: frozenset(values) for key, values in table["words"].items()})
        plain, reaching = frozenset(table["nodes"]["plain"]), frozenset(table["nodes"]["reach_out"])
        names = Names({}, {}, {}, {}, words, dict(table["dialects"]), plain, reaching)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CatalogueError(f"the list of SQL names cannot be used: {error}") from error
    for section in ("function", "table", "database"):
        for entry in table.get(section, ()):
            tag, why = entry.get("does", entry.get("label")), entry.get("why")
            if not why or tag not in (DOES if section == "function" else RESOURCE_LABELS):
                raise CatalogueError(f"SQL names, {section} {tag!r}: needs a known tag and a why")
            for name in entry.get("names", ()):
                _add(names, section, name, tag, why)
    return names


def _add(names: Names, section: str, name: str, tag: str, why: str) -> None:
    if section == "function":
        names.functions.setdefault(name, Function(tag, why))
    elif section == "database":
        names.databases[name] = tag
    elif name.endswith(".*"):
        names.schemas[name.removesuffix(".*")] = tag
    else:
        names.tables[name] = tag


@cache
def packaged() -> Names:
    """The lists that ship with Interlock, read once."""
    return load(resources.files("interlock.effects").joinpath("data/sql.toml").read_text("utf-8"))


def table_labels(catalog: str, schema: str, name: str) -> set[str]:
    """Labels of a table by its name alone."""
    names = packaged()
    catalog, schema, name = catalog.casefold(), schema.casefold(), name.casefold()
    spellings = (name, f"{schema}.{name}", f"{catalog}.{schema}.{name}")
    found = {names.tables[key] for key in spellings if key in names.tables}
    return found | {names.schemas[key] for key in (schema, catalog) if key in names.schemas}


def function(name: str) -> Function | None:
    """What a function does, by its name with or without its schema; None for one that nobody listed."""
    names = packaged().functions
    name = name.casefold()
    return names.get(name) or names.get(name.rpartition(".")[2])
