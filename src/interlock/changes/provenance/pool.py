"""Which lines of a repository are known to be whose, by their text: what is pasted elsewhere, or comes back later, is
not the work of whoever pasted it. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from interlock.changes.provenance.owners import UNKNOWN, Owner, definite
from interlock.changes.provenance.state import State
from interlock.changes.provenance.text import Text, telling

_LINES = 500_000  # texts that are remembered of one repository; 60 MB
_RUN = 3  # lines in a row that nobody types twice by chance


class Pool:
    """The telling lines of the states that were met."""

    def __init__(self) -> None:
        self._of: dict[bytes, Owner] = {}

    def add(self, state: State) -> None:
        """Remember whose its lines are; a text that two people wrote is nobody's."""
        for index, owner in enumerate(state.owners):
            if telling(state.text, index) and definite(owner):
                text = state.text.exact[index]
                known = self._of.get(text)
                if known is None and len(self._of) < _LINES:
                    self._of[text] = owner
                elif known is not None and known != owner:
                    self._of[text] = UNKNOWN

    def doubt(self, text: Text, fresh: Sequence[int], newcomer: Owner) -> set[int]:
        """Of the `fresh` lines, those that stand in a row of others' known lines: pasted, as far as can be told."""
        doubted: set[int] = set()
        run: list[int] = []
        for index in [*fresh, -1]:
            known = self._of.get(text.exact[index]) if index >= 0 and telling(text, index) else None
            follows = bool(run) and index == run[-1] + 1
            if known is not None and known != newcomer and (follows or not run):
                run.append(index)
                continue
            if len(run) >= _RUN:
                doubted.update(run)
            run = [index] if known is not None and known != newcomer else []
        return doubted
