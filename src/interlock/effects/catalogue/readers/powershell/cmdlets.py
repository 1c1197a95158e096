"""What is known of cmdlets (`data/powershell.toml`): their names and short names, parameters, roles and acts."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

from interlock.effects.powershell import Argument, Value

_CMDLET = re.compile(r"[A-Za-z]+-[A-Za-z]\w*")


@dataclass(frozen=True, slots=True)
class Act:
    """What a cmdlet does that is worth more than its verb says."""

    match: tuple[str, ...]
    verb: str
    kind: str
    name: str
    label: str
    env: str

    def fits(self, name: str) -> bool:
        """Whether it speaks of this cmdlet (in lower case)."""
        return any(fnmatchcase(name, pattern) for pattern in self.match)


@dataclass(frozen=True, slots=True)
class Cmdlets:
    """The tables, with every name in lower case."""

    aliases: dict[str, str]
    roles: dict[str, tuple[str, tuple[str, ...]]]
    switches: dict[str, str]
    valued: dict[str, str]
    quiet: frozenset[str]
    project: frozenset[str]
    types: tuple[str, ...]
    members: frozenset[str]
    verbs: dict[str, str]
    acts: tuple[Act, ...]
    nouns: tuple[tuple[tuple[str, ...], str], ...]


def _lower(text: str) -> dict[str, str]:
    return {name.lower(): name for name in text.split()}


def _act(row: dict[str, str]) -> Act:
    return Act(
        tuple(row["match"].lower().split()), row["verb"], row["kind"], row.get("name", ""), row.get("label", ""),
        row.get("env", ""),
    )  # fmt: skip


@cache
def cmdlets() -> Cmdlets:
    """The packaged tables."""
    text = resources.files("interlock.effects").joinpath("data/powershell.toml").read_text("utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    return Cmdlets(
        aliases={short: full for full, shorts in data["aliases"].items() for short in shorts.split()},
        roles={
            name.lower(): (role, tuple(words.lower().split()))
            for role, table in data["role"].items()
            for name, words in table.items()
        },
        switches=_lower(data["parameters"]["switches"]),
        valued=_lower(data["parameters"]["valued"]),
        quiet=frozenset(data["quiet"]["names"].lower().split()),
        project=frozenset(data["quiet"]["project"].lower().split()),
        types=tuple(data["quiet"]["types"].lower().split()),
        members=frozenset(data["quiet"]["members"].lower().split()),
        verbs={verb: what for what, verbs in data["verbs"].items() for verb in verbs.split()},
        acts=tuple(_act(row) for row in data["act"]),
        nouns=tuple((tuple(row["match"].lower().split()), row["kind"]) for row in data["noun"]),
    )


def full_name(name: str) -> str:
    """The cmdlet behind a name in any spelling, in lower case; a name that is none comes back as it is."""
    plain = name.rpartition("\\")[2] if _CMDLET.fullmatch(name.rpartition("\\")[2]) else name
    return cmdlets().aliases.get(plain.lower(), plain).lower()


def is_cmdlet(name: str) -> bool:
    """Whether it has the form Verb-Noun, or is known as one."""
    return name in cmdlets().roles or name in cmdlets().quiet or _CMDLET.fullmatch(name) is not None


def quiet_type(name: str) -> bool:
    """Whether members of this .NET type only compute."""
    return any(fnmatchcase(name, pattern) for pattern in cmdlets().types)


def verb_of(name: str) -> str:
    """`reading`, `removing`, `changing`, or "" for a verb that nobody wrote down."""
    return cmdlets().verbs.get(name.partition("-")[0], "")


def kind_of(name: str) -> str:
    """The kind of resource that the noun of a cmdlet speaks of."""
    noun = name.partition("-")[2]
    for patterns, kind in cmdlets().nouns:
        if any(fnmatchcase(noun, pattern) for pattern in patterns):
            return kind
    return "system"


@dataclass(slots=True)
class Bound:
    """The arguments of one call, by parameter (in lower case)."""

    named: dict[str, Value]
    switches: set[str]
    loose: list[Value]
    unsure: bool = False

    def get(self, *names: str) -> Value | None:
        """The first of these that was given."""
        return next((self.named[name] for name in names if name in self.named), None)

    def each(self, *names: str) -> list[Value]:
        """Every value given under these names, lists opened."""
        found: list[Value] = []
        for name in names:
            value = self.named.get(name)
            if value is not None:
                found += value.items if value.items is not None else [value]
        return found


def bind(arguments: tuple[Argument, ...], order: tuple[str, ...]) -> Bound:
    """Give the arguments to parameters: by name, abbreviated or not; what stands alone by its place."""
    bound = Bound({}, set(), [])
    waiting: str | None = None
    for argument in arguments:
        if argument.parameter is None:
            value = argument.value
            if value is None:
                continue
            if argument.raw.startswith("@"):
                bound.unsure = True
            elif waiting is not None:
                bound.named[waiting] = value
                waiting = None
            else:
                bound.loose.append(value)
            continue
        name = parameter(argument.parameter)
        if name in cmdlets().switches:
            off = argument.value is not None and (argument.value.source or argument.value.text or "") in ("$false", "0")
            if not off:
                bound.switches.add(name)
            waiting = None
        elif argument.value is not None:
            bound.named[name] = argument.value
            waiting = None
        else:
            waiting = name
            bound.switches.add(name)
    free = [name for name in order if name not in bound.named]
    for name, value in zip(free, bound.loose, strict=False):
        bound.named[name] = value
    bound.loose = bound.loose[len(free) :]
    return bound


def parameter(text: str) -> str:
    """The full name of a parameter, in lower case: abbreviations hold as long as they are not ambiguous."""
    lower = text.lower()
    tables = cmdlets()
    if lower in tables.switches or lower in tables.valued:
        return lower
    short = {"wi": "whatif", "cf": "confirm", "ea": "erroraction", "ev": "errorvariable", "pv": "pipelinevariable"}
    if lower in short:
        return short[lower]
    # What removes is more often abbreviated than what names: `-r`, `-Rec`, `-fo`.
    for first in ("recurse", "force", "path", "literalpath", "destination"):
        if first.startswith(lower):
            return first
    found = [name for name in (*tables.switches, *tables.valued) if name.startswith(lower)]
    return found[0] if found else lower
