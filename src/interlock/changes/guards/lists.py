"""What a list of the program is for, by its use: refusing what is in it, or what is not. Pure.

`if path not in OPEN: refuse` makes every new entry of OPEN something that is let in, whatever the list is called.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from interlock.changes.guards.atoms import parsed
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind

_ASKED = re.compile(r"([A-Za-z_$][\w$]*)\.(?:has|includes)\(")


class Listed(NamedTuple):
    """A list with entries: the number of its function among the file's, its name, what is in it, and its line."""

    function: int
    name: str
    entries: tuple[str, ...]
    line: int


PICKED = ", one by one: "  # in a key: a list by which fields are taken of something


def placed(functions: Sequence[Function], lists: Iterable[Listed], picks: Iterable[str] = ()) -> list[Function]:
    """The functions of a file with the entries of its lists, as far as their use tells what they are for.

    Args:
        functions: of the file.
        lists: in it.
        picks: names of lists that say which fields are taken of something.
    """
    out = list(functions)
    sides = {**dict.fromkeys(picks, "pick"), **_sides(functions)}
    for one in lists:
        side = sides.get(one.name)
        home = out[one.function]
        home = msgspec.structs.replace(home, held=home.held | {f"{one.name}: {entry}" for entry in one.entries})
        out[one.function] = home
        if side is None:
            continue
        if side == "deny":
            guards = tuple(
                Guard(
                    kind=Kind.ENTRY, family="entry", key=f"{one.name}: {entry}", line=one.line,
                    text=f"{entry!r} in {one.name}",
                )
                for entry in one.entries
            )  # fmt: skip
            out[one.function] = msgspec.structs.replace(home, guards=(*home.guards, *guards))
        else:
            between = PICKED if side == "pick" else ": "
            allows = home.allows + Counter(f"{one.name}{between}{entry}" for entry in one.entries)
            out[one.function] = msgspec.structs.replace(home, allows=allows)
    return out


def _sides(functions: Iterable[Function]) -> dict[str, str]:
    """Name -> `deny` or `allow`; a name that is used in both ways is left out."""
    found: dict[str, set[str]] = {}
    for guard in (g for f in functions for g in f.guards if g.kind in REJECTIONS and g.family != "answer"):
        tree = parsed(guard.condition)
        for name, inside in _uses(tree, True) if tree is not None else ():
            found.setdefault(name, set()).add("deny" if inside else "allow")
    return {name: sides.pop() for name, sides in found.items() if len(sides) == 1}


def _uses(node: ast.expr, sign: bool) -> list[tuple[str, bool]]:
    """The lists that a condition of refusal asks, and whether it leans to refusing what is in them."""
    if isinstance(node, ast.BoolOp):
        return [use for value in node.values for use in _uses(value, sign)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _uses(node.operand, not sign)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        right = node.comparators[0]
        name = right.attr if isinstance(right, ast.Attribute) else right.id if isinstance(right, ast.Name) else ""
        return [(name, sign is isinstance(node.ops[0], ast.In))] if name else []
    return [(name, sign) for name in _ASKED.findall(ast.unparse(node))]
