"""Capability tokens: what somebody may ask for whom, narrowed from hand to hand, checked offline with one public key.

A token is a chain of links. The first is signed by the installation's daemon key; each further one by the key that the
link before it names as its holder, so that a holder can narrow a token for somebody else without asking anybody:

    ilk1.<link>.<signature>.<link>.<signature>…          each part base64url without padding

A link is canonical JSON (one encoding for each value, no key twice). An action is inside of a token when it is inside
of every link's scope; a link can only expire earlier, start later and allow fewer further links than the one before.
Whoever presents a token proves that it is theirs: they sign the request, the time and a nonce with the last holder's
key (`prove`), so a token that is read on its way is of no use.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from interlock.ledger.entry import canonical
from interlock.ledger.note import PublicKey, Signer
from interlock.model.errors import AgentError, LedgerTampered, LedgerUnverifiable, Refused
from interlock.model.warrant import Permit, Warrant, check_scope

PREFIX = "ilk1"
MAX_TOKEN = 32 * 1024  # characters
MAX_LINK = 4 * 1024  # bytes; a scope of a few permits takes some hundred
MAX_LINKS = 5  # the first and four narrowings: a chain of agents is rarely deeper
MAX_SECONDS = 24 * 3_600
SKEW = 60  # seconds that two machines' clocks may differ
WINDOW = 60  # seconds for which a proof is of use
MICROS = 1_000_000  # of them in a second: in these a proof says its time
_SIGNED = "interlock/token/v1"
_PROOF = "interlock/token-proof/v1"
_ID = re.compile(r"[0-9a-f]{32}")
_WHO = re.compile(r"[A-Za-z0-9._@-]{0,128}")
_NONCE = re.compile(r"[0-9a-f]{32}")


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link. Times in whole seconds since the epoch; `holder` is base64 of an Ed25519 public key.

    The first link says whose token it is (`log`, `id`, `principal`, `agent`, `session`, `epoch`); the others name the
    link before them (`parent`), and perhaps the sub-agent that they are for (`sub`).
    """

    scope: tuple[Permit, ...]
    holder: str
    issued: int
    starts: int
    expires: int
    depth: int
    log: str = ""
    id: str = ""
    principal: str = ""
    agent: str = ""
    session: str = ""
    epoch: int = 0
    parent: str = ""
    sub: str = ""


class Token(msgspec.Struct, frozen=True):
    """A token taken apart, **not verified**: the links, the bytes that were signed, and the signatures."""

    links: tuple[Link, ...]
    raw: tuple[bytes, ...]
    signatures: tuple[bytes, ...]

    @property
    def first(self) -> Link:
        """The link that says whose token it is."""
        return self.links[0]

    @property
    def last(self) -> Link:
        """The link whose holder presents it."""
        return self.links[-1]

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of each link with everything before it."""
        return tuple(_digest(self.raw[: n + 1], self.signatures[: n + 1]) for n in range(len(self.raw)))

    @property
    def text(self) -> str:
        """The token as it is passed on."""
        parts = [part for pair in zip(self.raw, self.signatures, strict=True) for part in pair]
        return ".".join([PREFIX, *map(_b64, parts)])

    @property
    def warrant(self) -> Warrant:
        """What its last holder may ask for."""
        first = self.first
        scopes = tuple(link.scope for link in self.links)
        expires = min(link.expires for link in self.links)
        return Warrant(first.id, self.digests, first.principal, scopes, expires, first.epoch)


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The holder's word for one request: when (microseconds since the epoch), a nonce of 32 hex digits, a signature.

    Not in seconds: a proof from before the daemon's start is refused, and a second holds both. `signature` is base64.
    """

    at: int
    nonce: str
    signature: str


def issue(link: Link, signer: Signer) -> Token:
    """A new token. Raises AgentError for one that no verifier would take."""
    _check_first(link)
    _check_link(link)
    raw = _encode(link)
    return Token((link,), (raw,), (signer.sign(_covered(raw)),))


