"""A weak guard that is gone from a function which gained a stronger one: home-made work that the real thing replaced.

Only what is weak by its nature can be outweighed: a text that was looked for, a question whether something is there, a
plain comparison where there is one in constant time now, a bare condition; and by a guard about the same thing alone,
for another check of another value makes up for nothing. A refusal that asks who somebody is, or a call that protects,
is lost, whatever else came. What is outweighed is a note. Pure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from interlock.changes.guards import marks, verbs
from interlock.changes.guards.atoms import atoms, kinds, parsed, signs, variables
from interlock.changes.guards.bindings import named, origins, spelt
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind
from interlock.changes.guards.loss import Loss, Sign

_CONDITIONS = frozenset({Sign.EXIT, Sign.ANSWER, Sign.CONDITION, Sign.BARE, Sign.CHANGED})
# Families whose call does as a whole what a text that is looked for stood for.
_TREATED = frozenset({"path", "escape", "kind", "validate"})
_KIND = re.compile(r"(?:int|str|float|bool|String|Number|Boolean) *\( *([\w.]+) *\)")  # what makes a value of one kind
# A text as a whole: by a pattern, or by the parts of the address that it is.
_WHOLE = re.compile(
    r"\.fullmatch\(|\.(?:hostname|scheme|protocol|netloc|is_global|is_private|is_loopback)\b"
    r"|\.(?:IsPrivate|IsLoopback|IsGlobalUnicast|Hostname)\(\)"
)
# Whether a file is there, asked before it is made: who makes it only where it is not there needs no such question.
_EXISTS = re.compile(r"\b(?:l?exists|isfile|islink|existsSync|access|accessSync|Lstat|Stat|IsRegular)\(")
# A value as it is, but for its case and what is around it.
_ITSELF = re.compile(
    r"(?:_\(')?[A-Za-z_$][\w$]*(?:\.(?:strip|trim|lower|upper|casefold|toLowerCase|toUpperCase)\(\))*(?:'\))?"
)
_ENTRIES = re.compile(r"_\('[\w.]+\[\w+\]'\)")
_BOUND = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b")
_GIVEN = re.compile(r"\(([^()\n]*)\)")  # what a call is given
_NAMES = re.compile(r"\bin [\[({]['\"]|\bin (?:\w+\.)?[A-Z][A-Z0-9_]{2,}\b")  # in a list that stands in the program
_FAILED = frozenset({"err", "error"})
_PARTS = (
    "startswith",
    "endswith",
    "startsWith",
    "endsWith",
    "includes",
    "indexOf",
    "HasPrefix",
    "HasSuffix",
    "Contains",
)


class _Place(NamedTuple):
    """Where something was lost: the function as it was and as it is, the guards that went and those that came."""

    before: Function
    after: Function
    lost: Sequence[Guard]
    gained: Sequence[Guard]


def outweighed(
    found: Sequence[Loss], before: Function, after: Function, lost: Sequence[Guard], gained: Sequence[Guard]
) -> list[Loss]:
    """The losses of one function, those marked (`outweighed`) that a guard about the same thing makes up for.

    Args:
        found: what the function lost.
        before: the function as it was.
        after: the function as it is.
        lost: the guards that are gone from it.
        gained: the guards that it came to.
    """
    place = _Place(before, after, lost, gained)
    by = [
        _by(loss, place)
        or _looked_up(loss, after)
        or _bounded(loss, place)
        or _turned(loss, place)
        or _claimed(loss, place)
        for loss in found
    ]
    return [msgspec.structs.replace(loss, outweighed=text) for loss, text in zip(found, by, strict=True)]


def _subject(loss: Loss, place: _Place) -> frozenset[str]:
    """What a loss is about: the names in its condition, as far back as they are seen; of a text, those beside it."""
    if loss.condition:
        return origins(variables(loss.condition), place.before.source)
    lines = place.before.source.split("\n")
    at = loss.was - place.before.line
    return named(lines[at]) if 0 <= at < len(lines) else frozenset()


def _alike(loss: Loss, place: _Place) -> list[Guard]:
    """The guards that came and are about the same thing: another check of another value makes up for nothing."""
    subject = _subject(loss, place)
    return [guard for guard in place.gained if subject & _about(guard, place.after)]


def _about(guard: Guard, after: Function) -> frozenset[str]:
    return origins(variables(guard.condition) if guard.condition else named(guard.text), after.source)


def _looked_up(loss: Loss, after: Function) -> str:
    """A table that has to have it: `if key not in TABLE: raise` gave way to `TABLE[key]`, which raises as well.

    In Python: JavaScript answers `undefined`, and Go nothing. Who asks is to be refused, not to fail.
    """
    if loss.sign is not Sign.EXIT or not after.path.endswith((".py", ".pyi")) or verbs.somebody(loss.condition):
        return ""
    tree, absent = parsed(loss.condition) if loss.condition else None, True
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        tree, absent = tree.operand, False
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        return ""
    table = tree.comparators[0]
    if not isinstance(tree.ops[0], ast.NotIn if absent else ast.In) or not isinstance(table, ast.Name | ast.Attribute):
        return ""
    text = f"{ast.unparse(table)}[{ast.unparse(tree.left)}]"
    return text if "".join(text.split()) in "".join(after.source.split()) else ""


def _bounded(loss: Loss, place: _Place) -> str:
    """A bound by which a new refusal goes, or a call that takes the same thing and is refused after."""
    if loss.sign not in (Sign.EXIT, Sign.CALL, Sign.UNBOUNDED) or verbs.authorising(loss.condition):
        return ""
    bounds = set(_BOUND.findall(loss.condition or loss.text)) & place.after.words.keys()
    if not bounds or (loss.condition and not _ordered(loss.condition)):
        return ""
    firm = [guard for guard in place.gained if _firm(guard)]
    if same := [guard for guard in firm if bounds & {*_BOUND.findall(guard.condition)}]:
        return same[0].text
    subject = _subject(loss, place)
    given = _GIVEN.findall(place.after.source)
    taken = any(bounds & {*_BOUND.findall(one)} and subject & named(one) for one in given)
    return firm[0].text if loss.condition and firm and taken else ""


def _turned(loss: Loss, place: _Place) -> str:
    """`if fine: return it`, and a refusal after that, became `if not fine: refuse`."""
    if loss.sign is not Sign.EXIT or loss.condition:
        return ""
    asked = [atoms(guard.condition) for guard in place.before.guards if guard.condition]
    every = frozenset().union(*asked) if asked else frozenset()
    return next((g.text for g in place.gained if _firm(g) and atoms(g.condition) <= every), "")


_CLAIM = re.compile(
    r"\b(?:update\s+(?P<table>\w+)\b[^;]{0,2000}?|delete\s+from\s+(?P<other>\w+))\s+where\s+(?P<asked>[^;\"'`]{0,2000})",
    re.IGNORECASE,
)
_SEEN = re.compile(r"\bselect\s+([^;\"'`]{1,500}?)\s+from\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\b(?:rowcount|rowCount|RowsAffected|affectedRows|changes)\b|\breturning\b", re.IGNORECASE)


def _claimed(loss: Loss, place: _Place) -> str:
    """Whether a row was free, asked before it was taken: now the statement takes it only where it is, and says so.

    It asks about a column that was looked at before; whose the row is, no statement about another column makes up for.
    """
    condition = loss.condition
    if loss.sign is not Sign.EXIT or verbs.personal(condition) or verbs.somebody(condition):
        return ""
    if marks.telling(condition) or not _HOW_MANY.search(place.after.source):
        return ""
    seen = {word.lower() for columns in _SEEN.findall(place.before.source) for word in re.findall(r"\w+", columns)}
    old, new = _claims(place.before.source), _claims(place.after.source)
    for table, asked in new.items():
        fresh = [one for one in asked if table in old and one not in old[table]]
        if len(asked) > len(old.get(table, asked)) and fresh and all(one.split()[0].lower() in seen for one in fresh):
            return f"the rows that it changes: {' and '.join(sorted(asked))}"
    return ""


def _claims(source: str) -> dict[str, list[str]]:
    """Table -> what its statement that changes rows asks of them."""
    asked = re.compile(r"\s+and\s+", re.IGNORECASE)
    return {m["table"] or m["other"]: asked.split(m["asked"].strip()) for m in _CLAIM.finditer(source)}


def _ordered(condition: str) -> bool:
    order = ast.Lt | ast.LtE | ast.Gt | ast.GtE
    trees = map(parsed, atoms(condition))
    return all(isinstance(tree, ast.Compare) and all(isinstance(o, order) for o in tree.ops) for tree in trees)


def _refused_instead(loss: Loss, gained: Sequence[Guard]) -> str:
    """What refuses now what a fixed table has not, where the table's look-up answered something for it."""
    table = re.escape(loss.text.partition(".get(")[0])
    unknown = re.compile(rf"\bis None\b|\bnot in {table}\b")
    return next((g.text for g in gained if g.kind in REJECTIONS and unknown.search(g.condition)), "")


