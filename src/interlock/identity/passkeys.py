"""Passkeys (WebAuthn): registering one, and checking that one signed a challenge. py_webauthn does the cryptography.

The challenge of a decision is the SHA-256 of what is decided, computed by the server from what it stored itself: the
browser cannot change what the person's device signs. `webauthn` is imported when a passkey is used, not before.

A passkey is bound to a host name (its relying party), never to an IP address, and works on `https` pages or on
`http://localhost` alone: that is the browsers' rule (WebAuthn, section 5.1.3), repeated here so that a wrong origin is
refused before a person tries.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from interlock.identity.authenticator import PASSKEY, Authenticator
from interlock.model.errors import Refused

MAX_RESPONSE = 16 * 1024  # bytes of a browser's answer; one without attestation takes about 1 KiB
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_ORIGIN = re.compile(r"(https?)://([^/:]+)(:[0-9]{1,5})?")


class Asserted(NamedTuple):
    """What an assertion showed: the signature counter (0 where the device keeps none), and whether the device checked
    the person (PIN, fingerprint, face).
    """

    counter: int
    verified: bool


def challenge(statement: bytes) -> bytes:
    """The challenge for a decision: the digest of its canonical text."""
    return sha256(b"interlock/passkey-challenge/v1\n" + statement).digest()


def site(relying_party: str, origins: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The relying party and its origins. Raises Refused where no browser would use a passkey there."""
    if not _HOST.fullmatch(relying_party) or re.fullmatch(r"[0-9.]+", relying_party):
        raise Refused(f"{relying_party!r} cannot own a passkey: it needs a host name, such as localhost, never an IP.")
    for origin in origins:
        parts = _ORIGIN.fullmatch(origin)
        host = parts[2] if parts else ""
        if parts is None or (host != relying_party and not host.endswith(f".{relying_party}")):
            raise Refused(f"{origin!r} is no page of {relying_party}.")
        if parts[1] == "http" and host != "localhost" and not host.endswith(".localhost"):
            raise Refused(f"{origin!r}: passkeys need https, except on localhost.")
    if not origins:
        raise Refused("a passkey needs at least one origin, such as http://localhost:7777.")
    return relying_party, tuple(origins)


def registration_options(
    person: str,
    relying_party: str,
    nonce: bytes,
    known: Sequence[Authenticator] = (),
    *,
    found_alone: bool = False,
) -> dict[str, Any]:
    """What `navigator.credentials.create` is called with; `known` are the passkeys not to register twice.

    With `found_alone` it must be one that a browser finds by itself (discoverable): no other signs anybody in.
    """
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=relying_party,
        rp_name="Interlock",
        user_name=person,
        user_id=sha256(f"interlock/person/{person}".encode()).digest(),
        challenge=nonce,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED
            if found_alone
            else structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=_raw(a.id)) for a in known if a.kind == PASSKEY],
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def register(
    response: str, *, nonce: bytes, relying_party: str, origins: Sequence[str], label: str = ""
) -> Authenticator:
    """The authenticator in a browser's answer to `registration_options`. Raises Refused."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    rp, pages = site(relying_party, origins)
    try:
        made = webauthn.verify_registration_response(
            credential=_bounded(response),
            expected_challenge=nonce,
            expected_rp_id=rp,
            expected_origin=list(pages),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(f"the passkey was not registered: {_plain(error)}. Start the registration again.") from error
    if _text(made.credential_id) != credential_of(response):
        raise Refused("the passkey was not registered: it is named differently inside and outside.")
    return Authenticator(
        kind=PASSKEY,
        id=_text(made.credential_id),
        public=_text(made.credential_public_key),
        label="".join(c for c in label if c.isprintable())[:80],
        relying_party=rp,
        origins=pages,
        verified=made.user_verified,
    )


def assertion_options(relying_party: str, wanted: bytes, known: Sequence[Authenticator]) -> dict[str, Any]:
    """What `navigator.credentials.get` is called with, for one of the `known` passkeys."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=relying_party,
        challenge=wanted,
        allow_credentials=[
            structs.PublicKeyCredentialDescriptor(id=_raw(a.id))
            for a in known
            if a.kind == PASSKEY and a.relying_party == relying_party
        ],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def credential_of(response: str) -> str:
    """The credential id that a browser's answer names, not verified yet. Raises Refused."""
    try:
        value = json.loads(_bounded(response))
        return _text(_raw(value["id"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("this is no answer of a passkey.") from error


def verify(authenticator: Authenticator, response: str, *, wanted: bytes, count: int) -> Asserted:
    """What the passkey showed over the challenge `wanted`; `count` is its counter as it was last seen.

    Raises Refused: not this passkey, another challenge, page or counter, nobody verified.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    if credential_of(response) != authenticator.id:
        raise Refused("the answer comes from another passkey.")
    try:
        seen = webauthn.verify_authentication_response(
            credential=_bounded(response),
            expected_challenge=wanted,
            expected_rp_id=authenticator.relying_party,
            expected_origin=list(authenticator.origins),
            credential_public_key=_raw(authenticator.public),
            credential_current_sign_count=count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(f"the passkey's answer does not count: {_plain(error)}. Try again on the page.") from error
    return Asserted(seen.new_sign_count, seen.user_verified)


def _bounded(response: str) -> str:
    if len(response) > MAX_RESPONSE:
        raise Refused(f"the passkey's answer has {len(response)} bytes; none takes more than {MAX_RESPONSE}.")
    return response


def _plain(error: Exception) -> str:
    text = "".join(c for c in str(error) if c.isprintable()).rstrip(".")
    return text[:200] or type(error).__name__


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise Refused("a passkey's id is base64url.") from error
