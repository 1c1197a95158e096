"""What a name or a text protects against, by the sheets in `data/`. Pure: the sheets are part of the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import resources
from typing import Any

_OPTION = re.compile(r"""\bhasOwn(?:Property)?(?:\.call)?\(\s*(?:[\w$.]+\s*,\s*)?\\?(['"])[\w-]+\\?\1\s*\)""")
_MARKS = frozenset(";|&<>'\"`~")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@cache
def _sheet(name: str) -> dict[str, Any]:
    text = resources.files("interlock.changes.guards.data").joinpath(name).read_text("utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=65536)
def words(name: str) -> frozenset[str]:
    """The words of a name, in lower case: `is_safeURL` has is, safe and url."""
    return frozenset(word.lower() for word in _WORD.findall(name))


@cache
def _verbs() -> tuple[tuple[str, frozenset[str], frozenset[str], bool], ...]:
    return tuple(
        (
            family,
            frozenset(sheet.get("words", ())),
            frozenset(name.lower() for name in sheet.get("names", ())),
            bool(sheet.get("strong", True)),
        )
        for family, sheet in _sheet("verbs.toml").items()
    )


def title(family: str) -> str:
    """What a family protects by, for a reader."""
    sheet = _sheet("verbs.toml").get(family)
    return str(sheet["title"]) if sheet else family


@lru_cache(maxsize=65536)
def family(name: str) -> tuple[str, bool] | None:
    """The family of a called name, and whether the name alone says much; None where it protects nothing."""
    low = name.lower()
    parts = low.split(".")
    last = re.split(r"[.:]", name)[-1]
    if low == "require" or last.endswith(("Error", "Exception", "Warning")):
        return None  # JavaScript's import; an error that is made where a condition already counts
    tails = {".".join(parts[-n:]) for n in (1, 2)} | {low}
    own = words(last)
    # A name that a sheet gives whole goes before its words: `re.escape` is no escape of what a stranger sent.
    for one, _, names, strong in _verbs():
        if tails & names:
            return one, strong
    return next(((one, strong) for one, some, _, strong in _verbs() if own & some), None)


def strong(name: str) -> bool:
    """Whether a called name alone says that it protects."""
    known = family(name)
    return known is not None and known[1]


@cache
def _set(*keys: str) -> frozenset[str]:
    sheet: Any = _sheet("names.toml")
    for key in keys:
        sheet = sheet[key]
    return frozenset(sheet)


def keyword(name: str, value: str) -> bool | None:
    """Whether `name=value` protects: True, False (it takes a protection away), None (it has nothing to do with it)."""
    low = name.lower().replace("-", "_")
    flat = low.replace("_", "")
    plain = value.strip().lower()
    off = plain in ("false", "none", "null", "undefined", "0", "nil", "!1", "")
    if low in _set("keywords", "on") or flat in _set("keywords", "on"):
        return not off
    if low in _set("keywords", "off") or flat in _set("keywords", "off"):
        return True if off else False if plain in ("true", "1", "!0", "yes") else None
    if low in _set("keywords", "present") or flat in _set("keywords", "present"):
        return plain not in ("none", "null", "undefined", "nil", "-1", "infinity", "false")
    return None


def bound(name: str) -> str:
    """`most`, `least` or `size` (of a key), where a name says that its number is a bound.

    What is larger than `most` is let in, what is smaller than `least` is not; the smaller a key, the easier to guess.
    """
    if name.lower().replace("_", "") in _set("bounds", "keys"):
        return "size"
    own = words(name)
    sides = [side for side in ("most", "least") if own & _set("bounds", side)]
    return sides[0] if len(sides) == 1 and not own & _set("bounds", "not") else ""


def module(name: str) -> str:
    """The protecting module that an import names (`defusedxml.ElementTree`), or ""."""
    tops = {name, name.partition(".")[0], name.rpartition("/")[2]} if name.count("/") != 1 else {name}
    return next(iter(sorted(tops & _set("modules", "safe"))), "")


def clamping(called: str, given: str) -> bool:
    """Whether `min(n, 50)` holds a value below a bound: a number above one, one by a constant's name, an own field."""
    fixed = re.fullmatch(r"\d[\d_]*|(?:[\w]+\.)*[A-Z][A-Z0-9_]{2,}|max[A-Z]\w*", given) or own_bound(given)
    return called in ("min", "Math.min") and bool(fixed) and given not in ("0", "1")


def own_bound(name: str) -> bool:
    """Whether an object's own field holds an upper bound: `self.max_size`."""
    base, _, field = name.rpartition(".")
    return base in ("self", "this") and bound(field) == "most"


def recording(called: str) -> bool:
    """Whether a call writes down what happens, or guards it: its failing is no detail."""
    return strong(called) or bool(words(called) & {"audit", "journal", "ledger", "log", "trail"} and "." in called)


def telltale(called: str) -> bool:
    """Whether a call only writes down or shows something."""
    return bool(words(called) & _set("telling", "words"))


def closed(name: str) -> bool | None:
    """Which value of a switch of this name lets in less: of `public` False, of `strict` True; None where none does."""
    own = words(name)
    opens, shuts = bool(own & _set("switches", "open")), bool(own & _set("switches", "shut"))
    return None if opens is shuts else shuts


def kept_back(condition: str) -> bool:
    """Whether a condition asks a thing's own word for it that it is to be shown: `post.published`."""
    fields = re.findall(r"\.([A-Za-z_]\w*)(?!\w|\()", condition) + re.findall(r"\[['\"](\w+)['\"]\]", condition)
    own = [words(name) - {"is", "was", "not"} for name in fields]
    return any(some and some <= _set("kept", "words") for some in own)


def versioned(name: str) -> bool:
    """Whether a name says that its value is the lowest version of something that is spoken (`minVersion`)."""
    own = words(name)
    return "version" in own and bool(own & {"min", "minimum", "lowest", "secure", "ssl", "tls"})


def wrapping(name: str) -> bool:
    """Whether a call of this name may make its argument safe: it is no word of the language, and no mere container."""
    return name not in _set("wrapping", "not") and not words(name) & (
        _set("wrapping", "scheduling") | _set("wrapping", "styling")
    )


def undoing(name: str) -> bool:
    """Whether a call of this name takes an escape back: it keeps nothing away, and hides from what asks before it."""
    return bool(words(name) & _set("wrapping", "undoing"))


def bounded(name: str) -> bool:
    """Whether a call of this name takes how much it may at most take."""
    return name in _set("wrapping", "bounded")


def outright(name: str) -> bool:
    """Whether an argument of this name takes a protection away that would be there without it."""
    low = name.lower()
    return low in _set("keywords", "grave") or low.replace("_", "") in _set("keywords", "grave")


def assumed(name: str) -> bool:
    """Whether a protection of this name holds where nothing is said."""
    return outright(name) and name.lower() not in _set("keywords", "open") and name.lower() in _set("keywords", "on")


def bounding(condition: str) -> bool:
    """Whether a condition names what protects: a strong verb, or a limit."""
    return any(
        ((known := family(name)) and known[1] and known[0] not in ("timeout", "session", "lock"))
        or words(name) & {"max", "maximum", "limit", "limits", "depth", "longest", "largest", "ceiling", "quota"}
        for name in identifiers(_OPTION.sub("", condition))
    )


def option(call: str) -> bool:
    """Whether a call asks if something has a property that the program names: an option that may be given or not."""
    return _OPTION.search(call) is not None


def identifiers(text: str) -> list[str]:
    """The names in a piece of program."""
    return re.findall(r"[A-Za-z_$][\w$]*", text)


@cache
def _ranks() -> tuple[frozenset[str], ...]:
    return tuple(frozenset(some) for some in _sheet("names.toml")["ranks"].values())


def rank(condition: str) -> int:
    """How few are meant by the words of a condition about somebody: 5 the superuser, 1 anybody known, 0 nobody."""
    own = {word for name in re.findall(r"(?<![-/\w$])[A-Za-z_$][\w$]*", condition) for word in words(name)}
    return next((len(_ranks()) - n for n, some in enumerate(_ranks()) if own & some), 0)


def people(text: str) -> bool:
    """Whether somebody is spoken of: the words of lower ranks are words of other things too (`public`, `member`)."""
    own = {word for name in identifiers(text) for word in words(name)}
    return bool(own & (_ranks()[0] | _ranks()[1] | _set("people")))


def personal(condition: str) -> bool:
    """Whether a condition is about somebody."""
    return rank(condition) > 0 or authorising(condition)


def authorising(condition: str) -> bool:
    """Whether a condition asks who somebody is, or what they may."""
    names = identifiers(re.sub(r"'[^']*'", "", condition))
    return (rank(condition) > 1 and people(condition)) or any(
        (known := family(name)) and known[0] == "authorise" for name in names
    )


def belonging(own: frozenset[str]) -> bool:
    """Whether one of these words says whose something is."""
    return bool(own & _set("belonging", "words"))


def somebody(condition: str) -> bool:
    """Whether a condition names the one who asks."""
    wanted = _set("somebody", "words")
    return any(words(name) & wanted for name in identifiers(re.sub(r"'[^']*'", "", condition)))


def listed(name: str) -> str | None:
    """`deny`: entries of a list of that name keep something out; `allow`: they let something in."""
    own = words(name)
    for side in ("deny", "allow"):
        if any(set(one.split()) <= own for one in _set("lists", side)):
            return "deny" if own & {"not", "non", "never"} else side
    return None


def telling(text: str) -> bool:
    """Whether a check that looks for exactly this text is one against attackers."""
    return text.lower() in _set("literals", "exact")


def cutting(text: str) -> bool:
    """Whether a text that is cut there may be cut against attackers; at a mark of its own grammar it is not."""
    return telling(text) and text not in _MARKS


def ending(name: str, text: str) -> bool:
    """Whether a call's name says that something is at its end, and its text not that this is worth a secret."""
    if not words(name) & _set("ending", "words"):
        return False
    return not critical([text]) and not any(words(one) & _set("ending", "secrets") for one in identifiers(text))


def everyday(text: str) -> bool:
    """Whether a check looks for this text in ordinary work as well: it says something beside other losses alone."""
    return text.lower() in _set("literals", "everyday")


def marked(text: str) -> bool:
    """Whether this text says by itself, wherever it stands, that the statement keeps something from an attacker."""
    return text.lower() in _set("literals", "anywhere")


@lru_cache(maxsize=16384)
def parts(text: str) -> tuple[str, ...]:
    """The headers, directives and authenticated ciphers that a text names."""
    low = text.lower()
    return tuple(sorted(part for part in _set("literals", "parts") if part in low)) if len(text) < 2_000 else ()


def critical(names: Iterable[str]) -> bool:
    """Whether a path or a function's name says that what stands there must not be weakened."""
    wanted = _set("critical", "words")
    return any(words(name) & wanted for name in names)


@cache
def _unsafe() -> tuple[tuple[str, tuple[str, ...], str, frozenset[str], tuple[str, ...]], ...]:
    return tuple(
        (
            row["name"],
            tuple(row.get("unless", ())),
            row["safe"],
            frozenset(row.get("languages", ())),
            tuple(row.get("when", ())),
        )
        for row in _sheet("unsafe.toml")["call"]
    )


def unsafe(name: str, arguments: str, language: str) -> str | None:
    """The sheet's name of an unsafe call, or None."""
    for known, unless, _, languages, when in _unsafe():
        if (languages and language not in languages) or (when and not any(word in arguments for word in when)):
            continue
        bare = "." not in known
        if (name == known or (name.endswith("." + known) and (not bare or when or known == "extractall"))) and not any(
            word in arguments for word in unless
        ):
            return known
    return None


def exempting(name: str) -> bool:
    """Whether a decorator of this name takes a protection away."""
    return bool(words(name.rpartition(".")[2]) & _set("exempting", "words"))


def trusting(name: str) -> bool:
    """Whether a call of this name only says that a value may be trusted: `template.HTML(name)`."""
    return name in _set("wrapping", "trusting")


def instead(known: str) -> str:
    """What stands in for an unsafe call."""
    return next(safe for name, _, safe, *_ in _unsafe() if name == known)
