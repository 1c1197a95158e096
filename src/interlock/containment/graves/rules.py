"""The data file `grave.toml`, loaded once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from interlock.containment.graves import gitconfig
from interlock.containment.graves.names import Names


class Rule(NamedTuple):
    """One `[[rule]]`. `lines` may name the workspace as `{root}`."""

    id: str
    why: str
    guards: bool
    tools: bool
    lines: str
    form: str
    keys: tuple[str, ...]
    values: re.Pattern[str] | None
    quiet: frozenset[str]

    def pattern(self, root: str) -> re.Pattern[str]:
        """The lines that matter, for a workspace at `root`."""
        return _compiled(self.lines.replace("{root}", re.escape(root)))


class Book(NamedTuple):
    """All that the file says."""

    rules: tuple[Rule, ...]
    names: Names
    git: gitconfig.Rules
    regenerable: Names
    deleted: int
    scrambled: int
    commands: frozenset[str]
    places: frozenset[str]
    referrers: tuple[str, ...]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


@cache
def book() -> Book:
    """What `grave.toml` says."""
    text = resources.files("interlock.containment").joinpath("grave.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return Book(
        rules=tuple(_rule(entry) for entry in data["rule"]),
        names=Names((entry["match"], entry.get("except", ())) for entry in data["rule"]),
        git=_git(data["git"]),
        regenerable=Names([(data["bulk"]["regenerable"], ())]),
        deleted=data["bulk"]["deleted"],
        scrambled=data["bulk"]["scrambled"],
        commands=frozenset(data["shadow"]["commands"]),
        places=frozenset(data["shadow"]["places"]),
        referrers=tuple(data["referrers"]["files"]),
    )


def _rule(entry: dict[str, Any]) -> Rule:
    values = entry.get("values")
    return Rule(
        id=entry["id"],
        why=entry["why"],
        guards=entry.get("guards", False),
        tools=entry.get("tools", False),
        lines=entry.get("lines", ""),
        form=entry.get("format", ""),
        keys=tuple(entry.get("keys", ())),
        values=re.compile(values) if values else None,
        quiet=frozenset(entry.get("quiet", ())),
    )


def _git(entry: dict[str, Any]) -> gitconfig.Rules:
    return gitconfig.Rules(
        runs=tuple(entry["runs"]),
        quiet={key: tuple(values) for key, values in entry["quiet"].items()},
        careful={section: tuple(keys) for section, keys in entry["careful"].items()},
        suspicious=re.compile(entry["suspicious"]),
        guards=tuple(entry["guards"]),
        aliases=frozenset(entry["aliases"]),
    )
