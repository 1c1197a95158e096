"""How a condition stands to the one that it replaced: weaker, as the prover decides, or nobody can say. Pure.

Conditions are those on which a guard refuses. What only the new one asks about is told apart: that something is there
at all, where the old one asked more about it; the same things compared with other values, which the prover can decide;
another rank of people; or something else altogether, about which nobody knows.
"""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Iterable

from interlock.changes.guards import marks, verbs
from interlock.changes.guards.atoms import atoms, parsed, signs, words
from interlock.changes.guards.members import members, opened, settled

_EMPTY = (None, "", b"", 0, False)
_PLAINER = re.compile(
    r"\.(?:lower|upper|strip|casefold|trim|toLowerCase|toUpperCase|normalize|rstrip|lstrip)\([^()]*\)"
)
_PLACE = re.compile(r"\[-?\d+\]$|\.(?:charAt|at)\(-?\d+\)$")
_LENGTHS = ("len", "bool")


class Stands(enum.StrEnum):
    """The new condition beside the old one."""

    WEAKER = "weaker"
    PROVABLE = "provable"  # about the same things: what the prover says of it holds
    UNKNOWN = "unknown"
    STRONGER = "stronger"  # as far as words tell


def stands(old: str, new: str) -> Stands:
    """Compare two conditions of refusal, Python expressions."""
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    seen = signs(new)
    kinds = {_kind(atom, seen.get(atom, False), atoms(old)) for atom in fresh}
    ranks = max(map(verbs.rank, lost), default=0), max(map(verbs.rank, fresh), default=0)
    if not verbs.people(f"{old} {new}"):
        ranks = 0, 0
    if _as_it_comes(lost, fresh, signs(old)) or _all_for_any(lost, fresh, signs(old)):
        return Stands.WEAKER
    if _fewer_members(old, new, lost, fresh) or opened(old, new) or only_where(old, new):
        return Stands.WEAKER
    if settled(new, old) and any(one.allows for one in members(new, fresh)):
        return Stands.WEAKER  # of a list that the program fixes, and now of one that it does not
    if _nothing_at_all(old, new) or opened(new, old) or settled(old, new) or _asks_more(lost, fresh, signs(old), seen):
        return Stands.STRONGER
    if ranks[1] > ranks[0] > 0:
        return Stands.STRONGER
    if Stands.STRONGER in kinds:
        return Stands.STRONGER
    if loosened(old, new) or _more(lost, fresh, signs(old), seen):
        return Stands.WEAKER
    if kinds == {Stands.WEAKER} or ranks[0] > ranks[1] > 0:
        return Stands.WEAKER
    return Stands.UNKNOWN if Stands.UNKNOWN in kinds else Stands.PROVABLE


def _as_it_comes(lost: frozenset[str], fresh: frozenset[str], leaning: dict[str, bool]) -> bool:
    """Whether what is refused is looked for as it comes now: `name.strip().lower() in TAKEN`, now `name in TAKEN`."""
    return any(leaning.get(atom) and (plain := _PLAINER.sub("", atom)) != atom and plain in fresh for atom in lost)


def _all_for_any(lost: frozenset[str], fresh: frozenset[str], leaning: dict[str, bool]) -> bool:
    """Whether all have to be bad for a refusal where one was enough, or one good one is enough where all had to be."""
    for atom in lost:
        word, other = ("any(", "all(") if leaning.get(atom) else ("all(", "any(")
        script, its = (".some(", ".every(") if leaning.get(atom) else (".every(", ".some(")
        turned = {re.sub(rf"\b{re.escape(word)}", other, atom), atom.replace(script, its)} - {atom}
        if turned & fresh:
            return True
    return False


def any_for_all(old: str, new: str) -> bool:
    """Whether one of several things is enough where all of them had to hold."""
    one, other = parsed(old), parsed(new)
    sides = [type(tree.op) for tree in (one, other) if isinstance(tree, ast.BoolOp)]
    return sides == [ast.And, ast.Or] and atoms(old) == atoms(new)


def turned_round(old: str, new: str) -> bool:
    """Whether the second holds where the first does not: `a and not b`, now `not a or b`."""
    one, other = parsed(old), parsed(new)
    if one is None or other is None:
        return False
    sides = [type(tree.op) for tree in (one, other) if isinstance(tree, ast.BoolOp)]
    if sides and sides not in ([ast.And, ast.Or], [ast.Or, ast.And]):
        return False
    flat = all(not isinstance(node, ast.BoolOp) for tree in (one, other) for node in ast.walk(tree) if node is not tree)
    before, after = signs(old), signs(new)
    return flat and bool(before) and after == {atom: not sign for atom, sign in before.items()}


