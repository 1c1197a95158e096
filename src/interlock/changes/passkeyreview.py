"""A person's review in the panel, signed by their passkey: the evidence that a ledger keeps, and its checks. Pure.

What is signed is the text of `signedreview` with all its digests, through the WebAuthn challenge, which is computed
from it anew wherever the review is read. The daemon's bundle of the review (`interlock attest --reviews`) carries text
and answer under `signed` in its predicate, with the passkey as the daemon knew it:

    signed  {"text": the lines, "response": the browser's answer, "key": {"id", "public", "relying_party", "origins"}}

Where the base names the passkey (`[[reviewer]]`), text and answer are all that is believed: a bundle of any log, or of
none, will do. Elsewhere the log has to be one that the base names, and it says whose passkey it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec

from interlock.changes.chain import Word
from interlock.changes.config import Passkey, Reviewer
from interlock.changes.signedreview import About, Statement, counted, parse
from interlock.identity import passkeys
from interlock.identity.authenticator import PASSKEY, Authenticator
from interlock.identity.proofs import message
from interlock.identity.sshsig import REVIEW
from interlock.model.errors import Refused

FIELD = "signed"  # of a review's predicate
MAX_TEXT, MAX_RESPONSE = 6 * 1024, 4 * 1024  # bytes: both stand in one entry, which has 16 KiB


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The evidence. `key` is the passkey as the daemon knew it; who believes no daemon takes another's word for it."""

    text: str
    response: str
    key: Passkey


def evidence(text: str, response: str, key: Authenticator) -> dict[str, Any]:
    """What a review's predicate holds under `FIELD`."""
    plain: dict[str, Any] = msgspec.to_builtins(Signed(text, response, _bare(key)))
    return plain


def inside(line: bytes) -> Signed | None:
    """The evidence in a line of a note, whoever made it: nothing of it is verified. None where there is none."""
    try:
        payload = json.loads(line)["envelope"]["payload"]
        return found(json.loads(base64.b64decode(payload, validate=True))["predicate"])
    except (ValueError, KeyError, TypeError, RecursionError, Refused):
        return None


def found(predicate: Mapping[str, Any]) -> Signed | None:
    """The evidence in what a review says; None where no passkey signed it. Raises Refused for what is none."""
    if FIELD not in predicate:
        return None
    try:
        return msgspec.convert(predicate[FIELD], Signed)
    except msgspec.ValidationError as error:
        raise Refused(f"the review's evidence is none: {error}.") from error


def proved(signed: Signed, key: Passkey) -> Statement:
    """What this passkey signed. Raises Refused: not this key, another text, page, purpose, or nobody was verified.

    Its counter was compared when it was recorded, with those before it; here there is nothing to compare it with.
    """
    holder = Authenticator(
        kind=PASSKEY, id=key.id, public=key.public, relying_party=key.relying_party, origins=key.origins
    )
    wanted = passkeys.challenge(message(REVIEW, signed.text.encode("utf-8", "surrogatepass")))
    passkeys.verify(holder, signed.response, wanted=wanted, count=0)
    statement = parse(signed.text)
    if statement.shown is None:
        raise Refused("the review names no trees: what a passkey signs is bound to both sides of a change.")
    return statement


def reviewer(signed: Signed, reviewers: Iterable[Reviewer]) -> Reviewer | None:
    """Whose passkey it says it is, by the base; None for one that the base does not name."""
    name = passkeys.credential_of(signed.response)
    return next((one for one in reviewers if one.passkey is not None and one.passkey.id == name), None)


def check(signed: Signed, who: Reviewer, about: About, today: str, gone: Container[str] = ()) -> Word:
    """What `who` said of `about` with their passkey. Raises as `signedreview.check` does."""
    if who.passkey is None:
        raise Refused(f"{who.name} has no passkey here.")
    return counted(proved(signed, who.passkey), who, who.passkey.id, about, today, gone)


def recorded(signed: Signed, predicate: Mapping[str, Any], about: About, today: str, gone: Container[str]) -> Word:
    """The same where a believed log says whose passkey it was. Raises as `signedreview.check` does."""
    by = predicate["by"]
    if set(by) != {"person"}:
        raise Refused("an agent's session holds no passkey.")
    word = check(signed, Reviewer(name=str(by["person"]), passkey=signed.key), about, today, gone)
    if (word.role, word.says) != (predicate["role"], predicate["says"]):
        raise Refused(f"the log says something else than what {word.hand.person} signed.")
    return word


def _bare(key: Authenticator) -> Passkey:
    return Passkey(id=key.id, public=key.public, relying_party=key.relying_party, origins=key.origins)