def _by(loss: Loss, place: _Place) -> str:
    """The text of the guard that outweighs this loss, or an empty text."""
    gained, alike = place.gained, _alike(loss, place)
    if loss.sign is Sign.LITERAL and loss.family == "fallback":
        return _refused_instead(loss, gained)
    if marks.places(loss.text) and (nets := [g for g in gained if g.kind in REJECTIONS and marks.nets(g.condition)]):
        return nets[0].text  # addresses by hand, for a question to what knows all of them
    if loss.sign is Sign.LITERAL and loss.family == "literal":
        return _first(alike, _treats, _admits) or _rest(loss, place)
    if _EXISTS.search(loss.condition or loss.text) and loss.sign in (*_CONDITIONS, Sign.CALL):
        return next((g.text for g in gained if g.family == "flag" and g.key == "O_EXCL"), "")
    if loss.sign is Sign.UNWRAPPED and (made := _KIND.fullmatch(loss.text)):
        return next((g.text for g in gained if g.kind in REJECTIONS and made[1] in kinds(g.condition)), "")
    if loss.sign is Sign.OTHER_PATTERN and not loss.instead:
        return _first(alike, _admits, _own, _tests)
    if loss.sign not in _CONDITIONS or not loss.condition:
        return ""
    if _equal(loss.condition) and (same := _first(alike, _constant_time)):
        return same
    if verbs.authorising(loss.condition) or marks.telling(loss.condition):
        return ""
    return _gave_way(loss, place, alike)


