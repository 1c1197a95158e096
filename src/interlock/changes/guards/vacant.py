"""Whether all that a guard was about is in its function no more: a feature went, and its checks with it. Pure.

Only where the function lost things and nothing came (no name in it is new), and only for what is checked about values:
who may do something is asked about what is done, which is still there. What a value was made of counts as the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from interlock.changes.guards import verbs
from interlock.changes.guards.guard import REJECTIONS, Function, Guard, Kind

_ABOUT_VALUES = frozenset({"escape", "path", "coerce", "kind", "check"})
_TEXT = re.compile(r"""[rbfuRBFU]{0,2}(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)""")
_TERM = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$]*(?:\s*\.\s*[A-Za-z_$][\w$]*)*)(\s*\()?")
_MADE = re.compile(
    r"^\s*(?:export\s+)?(?:const\s+|let\s+|var\s+)?(?:[\[({]\s*)?"
    r"(?P<names>[A-Za-z_$][\w$]*(?:\s*,\s*[\w$]+)*)\s*(?:[\])}]\s*)?"
    r"(?::[^=\n]{1,80})?(?::=|[-+*/|&]?=)(?![=>])(?P<of>.*)$"
    r"|\bfor\s+(?:const\s+|let\s+|var\s+)?[\[(]?(?P<each>[A-Za-z_$][\w$]*(?:\s*,\s*[\w$]+)*)[\])]?\s+(?:in|of)\b(?P<all>.*)$"
    r"|^(?P<opened>.*)\bas\s+(?P<it>[A-Za-z_]\w*)\s*:?$",
    re.MULTILINE,
)
_OWN = ("self", "this", "cls")
_WORDS = frozenset(
    {"not", "and", "or", "in", "is", "None", "True", "False", "if", "else", "for", "new", "typeof", "await"}
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_MUCH = frozenset({"max", "maximum", "limit", "limits", "depth", "count", "counter"})
_MODULES = ("os", "os.path", "re", "json", "html", "shlex")
_MOST_TEXT = 40_000  # characters of a function that is looked through
_MOST_LINE = 2_000
_MOST_STEPS = 12  # from a value back to what it was made of


def vacant(guard: Guard, before: Function, after: Function) -> bool:
    """Whether what the guard was about is gone from the function, which has nothing new.

    Args:
        guard: one that `before` has and `after` has not.
        before: with the helpers that are gone (`inside`).
        after: the same function in the new version.
    """
    if set(after.words) - set(before.words) or set(after.parameters) - set(before.parameters):
        return False
    if guard.kind is Kind.CALL:
        asked = guard.text if guard.family in _ABOUT_VALUES else ""
    else:
        asked = guard.condition if guard.kind in (*REJECTIONS, Kind.CONDITION) else ""
    if not asked or verbs.personal(asked) or verbs.somebody(asked) or verbs.critical([asked]) or _counts(asked, before):
        return False
    home = next((one for one in before.inside if guard in one.guards), before)
    values = _values(asked, home)
    if values is None or not _worked_on(values.known, asked, home):
        return False
    roots = values.roots if home is before else _given(values.roots, home, before)
    still = set(_NAME.findall(after.source))
    return bool(roots) and not any(root.rpartition(".")[2] in still for root in roots or ())


def _counts(asked: str, function: Function) -> bool:
    """Whether it may be asked how often or how much: a count is about what goes on, not about itself."""
    named = verbs.identifiers(asked)
    return function.short in function.calls or any(verbs.bound(one) or verbs.words(one) & _MUCH for one in named)


class _Values(NamedTuple):
    """`roots`: parameters, and parts of them or of the object; `known`: these, and all that was made of them."""

    roots: set[str]
    known: set[str]


def _values(text: str, function: Function) -> _Values | None:
    """What the values in a text come from; None where nobody knows."""
    if len(function.source) > _MOST_TEXT:
        return None
    flat = _flat(function.source)
    if max(map(len, flat.split("\n"))) > _MOST_LINE:
        return None
    made = _made(flat)
    roots: set[str] = set()
    known: set[str] = set()
    waiting = list(_terms(text))
    while waiting and len(known) <= _MOST_STEPS:
        term = waiting.pop()
        base, _, rest = term.partition(".")
        if term in known:
            continue
        known.add(term)
        if base in made and base not in function.parameters:
            waiting += made[base]
        elif base in function.parameters or (base in _OWN and rest):
            roots.add(term)
        elif not base.isupper():
            return None  # a name of another place: what it is cannot be seen here
    return None if waiting else _Values(roots, known)


def _worked_on(known: set[str], asked: str, function: Function) -> bool:
    """Whether something was done with the values: what is only asked about may stand for what is done with others."""
    lines = _flat(function.source).split("\n")[1:]
    made = [one for one in lines if asked in one and _MADE.match(one)]
    others = [one for one in lines if asked not in one and not re.match(r"\s*(?:if|elif|raise|throw|assert)\b", one)]
    names = {term.rpartition(".")[2] for term in known} | {n for one in made for n in _NAME.findall(one.split("=")[0])}
    return any(names & set(_NAME.findall(one)) and not _MADE.match(one) for one in others)


def _given(roots: set[str], helper: Function, caller: Function) -> set[str] | None:
    """The same in the terms of the caller; a part of a parameter keeps its name wherever it is given."""
    bare = {root for root in roots if "." not in root}
    if not bare:
        return roots
    name = re.escape(helper.short)
    call = re.search(rf"(?<![\w$]){name}\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", _flat(caller.source))
    given = _values(call[1], caller) if call else None
    return None if given is None else (roots - bare) | given.roots


def _flat(source: str) -> str:
    """The source with what stands in brackets on one line, and of its texts only what is put into them."""
    depth, out = 0, []
    for char in _TEXT.sub(_put, source):
        depth = max(0, depth + (char in "([") - (char in ")]"))
        out.append(" " if char == "\n" and depth else char)
    return "".join(out)


def _put(text: re.Match[str]) -> str:
    prefix = text[0].partition(text[0][-1])[0].lower()
    parts = re.findall(r"\{([^{}]*)\}", text[0]) if "f" in prefix or text[0][0] == "`" else []
    return f"({', '.join(parts)})" if parts else "''"


def _made(flat: str) -> Mapping[str, list[str]]:
    """Name -> the terms that its values are made of."""
    found: dict[str, list[str]] = {}
    for match in _MADE.finditer(flat):
        names = match["names"] or match["each"] or match["it"] or ""
        terms = list(_terms(match["of"] or match["all"] or match["opened"] or ""))
        for name in _NAME.findall(names):
            found.setdefault(name, []).extend(terms)
    return found


def _terms(text: str) -> Iterator[str]:
    """The values that a text names; of `a.b.c(d)` these are `a.b` and `d`, of `f(d)` it is `d`."""
    for match in _TERM.finditer(_TEXT.sub(_put, text)):
        term = re.sub(r"\s+", "", match[1])
        if match[2]:
            term = term.rpartition(".")[0]
            term = "" if term in _MODULES else term
        if term and term not in _WORDS and not term[0].isupper():
            yield term
