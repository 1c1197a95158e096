r"""Paths as Windows writes them, put onto the places that the rest of the reader knows.

A drive is where WSL mounts it (`C:\x` is `/mnt/c/x`), the user's profile is the home, and the temporary directory of a
user is scratch. So one list of rules says what a place is, whichever way its name is written.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

from interlock.effects.invocation import Word
from interlock.effects.places import inside
from interlock.model.world import Setting

_DRIVE = re.compile(r"([A-Za-z]):(.*)", re.DOTALL)
_LOOKS = re.compile(r"[A-Za-z]:(?:$|[\\/*.\w])|\.{1,2}\\|~\\|\\\\|\\|[^\s\\/:]+\\")
_VARIABLE = re.compile(r"%([A-Za-z_][\w()]*)%")


@cache
def _folders() -> dict[str, str]:
    text = resources.files("interlock.effects").joinpath("data/windows.toml").read_text("utf-8")
    table = tomllib.loads(text)["folders"]
    return {str(name): str(path) for name, path in table.items()}


@cache
def _canonical() -> dict[str, str]:
    text = resources.files("interlock.effects").joinpath("data/windows.toml").read_text("utf-8")
    return {name.lower(): name for name in tomllib.loads(text)["tree"]["tops"]}


def folder(variable: str) -> str | None:
    """The path that an environment variable of Windows holds on every machine (`TEMP`, `USERPROFILE`), or None."""
    return _folders().get(variable.upper())


def looks_like_path(text: str) -> bool:
    r"""Whether a word is a path that only Windows writes so (`C:\x`, `.\x`, `src\x`)."""
    return "://" not in text and _LOOKS.match(text) is not None


def windows_path(text: str, setting: Setting) -> str:
    """The path as the rest of the reader names it. A path that is none of Windows comes back as it is."""
    plain = text.strip('"').replace("\\", "/")
    if plain.startswith(("//./", "//?/")):
        plain = plain[4:]
        if _DRIVE.match(plain) is None:
            return "/dev/" + plain  # \\.\PhysicalDrive0 is the disk itself
    elif plain.startswith("//"):
        return "/net/" + plain[2:]
    for provider in ("filesystem::", "microsoft.powershell.core/filesystem::"):
        if plain.lower().startswith(provider):
            plain = plain[len(provider) :]
    found = _DRIVE.match(plain)
    return plain if found is None else _on_drive(found.group(1).lower(), found.group(2), setting)


def _on_drive(drive: str, rest: str, setting: Setting) -> str:
    parts = [part for part in rest.split("/") if part not in ("", ".")]
    if parts:
        parts[0] = _canonical().get(parts[0].lower(), parts[0])
    whole = "/".join(["/mnt", drive, *parts])
    if inside(whole, setting.workspace):
        return whole
    if parts[:1] != ["Users"]:
        return whole if parts or drive != "c" else "/"
    if len(parts) == 1:
        return "/home"
    own = {setting.user.lower(), setting.home.rpartition("/")[2].lower()}
    below = parts[2:]
    if parts[1].lower() not in own:
        return "/".join(["/home", *parts[1:]])
    if [part.lower() for part in below[:3]] == ["appdata", "local", "temp"]:
        return "/".join(["/tmp", *below[3:]])  # noqa: S108 - where a user's temporary files lie
    return "/".join([setting.home, *below])


def windows_word(value: Word, setting: Setting) -> Word:
    """The word with its path put onto the places of the reader; what is not known keeps its known beginning."""
    if value.text is not None:
        text = windows_path(value.text, setting)
        wild = any(char in text for char in "*?")
        return Word(
            text=text,
            source=value.source or value.text,
            span=value.span,
            prefix=text,
            taint=value.taint,
            many=value.many or wild,
            glob=value.glob or wild,
        )
    prefix = windows_path(value.prefix, setting) if value.prefix else ""
    return Word(
        text=None, source=value.source, span=value.span, prefix=prefix, taint=value.taint, many=value.many, glob=False
    )


def expanded(text: str) -> str | None:
    """The text with `%VARIABLES%` that are the same everywhere put in; None when one of them is not known."""
    unknown = False

    def one(match: re.Match[str]) -> str:
        nonlocal unknown
        value = folder(match.group(1))
        unknown = unknown or value is None
        return value or ""

    result = _VARIABLE.sub(one, text)
    return None if unknown else result
