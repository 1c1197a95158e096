"""Abstract values: where a value's text comes from, which constants it may be, and what a container holds. Pure.

A `Value` is never changed once made; a `Box` (what a list, dictionary or object holds) is, as the program changes it,
and is copied where the program branches (`forked`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_ALTERNATIVES = 4  # constants that one value may be before nothing is known of it
_DEEP = 4  # containers within containers that are looked into
_LONGEST = 120  # characters of a known beginning


class Source(NamedTuple):
    """Where somebody else's value comes in. `kind`: `remote`, `local`, `parameter`, `chance` … (see `taint.toml`)."""

    kind: str
    text: str
    path: str
    line: int


class Step(NamedTuple):
    """A place on the way, and the one before it."""

    path: str
    line: int
    text: str
    before: Step | None


class Mark(NamedTuple):
    """What happened to a source's text since: the categories it cannot harm any more (and tags, see `Tag`)."""

    cleared: frozenset[str]
    step: Step | None


class Tag:
    """Marks among the cleared categories that are none."""

    BUILT = "+built"  # it was put together with other text
    PLAIN_PATH = "+normal"  # a path without links and `..`
    WHOLE = "+whole"  # a structure (JSON), not a text
    ALL = "*"  # harmless whatever it is used for


Taints = Mapping[Source, Mark]
_NOTHING: Taints = {}
_BARE = Mark(frozenset(), None)


class Box:
    """What a container holds: values at known keys, and `rest` at the others. `listed`: keys are positions."""

    __slots__ = ("items", "listed", "rest")

    def __init__(
        self, items: dict[Any, Value] | None = None, rest: Value | None = None, *, listed: bool = False
    ) -> None:
        self.items = items if items is not None else {}
        self.rest = rest
        self.listed = listed

    def get(self, key: Value) -> Value:
        """What is at a key; where the key is not known, what is anywhere."""
        if len(key.consts) == 1:
            word = key.consts[0]
            if self.listed and isinstance(word, int) and word < 0 and self.rest is None:
                word += len(self.items)
            if hashable(word) and word in self.items:
                return self.items[word]
            return self.rest or UNKNOWN
        return self.anything()

    def put(self, key: Value, value: Value) -> None:
        """Put a value at a key; where the key is not known, it may be at any."""
        if len(key.consts) == 1 and hashable(key.consts[0]):
            self.items[key.consts[0]] = value
        else:
            self.rest = joined(self.rest, value)

    def append(self, value: Value) -> None:
        """Put a value at the end."""
        if self.listed and self.rest is None:
            self.items[len(self.items)] = value
        else:
            self.rest = joined(self.rest, value)

    def blur(self) -> None:
        """Forget what is where."""
        self.rest = self.anything()
        self.items = {}

    def anything(self, deep: int = _DEEP) -> Value:
        """The join of all it holds."""
        found = self.rest
        for value in self.items.values():
            found = joined(found, value, deep)
        return found or UNKNOWN


class Value:
    """One abstract value.

    `consts`: what it may be, where that is known (none: unknown). `prefix`: how its text begins. `kind`: the dotted
    name of what it is, such as `flask.request.args` or `sqlite3.connect().cursor()`; "" where nobody knows. `ref`: the
    function or class behind it. `box`: what it holds.
    """

    __slots__ = ("box", "consts", "kind", "prefix", "ref", "taints")

    def __init__(
        self,
        taints: Taints = _NOTHING,
        consts: tuple[Any, ...] = (),
        *,
        prefix: str = "",
        kind: str = "",
        box: Box | None = None,
        ref: Any = None,
    ) -> None:
        self.taints = taints
        self.consts = consts
        self.prefix = prefix
        self.kind = kind
        self.box = box
        self.ref = ref

    @property
    def begins(self) -> str:
        """How its text begins, as far as it is known."""
        if len(self.consts) == 1 and isinstance(self.consts[0], str):
            return self.consts[0]
        return self.prefix

    def all(self, deep: int = _DEEP) -> Taints:
        """Its own taints and those of all it holds."""
        box = self.box
        if box is None or not deep:
            return self.taints
        inner = [value.all(deep - 1) for value in box.items.values()]
        if box.rest is not None:
            inner.append(box.rest.all(deep - 1))
        return merged([self.taints, *inner])

    def but(self, taints: Taints) -> Value:
        """The same with other taints."""
        return Value(taints, self.consts, prefix=self.prefix, kind=self.kind, box=self.box, ref=self.ref)


