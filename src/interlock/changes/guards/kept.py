"""Calls and settings that are there still, written otherwise: handed on, said once, given whole, asked for. Pure.

`safe(path)` that became `await to_thread(safe, path)` is called by what runs it; a call that stood twice and stands
once, its answer kept under a name, is made; options that were passed one by one come along where all of them are
passed; and a default is no protection where the parameter has to be given now.
"""

from __future__ import annotations

import re

from interlock.changes.guards import verbs
from interlock.changes.guards.guard import Function, Guard, Kind

_CALL = re.compile(r"(?:await\s+)?([\w$.]+)\((.*)\)", re.DOTALL)
_PASSED = re.compile(r"([\w$]+)\s*[:=]\s*([A-Za-z_$][\w$]*)(?:\?\.|\.)([\w$]+)")
_AWAIT = re.compile(r"\bawait\s+")
_RUNNING = frozenset({"thread", "threads", "executor", "submit", "sync", "job", "pool", "task"})
_MOST_TEXT = 40_000  # characters of a function that is looked through


def there_still(guard: Guard, before: Function, after: Function) -> bool:
    """Whether a call or a setting that went is in the new version in one of these forms."""
    if len(after.source) > _MOST_TEXT or guard.kind not in (Kind.CALL, Kind.KEYWORD):
        return False
    if guard.kind is Kind.CALL:
        return _handed(guard, after) or _once(guard, before, after)
    return _whole(guard, before, after) or _demanded(guard, before, after)


def _handed(guard: Guard, after: Function) -> bool:
    """`await asyncio.to_thread(self.safe, path)`: what runs it elsewhere is given it, and what it is called with."""
    call = _CALL.fullmatch(guard.text)
    if call is None or not call[2].strip():
        return False
    given = re.escape(_flat(call[2]))
    running = rf"(@)?([\w$.]+)\((?:[\w$.]+,)?{re.escape(call[1])},{given}\)(\.result\()?"
    # What nobody waits for refuses nobody: its error stays where it runs.
    text = _flat(_AWAIT.sub("@", after.source))
    found = [runner for awaited, runner, asked in re.findall(running, text) if awaited or asked]
    return any(verbs.words(runner.rpartition(".")[2]) & _RUNNING for runner in found)


def _once(guard: Guard, before: Function, after: Function) -> bool:
    """`wait = timeout()`, which stood in two places before, and `wait` in both of them now."""
    call = r"\s*".join(map(re.escape, re.findall(r"[\w$]+|[^\s\w$]", guard.text)))
    old, new = (len(re.findall(call, one.source)) for one in (before, after))
    bound = re.search(rf"(?<![\w$.])([\w$]+)\s*:?=\s*{call}", after.source) if guard.text.endswith(")") else None
    if bound is None or new != 1:
        return False
    return len(re.findall(rf"(?<![\w$.]){re.escape(bound[1])}(?![\w$])", after.source)) > old


def _whole(guard: Guard, before: Function, after: Function) -> bool:
    """`{ tls: options.tls }`, now `options` as it is."""
    part = _PASSED.fullmatch(" ".join(guard.text.split()))
    if part is None or part[1] != part[3] or part[2] not in after.parameters:
        return False
    all_of_it = re.compile(rf"[(,]\s*(?:\.\.\.|\*\*)?{re.escape(part[2])}\s*[,)]")
    old, new = (len(all_of_it.findall(_body(one.source))) for one in (before, after))
    return new > old


def _demanded(guard: Guard, before: Function, after: Function) -> bool:
    """`def f(timeout=30)`, now `def f(timeout)`."""
    name = guard.key
    if name not in before.parameters or name not in after.parameters:
        return False
    default = re.compile(rf"(?<![\w$.]){re.escape(name)}\s*(?::[^=,()]*)?=(?!=)")
    head = [one.source[: len(one.source) - len(_body(one.source))] for one in (before, after)]
    return default.search(head[0]) is not None and default.search(head[1]) is None


def _body(source: str) -> str:
    """What comes after the parameters of a function."""
    depth = 0
    for number, char in enumerate(source):
        depth += (char in "([{") - (char in ")]}")
        if char == ")" and not depth:
            return source[number + 1 :]
    return source


def _flat(text: str) -> str:
    return re.sub(r"\s+", "", text)
