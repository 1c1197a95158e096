"""The documents of one tree that an OpenAPI description refers to, by paths within the repository.

Nothing is fetched: an address, and a path that leads out of the repository or to a link, is not followed. References
are written anew while a document is taken in, from the top of the repository, so each says where it leads wherever it
is met. How many documents, and how much of them, is bounded; documents that refer to each other are taken in once.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from interlock.changes.formal.described import ENDINGS, Unreadable, document
from interlock.changes.formal.schemas import TooMuch

_MOST = 200  # documents beside the description
_SIZE = 8 << 20  # characters of them all
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


class Documents:
    """What one description can refer to."""

    def __init__(self, path: str, whole: dict[str, Any], read: Callable[[str], str | None]) -> None:
        """`path` and `whole`: the description, whose references are written anew; `read`: a file's text in its tree."""
        self._main, self._read = path, read
        self._known: dict[str, Any] = {path: whole}
        self._size = 0
        self._anew(path, whole)

    def at(self, path: str) -> Any:
        """The document at a path, or None. Raises Unreadable, TooMuch."""
        if path not in self._known:
            text = self._read(path) if path.endswith(ENDINGS) else None
            self._known[path] = None if text is None else self._taken(path, text)
        return self._known[path]

    def _taken(self, path: str, text: str) -> Any:
        self._size += len(text)
        if len(self._known) > _MOST or self._size > _SIZE:
            raise TooMuch
        try:
            found = document(path, text)
        except Unreadable as error:
            raise Unreadable(f"{path}: {error}") from None
        self._anew(path, found)
        return found

    def _anew(self, path: str, whole: Any) -> None:
        """Write the references of a document from the top; a value that stands at several places is one value."""
        look, seen = [whole], set[int]()
        while look:
            value = look.pop()
            if not isinstance(value, dict | list) or id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, dict):
                reference = value.get("$ref")
                if isinstance(reference, str):
                    value["$ref"] = self._from_top(path, reference)
                look += value.values()
            else:
                look += value

    def _from_top(self, path: str, reference: str) -> str:
        """`PATH#POINTER`, or `#POINTER` within the description; as it stands where it leads out of the repository."""
        place, _, pointer = reference.partition("#")
        if not place:
            return reference if path == self._main else f"{path}#{pointer}"
        if _ADDRESS.match(place) or place.startswith("/") or "\\" in place:
            return reference
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(place)))
        if target.startswith("../"):
            return reference
        return f"#{pointer}" if target == self._main else f"{target}#{pointer}"
