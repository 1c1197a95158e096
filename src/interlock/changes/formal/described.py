"""The document in a JSON or YAML text, read strictly: what can be read in two ways, or grows while it is read, is none.

YAML is read from the parser's events, so that nothing is constructed: tags other than those of plain data, merge keys,
keys that stand twice and more than one document are refused; an alias costs as much as what it stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import yaml

MOST_NODES = 400_000  # values of one document, aliases counted by what they stand for
DEEPEST = 100
ENDINGS = (".json", ".yaml", ".yml")
_LONGEST = 4 << 20  # characters; the gate reads no larger file either
_PLAIN_TAGS = frozenset({None, "!", *(f"tag:yaml.org,2002:{word}" for word in ("map", "seq", "str"))})
_MARK = re.compile(r"""(?m)(?:^|[{,])[ \t]*["']?(?:openapi|swagger)["']?[ \t]*:""")


class Unreadable(Exception):
    """The text is no document, or one that is not read; the message says why."""


def looks(path: str, text: str) -> bool:
    """Whether a file may hold an OpenAPI description, by its name and the words in it."""
    return path.endswith(ENDINGS) and _MARK.search(text) is not None


def document(path: str, text: str) -> Any:
    """The value of a text.

    Raises:
        Unreadable: it does not parse, says a thing twice, or is too large or deep.
    """
    if len(text) > _LONGEST:
        _refuse("it is too long")
    try:
        found = _json(text) if path.endswith(".json") else _Events(text).document()
    except RecursionError:
        _refuse("it is too deep")
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        _refuse(f"{getattr(error, 'problem', None) or 'it does not parse'}{where}")
    return found


def described(path: str, text: str) -> dict[str, Any] | None:
    """The OpenAPI description in a text, or None where it is none. Raises Unreadable as `document` does."""
    if not looks(path, text):
        return None
    found = document(path, text)
    return found if isinstance(found, dict) and ("openapi" in found or "swagger" in found) else None


def _refuse(why: str) -> NoReturn:
    raise Unreadable(why)


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise Unreadable(f"it does not parse: {error}") from None


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            _refuse(f"the key {key[:60]!r} stands twice")
        found[key] = value
    return found


class _Open:
    """A map or a list that is being read; `size` counts what is in it, `anchor` names it for aliases."""

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None) -> None:
        self.value, self.anchor = value, anchor
        self.key: str | None = None
        self.size = 1


class _Events:
    """Builds one value from events, with a stack of its own: a deep text ends in a message, not in the interpreter."""

    def __init__(self, text: str) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._next: Callable[[], Any] = loader(text).get_event
        self._stack: list[_Open] = []
        self._named: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._whole: list[Any] = []

    def document(self) -> Any:
        """The only document."""
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            self._take(event)
        if len(self._whole) != 1:
            _refuse("it holds more than one document" if self._whole else "it holds no document")
        return self._whole[0]

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._named:
                _refuse(f"*{event.anchor} stands for nothing, or for what it is in")
            self._put(*self._named[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            if event.anchor:
                self._named[event.anchor] = value, 1
            self._put(value, 1)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if event.tag not in _PLAIN_TAGS:
                _refuse(f"it holds a value of the kind {event.tag[:60]}")
            if len(self._stack) >= DEEPEST:
                _refuse("it is too deep")
            # A name means nothing until its value is whole: so nothing can hold itself.
            self._named.pop(event.anchor or "", None)
            self._stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self._stack.pop()
            if done.anchor:
                self._named[done.anchor] = done.value, done.size
            self._put(done.value, done.size, new=1)

    def _put(self, value: Any, size: int, new: int | None = None) -> None:
        """Put a value where it stands. `new`: nodes that were not counted yet."""
        self._nodes += size if new is None else new
        if self._nodes > MOST_NODES:
            _refuse("it holds too much")
        if not self._stack:
            self._whole.append(value)
            return
        top = self._stack[-1]
        top.size += size
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            top.key = _key(value, top.value)
        else:
            top.value[top.key] = value
            top.key = None


def _key(value: Any, known: dict[str, Any]) -> str:
    if isinstance(value, dict | list):
        _refuse("a key is a map or a list")
    key = value if isinstance(value, str) else json.dumps(value)
    if key == "<<":
        _refuse("it merges maps (<<)")
    if key in known:
        _refuse(f"the key {key[:60]!r} stands twice")
    return key


# As YAML 1.2 has them, which OpenAPI asks for: `no`, `on` and 012 are text.
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?(?:[eE][-+]?[0-9]{1,2})?")


def _scalar(event: Any) -> Any:
    if event.tag not in _PLAIN_TAGS:
        _refuse(f"it holds a value of the kind {event.tag[:60]}")
    value = str(event.value)
    if event.style or event.tag is not None:
        return value
    if (lower := value.lower()) in _WORDS and value in (lower, lower.capitalize(), lower.upper()):
        return _WORDS[lower]
    match = _NUMBER.fullmatch(value)
    if match is None:
        return value
    return int(value) if value.lstrip("-").isdigit() else float(value)
