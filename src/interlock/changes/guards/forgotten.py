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
_NOBODY = frozenset({"self", "cls", "this", "ctx", "context", "args", "kwargs", "options", "opts"})
_FEW = 3  # words of a function that does nothing yet: a stub uses no parameter


def parameters(before: Function, after: Function) -> list[str]:
    """Parameters of both versions that the old one used, and the new one does not."""
    own = 0 if after.path.endswith((".py", ".pyi")) else 1  # a script's reader counts the signature as well
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
        and before.words[name] > own
        and after.words[name] <= own
    ]


def bounds(before: Function, after: Function) -> list[str]:
    """Names of upper bounds that the old one read, where the new one reads none."""
    old, new = ({name for name in one.words if _bound(name)} for one in (before, after))
    return sorted(old - new) if not new and after.name else []


def constants(before: Function, after: Function, now: Counter[str], text: str) -> list[str]:
    """Constants that the old one read and that lie unread in the new file; `now`: its words, `text`: all of it."""
    return sorted(
        name
        for name in before.words.keys() - after.words.keys()
        if after.name and _CONSTANT.fullmatch(name) and now[name] == 1
        if re.search(rf"(?m)^(?:export |const |var |let |\t)*{name}\b[^=\n(]*=(?!=)", text)
    )


def _bound(name: str) -> bool:
    return verbs.bound(name) == "most" and (
        _CONSTANT.fullmatch(name) is not None or re.match(r"[mM]ax[A-Z]", name) is not None
    )
