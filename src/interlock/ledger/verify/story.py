"""What the entries tell: intents with and without an outcome, sessions and their counts, data kept by digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from interlock.model.errors import LedgerTampered, LedgerUnverifiable

_INTENT, _DONE, _DENIAL = 1, 2, 3
_SHOWN = 20  # problems told in full; the rest is a number
_COUNTED = {"intent": "intents", "denial": "denials"}


@dataclass(slots=True)
class _Session:
    opened: int
    intents: int = 0
    denials: int = 0


@dataclass(slots=True)
class Story:
    """Fed with every entry in order."""

    blobs: Path | None = None
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    more_problems: int = 0
    _flags: bytearray = field(default_factory=bytearray)  # one byte an entry: what outcomes may refer to
    _sessions: dict[tuple[str, str], list[_Session]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def feed(self, index: int, kind: str, body: dict[str, Any]) -> None:
        """The next entry."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self._flags.append({"intent": _INTENT, "denial": _DENIAL}.get(kind, 0))
        if kind == "outcome":
            self._outcome(index, body.get("intent"))
        elif kind == "log.late":
            self._late(body)
        elif kind.startswith("session.") or kind in _COUNTED:
            self._session(index, kind, body)
        if self.blobs is not None:
            self._references(index, body)

    def open_intents(self) -> list[int]:
        """Indexes of intents without an outcome: they may have run, and nobody said how it ended."""
        return [index for index, flag in enumerate(self._flags) if flag == _INTENT]

    def open_sessions(self) -> int:
        """How many sessions were opened and not closed."""
        return sum(len(opens) for opens in self._sessions.values())

    def _problem(self, text: str) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(text)
        else:
            self.more_problems += 1

    def _outcome(self, index: int, of: object) -> None:
        if not isinstance(of, int) or not 0 <= of < index:
            self._problem(f"entry {index} is an outcome and does not say of which intent")
        elif self._flags[of] == _DENIAL:
            self._problem(f"entry {index} is an outcome of entry {of}, which was denied: the action ran all the same")
        elif self._flags[of] == 0:
            self._problem(f"entry {index} is an outcome of entry {of}, which is no intent")
        else:
            self._flags[of] = _DONE

    def _late(self, body: dict[str, Any]) -> None:
        first, count = body.get("first"), body.get("count")
        if isinstance(first, int) and isinstance(count, int):
            for index in range(max(first, 0), min(first + count, len(self._flags))):
                self._flags[index] = _DONE  # refused at the time: nothing was released

    def _session(self, index: int, kind: str, body: dict[str, Any]) -> None:
        principal = body.get("principal")
        if not isinstance(principal, dict):
            return
        who = (str(principal.get("agent", "")), str(principal.get("session", "")))
        if kind == "session.open":
            self._sessions.setdefault(who, []).append(_Session(index))
        elif kind == "session.close":
            self._closed(index, self._sessions.pop(who, []), body)
        else:
            for session in self._sessions.get(who, ()):
                name = _COUNTED[kind]
                setattr(session, name, getattr(session, name) + 1)

    def _closed(self, index: int, opens: list[_Session], body: dict[str, Any]) -> None:
        session = next((s for s in opens if s.opened == body.get("opened")), None)
        if session is None:
            self._problem(f"entry {index} closes a session that no entry opened")
            return
        counts = body.get("counts")
        for name in _COUNTED.values():
            said = counts.get(name, 0) if isinstance(counts, dict) else 0
            if said != getattr(session, name):
                self._problem(
                    f"entry {index} closes the session opened at {session.opened} and counts {said} {name}; "
                    f"the log holds {getattr(session, name)}"
                )

    def _references(self, index: int, value: object) -> None:
        if isinstance(value, list):
            for item in value:
                self._references(index, item)
        elif isinstance(value, dict) and value.keys() == {"digest", "mediaType", "size"}:
            self._blob(index, str(value["digest"]), value["size"])
        elif isinstance(value, dict):
            for item in value.values():
                self._references(index, item)

    def _blob(self, index: int, digest: str, size: object) -> None:
        scheme, _, name = digest.partition(":")
        if digest in self._seen or scheme != "sha256" or len(name) != 64 or not name.isalnum():
            return
        self._seen.add(digest)
        assert self.blobs is not None  # noqa: S101 - asked before
        path = self.blobs / name[:2] / name[2:]
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self._problem(f"entry {index} refers to {digest}, which is not in the content store any more")
            return
        except OSError as error:
            raise LedgerUnverifiable(f"{path} cannot be read: {error.strerror}") from error
        if sha256(data).hexdigest() != name or len(data) != size:
            raise LedgerTampered(f"{digest}, to which entry {index} refers, is kept with other content: it was changed")
