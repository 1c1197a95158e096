"""What the reader knows, out of `changes/data/taint.toml`: sources, sinks, and what makes values harmless."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from interlock.changes.finding import Weight
from interlock.changes.taint.value import Tag

_FOREIGN = frozenset({"remote", "local", "parameter"})


class Category(NamedTuple):
    """What goes wrong, and what that weighs by the kind of source (`construct`: whoever chose the value)."""

    id: str
    cwe: int
    weights: dict[str, Weight]
    title: str
    why: str
    fix: str


class Sink(NamedTuple):
    """Where a value does harm. `at`: positions, keywords, or `self`. `when`: a condition's name, see `conditions`."""

    category: str
    at: tuple[int | str, ...]
    near: re.Pattern[str] | None
    when: str
    sources: frozenset[str]
    parameters: str  # "", "any" or "built"


class Store(NamedTuple):
    """A store into something with such a name."""

    category: str
    names: re.Pattern[str]


class Named(NamedTuple):
    """What a function that nobody can read does, by its name, and by its first argument where that is a fixed text."""

    clears: frozenset[str]
    regex: re.Pattern[str]
    first: re.Pattern[str] | None


class Rules(NamedTuple):
    """All of it, by the names that it is looked up by."""

    categories: dict[str, Category]
    sources: dict[str, tuple[str, str]]  # dotted name -> kind, text
    source_methods: dict[str, tuple[str, str]]
    requests: frozenset[str]
    request_safe: frozenset[str]
    request_whole: frozenset[str]
    clean: dict[str, frozenset[str]]
    clean_methods: dict[str, frozenset[str]]
    clean_attributes: dict[str, frozenset[str]]
    named: tuple[Named, ...]
    validator: re.Pattern[str]
    no_validator: re.Pattern[str]
    absent: dict[str, frozenset[str]]
    restore: frozenset[str]
    normal: frozenset[str]
    normal_methods: frozenset[str]
    opaque: frozenset[str]
    opaque_methods: frozenset[str]
    sinks: dict[str, list[Sink]]
    sink_methods: dict[str, list[Sink]]
    stores: tuple[Store, ...]
    guessable: re.Pattern[str]
    constructs: dict[str, list[Sink]]
    construct_methods: dict[str, list[Sink]]


@cache
def rules() -> Rules:
    """The packaged data."""
    text = resources.files("interlock.changes.data").joinpath("taint.toml").read_text("utf-8")
    data = tomllib.loads(text)
    sinks, sink_methods = _sinks(data["sink"])
    constructs, construct_methods = _sinks(data["construct"])
    request = data["request"]
    return Rules(
        categories={entry["id"]: _category(entry) for entry in data["category"]},
        sources=_sources(data["source"], "names"),
        source_methods=_sources(data["source"], "methods"),
        requests=_words(request, "names"),
        request_safe=_words(request, "safe"),
        request_whole=_words(request, "whole"),
        clean=_clean(data["clean"], "calls"),
        clean_methods=_clean(data["clean"], "methods"),
        clean_attributes=_clean(data["clean"], "attributes"),
        named=tuple(_named(entry) for entry in data["named"]),
        validator=re.compile(data["validator"]["regex"]),
        no_validator=re.compile(data["validator"]["not"]),
        absent={text: frozenset(words.split()) for text, words in data["absent"].items()},
        restore=_words(data["restore"], "calls"),
        normal=_words(data["normal"], "calls"),
        normal_methods=_words(data["normal"], "methods"),
        opaque=_words(data["opaque"], "calls"),
        opaque_methods=_words(data["opaque"], "methods"),
        sinks=sinks,
        sink_methods=sink_methods,
        stores=tuple(Store(entry["category"], re.compile(entry["names"])) for entry in data["store"]),
        guessable=re.compile(data["guessable"]["names"]),
        constructs=constructs,
        construct_methods=construct_methods,
    )


def _words(entry: dict[str, Any], key: str) -> frozenset[str]:
    return frozenset(str(entry.get(key, "")).split())


def _categories(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _category(entry: dict[str, Any]) -> Category:
    kinds = ("remote", "local", "parameter", "chance", "construct")
    weights = {kind: Weight(entry[kind]) for kind in kinds if entry.get(kind, "off") != "off"}
    return Category(entry["id"], entry["cwe"], weights, entry["title"], entry["why"], entry["fix"])


def _sources(entries: list[dict[str, str]], key: str) -> dict[str, tuple[str, str]]:
    return {name: (entry["kind"], entry["text"]) for entry in entries for name in _words(entry, key)}


def _named(entry: dict[str, str]) -> Named:
    first = re.compile(entry["first"]) if "first" in entry else None
    return Named(_categories(entry["clears"]), re.compile(entry["regex"]), first)


def _clean(entries: list[dict[str, str]], key: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for entry in entries:
        for name in _words(entry, key):
            found[name] = found.get(name, frozenset()) | _categories(entry["clears"])
    return found


def _sinks(entries: list[dict[str, Any]]) -> tuple[dict[str, list[Sink]], dict[str, list[Sink]]]:
    calls: dict[str, list[Sink]] = defaultdict(list)
    methods: dict[str, list[Sink]] = defaultdict(list)
    for entry in entries:
        sink = Sink(
            entry["category"],
            tuple(entry.get("at", ())),
            re.compile(rf"(?i){entry['near']}") if "near" in entry else None,
            entry.get("when", ""),
            frozenset(str(entry["from"]).split()) if "from" in entry else _FOREIGN,
            entry.get("parameters", ""),
        )
        for name in _words(entry, "calls"):
            calls[name].append(sink)
        for name in _words(entry, "methods"):
            methods[name].append(sink)
    return dict(calls), dict(methods)


EVERYTHING = frozenset({Tag.ALL})
