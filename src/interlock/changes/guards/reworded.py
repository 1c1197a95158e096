"""What a function asks still, in other words: looked up, not looked for; under a name; by its last name. Pure.

`if (!codes.has(code)) throw` asks what `const found = codes.get(code); if (!found) throw` asks; a call whose answer has
a name now is asked where the name is; and who takes something out that may not be there needs no question before.
What asks who somebody is counts as the same only where it is spelt the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import parsed, signs
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
    if not guard.condition:
        return False
    return _asked(guard, after, gained) or _taken(guard, after)


def _refusing(guard: Guard) -> bool:
    return guard.kind in REJECTIONS


def _asked(guard: Guard, after: Function, gained: Iterable[Guard]) -> bool:
    """Whether all that a guard demanded is demanded, some of it in other words."""
    wanted = _demands(guard)
    kinds = REJECTIONS if _refusing(guard) else (*REJECTIONS, Kind.CONDITION)
    now = [one for other in gained if other.condition and other.kind in kinds for one in _demands(other)]
    same = [one in now for one in wanted]
    if not wanted or all(same):
        return False
    tails = set() if _personal(guard) else {_plain(*one) for one in now}
    return all(
        there
        or _looked_up(*one, after, now)
        or _named(*one, after, now)
        or (_PART.search(one[0]) and _plain(*one) in tails)
        for there, one in zip(same, wanted, strict=True)
    )


def _personal(guard: Guard) -> bool:
    return verbs.personal(guard.condition) or verbs.somebody(guard.condition)


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
    return re.findall(rf"(?m)(?<![\w$.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:await\s+)?{look}\s*;?\s*(?:$|#|//)", source)


def _named(atom: str, sign: bool, after: Function, now: Sequence[tuple[str, bool]]) -> bool:
    """A call of a script whose answer has a name now: `const same = equal(a, b)`, and `same`."""
    text = _OPAQUE.fullmatch(atom)
    if text is None or "(" not in text["text"]:
        return False
    words = r"\s*".join(map(re.escape, re.findall(r"[\w$]+|[^\s\w$]", text["text"])))
    names = re.findall(rf"(?<![\w$.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:await\s+)?{words}\s*[;\n]", after.source)
    return any((name, sign) in now for name in names)


def _plain(atom: str, sign: bool) -> tuple[str, bool]:
    """`voucher.get("code") in VALID` as `code in VALID`: each part of something by its own name alone."""
    return _PART.sub(lambda m: m["got"] or m["at"], atom), sign


def _taken(guard: Guard, after: Function) -> bool:
    """An early end where there was nothing to take out: `k not in m`, and now `m.pop(k, None)`."""
    if guard.family not in ("nothing", "answer") or len(leaning := signs(guard.condition)) != 1:
        return False
    ((atom, sign),) = leaning.items()
    held = _held(atom)
    if held is None or sign:
        return False
    table, key = map(re.escape, held)
    taking = rf"{table}\.(?:pop\({key},|(?:discard|delete)\({key}\))|\bdelete\({table}, {key}\)"
    return re.search(taking, after.source) is not None


def _made_a_number(guard: Guard, gained: Iterable[Guard]) -> bool:
    """`text.isdigit()`, now `int(text)` in what is refused: it raises for what is no number."""
    digits = _DIGITS.fullmatch(guard.text)
    wanted = re.compile(rf"\bint\({re.escape(digits[1])}[,)]") if digits else None
    return wanted is not None and any(_refusing(g) and wanted.search(g.condition) for g in gained)


def _no_text(guard: Guard, after: Function) -> bool:
    """What was escaped for an address stands in no text any more: a header or a table of parameters takes it whole."""
    call = _CALL.fullmatch(guard.text)
    if call is None or call[1].rpartition(".")[2] not in _ADDRESS or not re.fullmatch(r"[\w.$#]+", call[2]):
        return False
    value = re.escape(call[2])
    whole = rf"(?:['\"][\w-]+['\"]|\b\w+)\s*:\s*{value}\s*[,}}]|(?:\.set|\.append|\.Set|\.Add)\([^()\n]*,\s*{value}\)"
    there = len(re.findall(rf"(?<![\w$.#-]){value}(?![\w$])", after.source)) - (call[2] in after.parameters)
    return 0 < there == len(re.findall(whole, after.source))
