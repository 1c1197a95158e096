"""Files of the workspace that configuration in force names as programs: hooks in a directory of their own, scripts of
an agent's hooks, filters. Their names say nothing; who runs them does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from interlock.containment.graves import gitconfig
from interlock.containment.graves.git import Texts
from interlock.containment.graves.settings import read

_DEEP = 12
_COMMAND = re.compile(
    r"(?i)^(?:.*command|args|bash|powershell|script|notify|.*helper|.*refresh|.*program|interpreterpath|.*\.path)$"
)
_PLACE = re.compile(r"\$\{?(?:CLAUDE_PROJECT_DIR|workspaceFolder|workspaceRoot|PWD)\}?/")
# A word with a slash inside, or with the ending of a script.
_PATH = re.compile(r"[\w.@+-]*(?:/[\w.@+-]+)+|[\w@+-]+\.(?:sh|bash|zsh|py|js|mjs|cjs|ts|rb|pl|php|ps1|lua)\b")


def referred(texts: Texts, files: tuple[str, ...], rules: gitconfig.Rules) -> dict[str, str]:
    """Paths that something in force runs, and what names them; a path that ends in a slash stands for all below."""
    found: dict[str, str] = {}
    for name in files:
        document = read(texts.old(name), "toml" if name.endswith(".toml") else "jsonc")
        for command in _commands(document or {}):
            for path in _named(command, texts.root):
                found.setdefault(path, name)
    for path in _by_git(texts.old(".git/config") or "", texts.root, rules):
        found.setdefault(path, ".git/config")
    return found


def runs(path: str, known: dict[str, str]) -> str | None:
    """What names this path as a program; None where nothing does."""
    if not known:
        return None
    if path in known:
        return known[path]
    end = path.find("/")
    while end >= 0:
        if path[: end + 1] in known:
            return known[path[: end + 1]]
        end = path.find("/", end + 1)
    return None


def _commands(value: object, key: str = "", depth: int = 0) -> Iterator[str]:
    """The texts that say what is run, at any depth; a list of permissions names paths, too, but runs none."""
    if isinstance(value, str):
        if _COMMAND.search(key):
            yield value
    elif depth < _DEEP and isinstance(value, dict):
        for name, inner in value.items():
            yield from _commands(inner, str(name), depth + 1)
    elif depth < _DEEP and isinstance(value, list):
        for inner in value:
            yield from _commands(inner, key, depth + 1)


def _by_git(text: str, root: str, rules: gitconfig.Rules) -> Iterator[str]:
    try:
        settings = list(gitconfig.parse(text))
    except gitconfig.Unreadable:
        return
    for setting in settings:
        name, value = setting.name.lower(), setting.value or ""
        if name == "core.hookspath":
            yield from (f"{path}/" for path in _inside(value, root))
        elif name == "include.path" or name.startswith("includeif."):
            yield from _inside(posixpath.join(".git", value) if not value.startswith(("/", "~")) else value, root)
        elif any(fnmatchcase(name, glob) for glob in rules.runs) and not name.startswith(
            ("remote.", "url.", "branch.")
        ):
            yield from _named(value, root)


def _named(text: str, root: str) -> Iterator[str]:
    text = _PLACE.sub("./", text.replace(f"{root}/", "./"))
    for found in _PATH.finditer(text):
        yield from _inside(found[0], root)


def _inside(path: str, root: str) -> Iterator[str]:
    if path.startswith(f"{root}/"):
        path = path[len(root) + 1 :]
    path = posixpath.normpath(path.strip()) if path.strip() else "/"
    if not path.startswith(("/", "~", "..")) and path != ".":
        yield path
