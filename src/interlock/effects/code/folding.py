"""Names and constants: what an expression is called, and which text it stands for, as far as the text itself shows."""

from __future__ import annotations

import base64
import binascii
import codecs
import itertools
import math
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from interlock.effects.budget import Budget
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.code.sheet import Sheet
from interlock.effects.code.terms import Shape, Term
from interlock.effects.invocation import Word

_MOST_TEXT = 100_000
_MOST_DEPTH = 60
_MOST_WAYS = 64  # texts that a loop over constants makes of one expression


class Unknown:
    """A value nobody knows; what it must begin with, when that is known."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix


class Several:
    """One of several constants."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Glob:
    """The names that match a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern


class Scope:
    """The names of one text. A name that is bound once stands for what it is bound to; bound twice it is not known."""

    def __init__(self, draft: Draft, sheet: Sheet, budget: Budget) -> None:
        self.draft = draft
        self.sheet = sheet
        self.budget = budget
        self.aliases: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.bound: dict[str, int] = {}
        self.functions: set[str] = set()
        self.depth = 0

    # -- what is bound

    def learn(self, root: Term) -> None:
        """Follow every binding, in the order of the text."""
        terms = list(root.walk())
        for term in terms:
            for target in _targets(term):
                self.bound[target] = self.bound.get(target, 0) + 1
        for term in terms:
            if term.shape is Shape.FUNCTION and term.text:
                self.functions.add(term.text)
            elif term.shape is Shape.BIND:
                self._bind(*term.parts)
            elif term.shape is Shape.LOOP:
                self._each(term.parts[0], self.value(term.parts[1]))
            elif term.shape is Shape.CALL:
                self._handed(term)

    def _bind(self, target: Term, value: Term) -> None:
        if target.shape is Shape.PATTERN:
            base = self.name(value)
            for pair in target.parts:
                key, local = pair.parts
                if base and key.text and local.shape is Shape.NAME and self.bound.get(local.text) == 1:
                    self.aliases[local.text] = self.sheet.canonical(f"{base}.{key.text}")
        elif target.shape is Shape.NAME and self.bound.get(target.text) == 1:
            if value.shape is Shape.FUNCTION:
                self.functions.add(target.text)
                return
            found = self.name(value)
            if found and (found != target.text or value.shape is not Shape.NAME):
                self.aliases[target.text] = found
            self.values[target.text] = self.value(value)

    def _each(self, target: Term, items: Any) -> None:
        if target.shape is Shape.NAME and self.bound.get(target.text, 0) <= 1:
            if isinstance(items, list):
                self.values[target.text] = Several(items)
            elif isinstance(items, (Glob, Several)):
                self.values[target.text] = items

    def _handed(self, term: Term) -> None:
        """A function that is handed to a call: its first parameter is an element, or what the call made."""
        function, *arguments = term.parts
        for argument in arguments:
            if argument.shape is Shape.FUNCTION and argument.parts[0].parts and function.shape is Shape.MEMBER:
                parameter = argument.parts[0].parts[0]
                base, key = function.parts
                if key.text == "then" and self.name(base):
                    self._bind(parameter, base)
                    continue
                self._each(parameter, self.value(base))
                made = self.name(term)
                if made and parameter.shape is Shape.NAME and self.sheet.within(made, self.sheet.reach):
                    self.aliases.setdefault(parameter.text, made)

    # -- names

    def name(self, term: Term, depth: int = 0) -> str:
        """The dotted name that a term stands for; "" when it has none."""
        if depth > _MOST_DEPTH:
            return ""
        if term.shape is Shape.NAME:
            if term.text in self.aliases:
                return self.aliases[term.text]
            return "" if term.text in self.bound or term.text in self.functions else self.sheet.canonical(term.text)
        if term.shape is Shape.MEMBER:
            base, key = self.name(term.parts[0], depth + 1), self.value(term.parts[1])
            if base and isinstance(key, str):
                return self.sheet.canonical(f"{base}.{key}")
        elif term.shape is Shape.CALL:
            return self._made(term, depth)
        elif term.shape is Shape.GROUP and len(term.parts) == 1:
            return self.name(term.parts[0], depth + 1)
        return ""

    def _made(self, term: Term, depth: int) -> str:
        called = self.name(term.parts[0], depth + 1)
        if called in self.sheet.imports and len(term.parts) > 1:
            module = self.value(term.parts[1])
            return (
                self.sheet.canonical(module.removeprefix("node:").replace("::", ".")) if isinstance(module, str) else ""
            )
        if called in self.sheet.same and len(term.parts) > 1:
            return self.name(term.parts[1], depth + 1)
        if called.rpartition(".")[2] == "bind" and "bind" in self.sheet.same:
            return called.rpartition(".")[0]
        return self.sheet.canonical(f"{called}()") if called else ""

    # -- values

    def value(self, term: Term) -> Any:
        """The text, number, list or table that a term stands for, or `Unknown`, `Several`, `Glob`."""
        self.depth += 1
        try:
            found = Unknown() if self.depth > _MOST_DEPTH else self._value(term)
        finally:
            self.depth -= 1
        return found if self.budget.keeps(found) else Unknown()

    def _value(self, term: Term) -> Any:
        if term.shape is Shape.TEXT:
            return term.text
        if term.shape is Shape.NUMBER:
            return int(term.text) if term.text.isdigit() and len(term.text) < 12 else Number(term.text)
        if term.shape is Shape.NAME:
            return self.values.get(term.text, Unknown())
        if term.shape is Shape.LIST:
            return [self.value(part) for part in term.parts]
        if term.shape is Shape.TABLE:
            return self._tabled(term)
        if term.shape is Shape.JOIN:
            return joined([self.value(part) for part in term.parts])
        if term.shape is Shape.CALL:
            return self._called(term)
        if term.shape is Shape.MEMBER:
            return self._element(term)
        if term.shape is Shape.GROUP and len(term.parts) == 1:
            return self.value(term.parts[0])
        return Unknown()

    def _tabled(self, term: Term) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for pair in term.parts:
            if pair.shape is Shape.PAIR:
                key = pair.parts[0].text or self.value(pair.parts[0])
                if isinstance(key, str):
                    out[key] = self.value(pair.parts[1])
        return out

    def _element(self, term: Term) -> Any:
        if self.name(term.parts[0]) in self.sheet.environment:
            key = self.value(term.parts[1])
            return self.draft.setting.home if key == "HOME" else Unknown()
        base, key = self.value(term.parts[0]), self.value(term.parts[1])
        if isinstance(base, list) and isinstance(key, int) and key < len(base):
            return base[key]
        if isinstance(base, dict) and isinstance(key, str):
            return base.get(key, Unknown())
        return Unknown()

    def _called(self, term: Term) -> Any:
        function, arguments = term.parts[0], term.parts[1:]
        values = [self.value(a) for a in arguments if a.shape is not Shape.FUNCTION]
        fold = self.sheet.folds.get(self.name(function))
        if fold is not None:
            return bounded(self._fold(fold, values))
        if function.shape is Shape.MEMBER:
            method = self.sheet.fold_methods.get(str(self.value(function.parts[1])))
            if method is not None:
                return bounded(_method(method, self.value(function.parts[0]), values))
        return Unknown()

    def _fold(self, fold: str, values: list[Any]) -> Any:
        if fold == "home":
            return self.draft.setting.home
        if fold == "cwd":
            return self.draft.inv.cwd or Unknown()
        if fold == "scratch":
            return "/tmp"  # noqa: S108 - where such files lie, not a file that is made
        if fold == "path":
            return _path(values)
        function = _FOLDS.get(fold)
        return function(values) if function is not None and values else Unknown()


class Number(Unknown):
    """A constant that is no text: true, false, null, a float."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __bool__(self) -> bool:
        return self.text not in ("false", "null", "nil", "0", "undefined", "FALSE", "NULL")


