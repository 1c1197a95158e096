"""What a new schema of JSON takes no longer, or gives otherwise, than an old one (OpenAPI 2 to 3.1). Pure.

Two readings: of what callers send (`taken`) the new one must take all that the old one took; of what they are answered
(`given`) it must hold all that the old one promised. Parts that lead out of what was read are compared as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_DEEPEST = 12
_MOST = 200_000  # schemas that are compared; more is a document that grows while it is read
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_EMPTY: dict[str, Any] = {}
_WORDS = {"pattern": "a pattern", "multipleOf": "steps", "format": "a format", "const": "one value"}


class TooMuch(Exception):
    """The schemas hold too much to be compared."""


class Side:
    """One version of a document: it resolves what it refers to. `outside`: references that lead out of what is read.

    `elsewhere`: another document by its path, None where there is none.
    """

    def __init__(self, whole: dict[str, Any], elsewhere: Callable[[str], Any] = lambda _: None) -> None:
        self.whole = whole
        self._elsewhere = elsewhere
        self.outside: set[str] = set()
        self.work = 0
        self._merged: dict[int, dict[str, Any]] = {}

    def at(self, value: Any) -> dict[str, Any]:
        """A value, or what it refers to; an empty one for what is no map. Raises TooMuch."""
        for _ in range(_DEEPEST):
            self.work += 1
            if self.work > _MOST:
                raise TooMuch
            if not isinstance(value, dict):
                return _EMPTY
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            path, _, pointer = reference.partition("#")
            whole = self._elsewhere(path) if path else self.whole
            if whole is None or (pointer and not pointer.startswith("/")):
                self.outside.add(reference)
                return value
            value = self._found(whole, pointer)
        return _EMPTY

    @staticmethod
    def _found(value: Any, pointer: str) -> Any:
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def schema(self, value: Any, deep: int = 0) -> dict[str, Any]:
        """A schema with the parts of its `allOf` in it: the same object whenever it is asked for."""
        found = self.at(value)
        parts = found.get("allOf")
        if not isinstance(parts, list) or deep > _DEEPEST:
            return found
        if id(found) not in self._merged:
            own = {word: part for word, part in found.items() if word != "allOf"}
            self._merged[id(found)] = _together([*(self.schema(one, deep + 1) for one in parts), own])
        return self._merged[id(found)]


def _together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"properties": {}, "required": []}
    for part in parts:
        fields, needed = part.get("properties"), part.get("required")
        merged["properties"] |= fields if isinstance(fields, dict) else {}
        merged["required"] += needed if isinstance(needed, list) else []
        merged |= {word: one for word, one in part.items() if word not in ("properties", "required")}
    return merged


class Both:
    """The two versions. A pair of schemas that many routes use is compared once, for each reading."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = old, new
        self._seen: set[tuple[str, int, int]] = set()

    def schemas(self, reading: str, was: Any, now: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Both schemas, or None where they were compared before. Raises TooMuch."""
        one, other = self.old.schema(was), self.new.schema(now)
        key = (reading, id(one), id(other))
        if key in self._seen:
            return None
        self._seen.add(key)
        return one, other


def taken(both: Both, was: Any, now: Any, name: str) -> Iterator[str]:
    """Ends of sentences (`needs the field a now`) on what can no longer be sent as `name`. Raises TooMuch."""
    pair = both.schemas("taken", was, now)
    if pair is None:
        return
    one, other = pair
    yield from _kind_taken(one, other, name)
    yield from _bounds(one, other, name)
    had, has = _fields(one), _fields(other)
    for field in sorted(has.keys() - had.keys()):
        if has[field]:
            yield f"needs the field {_inner(name, field)} now"
    for field in sorted(had.keys() & has.keys()):
        if has[field] and not had[field]:
            yield f"needs the field {_inner(name, field)} now, which could be left out"
    if other.get("additionalProperties") is False and one.get("additionalProperties") is not False:
        for field in sorted(had.keys() - has.keys()):
            yield f"takes no field {_inner(name, field)} any more"
    for field, before, after in _within(one, other):
        yield from taken(both, before, after, _inner(name, field))


def given(both: Both, was: Any, now: Any, name: str) -> Iterator[str]:
    """Ends of sentences on what an answer no longer holds. Raises TooMuch."""
    pair = both.schemas("given", was, now)
    if pair is None:
        return
    one, other = pair
    types, others = _types(one), _types(other)
    if types and (not others or others - types - _narrower(types)):
        yield f"answers {name} as {_list(others) or 'anything'}, no longer as {_list(types)}"
        return
    for field in sorted(_fields(one).keys() - _fields(other).keys()):
        yield f"has no field {_inner(name, field)} in its answer any more"
    for field, before, after in _within(one, other):
        yield from given(both, before, after, _inner(name, field))


def _kind_taken(one: dict[str, Any], other: dict[str, Any], name: str) -> Iterator[str]:
    types, others = _types(one), _types(other)
    if others and (not types or types - others - _narrower(others)):
        yield f"takes {name} as {_list(others)} only, no longer as {_list(types) or 'anything'}"
        return
    values, left = one.get("enum"), other.get("enum")
    if isinstance(left, list) and not isinstance(values, list):
        yield f"takes only {_list(left)} for {name}"
    elif isinstance(left, list) and isinstance(values, list):
        gone = [value for value in values if value not in left]
        if gone:
            yield f"takes no {_list(gone)} for {name} any more"
    for word in ("oneOf", "anyOf"):
        before, after = one.get(word), other.get(word)
        if isinstance(before, list) and isinstance(after, list) and len(after) < len(before):
            yield f"takes fewer kinds of {name}"


def _bounds(one: dict[str, Any], other: dict[str, Any], name: str) -> Iterator[str]:
    for word in (*_UPPER, *_LOWER):
        before, after = one.get(word), other.get(word)
        if after is None or not _number(after) or (word in _LOWER and after == 0):
            continue
        if before is None or not _number(before):
            yield f"takes less for {name} ({word} {after})"
        elif (after > before) is (word in _LOWER) and after != before:
            yield f"takes less for {name} ({word} {after}, was {before})"
    for word, says in _WORDS.items():
        if word in other and other[word] != one.get(word):
            yield f"asks {says} of {name} that it did not ask ({str(other[word])[:80]})"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _types(schema: dict[str, Any]) -> frozenset[str]:
    """The types that a schema names; none: any."""
    said = schema.get("type")
    found = {said} if isinstance(said, str) else {str(one) for one in said} if isinstance(said, list) else set()
    if found and schema.get("nullable") is True:
        found.add("null")
    return frozenset(found)


def _narrower(types: frozenset[str]) -> set[str]:
    return {"integer"} if "number" in types else set()


def _fields(schema: dict[str, Any]) -> dict[str, bool]:
    """Name -> whether it has to be there."""
    fields, required = schema.get("properties"), schema.get("required")
    needed = {str(one) for one in required} if isinstance(required, list) else set()
    return {str(name): name in needed for name in {*(fields if isinstance(fields, dict) else ()), *needed}}


def _within(one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What both have within: fields, and what a list or a map of any keys holds."""
    mine, theirs = one.get("properties"), other.get("properties")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for name in sorted(mine.keys() & theirs.keys(), key=str):
            yield str(name), mine[name], theirs[name]
    for word, shown in (("items", "[]"), ("additionalProperties", "*")):
        if isinstance(one.get(word), dict) and isinstance(other.get(word), dict):
            yield shown, one[word], other[word]


def _inner(name: str, field: str) -> str:
    return field if name == "the body" else name + field if field == "[]" else f"{name}.{field}"


def _list(values: Any) -> str:
    words = sorted(str(value)[:60] for value in values)
    return ", ".join(words[:8]) + (", …" if len(words) > 8 else "")