def _gave_way(loss: Loss, place: _Place, alike: Sequence[Guard]) -> str:
    """What took the place of a condition that is weak by its nature."""
    condition = loss.condition
    if _looks_for(condition):
        return _first(alike, _treats, _admits) or _rest(loss, place)
    about = verbs.somebody(condition)
    if loss.sign is Sign.BARE or _presence(condition) or _bare(spelt(condition, place.before.source)):
        return next((g.text for g in alike if _firm(g) and (not about or verbs.authorising(g.condition))), "")
    if all(_part(parsed(atom)) or _bare(atom) for atom in atoms(condition)):
        return _first(alike, _admits, _tests)
    return ""


def _first(guards: Sequence[Guard], *asked: Callable[[Guard], bool]) -> str:
    return next((guard.text for guard in guards if any(one(guard) for one in asked)), "")


def _rest(loss: Loss, place: _Place) -> str:
    """A refusal of all the rest, after what is let out by its name: by a list, or by the cases of a `switch`."""
    last = next((g.text for g in place.gained if g.kind is Kind.RAISE and g.family == "refuse"), "")
    subject = "|".join(map(re.escape, sorted(_subject(loss, place))))
    if not last or not subject:
        return ""
    listed = any(_NAMES.search(g.condition) and _about(g, place.after) & _subject(loss, place) for g in place.gained)
    return last if listed or re.search(rf"\b(?:switch|match)\b[^\n]*\b(?:{subject})\b", place.after.source) else ""


def _constant_time(guard: Guard) -> bool:
    return guard.kind is Kind.CALL and guard.family == "secret"


def _treats(guard: Guard) -> bool:
    """A call that confines, escapes or validates as a whole."""
    return guard.kind is Kind.CALL and guard.strong and guard.family in _TREATED


def _firm(guard: Guard) -> bool:
    """A refusal that asks for more than that something is there."""
    return (
        guard.kind in REJECTIONS and guard.family != "skip" and bool(guard.condition) and not _presence(guard.condition)
    )


