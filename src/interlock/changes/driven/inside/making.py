"""Arguments as recipes: data from which each version gets a value of its own, made of its own classes."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import inspect
import pathlib
import random
import types
import typing
from typing import Any

from .texts import NAMES, Words
from .unknown import Shape, unknown
from .world import NOTES, World

Recipe = tuple[Any, ...]
_DEEPEST = 4
_ALSO = ("admin", "user", "role", "id", "balance")
_LACKING = 0.07
_OPEN = ("text", "text", "text", "number", "number", "mapping", "list", "none", "bytes", "truth")


class Bag:
    """An object of which only its fields are known."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return "(" + ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items()) + ")"


class Called:
    """A callable that writes down how it is called."""

    def __init__(self, name: str, result: Any) -> None:
        self._name, self._result = name, result
        self.__name__ = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        NOTES.calls.append((self._name, (copy_of(args), copy_of(kwargs))))
        return copy_of(self._result)

    def __repr__(self) -> str:
        return f"<{self._name}>"


def copy_of(value: Any) -> Any:
    """Its copy where it can be copied."""
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - what cannot be copied is taken as it is
        return value


class Maker:
    """Draws recipes for the parameters of one module, and makes values of them."""

    def __init__(self, words: Words, chance: random.Random, *, plain: bool = False) -> None:
        self.words, self.chance, self.plain = words, chance, plain
        self.fields: dict[str, set[str]] = {}  # class -> what its objects have
        self.entries: dict[str, dict[str, Shape]] = {}  # class -> parameters of its constructor
        self.givers: dict[str, set[str]] = {}  # function -> what the objects have that it gave
        self.shapes: dict[str, dict[str, Shape]] = {}  # function -> its parameters
        self.before: dict[str, Recipe] = {}  # parameter -> what it was last in this walk
        self.drawn: list[str] = []  # texts of this walk

    def begin(self) -> None:
        """A new walk."""
        self.before.clear()
        self.drawn.clear()

    def draw(self, shape: Shape, name: str, deep: int = 0) -> Recipe:
        """A recipe for a parameter."""
        if deep == 0 and name in self.before and self.chance.random() < 0.6:
            return self.before[name]
        recipe = self._new(shape, name, deep)
        if deep == 0:
            self.before[name] = recipe
        return recipe

    def _new(self, shape: Shape, name: str, deep: int) -> Recipe:
        chance = self.chance
        kind = self._kind(shape)
        if deep > _DEEPEST:
            return ("is", "ann")
        if kind.startswith("class:"):
            return self.instance(kind[6:], deep)
        if kind.startswith("from:"):
            given = self.shapes[kind[5:]]
            return ("from", kind[5:], {part: self.draw(of, part, deep + 1) for part, of in given.items()})
        if kind == "object":
            return self._bag(shape, deep)
        if kind == "mapping":
            return self._mapping(shape, deep)
        if kind in ("list", "tuple", "set"):
            many = chance.choice((0, 1, 1, 2, 3))
            return (kind, [self.draw(shape.item, name.removesuffix("s"), deep + 1) for _ in range(many)])
        if kind == "callable":
            return ("call", name, self.draw(shape.result, name, deep + 1))
        return self._plain(kind, shape, name)

    def _plain(self, kind: str, shape: Shape, name: str) -> Recipe:
        chance = self.chance
        if kind.startswith("none|"):
            return ("is", None) if chance.random() < 0.3 else self._plain(kind[5:], shape, name)
        if kind == "number":
            return ("is", self.words.number(chance, shape.beside))
        if kind == "real":
            return ("is", self.words.real(chance))
        if kind == "truth":
            return ("is", chance.random() < 0.5)
        if kind == "bytes":
            return ("is", self.words.bytes(chance, name))
        if kind == "none":
            return ("is", None)
        if kind == "key" and chance.random() < 0.2:
            return ("is", chance.choice((1, 2, 3)))
        if kind in ("datetime", "date", "decimal", "path"):
            return (kind, self.words.number(chance, []) if kind != "path" else self.words.text(chance, [], name))
        if kind.startswith("enum:"):
            return (kind, chance.randrange(64))
        if self.drawn and chance.random() < 0.3:
            return ("is", chance.choice(self.drawn))
        self.drawn.append(self.words.text(chance, shape.beside, name))
        return ("is", self.drawn[-1])

    def _kind(self, shape: Shape) -> str:
        if shape.fields:
            fitting = [one for one, has in self.fields.items() if set(shape.fields) <= has]
            if fitting:
                return f"class:{self.chance.choice(fitting)}"
            givers = [one for one, has in self.givers.items() if set(shape.fields) <= has]
            if givers and self.chance.random() < 0.8:
                return f"from:{self.chance.choice(givers)}"
        kind = shape.kind
        if not kind:
            kind = self.chance.choice(_OPEN)
        elif len(shape.kinds) > 1 and not shape.fields and not shape.keys and not shape.kinds["given"]:
            kind = self.chance.choice(list(shape.kinds))
        if kind == "given":
            kind = self.chance.choice([one for one in shape.kinds if one != "given"] or ["text"])
        return kind

    def _bag(self, shape: Shape, deep: int) -> Recipe:
        """An object with the fields that it is asked for. Where objects are no more than that, they come from
        strangers as well, and lack some or have others."""
        chance, fields = self.chance, shape.fields
        calls = any("callable" in of.kinds for of in fields.values())
        has = {
            part: self.draw(of, part, deep + 1) for part, of in fields.items()
            if not self.plain or "callable" in of.kinds or chance.random() >= _LACKING
        }  # fmt: skip
        if self.plain and not calls and chance.random() < 0.15:
            has.setdefault(chance.choice(_ALSO), ("is", "bob"))
        if self.plain and not calls and chance.random() < 0.05:
            has["__proto__"] = ("bag", {"admin": ("is", 1)})
        return ("bag", has)

    def _mapping(self, shape: Shape, deep: int) -> Recipe:
        chance = self.chance
        parts = [
            (("is", key), self.draw(of, key, deep + 1)) for key, of in shape.keys.items() if chance.random() < 0.93
        ]
        if not shape.keys or shape.kinds["mapping"] > 2 * len(shape.keys):
            keys = chance.sample(NAMES, chance.choice((0, 1, 2, 3)))
            parts += [(("is", key), self.draw(shape.item, "value", deep + 1)) for key in keys]
        if shape.keys and chance.random() < 0.15:
            parts.append((("is", chance.choice(_ALSO)), ("is", "bob")))
        return ("map", parts)

    def instance(self, name: str, deep: int = 0) -> Recipe:
        """A recipe for an object of a class of the module."""
        known = self.entries.get(name, {})
        return ("new", name, {part: self.draw(of, part, deep + 1) for part, of in known.items()})

    def changed(self, recipe: Recipe, shape: Shape, name: str) -> Recipe:
        """The same with one of its parts drawn anew."""
        if recipe[0] == "map" and recipe[1] and self.chance.random() < 0.8:
            parts = list(recipe[1])
            at = self.chance.randrange(len(parts))
            key, value = parts[at]
            of = shape.keys.get(key[1], shape.item) if key[0] == "is" and isinstance(key[1], str) else shape.item
            parts[at] = (key, self.changed(value, of, str(key[1])))
            return ("map", parts)
        if recipe[0] == "bag" and recipe[1] and self.chance.random() < 0.8:
            part = self.chance.choice(sorted(recipe[1]))
            of = shape.fields.get(part, Shape())
            return ("bag", {**recipe[1], part: self.changed(recipe[1][part], of, part)})
        return self._new(shape, name, 0)


