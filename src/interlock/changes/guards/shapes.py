"""Small shapes of a program whose change tells by itself, in the text of a function of any language. Pure.

A set that became a list counts twice what comes twice; a private field that is one for everybody shows in every
printout; a value worked out here that is only the fallback of another one is what a stranger says it is; what was
checked and taken in one step is taken by two at once where something is waited for in between.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import atoms, parsed

_ADDED = re.compile(r"([A-Za-z_$][\w$.]*)\.add\(")
_PRIVATE = re.compile(r"\bthis\.#(\w+)")
_TABLE = r"[A-Z][A-Z0-9_]{2,}\[[^\[\]\n]+\]"
_CALL = r"[A-Za-z_$][\w$]*\([^()\n]+\)"
_ELSE = r"(?:\.get\([^,()\n]+,|\?\?|[^=!<>]=\s*[\w.$]+ (?:\|\||or\b))\s*"
_FALLBACK = re.compile(rf"{_ELSE}({_TABLE}|{_CALL})")
_OWN = re.compile(rf"{_ELSE}((?:this|self)\.\w+)")
_ASKING = r"(?i:verif|check|compar|valid|sign)\w*\("
_ASKED = re.compile(r"(?:([A-Za-z_$][\w$.]*)\.(?:has|get|includes)\(|\bin ([A-Za-z_][\w.]*))")
_COUNTS = r"\s*(?:\+\+|--|[-+]?=(?!=))"
_SHOWING = frozenset({"show", "print", "help", "usage", "render", "display"})  # their failing harms nobody else
_STATED = re.compile(r"(?m)^[ \t]*([A-Za-z_][\w.]*)\(")  # a call whose answer nobody takes
_AWAITED = re.compile(r"\bawait\b")
_WAITED = re.compile(r"\bawait\s+([A-Za-z_$][\w$.]*)\(")
_ASKED_FOR = re.compile(r"((?:\b\w+\s*,\s*){0,4})(?<!\w)(err|_)\s*:?=\s*([\w.]+)\(")
_DEFERRED = re.compile(r"\bdefer [\w.]+\.R?Unlock\(\)")
_LOCKED = re.compile(r"(?<![\w.])[\w.]+\.R?Lock\(\)")


def repeated(before: str, after: str) -> list[str]:
    """Sets whose size counts, that are lists in the second text."""
    return sorted(
        name
        for name in {*_ADDED.findall(before)} - {*_ADDED.findall(after)}
        if re.search(rf"(?<![\w.]){re.escape(name)}\.(?:append|push)\(", after)
        and re.search(rf"len\({re.escape(name)}\)|(?<![\w.]){re.escape(name)}\.(?:length|size)\b", after)
    )


def published(before: str, after: str) -> list[str]:
    """Private fields of a class that are fields for everybody in the second text."""
    return sorted(
        name
        for name in {*_PRIVATE.findall(before)} - {*_PRIVATE.findall(after)}
        if re.search(rf"\bthis\.{name}\b", after)
    )


def overridden(before: str, after: str) -> list[str]:
    """Table look-ups and calls that the first text used as they are and the second only where nothing else is given."""
    found = {*_FALLBACK.findall(after)} - {*_FALLBACK.findall(before)}
    own = {one for one in _OWN.findall(after) if re.search(rf"{_ASKING}[^;\n]*{re.escape(one)}\b", before)}
    found |= own - {*_OWN.findall(before)}
    return sorted(one for one in found if one in before and after.count(one) == len(re.findall(_fallback(one), after)))


def _fallback(one: str) -> str:
    return _ELSE + re.escape(one)


def parted(before: str, after: str) -> list[str]:
    """Collections that the first text asked and changed in one step, and the second with a wait in between."""
    return sorted(_together(before) & _apart(after))


def _together(text: str) -> set[str]:
    return {name for name, between in _steps(text) if not _AWAITED.search(between)} - _apart(text)


def _apart(text: str) -> set[str]:
    return {name for name, between in _steps(text) if _AWAITED.search(between)}


def _steps(text: str) -> list[tuple[str, str]]:
    """Collections that are asked and then changed, with what stands between."""
    found = []
    for match in _ASKED.finditer(text):
        name = match[1] or match[2]
        changed = re.compile(rf"(?<![\w.]){re.escape(name)}(?:\.(?:set|add|push|append)\(|\[[^\]\n]+\] = )")
        if then := changed.search(text, match.end()):
            found.append((name, text[match.end() : then.start()]))
    return found


def uncounted(before: str, after: str, conditions: Iterable[str]) -> list[str]:
    """What conditions of both texts compare by order or ask for, and what only the first counts or sets."""
    found = set()
    for compared in (node for one in conditions for node in _compared(one)):
        counts = re.compile(rf"{re.escape(compared)}{_COUNTS}")
        if counts.search(before) and not counts.search(after):
            found.add(compared)
    return sorted(found)


def counted(name: str, text: str) -> bool:
    """Whether a text counts or sets the field or entry that `name` is of something."""
    field = re.search(r"(?:\.\w+|\[[^\[\]]+\])$", name)
    return field is not None and re.search(re.escape(field[0]) + _COUNTS, text) is not None


def _compared(condition: str) -> list[str]:
    tree = parsed(condition)
    order = ast.Lt | ast.LtE | ast.Gt | ast.GtE
    sides = [
        side
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], order)
        for side in (node.left, node.comparators[0])
    ]
    sides += [side for atom in atoms(condition) if (side := parsed(atom)) is not None]
    return [ast.unparse(side) for side in sides if isinstance(side, ast.Attribute | ast.Subscript)]


def unawaited(before: str, after: str) -> list[str]:
    """Calls that the first text waited for, and the second only starts."""
    return sorted(
        name
        for name in {*_WAITED.findall(before)} - {*_WAITED.findall(after)}
        if re.search(rf"(?m)(?:^|[;{{}}])\s*{re.escape(name)}\(", after)
    )


def ignored(before: str, after: str) -> list[str]:
    """Calls whose error the first text took, and the second throws away (`_ = check()`, or `check()` alone)."""
    old, new = (Counter(_ASKED_FOR.findall(text)) for text in (before, after))
    stated = Counter(_STATED.findall(after)) - Counter(_STATED.findall(before))
    alone = {name for _, kept, name in old - new if kept == "err" and stated[name] and not verbs.words(name) & _SHOWING}
    return sorted(
        alone
        | {
            name
            for rest, kept, name in old
            if kept == "err" and not verbs.words(name) & _SHOWING
            for other, left, called in new
            # One result more is another function's, whose errors come by another name.
            if left == "_" and called == name and other.count(",") == rest.count(",")
            if new[other, left, called] > old[other, left, called]
        }
    )


def clamped(condition: str, before: str, after: str) -> bool:
    """Whether `if n > MOST: n = MOST` became `min(n, MOST)`, the right one of the two."""
    tree = parsed(condition)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return False
    word = {ast.Gt: "min", ast.GtE: "min", ast.Lt: "max", ast.LtE: "max"}.get(type(tree.ops[0]), "")
    value, bound = ast.unparse(tree.left), re.escape(ast.unparse(tree.comparators[0]))
    put = re.search(rf"(?<![\w.]){re.escape(value)}\s*=\s*{bound}(?![\w.(])", before)
    call = re.compile(rf"(?<![\w.])(?:Math\.)?{word}\([^\n]{{0,200}}(?<![\w.]){bound}(?![\w.(])")
    return bool(word) and put is not None and len(call.findall(after)) > len(call.findall(before))


def split(before: str, after: str) -> bool:
    """Whether a lock that was held to a function's end is taken twice now, with a gap."""
    kept = _DEFERRED.search(before) is not None and _DEFERRED.search(after) is None
    return kept and len(_LOCKED.findall(after)) > len(_LOCKED.findall(before))
