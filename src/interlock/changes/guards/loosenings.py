"""Changes by which a protection holds no longer where it has to: in the text of a function of any language. Pure.

What was done in any case is done only where all went well; what was undone after a failure stays half done; a field
that was written over a stranger's is written before it; a text is made plain after it was checked; who is asked twice
may answer twice; and an answer that is missing passes as a good one.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator

from interlock.changes.guards import verbs
from interlock.changes.guards.atoms import parsed, variables

_CALLED = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$.]*)\s*\(")
# Who does not tidy up loses time or place, and no protection.
_TIDY = re.compile(
    r"(?i)close|unlock|release|cancel|done|stop|shut|clean|dispose|free|flush|disconnect|unlink|remove|rmtree|clear"
)
_BLOCK = re.compile(r"\bfinally\s*\{")
_DEFER = re.compile(r"(?m)^[ \t]*defer\s+(?:func\(\)\s*\{(?P<body>[^}]*)\}|(?P<one>[^\n]*))")
_BACK = re.compile(r"\brollback\b|\.rollback\(|\.Rollback\(", re.IGNORECASE)
_WRITE = re.compile(r"\b(?:insert into|update \w+ set|delete from)\b", re.IGNORECASE)
_PLAINER = frozenset(
    {
        *("normalize", "unquote", "unquote_plus", "unescape", "casefold", "lower", "realpath", "resolve", "decode"),
        *("decodeURIComponent", "decodeURI", "toLowerCase", "PathUnescape", "QueryUnescape", "ToLower", "Clean"),
    }
)
_MASK = re.compile(
    r"""(['"`])(?:[*•#█]{1,80}|[xX]{4,80}|…)\1\s*(?:\*|\.repeat\()|(['"`])(?=[^'"`\n]{0,200}[*•█]{3})[^'"`\n]{0,400}\2"""
)
_HIDING = re.compile(r"(?i)redact|mask|hidden|obscur|anonym|digest|hash")
_CHOSEN = re.compile(r"\bif\b[^\n]*\bin ([A-Z][A-Z0-9_]{2,})\b|\b([A-Z][A-Z0-9_]{2,})\.(?:has|includes)\(")
_ASKING = frozenset(
    {"resolve", "lookup", "gethostbyname", "getaddrinfo", "fetch", "read", "stat", "load", "query", "find", "get"}
)
_OBJECT = re.compile(r"\{([^{}]*)\}")
_ASSIGNED = re.compile(r"(?:Object\.assign|\bdict)\(([^()]*)\)")
_MADE = re.compile(r"(?m)(?<![\w.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:await\s+)?([A-Za-z_$][\w$.]*)\(([^()\n]+)\)\s*;?\s*$")
_TABLE = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?[\"`]?(\w+)[\"`]?\s*\(", re.IGNORECASE)
_INDEX = re.compile(r"\bcreate\s+unique\s+index\b", re.IGNORECASE)
_HELD = re.compile(
    r"primary\s+key\s*\([^()]*\)|\bunique\b(?:\s*\([^()]*\))?|\bcheck\s*\([^()]*\)|\breferences\s+\w+|\bforeign\s+key\s*\([^()]*\)",
    re.IGNORECASE,
)
_STRICT = re.compile(
    r"(?<![\w$])([A-Za-z_$][\w$]*)\s*===\s*true\b|\b([A-Za-z_]\w*)\b(?:\[['\"](\w+)['\"]\])? is True\b"
)
_ABSOLUTE = re.compile(r"(?:\bMath\.abs|\babs|\bmath\.Abs)\(([^()]{1,200}(?:\([^()]{0,200}\)[^()]{0,200})?)\)")
_ORDER = re.compile(r"[<>]=?")
_MOST_CHECKS = 20  # of a function, in which what makes plain is looked for


def not_anyway(before: str, after: str, *, python: bool) -> list[str]:
    """Calls that the first text made whatever happened (`finally`, `defer`), the second only where all went well."""
    sure = _python_finally if python else _script_finally
    old, new = sure(before), sure(after)
    still = set(_CALLED.findall(after))
    lost = {
        name
        for name in old - new
        if name in still and not _TIDY.search(name) and not re.search(rf"\bwith\b[^\n]*{re.escape(name)}", after)
    }
    return sorted(lost) if old and not new else []


def _python_finally(source: str) -> set[str]:
    tree = _tree(source)
    ends = [node.finalbody for node in ast.walk(tree) if isinstance(node, ast.Try)] if tree is not None else []
    return {ast.unparse(n.func) for body in ends for one in body for n in ast.walk(one) if isinstance(n, ast.Call)}


def _script_finally(source: str) -> set[str]:
    found = {name for match in _BLOCK.finditer(source) for name in _CALLED.findall(_braced(source, match.end()))}
    for match in _DEFER.finditer(source):
        found |= {*_CALLED.findall(match["body"] or match["one"] or "")}
    return found - {"func", "if", "for"}


def _braced(source: str, start: int) -> str:
    depth = 1
    for at in range(start, len(source)):
        depth += (source[at] == "{") - (source[at] == "}")
        if not depth:
            return source[start:at]
    return source[start:]


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def unreturned(before: str, after: str) -> bool:
    """Whether several writes to a database were taken back where one failed, and are not any more."""
    return _BACK.search(before) is not None and _BACK.search(after) is None and len(_WRITE.findall(after)) > 1


def unmasked(before: str, after: str) -> list[str]:
    """Signs that stood in the place of what is not to be shown."""
    found = _MASK.search(before)
    hidden = _MASK.search(after) or _HIDING.search(after) or {*_CHOSEN.findall(after)} - {*_CHOSEN.findall(before)}
    return [found[0].strip()] if found and not hidden else []


def unconstrained(before: str, after: str) -> list[str]:
    """What the database kept of a table that is made still: that a row is there once, that a value is one of some."""
    old, new = _tables(before), _tables(after)
    lost = [(rule, table) for table in old.keys() & new.keys() for rule in old[table] - new[table]]
    indexed = len(_INDEX.findall(after)) > len(_INDEX.findall(before))  # it says the same beside the table
    return sorted(f"{rule} of {table}" for rule, table in lost if not (indexed and rule.startswith("unique")))


def _tables(source: str) -> dict[str, set[str]]:
    found = {}
    for match in _TABLE.finditer(source):
        depth, at = 1, match.end()
        while at < len(source) and depth:
            depth += (source[at] == "(") - (source[at] == ")")
            at += 1
        found[match[1].lower()] = {" ".join(rule.lower().split()) for rule in _HELD.findall(source[match.end() : at])}
    return found


def overwritable(before: str, after: str) -> list[str]:
    """Fields that were written over what a stranger sent (`{ ...query, tenant }`), and that it writes over now."""
    old, new = _fixed(before), _fixed(after)
    return sorted((old[0] & new[1]) - new[0])


def _fixed(source: str) -> tuple[set[str], set[str]]:
    """Fields behind everything that is spread, and those before some of it."""
    behind: set[str] = set()
    ahead: set[str] = set()
    for parts in [*map(_parts, _OBJECT.findall(source)), *map(_assigned, _ASSIGNED.findall(source))]:
        spread = [n for n, part in enumerate(parts) if part.startswith(("...", "**"))]
        for number, part in enumerate(parts):
            name = re.match(r"['\"]?([A-Za-z_]\w*)['\"]?\s*(?:[:=](?!=)|$)", part)
            if name is not None and spread:
                (behind if number > spread[-1] else ahead).add(name[1])
    return behind, ahead


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _assigned(text: str) -> list[str]:
    """`{ tenant }, query` as `tenant, ...query`."""
    found: list[str] = []
    for literal, plain in re.findall(r"\{([^{}]*)\}|([^,{}]+)", text):
        spread = [plain.strip() if "=" in plain or plain.strip().startswith("**") else f"...{plain.strip()}"]
        found += _parts(literal) if literal else spread if plain.strip() else []
    return found


def late(before: str, after: str, refuses: Callable[[str], bool]) -> list[str]:
    """Calls that make a text plain before it is checked in the first text, and after that in the second."""
    old, new = _order(before, refuses), _order(after, refuses)
    return sorted(name for name, sooner in old.items() if sooner and new.get(name) is False)


def _order(source: str, refuses: Callable[[str], bool]) -> dict[str, bool]:
    """Call that makes plain -> whether it comes before all calls that refuse; where there are such."""
    calls = [(m.start(), m[1].rpartition(".")[2]) for m in _CALLED.finditer(source)][1:]
    checks = [(at, name) for at, name in calls if refuses(name)]
    if not checks:
        return {}
    spans = [(start, _closing(source, start)) for start, _ in checks[:_MOST_CHECKS]]
    found: dict[str, bool] = {}
    for at, name in calls:
        if name in _PLAINER and name not in found:
            # `check(text.lower())` makes plain first, though it is written after.
            found[name] = at < checks[0][0] or any(start < at < end for start, end in spans)
    return found


def _closing(source: str, start: int) -> int:
    depth, at = 0, source.find("(", start)
    while 0 <= at < len(source):
        depth += (source[at] == "(") - (source[at] == ")")
        if not depth:
            return at
        at += 1
    return start


def asked_twice(before: str, after: str, conditions: Iterable[str]) -> list[str]:
    """Calls whose answer was kept and checked, and that are made once to be checked and once more to be used."""
    asked = list(conditions)
    found = []
    for name, called, given in _MADE.findall(before):
        if not verbs.words(called) & _ASKING:
            continue
        call = f"{called}({given})"
        kept = len(re.findall(rf"(?<![\w.$]){re.escape(name)}\b", before)) > 2
        old, new = (_times(called, text) for text in (before, after))
        checked = any(re.search(rf"(?<![\w.$]){re.escape(called)}\(", one) for one in asked)
        if kept and old == 1 and new == 2 and checked:
            found.append(call)
    return found


def _times(called: str, text: str) -> int:
    return len(re.findall(rf"(?<![\w.$]){re.escape(called)}\(", text))


def formatted(before: str, after: str, parameters: Iterable[str]) -> list[str]:
    """Parameters whose text is a format now: its fields may be attributes of what is put in (`{0.__class__}`)."""
    names = "|".join(map(re.escape, parameters))
    format_ = re.compile(rf"(?<![\w.])({names})\.format(?:_map)?\(")
    return sorted({*format_.findall(after)} - {*format_.findall(before)}) if names else []


def lenient(before: str, after: str) -> list[str]:
    """Settings of which only a plain yes was one, and that are yes now where nothing or anything is said."""
    old, new = ({next(filter(None, m)) for m in _STRICT.findall(text)} for text in (before, after))
    return sorted(name for name in old - new if re.search(rf"\b{re.escape(name)}\b\s*=\s*(?:true|True)\b", after))


def one_sided(before: str, after: str) -> list[str]:
    """Distances that were compared whichever way they went."""
    if _ABSOLUTE.search(after) or len(_ORDER.findall(after)) > len(_ORDER.findall(before)):
        return []
    found = []
    for match in _ABSOLUTE.finditer(before):
        line = before[before.rfind("\n", 0, match.start()) + 1 : (before.find("\n", match.end()) + 1) or len(before)]
        values = re.findall(r"[A-Za-z_$][\w$]*", match[1])
        there = all(re.search(rf"\b{re.escape(value)}\b", after) for value in values)
        if there and _ORDER.search(line) and _ORDER.search(after):
            found.append(match[0])
    return found


def missing_passes(old: str, new: str) -> str:
    """What a refusal asks to be there first, so that who leaves it out is refused no more; "" where nothing.

    `a != b`, now `a and a != b`. Both are Python expressions, conditions of refusal.
    """
    one, other = parsed(old), parsed(new)
    if one is None or not isinstance(other, ast.BoolOp) or not isinstance(other.op, ast.And):
        return ""
    before = {ast.unparse(part) for part in _conjuncts(one)}
    parts = list(_conjuncts(other))
    for part in parts:
        name = _there(part)
        rest = [p for p in parts if p is not part and _there(p) is None]
        about = variables(old)
        if name and rest and ast.unparse(part) not in before and variables(name) & about:
            return name
    return ""


def _conjuncts(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for value in tree.values:
            yield from _conjuncts(value)
    else:
        yield tree


_NOTHING = ("None", "''", "_('undefined')", "_('nil')", "_('null')", "0")
_ZERO = re.compile(r"_\((['\"])([\w.]+)\.(?:IsZero\(\)|length)\1\)")


def _there(part: ast.expr) -> str | None:
    """What a part asks only to be there; None where it asks something else."""
    if isinstance(part, ast.Name | ast.Attribute | ast.Subscript):
        return ast.unparse(part)
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "get":
        return ast.unparse(part)
    if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
        zero = _ZERO.fullmatch(ast.unparse(part.operand))
        return zero[2] if zero else None
    if isinstance(part, ast.Compare) and len(part.ops) == 1 and isinstance(part.ops[0], ast.IsNot | ast.NotEq):
        return ast.unparse(part.left) if ast.unparse(part.comparators[0]) in _NOTHING else None
    return None


_JOINED = re.compile(
    r"(?<![\w$.])([A-Za-z_$][\w$]*)\s*:?=\s*(?:strings\.Join\(|[\w.$]+\.join\(|(?:\"[^\"]*\"|'[^']*')\.join\()"
)


def in_a_text(before: str, after: str) -> list[str]:
    """Lists that were looked through for one of them, and are a text now that is looked through for a part of it."""
    old = {*_JOINED.findall(before)}
    return sorted(
        name
        for name in {*_JOINED.findall(after)} - old
        if re.search(rf"(?:\bContains\({name},|(?<![\w.]){name}\.(?:includes|indexOf)\(|\bin {name}\b(?!\.))", after)
        and re.search(r"\bslices\.Contains\(|\.includes\(|\bin\b|\.some\(", before)
    )


_ONCE = r"(?:session|token|ticket|invite|invitation|nonce|otp|voucher|login)s?"
_TAKEN = re.compile(
    rf"(?<![\w$.#])([\w$.#]*{_ONCE})\.(?:pop|delete|discard|remove|clear)\(|\bdel ([\w.]*{_ONCE})\["
    rf"|\bdelete\(([\w.]*{_ONCE}),",
    re.IGNORECASE,
)


def kept_on(before: str, after: str) -> list[str]:
    """Stores of sessions and of what is good once, from which nothing is taken any more."""
    old, new = ({next(filter(None, m)) for m in _TAKEN.findall(text)} for text in (before, after))
    return sorted(name for name in old - new if name.rpartition(".")[2] in after) if not new else []


_ROUTE = re.compile(r"""['"]((?:[A-Z]+ )?/[^'"\n]*)['"]\s*:\s*\[([^\[\]]{0,2000})\]""")
_STEP = re.compile(r"[A-Za-z_$][\w$.]*(?:\([^()]*\))?")


def unguarded_routes(before: str, after: str) -> list[str]:
    """What stood before the handler in a table of routes: `"PUT /role": [signedIn, only("owner"), changeRole]`."""
    old, new = ({key: _STEP.findall(steps) for key, steps in _ROUTE.findall(text)} for text in (before, after))
    return sorted(
        f"{step} before {key}" for key in old.keys() & new.keys() for step in old[key][:-1] if step not in new[key]
    )
