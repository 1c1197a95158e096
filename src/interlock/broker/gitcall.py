"""Git for restore points: called as looks call it, with a scrubbed environment, without hooks, monitors or editors."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from interlock.model.errors import StateError
from interlock.preview.finding import Deadline, Unseen
from interlock.preview.git import OFF, SETTINGS
from interlock.preview.process import Machine

_SECONDS = 10.0  # of one command; of one in a repository of 50,000 files the slowest takes half a second
_MOST = 64 << 20
_FAILED = "git {word} said no (exit {status})"


class GitCall:
    """Implements `containment.repository.Call`. `started` is told of each process: none of them is a person's."""

    def __init__(self, started: Callable[[int], None] = lambda _: None, environ: dict[str, str] | None = None) -> None:
        self._started = started
        self._environ = environ

    def __call__(
        self,
        directory: str,
        *words: str,
        feed: bytes = b"",
        settings: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (0,),
        most: int = _MOST,
    ) -> bytes:
        """Run it to its end. Raises StateError."""
        machine = Machine(
            Deadline(_SECONDS), environ=self._environ, never_from=(_project(directory),), started=self._started
        )
        try:
            status, raw = machine.take(
                ("git", *OFF, *words), directory, settings={**SETTINGS, **(settings or {})}, feed=feed, most=most
            )
        except Unseen as error:
            raise StateError(f"{error}.") from error
        if status not in fine:
            word = next((w for w in words if not w.startswith("-") and "=" not in w), "")
            raise StateError(_FAILED.format(word=word, status=status) + ". `git fsck` shows whether it is sound.")
        return raw


def _project(directory: str) -> str:
    """The directory around this one from which no program is run: an agent could have written it."""
    path = os.path.realpath(directory)
    while path != "/" and not os.path.lexists(os.path.join(path, ".git")):
        path = os.path.dirname(path)
    return path if path != "/" else directory
