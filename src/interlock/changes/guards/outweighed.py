"""A weak guard that is gone from a function which gained a stronger one: home-made work that the real thing replaced.

Only what is weak by its nature can be outweighed: a text that was looked for, a question whether something is there, a
plain comparison where there is one in constant time now, a bare condition. A refusal that asks who somebody is, a
limit or a call that protects never is: those are lost, whatever else came. What is outweighed is a note. Pure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import msgspec

from interlock.changes.guards import marks, verbs
from interlock.changes.guards.atoms import atoms, kinds, parsed
from interlock.changes.guards.bindings import spelt
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
_ENTRY = re.compile(r"not ([\w.]+)\.get\(('\w+')")  # `if not session.get("user")`: `session["user"]` fails as well
_ENTRIES = re.compile(r"_\('[\w.]+\[\w+\]'\)")
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


def outweighed(
    found: Sequence[Loss], lost: Sequence[Guard], gained: Sequence[Guard], after: Function, asked: frozenset[str]
) -> list[Loss]:
    """The losses of one function, those marked (`outweighed`) that something makes up for.

    Args:
        found: what the function lost.
        lost: the guards that are gone from it.
        gained: the guards that it came to.
        after: the function as it is now.
        asked: what its conditions asked about before.
    """
    squeezed = "".join(after.source.split())
    by = [
        _by(loss, gained) or _looked_up(loss, squeezed) or _bounded(loss, gained, after) or _turned(loss, gained, asked)
        for loss in found
    ]
    if sum(map(_worth, gained)) >= 2 * sum(map(_worth, lost)):
        more = next((g.text for g in gained if _worth(g)), "")
        by = [text or (more if _everyday(loss) else "") for loss, text in zip(found, by, strict=True)]
    return [msgspec.structs.replace(loss, outweighed=text) for loss, text in zip(found, by, strict=True)]


def _everyday(loss: Loss) -> bool:
    """A loss that says little beside many guards that came: not who may, no escape, no path, no limit."""
    if verbs.authorising(loss.condition) or marks.binding(loss.condition):
        return False
    if loss.sign in (Sign.ANSWER, Sign.BARE):
        return True
    known = loss.sign is Sign.CALL and loss.family in ("session", "timeout", "coerce", "kind", "validate", "check")
    return not loss.critical and (known or loss.sign in (Sign.CHANGED, Sign.WEAKER, Sign.KIND))


def _worth(guard: Guard) -> int:
    """How much a guard says, against others of its function: a refusal or a call by its name more than a text."""
    if guard.kind in REJECTIONS:
        refuses = guard.family in ("refuse", "nothing", "end")
        return 2 if refuses and guard.condition and not _presence(guard.condition) else int(refuses)
    if guard.kind in (Kind.DECORATOR, Kind.HOLD):
        return 2
    if guard.kind in (Kind.CALL, Kind.CONDITION):
        return (2 if guard.kind is Kind.CALL else 1) if guard.strong else 0
    return int(guard.kind in (Kind.KEYWORD, Kind.PATTERN, Kind.LITERAL))


def _looked_up(loss: Loss, source: str) -> str:
    """A table that has to have it: `if key not in TABLE: raise` gave way to `TABLE[key]`, which raises as well."""
    tree = parsed(loss.condition) if loss.sign is Sign.EXIT and loss.condition else None
    if entry := _ENTRY.fullmatch(loss.condition.strip("()")) if tree is not None else None:
        text = f"{entry[1]}[{entry[2]}]"
        return text if text in source or text.replace("'", '"') in source else ""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        tree, turned = tree.operand, True
    else:
        turned = False
    absent = ast.In if turned else ast.NotIn
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or not isinstance(tree.ops[0], absent):
        return ""
    table = tree.comparators[0]
    text = f"{ast.unparse(table)}[{ast.unparse(tree.left)}]" if isinstance(table, ast.Name | ast.Attribute) else ""
    return text if text and text.replace(" ", "") in source else ""


def _bounded(loss: Loss, gained: Sequence[Guard], after: Function) -> str:
    """A bound that is still there by its name, and by which a new refusal or what it refuses after goes."""
    if loss.sign not in (Sign.EXIT, Sign.CALL, Sign.UNBOUNDED) or verbs.authorising(loss.condition):
        return ""
    bounds = {
        word for word in re.findall(r"\b[A-Z][A-Z0-9_]{2,}\b", loss.condition or loss.text) if word in after.words
    }
    if not bounds or (loss.condition and not _ordered(loss.condition)):
        return ""
    firm = [g for g in gained if _firm(g)]
    same = [g for g in firm if any(re.search(rf"\b{bound}\b", g.condition) for bound in bounds)]
    return next((g.text for g in (firm if loss.condition else same)), "")


def _turned(loss: Loss, gained: Sequence[Guard], asked: frozenset[str]) -> str:
    """`if fine: return it`, and a refusal after that, became `if not fine: refuse`."""
    if loss.sign is not Sign.EXIT or loss.condition:
        return ""
    return next((g.text for g in gained if _firm(g) and atoms(g.condition) <= asked), "")


def _ordered(condition: str) -> bool:
    order = ast.Lt | ast.LtE | ast.Gt | ast.GtE
    trees = map(parsed, atoms(condition))
    return all(isinstance(tree, ast.Compare) and all(isinstance(o, order) for o in tree.ops) for tree in trees)


def _refused_instead(loss: Loss, gained: Sequence[Guard]) -> str:
    """What refuses now what a fixed table has not, where the table's look-up answered something for it."""
    table = re.escape(loss.text.partition(".get(")[0])
    unknown = re.compile(rf"\bis None\b|\bnot in {table}\b")
    return next((g.text for g in gained if g.kind in REJECTIONS and unknown.search(g.condition)), "")


