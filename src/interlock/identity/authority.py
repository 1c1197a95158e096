"""Who may change people: an administrator alone at first, two of them once there are two who can sign.

The statement that they sign speaks of one change at one place of one log, so a signature is of use once and nowhere
else. The entry carries the signatures, and whoever verifies the log offline checks them again (`checked`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.identity.authenticator import SSH
from interlock.identity.people import ADMINS, KEY_REMOVE, Change, Consent, People
from interlock.identity.proofs import Proof, prove
from interlock.identity.sshsig import PEOPLE
from interlock.model.errors import LedgerTampered, Refused

MAX_CONSENTS = 8
MAX_CONSENT_BYTES = 10_000  # of all signatures together: the entry has 16 KiB


def needed(people: People, at_least: int = 2) -> int:
    """How many administrators must agree to the next change; `at_least` so many where configuration asks for more."""
    return max(2, at_least) if people.guarded else 1


def consent(people: People, kind: str, change: Change, proof: Proof) -> tuple[Consent, int | None]:
    """The word of whoever made this signature, and the new counter of their passkey. Raises Refused."""
    found = prove(people, proof, people.statement(kind, change), PEOPLE)
    how: Any = SSH if proof.how == SSH else "passkey"
    return Consent(found.person, how, found.key.id, proof.signature), found.counter


def authorised(people: People, kind: str, change: Change, consents: Sequence[Consent], at_least: int = 2) -> None:
    """Raises Refused unless these people may make this change. The signatures are checked elsewhere."""
    names = [given.person for given in consents]
    if len(set(names)) != len(names):
        raise Refused(f"{', '.join(sorted({n for n in names if names.count(n) > 1}))} agreed twice; that counts once.")
    own = kind == KEY_REMOVE and names == [change.name]
    if own:
        return  # one's own key may always be taken out of use, alone and at once
    if change.owner and people.serial == 0 and names == [people.owner.name]:
        return
    for name in names:
        if not people.get(name).within(ADMINS):
            raise Refused(f"{name} is not in the group {ADMINS}, so their word does not count here.")
    if len(names) < needed(people, at_least):
        others = ", ".join(p.name for p in people.signing_admins() if p.name not in names) or "nobody yet"
        wanted = needed(people, at_least)
        raise Refused(
            f"people are changed by {wanted} administrators together, and {len(names)} agreed. Ask one of: {others}. "
            "They sign the statement (interlock people sign), and you pass it on with --signature."
        )


def event(people: People, kind: str, change: Change, consents: Sequence[Consent], at_least: int = 2) -> dict[str, Any]:
    """The body of the entry. Raises Refused or NotFound when it may not be written."""
    if len(consents) > MAX_CONSENTS or sum(len(c.signature) for c in consents) > MAX_CONSENT_BYTES:
        raise Refused(f"at most {MAX_CONSENTS} signatures of {MAX_CONSENT_BYTES} bytes together fit into an entry.")
    people.possible(kind, change)
    authorised(people, kind, change, consents, at_least)
    body = {
        "change": msgspec.to_builtins(change),
        "serial": people.serial,
        "by": [msgspec.to_builtins(given) for given in consents],
    }
    return body if people.guarded else {**body, "alone": True}


def checked(people: People, index: int, kind: str, body: Mapping[str, Any]) -> None:
    """What an offline verifier asks of an entry before it is applied. Raises LedgerTampered.

    A consent by uid is the daemon's word (its kernel knew the caller); only the owner's uid ever reaches it.
    """
    try:
        change = msgspec.convert(body["change"], Change)
        consents = msgspec.convert(body["by"], list[Consent])
        for given in consents:
            _genuine(people, given, people.statement(kind, change))
        authorised(people, kind, change, consents)
    except (KeyError, TypeError, ValueError, Refused) as error:
        raise LedgerTampered(f"entry {index} ({kind}) was not permitted by those it names: {error}") from error


def _genuine(people: People, given: Consent, statement: bytes) -> None:
    if given.how == "uid":
        if given.person != people.owner.name:
            raise Refused(f"{given.person} is not the user whose daemon it is")
        return
    found = prove(people, Proof(given.how, given.signature), statement, PEOPLE)
    if (found.person, found.key.id) != (given.person, given.key):
        raise Refused(f"the signature is {found.person}'s, not {given.person}'s")