def _targets(term: Term) -> list[str]:
    if term.shape is Shape.BIND and term.parts[1].shape is Shape.GROUP and not term.parts[1].parts:
        return []  # declared, without a value
    if term.shape in (Shape.BIND, Shape.LOOP):
        return _names(term.parts[0])
    if term.shape is Shape.FUNCTION:
        return [name for parameter in term.parts[0].parts for name in _names(parameter)]
    return []


def _names(target: Term) -> list[str]:
    if target.shape is Shape.NAME:
        return [target.text]
    if target.shape is Shape.PATTERN:
        return [n.text for pair in target.parts for n in pair.parts[1].walk() if n.shape is Shape.NAME]
    return [t.text for t in target.walk() if t.shape is Shape.NAME] if target.shape is Shape.GROUP else []


def bounded(value: Any) -> Any:
    """A folded value, unless it has grown too long to be worth keeping."""
    return Unknown() if isinstance(value, str) and len(value) > _MOST_TEXT else value


def joined(parts: list[Any]) -> Any:
    """Texts put together, or what is known of the beginning; of one part that may be several, each of them."""
    if any(isinstance(part, Several) for part in parts):
        return _together(parts, joined)
    out = ""
    for at, part in enumerate(parts):
        if isinstance(part, (str, int)):
            out += str(part)
        elif _climbs(parts[at + 1 :]):
            return Unknown()
        else:
            return Unknown(out + (part.prefix if isinstance(part, Unknown) else ""))
        if len(out) > _MOST_TEXT:
            return Unknown()
    return out


