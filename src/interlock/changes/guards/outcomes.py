"""How what a function of JavaScript or Go answers or calls last leaves it, by its text. Pure.

The words are those of the Python reader: `refuse` (an error), `nothing` (an empty answer), `passed on` (the error of
another function), `answer`, or "" where it does not leave.
"""

from __future__ import annotations

import re

from interlock.changes.guards import verbs

_NOTHING = {"", "false", "null", "undefined", "nil", "''", '""', "[]", "{}", "0", "-1", "void 0", "!1"}
_REFUSING = re.compile(
    r"err|forbidden|denied|unauthori|bad_?request|invalid|locked|expired|not_?found|abort|reject|fail|\b4(00|01|03|04|13|29)\b",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\berr\.\w+(?![\w(])")  # what an error holds is no error
_WELL = re.compile(r"(?:process|os)\.(?:exit|Exit)\(0\)")  # an end that says that all is well
# A function that is handed on: what it does with an error is its own matter.
_HANDED = re.compile(r"(?:\([^()]*\)|[\w$]+)\s*=>.*|\bfunction\b.*|\bfunc\s*\(.*", re.DOTALL)
_GOING_ON = {"next", "callback", "cb", "done"}  # they refuse where they are given an error
_CALLS = _GOING_ON | {
    *("reject", "abort", "fail", "error", "exit", "panic", "Fatal", "Fatalf", "Error", "destroy", "sendStatus"),
}
_FIRST = re.compile(r"[^(]*\(\s*(?:\)|(?:null|undefined|nil)\b)")


def answered(value: str, *, go: bool) -> str:
    """How `return value` leaves."""
    value = _HANDED.sub("", value)
    parts = [part.strip() for part in value.split(",")]
    if value in _NOTHING or ("false" in parts and all(part in _NOTHING for part in parts)):
        return "nothing"
    if go and re.fullmatch(r"(.*,\s*)?err", value):
        return "passed on"  # `return nil, err`: another function has refused
    if value.startswith("!"):
        return "answer"  # `return !invalid.test(name)` says yes or no; it makes no error
    call = re.match(r"[\w$.]+", value)
    if call and call[0].rpartition(".")[2] in _CALLS and "(" in value:
        return "answer" if _goes_on(call[0], value) else "refuse"
    # A setting that protects refuses nothing itself: `{ rejectUnauthorized: true }`.
    plain = re.sub(r"([\w$]+)\s*:", lambda m: "" if verbs.keyword(m[1], "true") is not None else m[0], value)
    plain = _FIELD.sub("", plain) if go else plain
    return "refuse" if len(value) < 300 and _REFUSING.search(plain) else "answer"


def called(name: str, call: str) -> str:
    """How a call of `name` leaves that is the last of its branch; `call`: all of it."""
    base, _, last = name.rpartition(".")
    if last not in _CALLS or (last == "error" and verbs.telltale(base)):
        return ""  # `console.error(…)` only says so
    return "answer" if _WELL.fullmatch(call) or _goes_on(name, call) else "refuse"


def _goes_on(name: str, call: str) -> bool:
    return name.rpartition(".")[2] in _GOING_ON and _FIRST.match(call) is not None
