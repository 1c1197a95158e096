"""What `interlock verify` asks of a ledger about people: who changed them, what they decided, what they reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.approvals.audit import Decisions
from interlock.changes.reviewaudit import Reviews
from interlock.identity.audit import Audit
from interlock.model.counts import many


class Persons:
    """Hears every entry, and judges them all once the ledger's own hashes and signatures hold."""

    def __init__(self) -> None:
        self._identity = Audit()
        self._decided = Decisions(self._identity.people)
        self._reviewed = Reviews(self._identity.people)

    def hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        """The next entry; who the people are is heard first, and what they said by what is known then."""
        for one in (self._identity, self._decided, self._reviewed):
            one.hear(index, kind, time, body)

    def judge(self) -> None:
        """Raises LedgerTampered or LedgerPolicyFailed for the first entry that is not by whom it names."""
        for one in (self._identity, self._decided, self._reviewed):
            one.judge()

    def counts(self) -> dict[str, int]:
        """How many of each kind were checked."""
        return {
            "people_changes": self._identity.changes,
            "session_closes": self._identity.closes,
            "token_uses": self._identity.uses,
            "decisions": self._decided.checked,
            "signed_decisions": self._decided.signed,
            "signed_reviews": self._reviewed.signed,
        }

    def told(self) -> str:
        """The same in words."""
        found = self.counts()
        parts = [
            f"{many(found['people_changes'], 'change')} of people",
            f"{many(found['session_closes'], 'close')} of sessions",
            f"{many(found['token_uses'], 'use')} of tokens",
            f"{many(found['decisions'], 'decision')} ({found['signed_decisions']} signed)",
        ]
        parts += [many(found["signed_reviews"], "signed review")] * bool(found["signed_reviews"])
        return ", ".join(parts)
