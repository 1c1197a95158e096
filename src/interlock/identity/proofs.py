"""Whose hand is under a text: an SSH signature, or a passkey's answer, checked against the people who are known.

Both bind the text itself: an SSH signature through its namespace and hash, a passkey through its challenge, which is
recomputed here from the text. Nothing that the signer says of itself is believed.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from interlock.identity import passkeys, sshsig
from interlock.identity.authenticator import PASSKEY, SSH, Authenticator
from interlock.model.errors import Refused


class Proof(msgspec.Struct, frozen=True):
    """A signature as it arrives: `how` is "ssh" (armoured text) or "passkey" (the browser's answer, JSON)."""

    how: str
    signature: str


class Holder(Protocol):
    """A person, as far as a proof needs one."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def authenticators(self) -> tuple[Authenticator, ...]:
        """With what they sign."""


class Keyring(Protocol):
    """Who holds which key, and the counters of their passkeys."""

    def holder(self, key: str) -> Holder | None:
        """Whose authenticator has this id now."""

    def counter(self, key: str) -> int:
        """The passkey's counter as it was last seen."""


class AsThen:
    """The keys of people at an entry that is checked again. A passkey's own counter is an entry before the one that it
    was used for, so there is nothing to compare it with.
    """

    def __init__(self, people: Keyring) -> None:
        self._people = people

    def holder(self, key: str) -> Holder | None:
        """Whose authenticator had this id."""
        return self._people.holder(key)

    def counter(self, key: str) -> int:
        """None that was seen before."""
        del key
        return 0


class Proven(NamedTuple):
    """A proof that holds. `verified`: the device checked the person itself (PIN, fingerprint, face); `counter` is the
    passkey's new counter, None for SSH.
    """

    person: str
    key: Authenticator
    verified: bool
    counter: int | None


def message(namespace: str, statement: bytes) -> bytes:
    """What a passkey's challenge is made of: the purpose is bound as an SSH namespace would bind it."""
    return namespace.encode() + b"\n" + statement


def prove(known: Keyring, proof: Proof, statement: bytes, namespace: str) -> Proven:
    """Who signed `statement` for `namespace`. Raises Refused: nobody who is known, or not this text."""
    if proof.how == SSH:
        signed = sshsig.verify(proof.signature, statement, namespace)
        person, key = _held(known, signed.key.fingerprint, SSH)
        if key.public != signed.key.line:
            raise Refused("the signature's key is not the one that is known by this id.")
        return Proven(person, key, signed.verified, None)
    if proof.how == PASSKEY:
        person, key = _held(known, passkeys.credential_of(proof.signature), PASSKEY)
        wanted = passkeys.challenge(message(namespace, statement))
        seen = passkeys.verify(key, proof.signature, wanted=wanted, count=known.counter(key.id))
        return Proven(person, key, seen.verified, seen.counter)
    raise Refused(f"a signature is made with ssh or with a passkey, not with {proof.how[:20]!r}.")


def _held(known: Keyring, key: str, kind: str) -> tuple[str, Authenticator]:
    person = known.holder(key)
    found = next((a for a in person.authenticators if a.id == key and a.kind == kind), None) if person else None
    if person is None or found is None:
        raise Refused(
            f"nobody who is known here holds the key {key[:80]}: it was never added, or it was removed "
            "(interlock people list)."
        )
    return person.name, found