def _by(loss: Loss, gained: Sequence[Guard]) -> str:
    """The text of the guard that outweighs this loss, or an empty text."""
    if loss.sign is Sign.LITERAL and loss.family == "fallback":
        return _refused_instead(loss, gained)
    if marks.places(loss.text) and (nets := [g for g in gained if g.kind in REJECTIONS and marks.nets(g.condition)]):
        return nets[0].text  # addresses by hand, for a question to what knows all of them
    if loss.sign is Sign.LITERAL and loss.family == "literal":
        return next((g.text for g in gained if _treats(g) or _admits(g) or _rest(g)), "")
    if _EXISTS.search(loss.condition or loss.text) and loss.sign in (*_CONDITIONS, Sign.CALL):
        return next((g.text for g in gained if g.family == "flag" and g.key == "O_EXCL"), "")
    if loss.sign is Sign.UNWRAPPED and (made := _KIND.fullmatch(loss.text)):
        return next((g.text for g in gained if g.kind in REJECTIONS and made[1] in kinds(g.condition)), "")
    if loss.sign is Sign.OTHER_PATTERN and not loss.instead:
        return next((g.text for g in gained if _admits(g) or _own(g) or _tests(g)), "")
    if loss.sign not in _CONDITIONS or not loss.condition:
        return ""
    if _equal(loss.condition) and (same := [g for g in gained if g.kind is Kind.CALL and g.family == "secret"]):
        return same[0].text
    if verbs.authorising(loss.condition) or marks.telling(loss.condition):
        return ""
    return _gave_way(loss, gained)


def _gave_way(loss: Loss, gained: Sequence[Guard]) -> str:
    """What took the place of a condition that is weak by its nature."""
    condition = loss.condition
    if _looks_for(condition):
        return next((g.text for g in gained if _treats(g) or _admits(g) or _rest(g)), "")
    about = verbs.somebody(condition)
    if loss.sign is Sign.BARE or _presence(condition) or _bare(spelt(condition, loss.sources[0])):
        return next((g.text for g in gained if _firm(g) and (not about or verbs.authorising(g.condition))), "")
    if all(_part(parsed(atom)) or _bare(atom) for atom in atoms(condition)):
        return next((g.text for g in gained if _admits(g) or _tests(g)), "")
    return ""


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
    return bool(kinds(guard.condition)) or marks.fixed(guard.condition) or bool(_WHOLE.search(guard.condition))


def _tests(guard: Guard) -> bool:
    """A refusal of what a pattern that has a name does not fit: `not (NAME.test(name))`."""
    return (
        guard.kind in REJECTIONS
        and re.search(r"\b[A-Z][A-Z_]+\.(?:test|fullmatch|MatchString)\(", guard.condition) is not None
    )


def _rest(guard: Guard) -> bool:
    """A refusal that no condition leads to: of all that was not let out before."""
    return guard.kind is Kind.RAISE and guard.family == "refuse"


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
