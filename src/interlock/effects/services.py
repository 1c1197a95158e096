"""Packages that speak to a service: what a method does at the other end is told by its name."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources


@cache
def _words(key: str) -> frozenset[str]:
    text = resources.files("interlock.effects.data").joinpath("services.toml").read_text("utf-8")
    return frozenset(str(tomllib.loads(text)[key]).split())


@cache
def _acting() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(sorted(_words('acting')))})(?:_\w+|[A-Z]\w*)?!?")


def of_a_service(package: str) -> bool:
    """Whether a package of this name, or one that it is a part of, speaks to a service."""
    return package in _words("services") or any(
        package.startswith((one + ".", one + "/", one + "::")) for one in _words("services")
    )


def acts(method: str, *, theirs: bool) -> bool:
    """Whether a method of that name changes something there. A bare `add` or `run` must be known to be theirs."""
    found = _acting().fullmatch(method)
    return found is not None and (theirs or method not in _words("acting"))


def reveals(name: str) -> bool:
    """Whether a method or a member of that name hands out a credential."""
    return name in _words("revealing")


def reaches_out(called: str) -> bool:
    """Whether a call of this dotted name watches, runs programs elsewhere, or reaches below the language."""
    return called in _words("reaching") or any(called.startswith(one + ".") for one in _words("reaching"))


def runs_text(called: str) -> bool:
    """Whether the first argument of this call is the text of a command."""
    return called in _words("running")