def _together(parts: list[Any], made: Callable[[list[Any]], Any]) -> Any:
    """What is made of parts of which some may be several; as if those were not known where that is too much."""
    some = [part.items if isinstance(part, Several) else [part] for part in parts]
    if math.prod(map(len, some)) <= _MOST_WAYS:
        found = [made(list(one)) for one in itertools.product(*some)]
        if all(isinstance(one, str) for one in found):
            return Several(found)
    return made([Unknown() if isinstance(part, Several) else part for part in parts])


def _climbs(later: list[Any]) -> bool:
    """Whether what follows a part that is not known leads out again of the place where that begins."""
    return any(isinstance(part, str) and ".." in part for part in later)


def _path(values: list[Any]) -> Any:
    if any(isinstance(value, Several) for value in values):
        return _together(values, _path)
    parts: list[str] = []
    for at, value in enumerate(values):
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, Glob) and value is values[-1]:
            return Glob(posixpath.join(*parts, value.pattern))
        elif _climbs(values[at + 1 :]) or any(str(later).startswith("/") for later in values[at + 1 :]):
            return Unknown()
        elif not parts and isinstance(value, Unknown) and value.prefix.startswith("/"):
            return Unknown(posixpath.join(value.prefix, "") if at + 1 < len(values) else value.prefix)
        else:
            return Unknown(posixpath.join(*parts, "") if parts else "")
    return posixpath.normpath(posixpath.join(*parts)) if parts else Unknown()


def _base64(values: list[Any]) -> Any:
    text = values[0]
    if not isinstance(text, str):
        return Unknown()
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/") + "===", validate=False)
    except (ValueError, binascii.Error):
        return Unknown()
    return data.decode("utf-8", "replace")


def _hex(values: list[Any]) -> Any:
    try:
        return bytes.fromhex(values[0]).decode("utf-8", "replace") if isinstance(values[0], str) else Unknown()
    except ValueError:
        return Unknown()


def _decode(values: list[Any]) -> Any:
    coding = values[1] if len(values) > 1 else "utf8"
    if coding in ("base64", "base64url"):
        return _base64(values)
    if coding == "hex":
        return _hex(values)
    return _characters(values[0]) if isinstance(values[0], list) else values[0]


def _characters(values: list[Any]) -> Any:
    if all(isinstance(v, int) and 0 <= v < 0x110000 for v in values):
        return "".join(map(chr, values))
    return Unknown()


def _packed(values: list[Any]) -> Any:
    """Perl's and Ruby's pack, for the templates that make text of constants."""
    template, rest = values[0], values[1:]
    if template in ("H*", "h*") and rest:
        return _hex(rest)
    if isinstance(template, str) and template[:1] in ("C", "U", "c", "W"):
        return _characters(rest[0] if len(rest) == 1 and isinstance(rest[0], list) else rest)
    if isinstance(template, str) and template[:1] in ("A", "a"):
        return joined(rest)
    return Unknown()


def _joined_list(values: list[Any]) -> Any:
    if len(values) < 2:
        return Unknown()
    separator, items = (values[0], values[1]) if isinstance(values[1], list) else (values[1], values[0])
    if isinstance(items, list) and isinstance(separator, str):
        return _between(items, separator)
    return Unknown()