UNKNOWN = Value()


def constant(word: Any) -> Value:
    """A value that is known."""
    return Value(consts=(word,))


def hashable(word: object) -> bool:
    """Whether a constant can be a key."""
    return isinstance(word, str | int | float | bytes | bool | tuple | type(None))


def merged(parts: Iterable[Taints]) -> Taints:
    """Taints of a value made of several: a source that comes twice is as dirty as the dirtier one."""
    found: dict[Source, Mark] | None = None
    first: Taints = _NOTHING
    for taints in parts:
        if not taints or taints is first:
            continue
        if not first:
            first = taints
            continue
        if found is None:
            found = dict(first)
        for source, mark in taints.items():
            known = found.get(source)
            if known is None or known is mark:
                found[source] = mark
            else:
                found[source] = Mark(known.cleared & mark.cleared, known.step or mark.step)
    return first if found is None else found


def cleared(taints: Taints, categories: frozenset[str]) -> Taints:
    """The taints, harmless for these categories too."""
    if not taints:
        return taints
    return {source: Mark(mark.cleared | categories, mark.step) for source, mark in taints.items()}


def restored(taints: Taints) -> Taints:
    """The taints as they were before anything was escaped: what unquotes and decodes does that."""
    return {source: Mark(frozenset(), mark.step) for source, mark in taints.items()}


def joined(one: Value | None, other: Value | None, deep: int = _DEEP) -> Value:
    """What is one or the other; `deep`: containers in containers whose keys are still told apart."""
    if one is other or other is None:
        return one or UNKNOWN
    if one is None:
        return other
    consts: tuple[Any, ...] = ()
    if one.consts and other.consts:
        fresh = tuple(word for word in other.consts if not any(_same(word, known) for known in one.consts))
        consts = one.consts + fresh if len(one.consts) + len(fresh) <= _ALTERNATIVES else ()
    box = one.box if one.box is other.box or other.box is None else _met(one.box, other.box, deep)
    return Value(
        merged((one.taints, other.taints)), consts, prefix=_common(one.begins, other.begins),
        kind=one.kind if one.kind == other.kind else "", box=box, ref=one.ref if one.ref is other.ref else None,
    )  # fmt: skip


def _common(one: str, other: str) -> str:
    """How both texts begin."""
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right or position == _LONGEST:
            return one[:position]
    return min(one, other, key=len)[:_LONGEST]


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def _met(one: Box | None, other: Box, deep: int) -> Box:
    if one is None:
        return other
    if not deep:
        return Box(rest=Value(merged((Value(box=one).all(), Value(box=other).all()))), listed=one.listed)
    if one.listed and len(one.items) != len(other.items):
        return Box(rest=joined(one.anything(deep - 1), other.anything(deep - 1), deep - 1), listed=True)
    rest = joined(one.rest, other.rest, deep - 1) if one.rest or other.rest else None
    items = {key: joined(one.items.get(key), other.items.get(key), deep - 1) for key in {**one.items, **other.items}}
    return Box(items, rest, listed=one.listed and other.listed)


Names = dict[str, Value]


def forked(names: Names) -> Names:
    """A copy of all names, with boxes of its own: two names for one box are so in the copy too."""
    if not any(value.box is not None for value in names.values()):
        return dict(names)
    copies: dict[int, Box] = {}
    return {name: _copied(value, copies) for name, value in names.items()}


def _copied(value: Value, copies: dict[int, Box]) -> Value:
    box = value.box
    if box is None:
        return value
    mine = copies.get(id(box))
    if mine is None:
        mine = copies[id(box)] = Box(listed=box.listed)
        mine.items = {key: _copied(item, copies) for key, item in box.items.items()}
        mine.rest = _copied(box.rest, copies) if box.rest is not None else None
    return Value(value.taints, value.consts, prefix=value.prefix, kind=value.kind, box=mine, ref=value.ref)


def together(one: Names, other: Names) -> Names:
    """The names after two ways met. A name that one way does not have is what the other says."""
    if one is other:
        return one
    met = dict(one)
    for name, value in other.items():
        known = met.get(name)
        if known is not value:
            met[name] = joined(known, value)
    return met