def attenuate(token: Token, link: Link, holder: Signer) -> Token:
    """The token narrowed by one link, signed by its holder. Raises AgentError where that would widen it."""
    made = msgspec.structs.replace(link, parent=token.digests[-1])
    _check_link(made)
    _check_narrower(token.last, made)
    if base64.b64encode(holder.public).decode() != token.last.holder:
        raise AgentError("this key is not the token's holder: only the holder can narrow a token.")
    raw = _encode(made)
    return Token((*token.links, made), (*token.raw, raw), (*token.signatures, holder.sign(_covered(raw))))


def parse(text: str) -> Token:
    """The token in a text, not verified. Raises AgentError: cut, changed, too large, or not in its one form."""
    if len(text) > MAX_TOKEN:
        raise AgentError(f"the token has {len(text)} characters; none has more than {MAX_TOKEN}.")
    head, *parts = text.strip().split(".")
    if head != PREFIX or not parts or len(parts) % 2:
        raise AgentError(f"this is no token, or not all of it: `{PREFIX}.` and pairs of link and signature.")
    if len(parts) // 2 > MAX_LINKS:
        raise AgentError(f"the token has {len(parts) // 2} links; at most {MAX_LINKS} are taken.")
    raw = tuple(_unb64(part) for part in parts[::2])
    signatures = tuple(_unb64(part) for part in parts[1::2])
    return Token(tuple(_decode(part) for part in raw), raw, signatures)


def verify(token: Token, root: PublicKey, now: float) -> Warrant:
    """What the token lets its holder ask for. Needs the daemon's public key alone; whether it was revoked since, only
    the ledger knows. Raises Refused with the reason.
    """
    key = root
    for place, link in enumerate(token.links):
        _signed(key, token, place)
        try:
            _check_link(link)
            if place == 0:
                _check_first(link)
            else:
                _check_chained(token, place)
        except AgentError as error:
            raise Refused(f"link {place} of the token: {error}") from error
        key = PublicKey("holder", base64.b64decode(link.holder))
    _timely(token, now)
    return token.warrant


def prove(token: Token, request: str, holder: Signer, at: int, nonce: str) -> Proof:
    """The holder's word for the request with this digest, `at` microseconds since the epoch."""
    signature = holder.sign(_presented(token, request, at, nonce))
    return Proof(at, nonce, base64.b64encode(signature).decode())


def check_proof(token: Token, proof: Proof, request: str, now: float) -> None:
    """Raises Refused unless the token's last holder signed this very request, just now. Replays are seen elsewhere."""
    if not _NONCE.fullmatch(proof.nonce):
        raise Refused("the proof's nonce is not 32 hex digits.")
    if not now - WINDOW <= proof.at / MICROS <= now + SKEW:
        raise Refused("the proof was made too long ago, or in the future. Check both clocks, and ask again.")
    try:
        signature = base64.b64decode(proof.signature, validate=True)
        key = PublicKey("holder", base64.b64decode(token.last.holder))
        key.verify(signature, _presented(token, request, proof.at, proof.nonce))
    except (binascii.Error, LedgerTampered) as error:
        raise Refused(
            "whoever presents this token does not hold its key: the proof is not the holder's over this request."
        ) from error


