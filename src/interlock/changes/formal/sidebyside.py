"""Runs inside the sandbox, alone, by `python -I`: two versions of functions on the same arguments, side by side.

Reads `pairs.json` in its folder and writes one JSON object for each pair on standard output. It imports nothing of
Interlock, gives the versions no built-in that reaches the world, and ends each call after a moment.
"""

from __future__ import annotations

import ast
import builtins
import copy
import json
import opcode
import random
import re
import resource
import signal
import time
from collections.abc import Iterator
from typing import Any

EXAMPLES = 300
_MOMENT = 0.2  # seconds of one call
_LONGEST = 200  # characters of a shown value
_MEMORY = 1 << 30  # bytes: `text * number` of made-up arguments is one step, which no alarm ends


class _Late(BaseException):
    pass


def _stop(_number: int, _frame: object) -> None:
    raise _Late


def main() -> None:
    """Answer for every pair."""
    signal.signal(signal.SIGALRM, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with open("pairs.json", encoding="utf-8") as file:
        asked = json.load(file)
    for pair in asked["pairs"]:
        print(json.dumps(_answer(pair, asked)), flush=True)  # noqa: T201 - its answer


def _answer(pair: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + asked["each"]
    try:
        allowed, modules = asked["builtins"], asked["modules"]
        one, other = (_defined(pair[side], pair["name"], allowed, modules) for side in ("before", "after"))
    except Exception as error:  # noqa: BLE001 - whatever keeps a version from being defined is an answer
        return {"tested": 0, "why": f"{type(error).__name__}: {error}"[:_LONGEST]}
    tested, late, first = 0, 0, None
    for given in _given(pair):
        if time.monotonic() > end:
            break  # each call of a slow function ends in time, and three hundred of them do not
        was, now = _called(one, given), _called(other, given)
        if "late" in (was[0], now[0]):
            late += 1
            if late > 5:
                break
            continue
        if "large" in (was[0], now[0]):
            continue
        tested += 1
        if was == now or _called(one, given) != was:
            continue
        loosened = was[0] == "raises" and now[0] == "gives" and not _says_no(now[1], asked["refusal"])
        if first is None or (loosened and not first["loosened"]):
            shown = ", ".join(f"{name}={_shown(value)}" for name, value in given.items())
            first = {"given": shown, "was": _said(was), "now": _said(now), "loosened": loosened}
    return {"tested": tested, "late": late, "differs": first}


def _says_no(given: str, refusal: str) -> bool:
    """Whether an answer refuses: `False`, or a sentence that says so."""
    kind, _, value = given.partition(" ")
    if kind != "str":
        return given == "bool False"
    return len(value) <= _LONGEST and " " in value and bool(re.match(refusal, value, re.IGNORECASE))


def _given(pair: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The arguments that are asked for, or examples made up."""
    if pair.get("given"):
        yield {name: ast.literal_eval(text) for name, text in pair["given"].items()}
        return
    chance = random.Random(7)  # noqa: S311 - the same examples every time
    words = _constants(pair["before"] + "\n" + pair["after"])
    for _ in range(EXAMPLES):
        yield {name: _example(kind, chance, words) for name, kind in pair["kinds"].items()}


def _defined(text: str, name: str, allowed: list[str], modules: list[str]) -> Any:
    def importing(wanted: str, *rest: Any) -> Any:
        if wanted not in modules:
            raise ImportError(wanted)
        return __import__(wanted, *rest)

    space: dict[str, Any] = {
        "__builtins__": {word: getattr(builtins, word) for word in allowed} | {"__import__": importing},
        "__name__": "version",
    }
    exec(compile(text, "version", "exec"), space)  # noqa: S102 - in the sandbox, without built-ins that reach the world
    return space[name]


def _called(function: Any, given: dict[str, Any]) -> tuple[str, str]:
    signal.setitimer(signal.ITIMER_REAL, _MOMENT)
    try:
        found = function(**copy.deepcopy(given))
        if hasattr(found, "__next__"):
            found = list(zip(range(100), found, strict=False))
        return "gives", f"{type(found).__name__} {found!r}"[:2_000]
    except _Late:
        return "late", ""
    except MemoryError:
        return "large", ""
    except Exception as error:  # noqa: BLE001 - what it raises is its answer
        return "stumbles" if _stumbled(error) else "raises", type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stumbled(error: Exception) -> bool:
    """Whether nobody refused: no `raise` said so, and the version was not written for a value of this kind or size."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    if at is None or not isinstance(error, AttributeError | TypeError | IndexError | ArithmeticError | NameError):
        return False
    code = at.tb_frame.f_code
    return code.co_filename == "version" and code.co_code[at.tb_lasti] != opcode.opmap["RAISE_VARARGS"]


def _said(answer: tuple[str, str]) -> str:
    return f"raises {answer[1]}" if answer[0] in ("raises", "stumbles") else answer[1].partition(" ")[2][:_LONGEST]


def _shown(value: Any) -> str:
    return repr(value)[:_LONGEST]


def _constants(text: str) -> dict[type, list[Any]]:
    found: dict[type, list[Any]] = {int: [], str: [], float: []}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and type(node.value) in found:
            found[type(node.value)].append(node.value)
    return found


def _example(kind: str, chance: random.Random, words: dict[type, list[Any]], deep: int = 0) -> Any:
    """A value of a type as it is written: `int`, `list[str]`, `str | None`, `dict[str, int]`."""
    kind = kind.replace("typing.", "").strip()
    if "|" in kind and "[" not in kind.partition("|")[0]:
        return _example(chance.choice(kind.split("|")), chance, words, deep)
    outer, _, inner = kind.partition("[")
    inner = inner[:-1] if inner.endswith("]") else inner
    parts = re.split(r",(?![^\[]*\])", inner) if inner else [""]
    outer = outer.lower()
    if outer == "optional":
        return None if chance.random() < 0.2 else _example(inner, chance, words, deep)
    if outer in ("none", "nonetype"):
        return None
    if outer == "bool":
        return chance.random() < 0.5
    if outer == "int":
        return _number(chance, words)
    if outer in ("float", "decimal"):
        return chance.choice([0.0, 1.0, -1.0, 0.5, 1e9, -2.25, *words[float], float(_number(chance, words))])
    if outer in ("str", "anystr"):
        return _text(chance, words)
    if outer == "bytes":
        return _text(chance, words).encode()
    if outer in ("list", "sequence", "iterable", "collection", "set", "frozenset", "tuple", "iterator") and deep < 3:
        many = [_example(parts[0], chance, words, deep + 1) for _ in range(chance.randrange(5))]
        if outer == "tuple" and len(parts) > 1 and "..." not in inner:
            return tuple(_example(part, chance, words, deep + 1) for part in parts)
        shape = {"set": set, "frozenset": frozenset, "tuple": tuple}.get(outer, list)
        return shape(value for value in many if shape in (list, tuple) or isinstance(value, str | int | float | bytes))
    if outer in ("dict", "mapping") and deep < 3:
        keys = [_example(parts[0] or "str", chance, words, deep + 1) for _ in range(chance.randrange(4))]
        return {k: _example(parts[-1] if len(parts) > 1 else "", chance, words, deep + 1) for k in keys if _key(k)}
    return _example(chance.choice(["int", "str", "bool", "None", "list[int]", "list[str]"]), chance, words, deep + 1)


def _key(value: Any) -> bool:
    return isinstance(value, str | int | float | bytes | bool | tuple)


def _number(chance: random.Random, words: dict[type, list[Any]]) -> int:
    near = [word + by for word in words[int] for by in (-1, 0, 1) if abs(word) < 1 << 40]
    choices = [0, 1, -1, 2, 3, 10, 100, -7, 255, 256, 1 << 31, chance.randrange(-50, 50), chance.randrange(1000)]
    return int(chance.choice(near) if near and chance.random() < 0.5 else chance.choice(choices))


def _text(chance: random.Random, words: dict[type, list[Any]]) -> str:
    alphabet = "abzAZ019 _-./:;'\"<>&%$\\\n\té中"
    loose = "".join(chance.choice(alphabet) for _ in range(chance.randrange(8)))
    if not words[str] or chance.random() < 0.35:
        return chance.choice(["", "a", "abc", "ABC", " a ", "0", "12", "../x", "a@b.c", loose, loose])
    word = str(chance.choice(words[str]))[:60]
    other = str(chance.choice(words[str]))[:60]
    return chance.choice(
        [word, word.upper(), word + loose, loose + word, word[:-1], word + other, word + loose + other, f" {word}"]
    )


if __name__ == "__main__":
    main()