def _joined_first(values: list[Any]) -> Any:
    if len(values) == 2 and any(isinstance(v, list) for v in values):
        return _joined_list(values)
    return _between(values[1:], values[0]) if isinstance(values[0], str) else Unknown()


def _between(items: list[Any], separator: str) -> Any:
    parts: list[Any] = []
    for at, item in enumerate(items):
        parts.extend([separator, item] if at else [item])
    return joined(parts)


def _text(function: Callable[[str], Any]) -> Callable[[list[Any]], Any]:
    def apply(values: list[Any]) -> Any:
        text = joined(values)
        return function(text) if isinstance(text, str) else Unknown()

    return apply


def _glob(values: list[Any]) -> Any:
    if isinstance(values[0], str):
        return Glob(values[0])
    return values[0] if isinstance(values[0], Glob) else Unknown(getattr(values[0], "prefix", ""))


def _swapped_first(values: list[Any]) -> Any:
    if len(values) == 3 and all(isinstance(v, str) for v in values):
        return _replaced(values[2], values[0], values[1])
    return Unknown()


def _replaced(text: str, old: str, new: str) -> Any:
    """One text put in for another, unless that makes it too long."""
    if old and len(text) + text.count(old) * len(new) > _MOST_TEXT:
        return Unknown()
    return text.replace(old, new) if old else text


_FOLDS: dict[str, Callable[[list[Any]], Any]] = {
    "first": lambda values: values[0],
    "begun": lambda values: Unknown(values[0] if isinstance(values[0], str) else getattr(values[0], "prefix", "")),
    "decode": _decode,
    "base64": _base64,
    "hex": _hex,
    "characters": _characters,
    "glob": _glob,
    "joined_list": _joined_list,
    "joined_first": _joined_first,
    "packed_first": _packed,
    "reversed_text": _text(lambda text: text[::-1]),
    "lower": _text(str.lower),
    "upper": _text(str.upper),
    "rot13": _text(lambda text: codecs.encode(text, "rot13")),
    "swapped_first": _swapped_first,
}


def _method(method: str, base: Any, values: list[Any]) -> Any:
    if method == "same":
        return Unknown() if values and isinstance(base, str) and isinstance(values[0], int) else base
    if isinstance(base, list):
        if method == "joined":
            return _between(base, values[0] if values and isinstance(values[0], str) else "")
        if method == "reversed":
            return base[::-1]
        if method == "added":
            return [*base, *(v for value in values for v in (value if isinstance(value, list) else [value]))]
        if method == "packed":
            return (
                _packed([values[0], base]) if values and str(values[0])[:1] in "UCcW" else _packed([*values[:1], *base])
            )
    if method == "character" and isinstance(base, int):
        return _characters([base])
    if isinstance(base, str):
        return _of_text(method, base, values)
    return joined([base, *values]) if isinstance(base, Unknown) and method == "added" else Unknown()


def _of_text(method: str, base: str, values: list[Any]) -> Any:
    first = values[0] if values else None
    if method == "reversed":
        return base[::-1]
    if method == "lower":
        return base.lower()
    if method == "upper":
        return base.upper()
    if method == "added":
        return joined([base, *values])
    if method == "divided":
        return (
            (base.split(first) if first else list(base))
            if isinstance(first, str)
            else base.split()
            if not values
            else Unknown()
        )
    if method == "swapped" and len(values) == 2 and all(isinstance(v, str) for v in values):
        return _replaced(base, values[0], values[1])
    if method == "unpack64" and first in ("m", "m0", "m*"):
        return _base64([base])
    return Unknown()


def words(value: Any, source: str) -> Iterable[Word]:
    """The words that a value may be, as a program would receive them."""
    if isinstance(value, Several):
        for item in value.items:
            yield from words(item, source)
    elif isinstance(value, list):
        for item in value:
            yield from words(item, source)
    elif isinstance(value, Glob):
        yield Word(value.pattern, value.pattern, many=True, glob=True)
    elif isinstance(value, (str, int)):
        yield known(str(value))
    else:
        prefix = value.prefix if isinstance(value, Unknown) else ""
        yield Word(None, source or "?", (0, 0), prefix)
