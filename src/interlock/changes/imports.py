"""Which files of a tree of Python import which others, by their text: nothing is imported for it. Pure."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<of>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]{0,4000}\)|[^\n#]+)"
    r"|import[ \t]+(?P<plain>[^\n#]+))",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_][\w.]*")


def needed(paths: Iterable[str], texts: Mapping[str, str], most: int) -> set[str]:
    """These files and those that they import, near or far, the nearest first; at most so many.

    Args:
        texts: every file of Python of one tree.
    """
    names = _named(texts)
    found, queue = set[str](), deque(paths)
    while queue and len(found) < most:
        path = queue.popleft()
        if path in found or path not in texts:
            continue
        found.add(path)
        for name in sorted(_imported(path, texts[path])):
            queue += sorted(names.get(name, ()))
    return found


def users(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """file -> the files that import it."""
    names = _named(texts)
    found: dict[str, set[str]] = defaultdict(set)
    for path, text in texts.items():
        for name in _imported(path, text):
            for used in names.get(name, ()):
                if used != path:
                    found[used].add(path)
    return found


def _named(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Dotted name -> the files it may mean: from every folder on that is no package itself."""
    packages = {path.removesuffix("/__init__.py") for path in texts if path.endswith("/__init__.py")}
    names: dict[str, set[str]] = defaultdict(set)
    for path in texts:
        parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
        for start in range(len(parts)):
            if "/".join(parts[:start]) not in packages:
                names[".".join(parts[start:])].add(path)
    return names


def _imported(path: str, text: str) -> set[str]:
    """The dotted names in a file's imports; `from a import b` may mean `a`, or `a.b`."""
    found: set[str] = set()
    here = path.removesuffix(".py").split("/")[:-1]
    for match in _IMPORT.finditer(text):
        if match["plain"] is not None:
            found.update(_WORD.findall(match["plain"]))
            continue
        of = match["of"]
        dots = len(of) - len(of.lstrip("."))
        if dots:
            above = here[: len(here) - dots + 1]
            of = ".".join([*above, of[dots:]] if of[dots:] else above)
        found.add(of)
        found.update(f"{of}.{name}" for name in _WORD.findall(match["names"]))
    return {".".join(parts[:n]) for parts in (name.split(".") for name in found) for n in range(1, len(parts) + 1)}