def request_digest(action: dict[str, Any]) -> str:
    """The digest that a proof binds: of the request as plain JSON data."""
    encoded = json.dumps(action, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return sha256(encoded).hexdigest()


def holder_text(signer: Signer) -> str:
    """A public key as a link names it."""
    return base64.b64encode(signer.public).decode()


def root_of(vkey: str) -> PublicKey:
    """The public key in a verifier key (`daemon.vkey`). Raises Refused."""
    try:
        return PublicKey.parse(vkey)
    except LedgerUnverifiable as error:
        raise Refused(str(error)) from error


def _signed(key: PublicKey, token: Token, place: int) -> None:
    try:
        key.verify(token.signatures[place], _covered(token.raw[place]))
    except LedgerTampered as error:
        who = "this log's daemon" if place == 0 else "the holder of the link before it"
        raise Refused(
            f"link {place} of the token is not signed by {who}: forged, changed, or for another log."
        ) from error


def _timely(token: Token, now: float) -> None:
    for link in token.links:
        if link.issued > now + SKEW:
            raise Refused("the token was issued in the future. Check both clocks.")
        if link.starts > now + SKEW:
            raise Refused("the token is not valid yet.")
        if link.expires <= now:
            raise Refused("the token has expired. Ask the person who issued it for another one.")


def _check_first(link: Link) -> None:
    if not link.log or not _ID.fullmatch(link.id) or not link.principal or not link.agent or link.parent or link.sub:
        raise AgentError(
            "the first link says the log, an id of 32 hex digits, the person and the agent, and no parent."
        )
    if link.epoch < 0:
        raise AgentError("an epoch is not negative.")
    if not all(_WHO.fullmatch(text) for text in (link.principal, link.agent, link.session)):
        raise AgentError("person, agent and session are plain names: letters, digits and `._@-`.")


def _check_link(link: Link) -> None:
    check_scope(link.scope)
    if not 0 <= link.depth < MAX_LINKS:
        raise AgentError(f"a token can be narrowed at most {MAX_LINKS - 1} times.")
    if not 0 <= link.issued < link.expires or link.starts >= link.expires or link.starts < 0:
        raise AgentError("a token starts before it expires.")
    if link.expires - link.issued > MAX_SECONDS:
        raise AgentError(f"a token lives at most {MAX_SECONDS // 3_600} hours.")
    try:
        if len(base64.b64decode(link.holder, validate=True)) != 32:
            raise AgentError("a holder is a public key of 32 bytes.")
    except binascii.Error as error:
        raise AgentError("a holder is the base64 of a public key.") from error
    if not _WHO.fullmatch(link.sub):
        raise AgentError("a sub-agent's name is letters, digits and `._@-`.")


def _check_chained(token: Token, place: int) -> None:
    link = token.links[place]
    if link.parent != token.digests[place - 1]:
        raise AgentError("it was made for another token, or stands at another place.")
    if link.log or link.id or link.principal or link.agent or link.session or link.epoch:
        raise AgentError("only the first link says whose token it is.")
    _check_narrower(token.links[place - 1], link)


def _check_narrower(above: Link, link: Link) -> None:
    if link.expires > above.expires or link.starts < above.starts:
        raise AgentError("a narrowed token never lives longer than the one it was made from.")
    if link.depth >= above.depth:
        raise AgentError("it cannot be narrowed any further: the depth that its issuer allowed is used up.")


def _covered(raw: bytes) -> bytes:
    return f"{_SIGNED}\n".encode() + raw


def _presented(token: Token, request: str, at: int, nonce: str) -> bytes:
    return f"{_PROOF}\n{token.digests[-1]}\n{request}\n{at}\n{nonce}\n".encode()


def _digest(raw: Sequence[bytes], signatures: Sequence[bytes]) -> str:
    whole = sha256()
    for link, signature in zip(raw, signatures, strict=True):
        whole.update(sha256(link).digest() + sha256(signature).digest())
    return whole.hexdigest()


def _encode(link: Link) -> bytes:
    fields = msgspec.to_builtins(link)
    raw = canonical({name: value for name, value in fields.items() if value != ""})
    if len(raw) > MAX_LINK:
        raise AgentError(f"the link would take {len(raw)} bytes; at most {MAX_LINK} are taken. Name fewer things.")
    return raw


def _decode(raw: bytes) -> Link:
    if len(raw) > MAX_LINK:
        raise AgentError(f"a link of the token has {len(raw)} bytes; none has more than {MAX_LINK}.")
    try:
        value = json.loads(raw, parse_float=_no_float, parse_constant=_no_float)
        if not isinstance(value, dict) or canonical(value) != raw:
            raise AgentError("a link of the token is not in its one form: a key twice, a space, another order.")
        return msgspec.convert(value, Link, strict=True)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise AgentError(f"a link of the token cannot be read: {str(error)[:200]}") from error


def _no_float(text: str) -> Any:
    raise ValueError(f"{text[:20]} is no whole number")


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(part: str) -> bytes:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise AgentError("a part of the token is not base64url: it was cut or changed on its way.") from error
    if _b64(raw) != part:
        raise AgentError("a part of the token is not in its one form.")
    return raw
