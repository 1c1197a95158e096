"""OpenID Connect, the parts that need no network: what a login asks for, and what an ID token must say to count.

The authorization code flow with PKCE (RFC 7636, S256), state and nonce (OpenID Connect Core 1.0, 3.1). PyJWT checks the
signature, with the provider's own keys and with public-key algorithms alone: a token that is signed with a shared
secret, or not at all, counts for nothing. It is imported when somebody signs in (extra `oidc`).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from interlock.model.errors import ConfigError, Refused

_KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}  # what kind of key each is made with
ALGORITHMS = tuple(_KINDS)
_SKEW_SECONDS = 60
_LONGEST = 16 << 10  # characters of an ID token
_KEYS = 64  # in a provider's set


class Provider(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 1.0), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False


class Flow(msgspec.Struct, frozen=True):
    """One login under way; the browser carries it. `until` is in seconds since the epoch."""

    state: str
    nonce: str
    verifier: str
    until: int


def discovered(document: Any, issuer: str) -> Provider:
    """The provider in a discovery document. Raises Refused: another issuer's, or addresses that are not safe."""
    try:
        found = msgspec.convert(document, Provider)
    except msgspec.ValidationError as error:
        raise Refused(f"{issuer} does not say where to sign in: {error}.") from error
    if found.issuer != issuer:
        raise Refused(f"what {issuer} publishes speaks for {found.issuer[:200]!r}.")
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        safe(address)
    return found


def safe(address: str) -> str:
    """An address that may be used: https, or http on this very machine. Raises ConfigError."""
    parts = urlsplit(address)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ConfigError(f"{address[:200]!r} is no https address: a sign-in over it could be read and changed.")
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise ConfigError(f"{address[:200]!r} is no address to sign in at.")
    return address


def authorization(provider: Provider, flow: Flow, *, client: str, back: str, scope: str) -> str:
    """Where the browser is sent. `back` is where it comes back to."""
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": back,
        "scope": scope,
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": _text(sha256(flow.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    return provider.authorization_endpoint + mark + urlencode(asked)


def code(provider: Provider, flow: Flow, answer: Mapping[str, str], now: float) -> str:
    """The code that the browser brought back. Raises Refused: another login, another provider, too late, or a no."""
    if not hmac.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
        raise Refused("this answer belongs to another sign-in. Begin again.")
    if now > flow.until:
        raise Refused("signing in took too long. Begin again.")
    issuer = answer.get("iss", "" if provider.authorization_response_iss_parameter_supported else provider.issuer)
    if issuer != provider.issuer:
        raise Refused("the answer comes from another provider than was asked (RFC 9207). Begin again.")
    if answer.get("error"):
        raise Refused(f"{provider.issuer} says no: {answer['error'][:100]}.")
    if not answer.get("code"):
        raise Refused("the provider sent no code. Begin again.")
    return answer["code"]


def exchange(flow: Flow, taken: str, *, client: str, back: str) -> dict[str, str]:
    """The form that turns the code into tokens."""
    return {
        "grant_type": "authorization_code",
        "code": taken,
        "redirect_uri": back,
        "client_id": client,
        "code_verifier": flow.verifier,
    }


def claims(token: Any, keys: Any, *, provider: Provider, client: str, nonce: str) -> Mapping[str, Any]:
    """What an ID token says, where it counts: signed by the provider, for us, in time, and for this login.

    Raises Refused, and ConfigError where the extra is not installed.
    """
    jwt = _library()
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise Refused("the provider sent no ID token.")
    try:
        head = jwt.get_unverified_header(token)
        key = _key(jwt, keys, head)
        said: Mapping[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[head["alg"]],
            audience=client,
            issuer=provider.issuer,
            leeway=_SKEW_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"the ID token does not count: {str(error)[:200] or type(error).__name__}.") from error
    party = said.get("azp", client if isinstance(said["aud"], str) or len(said["aud"]) == 1 else None)
    if party != client:
        raise Refused("the ID token was made for another program.")
    if not hmac.compare_digest(str(said.get("nonce", "")).encode(), nonce.encode()):
        raise Refused("the ID token was made for another sign-in.")
    return said


def subject(said: Mapping[str, Any], claim: str) -> str:
    """The claim by which people are known. Raises Refused; an e-mail address counts only where it was verified."""
    found = said.get(claim)
    if not isinstance(found, str) or not found:
        raise Refused(f"the ID token has no {claim!r}, by which people are known here.")
    if claim == "email" and said.get("email_verified") is not True:
        raise Refused("the provider has not verified that e-mail address.")
    return found


def groups(said: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The groups that a claim lists, none where it is not asked for or not there. Raises Refused for another form."""
    found = said.get(claim, []) if claim else []
    if isinstance(found, str) or not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refused(f"the ID token's {claim!r} is no list of groups.")
    return frozenset(found)


def _key(jwt: Any, keys: Any, head: Mapping[str, Any]) -> Any:
    algorithm = head.get("alg")
    if algorithm not in ALGORITHMS:
        raise Refused(f"the ID token is signed with {str(algorithm)[:20]!r}; taken are {', '.join(ALGORITHMS)}.")
    listed = keys.get("keys", ()) if isinstance(keys, dict) else ()
    own = [key for key in list(listed)[:_KEYS] if isinstance(key, dict)]
    fitting = [
        key
        for key in own
        if key.get("kty") == _KINDS[algorithm]
        and key.get("use", "sig") == "sig"
        and ("kid" not in head or key.get("kid") == head["kid"])
    ]
    if len(fitting) != 1:
        raise Refused("the ID token names no key of its provider.")
    return jwt.PyJWK(fitting[0], algorithm=algorithm)


def _library() -> Any:
    try:
        import jwt
    except ImportError as error:
        raise ConfigError("signing in by OpenID Connect needs PyJWT: pip install 'interlock[oidc]'.") from error
    return jwt


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
