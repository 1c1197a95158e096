"""Which key was valid at which index, from the key events in the log itself, each of them checked."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerTampered, LedgerUnverifiable

EVENTS = frozenset({"log.genesis", "key.rotate", "key.add", "key.revoke"})


class Keys:
    """Fed with key events in order."""

    def __init__(self, pinned: Key | None) -> None:
        self.origin = ""
        self.root: Key | None = None
        self._pinned = pinned
        self._serial = 0
        self._signers: list[tuple[int, Key]] = []
        self._others: dict[str, bool] = {}

    @property
    def signers(self) -> list[tuple[int, Key]]:
        """(first index, key) of every key that signed checkpoints."""
        return list(self._signers)

    def at(self, size: int) -> Key:
        """The key that must have signed the checkpoint of `size` entries."""
        if not self._signers:
            raise LedgerUnverifiable("the log holds no genesis entry, so none of its signatures can be judged")
        found = self._signers[0][1]
        for start, key in self._signers:
            if start < size:
                found = key
        return found

    def event(self, index: int, kind: str, body: dict[str, Any]) -> None:
        """Take a key event; raises `LedgerTampered` when nobody entitled signed it."""
        what = f"entry {index} ({kind})"
        try:
            self._event(index, kind, body, what)
        except (KeyError, TypeError, AttributeError, binascii.Error, LedgerUnverifiable) as error:
            raise LedgerTampered(f"{what} is not a well-formed key event: {error}") from error
        if index == 0 and self._pinned not in {None, self.root, self._signers[0][1]}:
            raise LedgerUnverifiable(f"the log's root key is {self.root}, and you trust {self._pinned}")

    def _event(self, index: int, kind: str, body: dict[str, Any], what: str) -> None:
        if (kind == "log.genesis") != (index == 0):
            raise LedgerTampered(f"{what}: the genesis entry is entry 0 and no other")
        key, by = Key.parse(body["key"]), Key.parse(body["by"])
        if index == 0:
            self.origin, self.root = str(body["origin"]), Key.parse(body["root"])
        entitled = [self.root, *([self._signers[-1][1]] if self._signers else [])]
        if by not in entitled or body["serial"] != self._serial:
            raise LedgerTampered(f"{what} is not signed by a key that may change keys at that index")
        about = f"{body['purpose']} {body['subject']}" if kind == "key.add" else str(body.get("reason", ""))
        text = f"interlock/key/v1\n{self.origin}\n{self._serial}\n{kind}\n{body['key']}\n{about}\n"
        by.check(base64.b64decode(body["signature"], validate=True), text.encode(), what)
        self._serial += 1
        if kind in {"log.genesis", "key.rotate"}:
            self._signers.append((index, key))
        else:
            wanted = kind == "key.revoke"
            if self._others.get(str(key), False) != wanted:
                raise LedgerTampered(f"{what}: that key is {'not ' if wanted else ''}valid already")
            self._others[str(key)] = not wanted
