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
    quiet: frozenset[str]  # tools by their exact names
    keepers: frozenset[str]  # words of servers that keep credentials
    names_only: frozenset[str]
    local: frozenset[str]
    local_arguments: frozenset[str]
    writing_stages: frozenset[str]


def load(text: str) -> McpWords:
    """The lists in `text` (TOML, the format of `data/mcp.toml`).

    Raises:
        CatalogueError: not TOML, an unknown verb, a missing list, or verbs that do not end with `read`.
    """
    try:
        table = tomllib.loads(text)
        verbs = tuple((Verb(entry["verb"]), frozenset(entry["words"])) for entry in table["verb"])
        lists = {key: frozenset(table["arguments"][key]) for key in ("command", "sql", "code", "path", "url")}
        tools = ("quiet", "keepers", "names_only", "local", "local_arguments", "writing_stages")
        lists |= {key: frozenset(table["tools"][key]) for key in tools}
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