def _admits(guard: Guard) -> bool:
    """A refusal of all but what is known to be good: of a kind, of a fixed list, of a pattern as a whole."""
    if guard.kind not in REJECTIONS or guard.family != "refuse":
        return False
    if guard.key.startswith("case "):
        return True  # of all that no case before it named
    known = bool(kinds(guard.condition)) or marks.fixed(guard.condition) or bool(_WHOLE.search(guard.condition))
    return known or any(not sign and _named_text(atom) for atom, sign in signs(guard.condition).items())


def _named_text(atom: str) -> bool:
    """`kind == 'application/json'`: the whole text, and one that the program names."""
    tree = parsed(atom)
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or not isinstance(tree.ops[0], ast.Eq):
        return False
    right = tree.comparators[0]
    named_ = isinstance(right, ast.Constant) and isinstance(right.value, str) and len(right.value) > 1
    return named_ and _ITSELF.fullmatch(ast.unparse(tree.left)) is not None


def _tests(guard: Guard) -> bool:
    """A refusal of what a pattern that has a name does not fit: `not (NAME.test(name))`."""
    return (
        guard.kind in REJECTIONS
        and re.search(r"\b[A-Z][A-Z_]+\.(?:test|fullmatch|MatchString)\(", guard.condition) is not None
    )


def _own(guard: Guard) -> bool:
    """Whether a table that the program fixes has it as its own: `Object.hasOwn(GRANTS, name)`."""
    asks = guard.kind is Kind.CALL and guard.family == "kind"
    return asks and re.search(r"\b[A-Z][A-Z0-9_]{2,}\b", guard.text) is not None


def _equal(condition: str) -> bool:
    """Whether a condition is one comparison of two values that the program does not fix."""
    (atom, *more) = atoms(condition) or [""]
    tree = parsed(atom)
    return (
        not more
        and isinstance(tree, ast.Compare)
        and len(tree.ops) == 1
        and isinstance(tree.ops[0], ast.Eq)
        and not any(isinstance(side, ast.Constant) for side in (tree.left, tree.comparators[0]))
    )


def _looks_for(condition: str) -> bool:
    """Whether all that a condition asks is whether fixed texts are in something: a list of what is bad, by hand."""
    return all(_part(tree) for tree in map(parsed, atoms(condition)))


def _part(tree: ast.expr | None) -> bool:
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        left, sign, right = tree.left, tree.ops[0], tree.comparators[0]
        if isinstance(sign, ast.Eq):
            return isinstance(right, ast.Constant) and isinstance(right.value, str)
        return isinstance(sign, ast.In) and isinstance(left, ast.Constant) and isinstance(right, ast.Name)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "_":
        text = ast.unparse(tree)  # another language's
        return marks.loose(text) or "ContainsAny(" in text
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute) and tree.func.attr in _PARTS:
        return all(isinstance(a, ast.Constant) for a in tree.args)
    return False


def _presence(condition: str) -> bool:
    """Whether all that a condition asks is whether something is there, or whether another call failed."""
    trees = [parsed(atom) for atom in atoms(condition)]
    return all(
        (isinstance(tree, ast.Name) and tree.id in _FAILED)
        or (
            isinstance(tree, ast.Compare)
            and isinstance(tree.ops[0], ast.Is | ast.Eq)
            and isinstance(tree.left, ast.Name | ast.Attribute)
            and _nothing(tree.comparators[0])
        )
        for tree in trees
    )


def _bare(condition: str) -> bool:
    """Whether all that a condition asks is whether something has a value: a name, an entry, an answer of `.get`."""
    trees = [parsed(atom) for atom in atoms(condition)]
    return all(
        isinstance(tree, ast.Name | ast.Subscript)
        or (
            isinstance(tree, ast.Compare)
            and isinstance(tree.ops[0], ast.Is | ast.Eq)
            and (isinstance(tree.left, ast.Subscript) or _ENTRIES.fullmatch(ast.unparse(tree.left)))
            and _nothing(tree.comparators[0])
        )
        for tree in trees
    )


def _nothing(node: ast.expr) -> bool:
    """`None`, and how the readers of the other languages write it: `_('nil')`, `_('undefined')`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args:
        return getattr(node.args[0], "value", "") in ("nil", "undefined", "null")
    return isinstance(node, ast.Constant) and node.value in (None, "", 0)
