"""git's configuration, read as git reads it and compared setting by setting: what runs or redirects something."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_SECTION = re.compile(r'\[\s*([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\\n]|\\[^\n])*)")?[ \t]*\]')
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
# Words of an alias that only looks, or does what the same command typed in full would do.
_PLAIN_WORD = re.compile(r"[\w./@^~%{}:,=+*#\[\]'\"<>() -]+")
_HANDS_OVER = re.compile(
    r"(?:^|\s)(?:-[cxCO]|--(?:exec|ext-diff|textconv|open-files|upload-pack|receive-pack|config|git-dir))"
)


class Unreadable(Exception):
    """The text is no configuration that git would take, or not one this reader understands."""


class Setting(NamedTuple):
    """One line: `remote.Origin.url`, section and key in lower case, the middle as written."""

    section: str
    middle: str | None
    key: str
    value: str | None

    @property
    def name(self) -> str:
        """The key as git prints it."""
        return ".".join(part for part in (self.section, self.middle, self.key) if part is not None)


class Rules(NamedTuple):
    """What the data file says about keys."""

    runs: tuple[str, ...]  # globs over lower-case names: executed, or taken code or other settings from
    quiet: dict[str, tuple[str, ...]]  # values of such keys that run nothing
    careful: dict[str, tuple[str, ...]]  # sections of which only these keys are known to be harmless
    suspicious: re.Pattern[str]  # a key of an unknown section that speaks of running something
    guards: tuple[str, ...]  # keys whose loss or change disarms something
    aliases: frozenset[str]  # first words of aliases that run nothing else


def parse(text: str) -> Iterator[Setting]:
    """Every setting, in order.

    Raises:
        Unreadable: git itself would stop here, or could see what this reader does not.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    section, middle = "", None
    at = 0
    while at < len(text):
        character = text[at]
        if character in " \t\n":
            at += 1
        elif character in "#;":
            at = _line_end(text, at)
        elif character == "[":
            found = _SECTION.match(text, at)
            if not found:
                raise Unreadable
            section, middle = found[1].lower(), found[2]
            if middle is not None:
                middle = re.sub(r"\\(.)", r"\1", middle)
            elif "." in section:
                section, middle = section.split(".", 1)
            at = found.end()
        else:
            name = _NAME.match(text, at)
            if not name or not section:
                raise Unreadable
            value, at = _value(text, name.end())
            yield Setting(section, middle, name[0].lower(), value)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


_ENTRY = re.compile(r"[ \t]*(?:(=)|(?=[\n#;]|$))", re.MULTILINE)


def _value(text: str, at: int) -> tuple[str | None, int]:
    """What stands behind a key's name, and where it ends; None for a key without a value."""
    sign = _ENTRY.match(text, at)
    if not sign:
        raise Unreadable
    if not sign[1]:
        return None, _line_end(text, at)
    at = sign.end()
    out: list[str] = []
    kept = 0  # how much of `out` is not white space at the end
    quoted = False
    while at < len(text) and text[at] != "\n":
        character = text[at]
        at += 1
        if character in "#;" and not quoted:
            at = _line_end(text, at)
            break
        if character == '"':
            quoted = not quoted
        elif character in " \t" and not quoted:
            out += character if out else ""
            continue
        elif character == "\\":
            escaped = text[at : at + 1]
            at += 1
            if escaped == "\n":
                continue
            if escaped not in _ESCAPES or not escaped:
                raise Unreadable
            out.append(_ESCAPES[escaped])
        else:
            out.append(character)
        kept = len(out)
    if quoted:
        raise Unreadable
    return "".join(out[:kept]), at


def grave(old: str | None, new: str | None, rules: Rules, inside: str) -> str | None:
    """Why the step from the old text to the new one is grave; None where it is not.

    `inside` is the directory of the repository's own files relative to the workspace (`.git`), for `core.worktree`.
    """
    try:
        before = Counter(parse(old or ""))
    except Unreadable:
        before = Counter()
    try:
        after = Counter(parse(new or ""))
    except Unreadable:
        return "git's configuration cannot be read"
    had: dict[str, set[str]] = {}
    for setting in before:
        had.setdefault(setting.name, set()).add(setting.value or "")
    for setting in after - before:
        if why := _judge(setting, had.get(setting.name, set()), rules, inside):
            return why
    for setting in before - after:
        if any(fnmatchcase(setting.name.lower(), glob) for glob in rules.guards):
            return f"{setting.name} guarded this repository"
    return None


def _judge(setting: Setting, had: set[str], rules: Rules, inside: str) -> str | None:
    name, value = setting.name.lower(), (setting.value or "").strip()
    if name == "core.worktree":
        return None if within(inside, value) else f"{setting.name} leads out of the workspace"
    if setting.section == "alias":
        return None if _plain_alias(value, rules) else f"git would run what {setting.name} says"
    if redirected := _redirected(setting, value, had):
        return redirected
    if any(fnmatchcase(name, glob) for glob in rules.runs):
        quiet = next((fine for glob, fine in rules.quiet.items() if fnmatchcase(name, glob)), ())
        return None if value.lower() in quiet or value in quiet else f"git would act on {setting.name}"
    known = rules.careful.get(setting.section)
    if known is not None:
        fine = any(fnmatchcase(setting.key if setting.middle is None else f"*.{setting.key}", glob) for glob in known)
        return None if fine else f"{setting.name} is not known to be harmless"
    return f"{setting.name} looks like a command" if rules.suspicious.search(setting.key) else None


def _redirected(setting: Setting, value: str, had: set[str]) -> str | None:
    if setting.section in ("remote", "submodule") and setting.key in ("url", "pushurl"):
        if value.startswith("-") or "::" in value:
            return f"{setting.name} runs a helper"
        if had and host(value) not in {host(old) for old in had}:
            return f"{setting.name} leads elsewhere now"
    if setting.section == "branch" and setting.key == "remote" and re.search(r"[/:]", value):
        return f"{setting.name} leads elsewhere"
    return None


def _plain_alias(value: str, rules: Rules) -> bool:
    words = value.split()
    return (
        bool(words)
        and words[0] in rules.aliases
        and _PLAIN_WORD.fullmatch(value) is not None
        and not _HANDS_OVER.search(value)
    )


def host(url: str) -> str:
    """The machine a repository's address names; a path is its own host."""
    found = re.match(r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?([^/:]+|\[[^\]]*\])", url, re.IGNORECASE)
    found = found or re.match(r"(?:[^/@:]+@)?([^/:]+):(?!//)", url)
    return found[1].lower() if found else url


def within(directory: str, target: str) -> bool:
    """Whether a path, from a directory of the workspace, stays in the workspace by its words alone."""
    if target.startswith("/"):
        return False
    # `d/../..` may leave through a link called `d`: going down and up again is not followed.
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = sum(part == ".." for part in parts)
    if ".." in parts[ups:]:
        return False
    joined = posixpath.normpath(posixpath.join(directory, *parts)) if parts else directory
    return joined != ".." and not joined.startswith("../")
