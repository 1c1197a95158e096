"""`${…}`: the value of a parameter, and the operators on it. Source: bash 5.2 manual, 3.5.3."""

from __future__ import annotations

from interlock.effects.secret_names import secret_name
from interlock.effects.shell import patterns
from interlock.effects.shell.state import EMPTY, UNKNOWN, State, Val, Var
from interlock.effects.shell.syntax import Part

Pieces = tuple[tuple[str, bool], ...]

_WILD = frozenset("*?[")


def unset_value(name: str) -> Val:
    """The value of a variable that the text never set: unknown, and secret when its name says so."""
    return Val(None, taint=("secret",) if secret_name(name) else ())


def operate(op: str, value: Val, pattern: Pieces | None, by: Val | None) -> Val:
    """The value after a pattern, case or replacement operator; unknown when any input is."""
    taint = value.taint if by is None else tuple(sorted(set(value.taint) | set(by.taint)))
    if value.glob and value.text and pattern is not None:
        left = _of_names(op, value.text, "".join(text for text, _ in pattern))
        if left:
            return Val(left, taint=taint, glob=not _WILD.isdisjoint(left))
    if value.text is None or value.glob:
        keeps = op in ("%", "%%") and value.glob and value.text is not None
        return Val(None, _stem(value.text or "") if keeps else "", taint)
    if pattern is None:
        return Val(None, taint=taint)
    tokens = patterns.compile_pattern(pattern)
    result = _operated(op, value.text, tokens, by)
    return Val(result, taint=taint) if result is not None else Val(None, taint=taint)


def _of_names(op: str, glob: str, pattern: str) -> str | None:
    """What the usual operators leave of every name that a glob describes, as a glob; None where that is none."""
    folder, slash, name = glob.rpartition("/")
    if op in ("%", "%%"):
        if pattern and _WILD.isdisjoint(pattern) and glob.endswith(pattern):
            return glob[: -len(pattern)]
        stem, dot, ending = name.rpartition(".")
        if pattern == ".*" and op == "%" and dot and _WILD.isdisjoint(ending):
            return folder + slash + stem
        return folder if pattern == "/*" and op == "%" and slash else None
    if op == "##" and pattern == "*/" and slash:
        return name
    return None


def _stem(text: str) -> str:
    for index, char in enumerate(text):
        if char in "*?[":
            return text[:index]
    return text


def _operated(op: str, text: str, tokens: list[patterns.Token], by: Val | None) -> str | None:
    if op in ("#", "##"):
        return patterns.strip_prefix(text, tokens, longest=op == "##")
    if op in ("%", "%%"):
        return patterns.strip_suffix(text, tokens, longest=op == "%%")
    if op[0] == "/":
        if by is not None and by.text is None:
            return None
        new = by.text if by is not None and by.text is not None else ""
        if "&" in new:  # bash 5.2 puts the match there, older ones the character
            return None
        anchor = op[1] if len(op) == 2 and op[1] in "#%" else ""
        return patterns.replace(text, tokens, new, every=op == "//", anchor=anchor)
    if op[0] in "^,":
        if tokens:
            return None
        change = str.upper if op[0] == "^" else str.lower
        return change(text) if len(op) == 2 else change(text[:1]) + text[1:]
    return None


def substring(value: Val, offset: int, length: int | None) -> Val:
    """`${x:offset:length}`."""
    if value.text is None or value.glob:
        return Val(None, taint=value.taint)
    text = value.text
    start = offset if offset >= 0 else len(text) + offset
    if start < 0 or start > len(text):
        return Val("", taint=value.taint)
    stop = len(text) if length is None else start + length if length >= 0 else len(text) + length
    return Val(text[start:stop] if stop >= start else "", taint=value.taint)


def elements(state: State, name: str, var: Var | None) -> tuple[Val, ...] | None:
    """The items of an array, or the one value of a scalar; None when not known."""
    if name in ("@", "*"):
        return state.arguments
    if var is None:
        return None
    if var.items is not None:
        return var.items
    if var.value is None:
        return ()
    # An unknown value may be a whole array: how many items it has is not known either.
    return (var.value,) if var.value.text is not None else None


def special(state: State, name: str) -> Val | None:
    """Positional and special parameters that are one value; None when `name` is an ordinary variable."""
    if name.isdigit():
        number = int(name[:9])
        if number == 0:
            return state.zero
        if state.arguments is None:
            return UNKNOWN
        return state.arguments[number - 1] if number <= len(state.arguments) else EMPTY
    if name == "#":
        return UNKNOWN if state.arguments is None else Val(str(len(state.arguments)))
    if name in ("?", "$", "!", "-"):
        return UNKNOWN
    return None


def is_plain_index(index: tuple[Part, ...] | None) -> str | None:
    """The text of a constant subscript."""
    if index is None:
        return None
    out: list[str] = []
    for part in index:
        text = getattr(part, "text", None)
        if not isinstance(text, str):
            return None
        out.append(text)
    return "".join(out)
