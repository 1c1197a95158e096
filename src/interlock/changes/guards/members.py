"""Lists that a condition of refusal asks: of those that are let in, or of those that are kept out. Pure.

A list of what is let in that gives way to one of what is kept out lets in all that nobody thought of; the other way
round it lets in less.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from interlock.changes.guards.atoms import atoms, parsed, signs

_HAS = re.compile(r"(?:([\w$.]+)\.(?:has|includes)|slices\.Contains)\((?:([\w$.]+), )?([^'\"()][^()]*(?:\([^()]*\))?)\)")
_HELD = re.compile(r"([\w.]+)\[([^\[\]'\"]+)\]")


class Member(NamedTuple):
    """`subject`: what is looked for, by its words; `held`: the list; `allows`: what is not in it is refused."""

    subject: frozenset[str]
    held: str
    allows: bool


def members(condition: str, among: frozenset[str] | None = None) -> list[Member]:
    """The memberships that a condition of refusal asks for; `among`: in these of its atoms alone."""
    leaning = signs(condition)
    found = []
    for atom in atoms(condition) if among is None else among:
        if (two := _membership(atom)) is not None:
            subject, held = two
            found.append(Member(frozenset(re.findall(r"[A-Za-z_$][\w$]*", subject)), held, not leaning.get(atom, True)))
    return found


def _membership(atom: str) -> tuple[str, str] | None:
    """What is looked for, and where."""
    tree = parsed(atom)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.In):
        return None if isinstance(tree.left, ast.Constant) else (ast.unparse(tree.left), ast.unparse(tree.comparators[0]))
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "_":
        text = str(getattr(tree.args[0], "value", ""))
        if asked := _HAS.fullmatch(text):
            return asked[3], asked[1] or asked[2] or ""
        if asked := _HELD.fullmatch(text):
            return asked[2], asked[1]
    return None


def opened(old: str, new: str) -> bool:
    """Whether a list of what is let in gave way to one of what is kept out, about the same things."""
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    left, right = members(old, lost), members(new, fresh)
    if any(one.allows for one in right):
        return False
    return any(one.allows and one.subject & other.subject for one in left for other in right)
