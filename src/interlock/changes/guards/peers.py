"""What siblings of a new function guard against and it does not. Pure.

Siblings are functions of the same role near by: handlers of requests registered in the same way, methods of one class.
Code that never had a guard loses none: this is how its absence is seen all the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from interlock.changes.guards import verbs
from interlock.changes.guards.guard import Function, Guard, Kind

SHARE = 0.8  # of the siblings that carry a guard make it the rule
FEWEST = 4  # siblings; fewer make no rule
_ROUTING = re.compile(
    r"(?:^|\.)(?:route|get|post|put|patch|delete|head|options|websocket|api_view|action|command|handler|task|"
    r"view_config|expose|endpoint|mutation|query|resolver|event|on)(?:\(|$)", re.IGNORECASE
)  # fmt: skip
_HANDLER = {"request", "req", "ctx", "context", "r", "c", "info", "event"}
_KINDS = {Kind.DECORATOR, Kind.CALL, Kind.KEYWORD, Kind.HOLD}
_WORTH = {"authorise", "validate", "escape", "limit", "timeout", "lock", "crypto", "secret", "path", "keyword"}


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A guard that `carriers` of `siblings` have and the function lacks."""

    path: str
    function: str
    line: int
    family: str
    guard: str
    example: str  # where it stands, of one sibling
    carriers: int
    siblings: int
    critical: bool


def role(function: Function) -> str:
    """What kind of thing a function is, by what registers it or what it is given; empty where nothing says."""
    if function.name.startswith("route ") or "route " in function.name:
        return f"{function.path.rpartition('/')[0]} route"
    for decorator in function.decorators:
        match = _ROUTING.search(decorator.partition("(")[0] + "(")
        if match:
            return f"{function.path} decorated {decorator.partition('.')[0].partition('(')[0]}"
    own = [p for p in function.parameters if p not in ("self", "cls")]
    if own and own[0] in _HANDLER and function.short and not function.short.startswith("_"):
        owner = function.name.rpartition(".")[0]
        return f"{function.path} {owner or 'handler'}({own[0]})"
    return ""


def _mark(guard: Guard) -> tuple[str, str]:
    name = re.split(r"[(\s]", guard.key.lstrip("@"), maxsplit=1)[0].rpartition(".")[2]
    return guard.family, name


def _marks(function: Function) -> dict[tuple[str, str], Guard]:
    return {_mark(g): g for g in function.guards if g.kind in _KINDS and g.family in _WORTH and g.strong}


def missing(new: Iterable[Function], around: Sequence[Function]) -> list[Missing]:
    """What new functions lack that is the rule among their siblings.

    Args:
        new: functions that the change adds.
        around: all functions of the new version, of the change's files and those beside them.
    """
    added = list(new)
    names = {(f.path, f.name, f.line) for f in added}
    families: dict[str, list[Function]] = {}
    for one in around:
        if (one.path, one.name, one.line) not in names and (kind := role(one)):
            families.setdefault(kind, []).append(one)
    found = []
    for one in added:
        siblings = families.get(role(one), []) if role(one) else []
        if len(siblings) >= FEWEST:
            found += _missing(one, siblings)
    return found


def _missing(one: Function, siblings: Sequence[Function]) -> list[Missing]:
    carried: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], tuple[Function, Guard]] = {}
    for sibling in siblings:
        for mark, guard in _marks(sibling).items():
            carried[mark] += 1
            examples.setdefault(mark, (sibling, guard))
    mine = _marks(one)
    families = {family for family, _ in mine}
    found = []
    for mark, count in sorted(carried.items()):
        family, _ = mark
        if count < SHARE * len(siblings) or mark in mine or (family in families and family != "keyword"):
            continue
        holder, guard = examples[mark]
        found.append(
            Missing(
                path=one.path,
                function=one.name,
                line=one.line,
                family=family,
                guard=guard.text,
                example=f"{holder.path}:{guard.line}",
                carriers=count,
                siblings=len(siblings),
                critical=family == "authorise" or verbs.critical((one.path, one.name)),
            )
        )
    return found
