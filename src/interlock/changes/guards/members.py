"""Lists that a condition of refusal asks: of those that are let in, or of those that are kept out. Pure.

A list of what is let in that gives way to one of what is kept out lets in all that nobody thought of; the other way
round it lets in less.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from interlock.changes.guards.atoms import atoms, parsed, signs

_HAS = re.compile(
    r"(?:([\w$.]+)\.(?:has|includes)|slices\.Contains)\((?:([\w$.]+), )?([^'\"()][^()]*(?:\([^()]*\))?)\)"
)
_HELD = re.compile(r"([\w.]+)\[([^\[\]'\"]+)\]")


class Member(NamedTuple):
    """`subject`: what is looked for, by its words; `held`: the list; `allows`: what is not in it is refused."""

    subject: frozenset[str]
    held: str
    allows: bool

    @property
    def fixed(self) -> bool:
        """Whether the program fixes what is in the list."""
        return self.held.rpartition(".")[2].isupper() or _constant(self.held)


def _constant(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def members(condition: str, among: frozenset[str] | None = None) -> list[Member]:
    """The memberships that a condition of refusal asks for; `among`: in these of its atoms alone."""
    leaning = signs(condition)
    found = []
    for atom in atoms(condition) if among is None else among:
        if (two := _membership(atom)) is not None:
            subject, held, left_out = two
            words = frozenset(re.findall(r"[A-Za-z_$][\w$]*", subject)) - {"set", "list", "frozenset"}
            found.append(Member(words, held, leaning.get(atom, True) is left_out))
    return found


def _membership(atom: str) -> tuple[str, str, bool] | None:
    """What is looked for, where, and whether the atom is true of what is not in there."""
    tree = parsed(atom)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.In):
        left, right = tree.left, tree.comparators[0]
        return None if isinstance(left, ast.Constant) else (ast.unparse(left), ast.unparse(right), False)
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Sub | ast.BitAnd):
        return ast.unparse(tree.left), ast.unparse(tree.right), isinstance(tree.op, ast.Sub)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute) and len(tree.args) == 1:
        held, subject = ast.unparse(tree.func.value), ast.unparse(tree.args[0])
        if tree.func.attr in ("startswith", "endswith") and subject.isupper():
            return held, subject, False
        if tree.func.attr in ("intersection", "isdisjoint"):
            return subject, held, tree.func.attr == "isdisjoint"
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "_":
        text = str(getattr(tree.args[0], "value", ""))
        if asked := _HAS.fullmatch(text):
            return asked[3], asked[1] or asked[2] or "", False
        if asked := _HELD.fullmatch(text):
            return asked[2], asked[1], False
    return None


def opened(old: str, new: str) -> bool:
    """Whether a list of what is let in gave way to one of what is kept out, about the same things."""
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    left, right = members(old, lost), members(new, fresh)
    if any(one.allows for one in right) or settled(old, new):
        return False
    return any(one.allows and one.subject & other.subject for one in left for other in right)


def settled(old: str, new: str) -> bool:
    """Whether a list that the program fixes is asked where none was, about the same things."""
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    left, right = members(old, lost), members(new, fresh)
    words = frozenset(re.findall(r"[A-Za-z_$][\w$]*", " ".join(lost)))
    exact = any(one.fixed for one in left) or any(" == " in atom for atom in lost)
    return not exact and any(one.fixed and one.subject & words for one in right)


def unlisted(old: str, new: str) -> bool:
    """Whether a condition that lets in what a fixed list names gave way to one that asks neither that nor `==`."""
    old, new = f"not ({old})", f"not ({new})"
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    if not fresh or any(" == " in atom for atom in fresh) or any(one.fixed and one.allows for one in members(new)):
        return False
    return any(one.fixed and one.allows for one in members(old, lost))
