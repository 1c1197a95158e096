"""Constants that are computed: what `7 * 18 + 106 > 200`, `"ABC"[1]` and `"x".upper()` are. Pure and bounded."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

_LONGEST = 2_000  # characters of a text, or digits' worth of a number, that is still computed
_LARGEST = 1 << 64

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.Mult: operator.mul,
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: lambda a, b: a is b or (type(a) is type(b) and a == b),
    ast.IsNot: lambda a, b: not (a is b or (type(a) is type(b) and a == b)),
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_METHODS = frozenset({
    "upper", "lower", "strip", "lstrip", "rstrip", "replace", "startswith", "endswith", "title", "capitalize",
    "isdigit", "isalpha", "isalnum", "find", "index", "count", "removeprefix", "removesuffix", "encode", "decode",
})  # fmt: skip


class Unfolded(Exception):
    """It is not computed: an error, or larger than the bounds."""


def binary(kind: type[ast.operator], left: Any, right: Any) -> Any:
    """An operator's result. Raises Unfolded."""
    action = _BINARY.get(kind)
    if action is None or max(_size(left), _size(right)) > _LONGEST:
        raise Unfolded
    if kind is ast.Mult and _size(left) * max(_count(right), 1) + _size(right) * max(_count(left), 1) > 2 * _LONGEST:
        raise Unfolded
    if kind is ast.Mod and isinstance(left, str | bytes):
        raise Unfolded  # `"%999999999d" % 1`
    return _bounded(action, left, right)


def compared(kind: type[ast.cmpop], left: Any, right: Any) -> bool:
    """Whether a comparison holds. Raises Unfolded."""
    return bool(_bounded(_COMPARED[kind], left, right))


def method(name: str, text: Any, arguments: list[Any]) -> Any:
    """What a method of a text gives. Raises Unfolded."""
    if name not in _METHODS or not isinstance(text, str | bytes) or _size(text) > _LONGEST:
        raise Unfolded
    if name == "replace" and sum(map(_size, arguments)) > 100:
        raise Unfolded
    return _bounded(operator.methodcaller(name, *arguments), text)


def item(whole: Any, key: Any) -> Any:
    """What is at a key of a constant. Raises Unfolded."""
    return _bounded(operator.getitem, whole, key)


def _bounded(action: Callable[..., Any], *arguments: Any) -> Any:
    try:
        found = action(*arguments)
    except Exception as error:  # whatever Python raises there, the program would too: nothing is known then
        raise Unfolded from error
    if _size(found) > 2 * _LONGEST or (isinstance(found, int) and abs(found) > _LARGEST):
        raise Unfolded
    return found


def _size(word: object) -> int:
    return len(word) if isinstance(word, str | bytes | tuple) else 0


def _count(word: object) -> int:
    return word if isinstance(word, int) else 0
