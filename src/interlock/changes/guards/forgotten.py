"""What a function no longer looks at, though it is given it or it lies there: parameters, bounds, constants. Pure.

A parameter that stays in the signature and is used nowhere decides nothing any more; a constant that is still defined
and that nobody reads was taken out of something. Neither needs a word for what it protects.
"""

from __future__ import annotations

import re
from collections import Counter

from interlock.changes.guards import verbs
from interlock.changes.guards.guard import Function

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_KEPT = re.compile(r"([A-Za-z_][\w.]*)(?:\[([^\[\]\n]+)\]|\.(?:get|set|has|setdefault)\(((?:\([^()\n]*\)|[^(),\n])+))")
_OWN = re.compile(r"\b(?:self|this)\.\w+")
_LIST = r"(?:[(\[{][\s(\[{]*b?['\"]|frozenset\(|set\(|new Set\()"
_NOBODY = frozenset(
    {"self", "cls", "this", "ctx", "context", "args", "kwargs", "options", "opts", "err", "error", "exc"}
)
_FEW = 3  # words of a function that does nothing yet: a stub uses no parameter


def parameters(before: Function, after: Function) -> list[str]:
    """Parameters of both versions that the old one used, and the new one does not."""
    if (
        after.words.total() < _FEW
        or before.parameters[: len(after.parameters)] != after.parameters[: len(before.parameters)]
    ):
        return []
    return [
        name
        for name in after.parameters
        if name in before.parameters
        and not name.startswith("_")
        and name not in _NOBODY
        and _used(before, name)
        and not _used(after, name)
    ]


def _used(one: Function, name: str) -> bool:
    if one.path.endswith((".py", ".pyi")):
        return one.words[name] > 0
    # The signature of a script's function is a part of its text.
    return len(re.findall(rf"(?<![\w$.]){re.escape(name)}(?![\w$])", one.source)) > 1


def bounds(before: Function, after: Function) -> list[str]:
    """Names of upper bounds that the old one read, where the new one reads none."""
    old, new = ({name for name in one.words if _bound(name)} for one in (before, after))
    own = {name for name in _OWN.findall(after.source) if verbs.own_bound(name)} - {*_OWN.findall(before.source)}
    return sorted(old - new) if not new and not own and after.name else []


def constants(before: Function, after: Function, now: Counter[str], text: str) -> list[str]:
    """Constants that the old one read and that lie unread in the new file; `now`: its words, `text`: all of it.

    One that is a text is a name of something, and keeps nothing away.
    """
    return sorted(
        name
        for name in before.words.keys() - after.words.keys()
        if after.name and _CONSTANT.fullmatch(name) and now[name] == 1
        if re.search(rf"(?m)^(?:export |const |var |let |\t)*{name}\b[^=\n(]*=(?!=)\s*[^'\"`\s]", text)
    )


def numbers(before: Function, after: Function, now: Counter[str], text: str) -> list[str]:
    """Constants of Go that are numbers, read by the old one, and unread in the new file: they have no capitals."""
    if not after.path.endswith(".go") or not after.name:
        return []
    gone = before.words.keys() - after.words.keys()
    held = {*re.findall(r"(?m)^(?:const\s+|\t)([a-z]\w*)\s*(?:[\w.]+\s*)?=\s*[\d(]", text)}
    return sorted(name for name in gone & held if now[name] == 1)


def _bound(name: str) -> bool:
    return verbs.bound(name) == "most" and (
        _CONSTANT.fullmatch(name) is not None or re.match(r"[mM]ax[A-Z]", name) is not None
    )


def tables(before: Function, after: Function) -> list[str]:
    """Fixed tables that the old one looked a parameter up in, where the new one takes the parameter as it is."""
    given = "|".join(map(re.escape, before.parameters))
    fresh = [word for word in after.words.keys() - before.words.keys() if _CONSTANT.fullmatch(word)]
    other = any(re.search(rf"\b{word}(?:\.get\(|\.has\(|\[)|\bin {word}\b", after.source) for word in fresh)
    if not given or not after.name or other:
        return []  # or another table is asked
    looked = re.findall(rf"\b([A-Z][A-Z0-9_]{{2,}})(?:\.get\(|\[)\s*(?:\w+\()*({given})\b", before.source)
    return sorted({table for table, name in looked if table not in after.words and after.words[name] > 0})


def keys(before: Function, after: Function) -> list[str]:
    """Parameters that were part of what something is kept under, and are no more: `kept[(tenant, name)]`."""
    old, new = _keys(before), _keys(after)
    given = ({*before.parameters} & {*after.parameters}) - _NOBODY
    lost = {name for held in old.keys() & new.keys() for name in (old[held] - new[held]) & given if new[held] & given}
    return sorted(name for name in lost if after.words[name])


def _keys(one: Function) -> dict[str, frozenset[str]]:
    """What is asked under a key -> the names in its keys, those in what a key was made of with them."""
    made = dict(re.findall(r"(?m)^\s*(?:const |let |var )?(\w+)\s*:?= (.+)$", one.source))
    found: dict[str, set[str]] = {}
    for held, index, argument in _KEPT.findall(one.source):
        key = index or argument
        if key.strip() in made and key.strip() not in one.parameters:
            key = made[key.strip()]
        found.setdefault(held, set()).update(_NAME.findall(re.sub(r"(['\"]).*?\1", "", key)))
    return {held: frozenset(names) for held, names in found.items()}


def lists(before: Function, after: Function, text: str) -> list[str]:
    """Fixed lists of the file (`text`, as it was) that the old one went by, where the new one goes by none."""
    if not after.name or any(_CONSTANT.fullmatch(word) for word in after.words.keys() - before.words.keys()):
        return []
    gone = [name for name in before.words.keys() - after.words.keys() if _CONSTANT.fullmatch(name)]
    return sorted(name for name in gone if re.search(rf"(?m)^(?:export |const )*{name}\b[^=\n(]*= {_LIST}", text))
