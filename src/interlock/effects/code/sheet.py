"""A language's sheet (`sheets/<language>.toml`): what its calls do, by name."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources


class Sheet:
    """The words of one language, ready to be looked up."""

    def __init__(self, data: dict[str, object]) -> None:
        self.names = dict(_table(data, "names"))
        self.calls = _actions(data, "calls")
        self.methods = _actions(data, "methods")
        self.folds = _inverse(data, "folds")
        self.fold_methods = _inverse(data, "fold_methods")
        self.imports = _words(data, "imports")
        self.environment = _words(data, "environment")
        self.same = _words(data, "same")
        self.reach = _words(data, "reach")
        self.quiet = _words(data, "quiet")
        self.innards = _words(data, "innards")
        self.danger = _words(data, "danger")

    def canonical(self, dotted: str) -> str:
        """The name by which the sheet knows what `dotted` names."""
        for _ in range(4):
            parts = dotted.split(".")
            for at in range(len(parts), 0, -1):
                known = self.names.get(".".join(parts[:at]))
                if known is not None and not (at == len(parts) and known == ""):
                    dotted = ".".join([known, *parts[at:]] if known else parts[at:])
                    break
            else:
                return dotted
        return dotted

    def within(self, dotted: str, words: frozenset[str]) -> bool:
        """Whether the name, or something that it is a member of, stands among `words`."""
        plain = dotted.replace("()", "")
        parts = plain.split(".")
        return any(".".join(parts[:at]) in words for at in range(1, len(parts) + 1))


def _table(data: dict[str, object], key: str) -> dict[str, str]:
    found = data.get(key, {})
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _words(data: dict[str, object], key: str) -> frozenset[str]:
    return frozenset(str(data.get(key, "")).split())


def _inverse(data: dict[str, object], key: str) -> dict[str, str]:
    return {word: action for action, words in _table(data, key).items() for word in words.split()}


def _actions(data: dict[str, object], key: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    out: dict[str, tuple[str, tuple[str, ...]]] = {}
    for action, words in _table(data, key).items():
        verb, *places = action.split()
        out.update({word: (verb, tuple(places)) for word in words.split()})
    return out


@cache
def sheet(language: str) -> Sheet:
    """The sheet of a language."""
    text = resources.files("interlock.effects.code").joinpath(f"sheets/{language}.toml").read_text("utf-8")
    return Sheet(tomllib.loads(text))
