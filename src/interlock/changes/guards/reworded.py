"""What a function asks still, in other words: looked up, not looked for; under a name; by its last name. Pure.

`if (!codes.has(code)) throw` asks what `const found = codes.get(code); if (!found) throw` asks; a call whose answer has
a name now is asked where the name is. Such a name has one value in the whole function, and who refused refuses: what is
found here is no loss at all, and nobody looks at it. What asks who somebody is has to be spelt the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import parsed, signs
from interlock.changes.guards.bindings import bound_once
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind

_HAS = re.compile(r"_\('([\w.$#]+)\.has\(([\w.$#]+)\)'\)")
_OPAQUE = re.compile(r"_\((['\"])(?P<text>.*)\1\)", re.DOTALL)
_NOTHING = ("is None", "== None", "== _('undefined')", "is _('undefined')")
_CALL = re.compile(r"([\w.$#]+)\((.*)\)", re.DOTALL)
_PART = re.compile(r"(?<![\w.])[\w.]+(?:\.get\((['\"])(?P<got>\w+)\1\)|\[(['\"])(?P<at>\w+)\3\])")
_DIGITS = re.compile(r"([\w.]+)\.(?:isdigit|isdecimal|isnumeric)\(\)")
_ADDRESS = frozenset({"encodeURIComponent", "encodeURI", "quote", "quote_plus", "QueryEscape", "PathEscape"})


def reworded(guard: Guard, after: Function, gained: Sequence[Guard]) -> bool:
    """Whether what a guard asked is asked in the new version in other words.

    Args:
        guard: one that the old version had.
        after: the function in the new version.
        gained: the guards that it came to.
    """
    if guard.kind is Kind.CALL:
        return _made_a_number(guard, gained) or _no_text(guard, after)
    return bool(guard.condition) and _asked(guard, after, gained)


def _refusing(guard: Guard) -> bool:
    return guard.kind in REJECTIONS


def _asked(guard: Guard, after: Function, gained: Iterable[Guard]) -> bool:
    """Whether all that a guard demanded is demanded, some of it in other words."""
    wanted = _demands(guard)
    now = [one for other in gained if _as_firm(other, guard) for one in _demands(other)]
    same = [one in now for one in wanted]
    if not wanted or all(same):
        return False
    personal = verbs.personal(guard.condition) or verbs.somebody(guard.condition)
    return all(
        there
        or _looked_up(*one, after, now)
        or _named(*one, after, now)
        or (not personal and _by_last_names(*one, after, now))
        for there, one in zip(same, wanted, strict=True)
    )


def _as_firm(other: Guard, guard: Guard) -> bool:
    """Whether what came leaves as firmly: an answer takes no refusal's place."""
    if not other.condition:
        return False
    if _refusing(guard):
        return _refusing(other) and other.family in (guard.family, "refuse")
    return _refusing(other) or other.kind is Kind.CONDITION


def _demands(guard: Guard) -> list[tuple[str, bool]]:
    """Atom, and whether it has to be true to get on: all of them do. What is no atom is one by its text."""
    tree = parsed(guard.condition)
    waiting, found = [(tree, not _refusing(guard))] if tree is not None else [], []
    while waiting:
        node, wanted = waiting.pop()
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            waiting.append((node.operand, not wanted))
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And if wanted else ast.Or):
            waiting += [(value, wanted) for value in node.values]
        else:
            leaning = signs(ast.unparse(node))
            atom, sign = next(iter(leaning.items())) if len(leaning) == 1 else (ast.unparse(node), True)
            found.append((atom, sign is wanted))
    return found


def _looked_up(atom: str, sign: bool, after: Function, now: Sequence[tuple[str, bool]]) -> bool:
    """`m.has(k)`, `k in m`: now `v = m.get(k)`, and `v`."""
    held = _held(atom)
    return held is not None and any(
        (name, sign) in now or any((f"{name} {there}", not sign) in now for there in _NOTHING)
        for name in _got(held, after.source)
    )


def _held(atom: str) -> tuple[str, str] | None:
    """What is looked for where."""
    if found := _HAS.fullmatch(atom):
        return found[1], found[2]
    tree = parsed(atom)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.In):
        left, right = tree.left, tree.comparators[0]
        if isinstance(right, ast.Name | ast.Attribute) and isinstance(left, ast.Name | ast.Attribute):
            return ast.unparse(right), ast.unparse(left)
    return None


def _got(held: tuple[str, str], source: str) -> list[str]:
    """The names that its look-up is bound to, with nothing in its place where it is not there."""
    table, key = map(re.escape, held)
    look = rf"(?:{table}\.get\(\s*{key}\s*(?:,\s*None\s*)?\))"
    names = re.findall(rf"(?m)(?<![\w$.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:await\s+)?{look}\s*;?\s*(?:$|#|//)", source)
    return [name for name in names if bound_once(name, source)]


def _named(atom: str, sign: bool, after: Function, now: Sequence[tuple[str, bool]]) -> bool:
    """A call of a script whose answer has a name now: `const same = equal(a, b)`, and `same`."""
    text = _OPAQUE.fullmatch(atom)
    if text is None or "(" not in text["text"]:
        return False
    words = r"\s*".join(map(re.escape, re.findall(r"[\w$]+|[^\s\w$]", text["text"])))
    names = re.findall(rf"(?<![\w$.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:await\s+)?{words}\s*[;\n]", after.source)
    return any((name, sign) in now and bound_once(name, after.source) for name in names)


def _by_last_names(atom: str, sign: bool, after: Function, now: Sequence[tuple[str, bool]]) -> bool:
    """`voucher.get("code") in VALID`, now `code in VALID`, where `code` is the part of that name of something."""
    parts = [match["got"] or match["at"] for match in _PART.finditer(atom)]
    plain = _PART.sub(lambda m: m["got"] or m["at"], atom)
    return bool(parts) and (plain, sign) in now and all(_part(name, after.source) for name in parts)


def _part(name: str, source: str) -> bool:
    made = rf"(?m)^\s*{name}\s*=\s*[\w.]+[^\n]*(?:\.get\((['\"]){name}\1\)|\[(['\"]){name}\2\])\s*$"
    return re.search(made, source) is not None and bound_once(name, source)


def _made_a_number(guard: Guard, gained: Iterable[Guard]) -> bool:
    """`text.isdigit()`, now `int(text) != known`: it raises for what is no number, and `-1` is not what is known."""
    digits = _DIGITS.fullmatch(guard.text)
    wanted = re.compile(rf"\bint\({re.escape(digits[1])}\) != ") if digits else None
    return wanted is not None and any(_refusing(g) and wanted.search(g.condition) for g in gained)


def _no_text(guard: Guard, after: Function) -> bool:
    """What was escaped for an address stands in no text any more: a header or a table of parameters takes it whole."""
    call = _CALL.fullmatch(guard.text)
    if call is None or call[1].rpartition(".")[2] not in _ADDRESS or not re.fullmatch(r"[\w.$#]+", call[2]):
        return False
    value = re.escape(call[2])
    table = rf"(?:\s*[:=]\s*\{{[^{{}}]{{0,200}}:\s*{value}\s*[,}}]|\.(?:set|append)\([^()\n]*,\s*{value}\))"
    whole = rf"\b(?:headers|params|searchParams){table}"
    there = len(re.findall(rf"(?<![\w$.#-]){value}(?![\w$])", after.source)) - (call[2] in after.parameters)
    return 0 < there == len(re.findall(whole, after.source))
