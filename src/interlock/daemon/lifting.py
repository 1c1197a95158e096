"""Who lifts an order: one person, or two where it says so, at a terminal or by a signature made elsewhere.

What another person signs names this order of this log as it stands, with an SSH key (`ssh-keygen -Y sign`) or a passkey
(its challenge is the digest of the same text). Each vote is an entry, and holds its signature.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from interlock.approvals.needs import APPROVERS
from interlock.daemon.recorder import LedgerRecorder
from interlock.halt.book import VOTE, Book
from interlock.halt.order import Order, statement
from interlock.identity import passkeys
from interlock.identity.authenticator import PASSKEY, SSH
from interlock.identity.people import People, passkeys_of
from interlock.identity.proofs import Proof, message, prove
from interlock.identity.sshsig import HALT
from interlock.model.errors import Refused

UID = "uid"  # how somebody votes whom the kernel vouches for


class Voice(msgspec.Struct, frozen=True):
    """Somebody who wants an order lifted, and how that is known. `counter` is their passkey's, to be remembered."""

    name: str
    how: str = UID
    key: str = ""
    signature: str = ""
    counter: int | None = None

    def body(self) -> dict[str, str]:
        """As the entry of the vote holds it: a verifier checks the signature again."""
        proof = {"how": self.how, "key": self.key, "signature": self.signature}
        return {name: value for name, value in proof.items() if value}


class Lifting:
    """Counts who wants an order lifted. `counted` remembers the counter of a passkey that was used."""

    def __init__(
        self,
        book: Book,
        people: People,
        recorder: LedgerRecorder,
        counted: Callable[[str, int], Awaitable[None]],
    ) -> None:
        self._book = book
        self._people = people
        self._recorder = recorder
        self._counted = counted

    def statement(self, order: Order) -> bytes:
        """What another person signs who wants an order lifted: this one, of this log, as it stands now."""
        return statement(self._people.origin, order)

    def challenge(self, order: Order, name: str, relying_party: str) -> dict[str, Any]:
        """What a page asks this person's passkey to sign: the statement, and the browser's options for it."""
        said = self.statement(order)
        wanted = passkeys.challenge(message(HALT, said))
        options = passkeys.assertion_options(relying_party, wanted, passkeys_of(self._people.get(name)))
        return {"statement": said.decode(), "options": options}

    def signed(self, order: Order, signatures: list[str], answers: list[str]) -> list[Voice]:
        """Whose SSH signatures and passkeys' answers these are. Raises Refused for any that is nobody's here."""
        proofs = [Proof(SSH, one) for one in signatures] + [Proof(PASSKEY, one) for one in answers]
        found = []
        for proof in proofs:
            seen = prove(self._people, proof, self.statement(order), HALT)
            found.append(Voice(seen.person, proof.how, seen.key.id, proof.signature, seen.counter))
        return found

    async def vote(self, order: Order, voices: list[Voice]) -> Order:
        """Each of them wants it lifted: an entry, and once each. Returns the order with their votes."""
        for voice in voices:
            if voice.counter:
                await self._counted(voice.key, voice.counter)
            if voice.name not in order.votes:
                body = {"order": order.id, "by": voice.name, "epoch": self._book.epoch, "proof": voice.body()}
                await self._recorder.record(VOTE, body)
                order = self._book.vote(order.id, voice.name)
        return order

    def enough(self, order: Order, caller: str) -> tuple[list[str], int]:
        """Whose votes count, and how many it takes.

        Who was removed, or may not approve, does not count. Where nobody else could sign, one is enough.
        """
        owner = self._people.owner.name
        may = [one for one in self._people.all() if one.name == owner or APPROVERS & set(one.groups)]
        others = [one.name for one in may if one.authenticators and one.name != caller]
        counted = {*others, *(one.name for one in may if one.name == caller)}
        return [one for one in order.votes if one in counted], min(order.lifters, 1 + len(others))


def typed(order: Order, code: str) -> None:
    """Raises Refused unless this is the order's code."""
    if code.strip().lower() != order.code:
        raise Refused(
            f"order {order.id} takes more than a word to lift: type its code, to show that you read what it "
            f"says (interlock freezes; interlock lift {order.id} --code ________)."
        )
