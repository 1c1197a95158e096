"""What an offline verifier asks of a log about identity. Pure: entries in, findings out.

Was each change of people permitted by those it names? Did each session's own key sign its close? Was each token alive
when an action was released under it?

The entries are heard while the log is read, and `judge` speaks once its hashes and signatures hold: what stands in a
forged log means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.identity import authority, people, sessions, tokenbook
from interlock.identity.people import People, Person
from interlock.model.errors import InterlockError, LedgerPolicyFailed, LedgerTampered

_MOMENT = 1.0  # seconds between the look at the clock and the entry


class Audit:
    """Fed with every entry in order. `changes`, `closes` and `uses` count what was checked."""

    def __init__(self) -> None:
        self.changes = 0
        self.closes = 0
        self.uses = 0
        self._origin = ""
        self._people: People | None = None
        self._opened: dict[int, Mapping[str, Any]] = {}
        self._tokens: dict[str, int] = {}  # id -> when it expires
        self._ended: dict[str, str] = {}  # id or link of a revoked token -> why
        self._failed: InterlockError | None = None

    def people(self) -> People | None:
        """Who they were after the last entry that was heard; None before any entry speaks of people."""
        return self._people

    def hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        """The next entry. Only the first failure is kept: what follows it is judged by nothing."""
        if self._failed is not None:
            return
        try:
            self._hear(index, kind, time, body)
        except InterlockError as error:
            self._failed = error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._failed = LedgerTampered(f"entry {index} ({kind}) is not well formed: {error!r}")

    def judge(self) -> None:
        """Raises LedgerTampered or LedgerPolicyFailed for the first entry that was not permitted."""
        if self._failed is not None:
            raise self._failed

    def _hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        if kind == "log.genesis":
            self._origin = str(body["origin"])
        elif kind in people.KINDS:
            self._person(index, kind, body)
        elif kind == "session.open" and "key" in body:
            self._opened[index] = {"name": body["name"], "key": body["key"]}
        elif kind == "session.close" and "signature" in body:
            self._close(index, body)
        elif kind == tokenbook.ISSUE:
            self._issue(index, body)
        elif kind == tokenbook.REVOKE:
            self._ended[str(body.get("link") or body["id"])] = str(body.get("reason", ""))
        elif kind == "intent" and "token" in body:
            self._use(index, time, body["token"])

    def _person(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        if self._people is None:
            first = body["change"]
            if kind != people.ADD or not first.get("owner"):
                raise LedgerTampered(f"entry {index} ({kind}) changes people before anybody said whose daemon it is")
            groups = tuple(first.get("groups") or ())
            self._people = People(self._origin, Person(str(first["name"]), first.get("uid"), groups))
        if kind != people.COUNT:
            authority.checked(self._people, index, kind, body)
            self.changes += 1
        self._people.apply(index, kind, body)

    def _close(self, index: int, body: Mapping[str, Any]) -> None:
        opened = self._opened.pop(int(body["opened"]), None)
        if opened is None:
            raise LedgerTampered(f"entry {index} closes a session that was not open, or a second time")
        try:
            sessions.check_close(opened, body)
        except LedgerTampered as error:
            raise LedgerTampered(f"entry {index} (session.close): {error}") from error
        self.closes += 1

    def _issue(self, index: int, body: Mapping[str, Any]) -> None:
        for name in (str(body["person"]), str(body["by"])):
            if self._people is not None and self._people.find(name) is None:
                raise LedgerPolicyFailed(f"entry {index} issues a token of {name}, who was not among the people then")
        self._tokens[str(body["id"])] = int(body["expires"])

    def _use(self, index: int, time: str, token: Mapping[str, Any]) -> None:
        known = self._tokens.get(str(token["id"]))
        if known is None:
            raise LedgerPolicyFailed(f"entry {index} is released under a token that this log never issued")
        if datetime.fromisoformat(time).timestamp() > known + _MOMENT:
            raise LedgerPolicyFailed(f"entry {index} is released under a token that had expired")
        for one in (str(token["id"]), *map(str, token["links"])):
            if one in self._ended:
                why = self._ended[one]
                raise LedgerPolicyFailed(f"entry {index} is released under a token that was revoked: {why}")
        self.uses += 1