class Making:
    """Makes the values of one walk in one version. One recipe is one value: what a call changes, the next one sees."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.results: list[Any] = []
        self._made: dict[int, tuple[Recipe, Any]] = {}

    def value(self, recipe: Recipe) -> Any:
        """The value. Raises whatever its classes raise."""
        if recipe[0] in ("is", "step", "global"):
            return self._one(recipe)
        if id(recipe) not in self._made:
            self._made[id(recipe)] = (recipe, self._one(recipe))
        return self._made[id(recipe)][1]

    def _one(self, recipe: Recipe) -> Any:
        kind, given = recipe[0], recipe[1]
        if kind == "is":
            return given
        if kind == "step":
            return self.results[given] if given < len(self.results) else None
        if kind == "global":
            return vars(self.world.module)[given]
        if kind == "unknown":
            return unknown(given, self.chance)
        if kind in ("list", "tuple", "set"):
            values = [self.value(one) for one in given]
            return tuple(values) if kind == "tuple" else _set(values) if kind == "set" else values
        if kind == "map":
            return {self.value(key): self.value(value) for key, value in given}
        if kind == "bag":
            return Bag({name: self.value(one) for name, one in given.items()})
        if kind == "call":
            return Called(given, self.value(recipe[2]))
        if kind in ("new", "from"):
            return fitting(vars(self.world.module)[given], {n: self.value(one) for n, one in recipe[2].items()})
        return _special(kind, given, self.world)


def _special(kind: str, given: Any, world: World) -> Any:
    if kind == "datetime":
        return datetime.datetime.fromtimestamp(  # noqa: DTZ006 - most code takes one without a zone
            NOTES.clock + given % 10**7 - 5 * 10**6
        )
    if kind == "date":
        return datetime.date.fromtimestamp(NOTES.clock + given % 100 * 86_400)  # noqa: DTZ012 - the room's own clock
    if kind == "decimal":
        return decimal.Decimal(given) / 100
    if kind == "path":
        return pathlib.Path(str(given).replace("\0", ""))
    members = list(vars(world.module)[kind.removeprefix("enum:")])
    return members[given % len(members)]


def _set(values: list[Any]) -> set[Any]:
    return {value for value in values if getattr(type(value), "__hash__", None)}


def fitting(function: Any, given: dict[str, Any]) -> Any:
    """Call it with those arguments that it takes: the two versions may not take the same."""
    parameters = _parameters(getattr(function, "__func__", function))
    if parameters is None:
        return function(**given)
    words: dict[str, Any] = {}
    first: list[Any] = []
    for name, parameter in parameters.items():
        if name not in given:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            first.append(given[name])
        elif parameter.kind is parameter.VAR_POSITIONAL:
            first += list(given[name]) if isinstance(given[name], list | tuple) else [given[name]]
        elif parameter.kind is parameter.VAR_KEYWORD:
            words |= given[name] if isinstance(given[name], dict) else {}
        else:
            words[name] = given[name]
    if any(parameter.kind is parameter.VAR_POSITIONAL and name in given for name, parameter in parameters.items()):
        return function(*[words.pop(n) for n, p in parameters.items()
                          if p.kind is p.POSITIONAL_OR_KEYWORD and n in words], *first, **words)  # fmt: skip
    return function(*first, **words)


_KNOWN: dict[int, tuple[Any, Any]] = {}


def _parameters(function: Any) -> Any:
    """Its parameters, read once; None where it does not say."""
    if id(function) not in _KNOWN:
        try:
            found: Any = inspect.signature(function).parameters
        except (TypeError, ValueError):
            found = None
        _KNOWN[id(function)] = (function, found)
    return _KNOWN[id(function)][1]


_OF_TYPE = {str: "text", int: "number", float: "real", bool: "truth", bytes: "bytes", list: "list", tuple: "list",
            set: "set", frozenset: "set", dict: "mapping", type(None): "none", decimal.Decimal: "decimal",
            pathlib.Path: "path"}  # fmt: skip


def said(shape: Shape, annotation: Any, classes: dict[str, type]) -> None:
    """Write into a shape what an annotation says of it."""
    if isinstance(annotation, str) and annotation in classes:
        annotation = classes[annotation]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        for part in parts:
            said(shape, part, classes)
        return
    plain = origin or annotation
    if not isinstance(plain, type):
        return
    kind = _OF_TYPE.get(plain, "")
    if not kind and plain.__name__ in classes:
        kind = f"enum:{plain.__name__}" if issubclass(plain, enum.Enum) else f"class:{plain.__name__}"
    elif not kind and issubclass(plain, datetime.datetime):
        kind = "datetime"
    elif not kind and issubclass(plain, datetime.date):
        kind = "date"
    elif not kind and plain.__name__ in ("Callable", "Mapping", "Sequence", "Iterable", "Iterator", "Collection"):
        kind = {"Callable": "callable", "Mapping": "mapping"}.get(plain.__name__, "list")
    if kind:
        shape.note(kind)
        shape.note("given")
        if parts and kind in ("list", "set", "mapping"):
            said(shape.item, parts[-1] if kind == "mapping" else parts[0], classes)