def only_where(old: str, new: str) -> bool:
    """Whether the new one refuses where the old one did only if something else holds besides (`a`, now `b and a`)."""
    one, other = parsed(old), parsed(new)
    if new.startswith("not (") and " and " in new:
        return False  # another branch of an `elif` came before it
    if one is None or not isinstance(other, ast.BoolOp) or not isinstance(other.op, ast.And):
        return False
    return _conjuncts(one) < _conjuncts(other)


def _conjuncts(tree: ast.expr) -> set[tuple[str, bool]]:
    """What has to hold, all of it: atoms and whether they have to be true; of other parts their texts."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return set().union(*map(_conjuncts, tree.values))
    text = ast.unparse(tree)
    return {*signs(text).items()} if len(atoms(text)) == 1 else {(text, True)}


_ZERO = re.compile(r"\b([\w.]+) == (?:0|''|\[\])(?![\w.])")


def _nothing_at_all(old: str, new: str) -> bool:
    """Whether what was refused where it is 0 or empty is refused wherever it is nothing: `n == 0`, now `not n`."""
    one, other = parsed(old), parsed(new)
    if one is None or other is None:
        return False
    turned = parsed(_ZERO.sub(r"(not \1)", ast.unparse(one)))
    return turned is not None and old != new and ast.unparse(turned) == ast.unparse(other)


def _asks_more(lost: frozenset[str], fresh: frozenset[str], before: dict[str, bool], after: dict[str, bool]) -> bool:
    """Whether the old one refused where something is not there, and the new one asks more about the same."""
    there = [(_presence(atom), before.get(atom)) for atom in lost]
    if not there or any(one is None or sign is not one[1] for one, sign in there):
        return False
    firm = [atom for atom in fresh if _presence(atom) is None or "." in atom]
    asking = [tree for atom in firm if not after.get(atom, True) and (tree := parsed(atom)) is not None]
    asking += [tree for atom in fresh if after.get(atom) and (tree := parsed(atom)) is not None and _least(tree)]
    return all(one is not None and any(_inside(one[0], tree) for tree in asking) for one, _ in there)


def _least(tree: ast.expr) -> bool:
    """`len(key) < LEAST`: what is too short is refused, so what is empty is."""
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return False
    below, above = isinstance(tree.ops[0], ast.Lt | ast.LtE), isinstance(tree.ops[0], ast.Gt | ast.GtE)
    return (below and _length(tree.left)) or (above and _length(tree.comparators[0]))


def _fewer_members(old: str, new: str, lost: frozenset[str], fresh: frozenset[str]) -> bool:
    """Whether all that changed is that something is refused as one of fewer, or let in as one of more."""
    if len(lost) != 1 or len(fresh) != 1:
        return False
    (was,), (now,) = (tuple(_members(atom) for atom in side) for side in (lost, fresh))
    (one,), (other,) = lost, fresh
    if was is None or now is None or was[0] != now[0] or signs(old).get(one) is not signs(new).get(other):
        return False
    return now[1] < was[1] if signs(old)[one] else was[1] < now[1]


def _members(atom: str) -> tuple[str, frozenset[str]] | None:
    """What is looked for, and in which constants."""
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or not isinstance(tree.ops[0], ast.In):
        return None
    held = tree.comparators[0]
    if not isinstance(held, ast.Tuple | ast.List | ast.Set) or not all(isinstance(e, ast.Constant) for e in held.elts):
        return None
    return ast.unparse(tree.left), frozenset(ast.unparse(e) for e in held.elts)


def loosened(old: str, new: str) -> bool:
    """Whether what asked for exactly one text, or one of a list, asks for a part of it now (`==` became `endswith`)."""
    exact = [atom for atom in atoms(old) - atoms(new) if _exact(atom)]
    partly = [atom for atom in atoms(new) - atoms(old) if marks.loose(atom) or _within(atom)]
    before, after = signs(old), signs(new)
    if any(marks.some_part(one, other) for one in atoms(old) - atoms(new) for other in atoms(new) - atoms(old)):
        return True
    return any(
        _names(one) & _names(other) and before.get(one) == after.get(other) for one in exact for other in partly
    ) and not any(marks.loose(atom) for atom in exact)


def unmeasured(old: str, new: str) -> bool:
    """Whether the old one compared by order as well, and all that is left asks whether something is there."""
    lost, fresh = atoms(old) - atoms(new), atoms(new) - atoms(old)
    left = [_presence(atom) for atom in atoms(new)]
    if not all(left) or any(_ordered(atom) for atom in fresh) or not any(map(_ordered, lost)):
        return False
    return all(words(there[0]) <= frozenset().union(*map(_names, atoms(old))) for there in left if there)


def _ordered(atom: str) -> bool:
    tree = parsed(atom)
    return isinstance(tree, ast.Compare) and any(isinstance(o, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for o in tree.ops)


def _more(lost: Iterable[str], fresh: Iterable[str], before: dict[str, bool], after: dict[str, bool]) -> bool:
    """Whether a list of values of the same thing has grown that a refusal lets pass."""
    old = [(_values(atom), before.get(atom)) for atom in lost]
    new = [(_values(atom), after.get(atom)) for atom in fresh]
    return any(
        one and other and one[0] == other[0] and one[1] < other[1] and sign is turned is False
        for one, sign in old
        for other, turned in new
    )


def _values(atom: str) -> tuple[str, frozenset[str]] | None:
    """What is compared, and the constants that it may be."""
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return None
    right = tree.comparators[0]
    if isinstance(tree.ops[0], ast.Eq) and isinstance(right, ast.Constant):
        return ast.unparse(tree.left), frozenset({ast.unparse(right)})
    if isinstance(tree.ops[0], ast.In) and isinstance(right, ast.Tuple | ast.List | ast.Set):
        return ast.unparse(tree.left), frozenset(map(ast.unparse, right.elts))
    return None


def exact(old: str, new: str) -> bool:
    """Whether a condition asked for one fixed value or one of a fixed list, and another one took its place."""
    if only_where(old, new):
        return False
    return any(one.fixed for one in members(old)) or any(_values(atom) for atom in atoms(old))


def _exact(atom: str) -> bool:
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return False
    if isinstance(tree.ops[0], ast.In):
        return marks.fixed(atom) or not isinstance(tree.left, ast.Constant)
    # One character at its place is as good as a beginning: `text[0] == '"'`, now `text.startswith('"')`.
    return isinstance(tree.ops[0], ast.Eq) and not _PLACE.search(_spelt(tree.left))


def _within(atom: str) -> bool:
    """`"example.com" in host`: a text that is fixed, looked for anywhere."""
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or not isinstance(tree.ops[0], ast.In):
        return False
    left, right = tree.left, tree.comparators[0]
    return (isinstance(left, ast.Constant) or (isinstance(left, ast.Name) and left.id.isupper())) and not (
        isinstance(right, ast.Name) and right.id.isupper()
    )


def _kind(atom: str, refuses: bool, old: frozenset[str]) -> Stands:
    """What one new atom is; `refuses`: the guard refuses where it is true."""
    about = [_about(one) for one in old]
    there = _presence(atom)
    if there is not None:
        name, absent = there
        less = _dotted(name) and any(words(name) < some for some in about)
        if less or any(_inside(name, tree) for one in old if (tree := parsed(one)) is not None):
            return Stands.WEAKER if refuses is absent else Stands.STRONGER
    named = _names(atom)
    everything = frozenset().union(*about)
    tree = parsed(atom)
    if tree is None or any(isinstance(n, ast.Call) and not _length(n) for n in ast.walk(tree)):
        return Stands.UNKNOWN
    return Stands.PROVABLE if isinstance(tree, ast.Compare) and named and named <= everything else Stands.UNKNOWN


def _length(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LENGTHS


def _presence(atom: str) -> tuple[ast.expr, bool] | None:
    """What the atom asks to be there, and whether it is true where that is absent; None where it asks more."""
    tree = parsed(atom)
    absent = False
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq | ast.Is):
        right = tree.comparators[0]
        if not (isinstance(right, ast.Constant) and right.value in _EMPTY):
            return None
        tree, absent = tree.left, True
    if isinstance(tree, ast.Call) and _length(tree) and len(tree.args) == 1:
        tree = tree.args[0]
    return (tree, absent) if isinstance(tree, ast.Name | ast.Attribute | ast.Subscript | ast.Call) else None


def _inside(part: ast.expr, tree: ast.expr) -> bool:
    """Whether a condition asks something about what another one only asks to be there."""
    own = _spelt(part)
    if own == _spelt(tree):
        return False
    word = re.compile(rf"(?<![\w$.]){re.escape(own)}(?![\w$(])")
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    return any(_spelt(node) == own or (_opaque(node) and word.search(_spelt(node))) for node in nodes)


def _opaque(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"


def _spelt(node: ast.expr) -> str:
    """The text of an expression; of what another language's reader kept as text, that."""
    if isinstance(node, ast.Call) and _opaque(node) and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return ast.unparse(node)


def _dotted(tree: ast.expr) -> bool:
    while isinstance(tree, ast.Attribute):
        tree = tree.value
    return isinstance(tree, ast.Name)


def _about(atom: str) -> frozenset[str]:
    tree = parsed(atom)
    return words(tree) if tree is not None else frozenset()


def _names(atom: str) -> frozenset[str]:
    """The same without constants and what only measures."""
    tree = parsed(atom)
    if tree is None:
        return frozenset()
    return frozenset(word for word in words(tree) if word.isidentifier()) - {*_LENGTHS, "True", "False", "None"}
