"""Which key was valid when: key events are entries, so a key is valid by log index and old evidence stays checkable.

    log.genesis   entry 0: the root key, and the key that signs checkpoints from the start
    key.rotate    from this entry on, another key signs checkpoints
    key.add       a key of another purpose (session, approver, witness) becomes valid
    key.revoke    it stops being valid; what it signed at earlier indexes stays signed

A checkpoint of size N is signed by the key in force once the entries 0 .. N-1 are read. Every event carries a
signature over `statement(...)` by the root key or by the checkpoint key in force before it; `serial` counts key
events, so that an old statement cannot be played again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from interlock.ledger.note import PublicKey, Signer
from interlock.model.errors import InternalError, LedgerTampered, LedgerUnverifiable, Refused

GENESIS = "log.genesis"
ROTATE = "key.rotate"
ADD = "key.add"
REVOKE = "key.revoke"
KINDS = (GENESIS, ROTATE, ADD, REVOKE)
PURPOSES = ("session", "approver", "witness", "role")
STATEMENT = "interlock/key/v1"


class Validity(NamedTuple):
    """A key of some purpose, valid for entries `start` <= index < `stop` (None: still valid)."""

    key: PublicKey
    purpose: str
    subject: str
    start: int
    stop: int | None


def statement(origin: str, serial: int, kind: str, key: str, about: str) -> bytes:
    """What is signed to make a key event: one line each, so that no two events share a text."""
    return f"{STATEMENT}\n{origin}\n{serial}\n{kind}\n{key}\n{about}\n".encode()


class KeyHistory:
    """The key events of one log, in order. Pure; raises `LedgerTampered` for an event that nobody entitled signed."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.serial = 0
        self._root: PublicKey | None = None
        self._checkpoint: list[tuple[int, PublicKey]] = []
        self._others: dict[str, list[Validity]] = {}

    @property
    def root(self) -> PublicKey:
        """The installation's root key."""
        if self._root is None:
            raise LedgerUnverifiable("the log has no genesis entry, so no key of it is known")
        return self._root

    @property
    def current(self) -> PublicKey:
        """The key that signs checkpoints now."""
        return self.checkpoint_key(None)

    @property
    def signers(self) -> list[tuple[int, PublicKey]]:
        """(first index, key) of every key that signed checkpoints."""
        return list(self._checkpoint)

    def checkpoint_key(self, size: int | None) -> PublicKey:
        """The key that signs the checkpoint of `size` entries (None: of all). The empty tree is signed by the first
        key.
        """
        if not self._checkpoint:
            raise LedgerUnverifiable("the log has no genesis entry, so no key of it is known")
        valid = [key for start, key in self._checkpoint if size is None or start < size]
        return valid[-1] if valid else self._checkpoint[0][1]

    def valid(self, vkey: str, index: int) -> Validity | None:
        """What makes `vkey` valid for entry `index`, or None when it is not."""
        spans = self._others.get(vkey, ())
        return next((v for v in spans if v.start <= index and (v.stop is None or index < v.stop)), None)

    def apply(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        """Take the key event that stands at `index`."""
        try:
            self._apply(index, kind, body)
        except (KeyError, TypeError, ValueError, LedgerUnverifiable) as error:
            raise LedgerTampered(f"entry {index} ({kind}) is not a well-formed key event: {error}") from error

    def _apply(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        if (kind == GENESIS) != (index == 0):
            raise LedgerTampered(f"entry {index} is {kind}; entry 0 is the genesis entry, and no other")
        key = PublicKey.parse(body["key"])
        if kind == GENESIS:
            if body["origin"] != self.origin:
                raise LedgerTampered(f"the genesis entry speaks of the log {body['origin']!r}, not {self.origin!r}")
            self._root = PublicKey.parse(body["root"])
        self._authorise(index, kind, body)
        if kind in {GENESIS, ROTATE}:
            self._checkpoint.append((index, key))
        elif kind == ADD:
            if self.valid(str(key), index):
                raise LedgerTampered(f"entry {index} adds a key that is valid already")
            added = Validity(key, body["purpose"], body["subject"], index, None)
            self._others.setdefault(str(key), []).append(added)
        else:
            span = self.valid(str(key), index)
            if span is None:
                raise LedgerTampered(f"entry {index} revokes a key that is not valid")
            self._others[str(key)][-1] = span._replace(stop=index)
        self.serial += 1

    def _authorise(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        by = PublicKey.parse(body["by"])
        entitled = {self.root} | ({self.current} if self._checkpoint else set())
        if by not in entitled:
            raise LedgerTampered(f"entry {index} ({kind}) is signed by {by}, which is not the root key nor in force")
        if body["serial"] != self.serial:
            raise LedgerTampered(f"entry {index} ({kind}) has serial {body['serial']}, expected {self.serial}")
        try:
            signature = base64.b64decode(body["signature"], validate=True)
        except binascii.Error as error:
            raise LedgerTampered(f"entry {index} ({kind}) has a signature that is not base64") from error
        by.verify(signature, statement(self.origin, self.serial, kind, body["key"], _about(kind, body)))

    def event(self, kind: str, key: PublicKey, by: Signer, **details: str) -> dict[str, Any]:
        """The body of the next key event, signed by `by`.

        `details`: for `key.add` its `purpose` and `subject`; `reason` where there is one. Raises `Refused` when `by`
        may not.
        """
        if kind not in KINDS:
            raise InternalError(f"{kind} is not a key event")
        if kind != GENESIS and PublicKey.of(by) not in {self.root, self.current}:
            raise Refused(f"{by.name} may not change keys: neither the root key nor the key in force")
        if kind == ADD and details.get("purpose") not in PURPOSES:
            raise InternalError(f"a key is added for one of {', '.join(PURPOSES)}")
        body: dict[str, Any] = {**details, "key": str(key), "by": str(PublicKey.of(by)), "serial": self.serial}
        if kind == GENESIS:
            body |= {"origin": self.origin, "root": str(PublicKey.of(by))}
        signature = by.sign(statement(self.origin, self.serial, kind, str(key), _about(kind, body)))
        return body | {"signature": base64.b64encode(signature).decode()}


def _about(kind: str, body: Mapping[str, Any]) -> str:
    """What else the signature covers."""
    if kind == ADD:
        purpose, subject = body["purpose"], body["subject"]
        if purpose not in PURPOSES or not isinstance(subject, str) or not subject.isprintable():
            raise ValueError("purpose and subject of a key must be named")
        return f"{purpose} {subject}"
    reason = body.get("reason", "")
    if not isinstance(reason, str) or not (reason.isprintable() or not reason):
        raise ValueError("the reason must be one line of text")
    return reason
