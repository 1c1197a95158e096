"""What a parameter is, seen from how code uses it: an argument of no type that becomes what is asked of it.

`Unknown` stands in for an argument. Each use is written into its `Shape`: a subscript with a text makes it a mapping,
a comparison with a number a number. What it answers is chosen by chance, so several runs see several ways.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

_TEXT = frozenset(dir("")) - frozenset(dir(object()))
_BYTES = frozenset(dir(b"")) - _TEXT - frozenset(dir(object()))
_MAPPING = frozenset({"items", "keys", "values", "get", "setdefault", "update", "popitem"})
_LIST = frozenset({"append", "extend", "sort", "reverse", "insert"})
_SET = frozenset({"add", "discard", "issubset", "issuperset", "union", "difference", "intersection"})
_DEEPEST = 5


class Shape:
    """How a value was used. `kinds`: kind -> times; `keys`, `fields`: the parts asked for by name; `item`: any other
    part of it; `result`: what it gives when called; `beside`: constants it was compared with."""

    def __init__(self, deep: int = 0) -> None:
        self.kinds: Counter[str] = Counter()
        self.keys: dict[str, Shape] = {}
        self.fields: dict[str, Shape] = {}
        self.beside: list[Any] = []
        self.deep = deep
        self._item: Shape | None = None
        self._result: Shape | None = None

    @property
    def item(self) -> Shape:
        """What its elements are."""
        self._item = self._item or Shape(self.deep + 1)
        return self._item

    @property
    def result(self) -> Shape:
        """What it gives."""
        self._result = self._result or Shape(self.deep + 1)
        return self._result

    @property
    def kind(self) -> str:
        """What it is taken for; "" where nothing says."""
        if self.kinds["given"]:
            return "given"
        if self.fields:
            return "object"
        if self.keys:
            return "mapping"
        return self.kinds.most_common(1)[0][0] if self.kinds else ""

    def firmly(self, kind: str) -> None:
        """It has to be this."""
        self.kinds[kind] += 5
        self.kinds["given"] += 1

    def part(self, parts: dict[str, Shape], name: str) -> Shape:
        """A part by its name, new where nobody asked for it yet."""
        return parts.setdefault(name, Shape(self.deep + 1))

    def note(self, kind: str) -> None:
        """It was used as this."""
        self.kinds[kind] += 1

    def near(self, value: Any) -> None:
        """It was compared with this."""
        if isinstance(value, str | int | float | bytes) and not isinstance(value, bool):
            self.note({str: "text", bytes: "bytes", float: "real"}.get(type(value), "number"))
            if len(self.beside) < 20 and value not in self.beside:
                self.beside.append(value)
        elif isinstance(value, bool):
            self.note("truth")


def _sample(kind: str, chance: random.Random) -> Any:
    if kind == "number":
        return chance.choice((0, 1, 2, 7, 50))
    if kind == "bytes":
        return chance.choice((b"ann", b"", b"0123456789abcdef"))
    return chance.choice(("ann", "bob", "x1", "12"))


class Unknown:
    """An argument that becomes what is asked of it. Make it by `unknown`."""

    _shape: Shape
    _chance: random.Random

    def _as(self, kind: str) -> Any:
        self._shape.note(kind)
        return _sample(kind, self._chance)

    def _one(self, shape: Shape) -> Any:
        return "ann" if shape.deep > _DEEPEST else unknown(shape, self._chance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        shape = self._shape
        if name in _MAPPING:
            return getattr(_Mapping(self), name)
        if name in _LIST:
            shape.note("list")
            return getattr([], name)
        if name in _SET and name not in _TEXT:
            shape.note("set")
            return getattr(set(), name)
        if name in _BYTES:
            return getattr(self._as("bytes"), name)
        if name in _TEXT and name not in ("index", "count", "title", "format"):
            return getattr(self._as("text"), name)
        return self._one(shape.part(shape.fields, name))

    def __setattr__(self, name: str, value: Any) -> None:
        self._shape.part(self._shape.fields, name)

    def __getitem__(self, key: Any) -> Any:
        shape = self._shape
        if isinstance(key, str):
            return self._one(shape.part(shape.keys, key))
        if isinstance(key, slice):
            return self._as("text")[key]
        if isinstance(key, int):
            shape.note("list")
            return self._one(shape.item)
        shape.note("mapping")
        return self._one(shape.item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._shape.note("mapping")

    def __delitem__(self, key: Any) -> None:
        self._shape.note("mapping")

    def __iter__(self) -> Any:
        self._shape.note("list")
        return iter([self._one(self._shape.item) for _ in range(self._chance.randrange(3))])

    def __call__(self, *_: Any, **__: Any) -> Any:
        self._shape.note("callable")
        return self._one(self._shape.result)

    def __contains__(self, value: Any) -> bool:
        self._shape.note("list")
        self._shape.item.near(value)
        return self._chance.random() < 0.5

    def __bool__(self) -> bool:
        return self._chance.random() < 0.7

    def __len__(self) -> int:
        self._shape.kinds["text"] += 0
        return self._chance.choice((0, 1, 3, 40))

    def __hash__(self) -> int:
        self._shape.note("key")
        return id(self)

    def __eq__(self, other: object) -> bool:
        self._shape.near(other)
        return self._chance.random() < 0.4

    def _order(self, other: object) -> bool:
        self._shape.near(other)
        if isinstance(other, Unknown):
            self._shape.note("number")
            other._shape.note("number")
        return self._chance.random() < 0.5

    __lt__ = __le__ = __gt__ = __ge__ = _order

    def _counted(self, other: Any) -> Any:
        if isinstance(other, Unknown):
            other._shape.note("number")
            other = 2
        if isinstance(other, str | bytes | list | tuple):
            self._shape.note("text" if isinstance(other, str) else "bytes" if isinstance(other, bytes) else "list")
            return other
        self._shape.near(other)
        return self._as("number")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = _counted
    __truediv__ = __rtruediv__ = __mod__ = __rmod__ = __pow__ = __and__ = __or__ = __xor__ = __rand__ = __ror__ = (
        _counted
    )

    def __divmod__(self, other: Any) -> Any:
        return divmod(self._as("number"), other if isinstance(other, int) and other else 1)

    def __neg__(self) -> Any:
        return -self._as("number")

    def __int__(self) -> int:
        return int(self._as("number"))

    __index__ = __int__

    def __float__(self) -> float:
        return float(self._as("number"))

    def __round__(self, *_: Any) -> int:
        return int(self._as("number"))

    def __str__(self) -> str:
        self._shape.kinds["text"] += 0
        return str(_sample("text", self._chance))

    def __format__(self, spec: str) -> str:
        if spec:
            return format(self._as("number"), spec)
        return str(self)

    def __fspath__(self) -> str:
        return str(self._as("text"))

    def __bytes__(self) -> bytes:
        return bytes(self._as("bytes"))

    def __enter__(self) -> Any:
        self._shape.part(self._shape.fields, "__enter__")
        return self

    def __exit__(self, *_: object) -> None:
        return None


_ASKED: dict[str, Shape] = {}  # the name of an argument's class -> its shape
_MEANT = (
    (re.compile(r"bytes|buffer"), "bytes"),
    (re.compile(r"str(?:ing)?\b|JSON|path|ASCII"), "text"),
    (re.compile(r"int(?:eger)?\b|number|float"), "number"),
    (re.compile(r"iterable|sequence|list"), "list"),
)


def unknown(shape: Shape, chance: random.Random) -> Unknown:
    """An argument of this shape. Its class has a name of its own, by which errors tell of it."""
    name = f"Unknown{id(shape)}q"
    _ASKED[name] = shape
    of = type(name, (Unknown,), {})
    one: Unknown = object.__new__(of)
    object.__setattr__(one, "_shape", shape)
    object.__setattr__(one, "_chance", chance)
    return one


def told(error: str) -> None:
    """Learn from the message of an error that an argument of no type raised in code that asks for one."""
    for name in set(re.findall(r"Unknown\d+q", error)):
        rest = error.replace(name, "")
        for pattern, kind in _MEANT:
            if pattern.search(rest) and name in _ASKED:
                _ASKED[name].firmly(kind)
                break


class _Mapping:
    """The methods of a mapping, of an argument that is one."""

    def __init__(self, of: Unknown) -> None:
        self._of = of
        of._shape.note("mapping")

    def get(self, key: Any, other: Any = None) -> Any:
        value = self._of[key] if not isinstance(key, int | slice) else self._of._one(self._of._shape.item)
        if isinstance(value, Unknown):
            value._shape.near(other)
        return value

    setdefault = get

    def items(self) -> Any:
        shape = self._of._shape
        named = [(key, self._of._one(part)) for key, part in shape.keys.items()]
        return named or [("ann", self._of._one(shape.item))]

    def keys(self) -> Any:
        return [key for key, _ in self.items()]

    def values(self) -> Any:
        return [value for _, value in self.items()]

    def update(self, *_: Any, **__: Any) -> None:
        return None

    popitem = update
