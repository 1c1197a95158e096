"""The word lists for MCP tools, loaded from `data/mcp.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.model.effect import Verb
from interlock.model.errors import CatalogueError


class McpWords(NamedTuple):
    """`verbs` from the most serious to `read`; the names of arguments by what they hold; server words to dialects."""

    verbs: tuple[tuple[Verb, frozenset[str]], ...]
    command: frozenset[str]
    sql: frozenset[str]
    code: frozenset[str]
    path: frozenset[str]
    url: frozenset[str]
    dialects: dict[str, str]


def load(text: str) -> McpWords:
    """The lists in `text` (TOML, the format of `data/mcp.toml`).

    Raises:
        CatalogueError: not TOML, an unknown verb, a missing list, or verbs that do not end with `read`.
    """
    try:
        table = tomllib.loads(text)
        verbs = tuple((Verb(entry["verb"]), frozenset(entry["words"])) for entry in table["verb"])
        lists = {key: frozenset(table["arguments"][key]) for key in ("command", "sql", "code", "path", "url")}
        words = McpWords(verbs=verbs, dialects=dict(table["dialects"]), **lists)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(f"the words of MCP tools cannot be used: {error}") from error
    if not verbs or verbs[-1][0] is not Verb.READ:
        raise CatalogueError("the words of MCP tools: the last verb must be `read`, the mildest")
    return words


@cache
def packaged() -> McpWords:
    """The lists that ship with Interlock, read once."""
    return load(resources.files("interlock.effects").joinpath("data/mcp.toml").read_text("utf-8"))
