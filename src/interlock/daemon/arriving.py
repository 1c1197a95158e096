"""The ways in from another machine: a passkey, or a provider of identities. Each ends in an `Owner`, or in a refusal.

Nothing is remembered of a login under way: the browser carries it, under a code of this daemon's that nobody else can
make. Only what was used is kept, until it would be over anyway.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import msgspec

from interlock.broker.config import Oidc, Remote
from interlock.daemon.fetching import fetched
from interlock.identity import oidc, passkeys
from interlock.identity.people import People
from interlock.identity.proofs import Proof, message, prove
from interlock.ledger.entry import canonical
from interlock.model.errors import Refused
from interlock.panel.seats import Owner

PURPOSE = "interlock-login@v1"  # what a passkey signs to sign in is of no use for anything else
_SECONDS = 300  # for a login, from its first page to its end
_KNOWN_SECONDS = 600.0  # for which a provider's addresses are believed

Counted = Callable[[str, int], Awaitable[None]]
There = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


class Arrivals:
    """For one site. `counted` records a passkey's use, in the daemon's loop; `secret` is the provider's for us."""

    def __init__(
        self,
        settings: Remote,
        address: str,
        people: People,
        *,
        now: Callable[[], float],
        counted: Counted,
        there: There,
        secret: str = "",
    ) -> None:
        self._settings = settings
        self._back = f"{address}login/oidc/back"
        self._people = people
        self._now = now
        self._counted = counted
        self._there = there
        self._secret = secret
        self._key = secrets.token_bytes(32)
        self._used: dict[str, float] = {}
        self._provider: tuple[oidc.Provider, float] | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """By what people sign in here."""
        by_provider = ("oidc",) if self._settings.oidc is not None else ()
        return (*(("passkey",) if self._settings.passkeys else ()), *by_provider)

    # --- a passkey

    def passkey_begin(self) -> dict[str, Any]:
        """What a browser asks its passkeys to sign; any that was made for this host name."""
        said = {"schema": "interlock/login/v1", "log": self._people.origin, "site": self._settings.name,
                "nonce": secrets.token_hex(16), "until": int(self._now()) + _SECONDS}  # fmt: skip
        statement = canonical(said).decode()
        wanted = passkeys.challenge(message(PURPOSE, statement.encode()))
        options = passkeys.assertion_options(self._settings.name, wanted, ())
        return {"statement": self._sealed(statement), "options": options}

    async def passkey_owner(self, sealed: str, response: str) -> Owner:
        """Whose passkey signed it. Raises Refused."""
        if not self._settings.passkeys:
            raise Refused("nobody signs in with a passkey here.")
        statement = self._opened(sealed)
        self._in_time(statement, msgspec.json.decode(statement)["until"])
        self._use(statement)
        found: Owner = await self._there(self._proven(statement, response))
        return found

    async def _proven(self, statement: str, response: str) -> Owner:
        if self._people.holder(passkeys.credential_of(response)) is None:
            raise Refused(
                "this passkey is nobody's here: it was never accepted, or it or its person was removed. Ask whoever "
                "runs this Interlock; `interlock people invite YOUR-NAME` makes a link for a new one."
            )
        proven = prove(self._people, Proof("passkey", response), statement.encode(), PURPOSE)
        if proven.key.relying_party != self._settings.name:
            raise Refused(
                f"that passkey is for {proven.key.relying_party}, not for {self._settings.name}. Take the one that was "
                "made here."
            )
        if proven.counter:
            await self._counted(proven.key.id, proven.counter)
        return Owner(proven.person, -1, means="passkey", key=proven.key.id)

    # --- a provider

    async def oidc_begin(self) -> tuple[str, str]:
        """Where the browser is sent, and what it keeps until it comes back. Raises Refused, OperatorError."""
        provider, settings = await self._known(), self._oidc()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        flow = oidc.Flow(state, nonce, verifier, int(self._now()) + _SECONDS)
        scope = " ".join(("openid", *(("email",) if settings.claim == "email" else ()), *settings.scopes))
        asked = oidc.authorization(provider, flow, client=settings.client_id, back=self._back, scope=scope)
        return asked, self._sealed(msgspec.json.encode(flow).decode())

    async def oidc_owner(self, kept: str, answer: Mapping[str, str]) -> Owner:
        """Who came back. Raises Refused, OperatorError."""
        provider, settings = await self._known(), self._oidc()
        text = self._opened(kept)
        flow = msgspec.json.decode(text, type=oidc.Flow)
        code = oidc.code(provider, flow, answer, self._now())
        self._in_time(text, flow.until)
        self._use(text)  # before the provider is asked: an answer is tried once
        form = oidc.exchange(flow, code, client=settings.client_id, back=self._back)
        tokens = await asyncio.to_thread(fetched, provider.token_endpoint, form, self._basic(settings.client_id))
        keys = await asyncio.to_thread(fetched, provider.jwks_uri)
        token = tokens.get("id_token") if isinstance(tokens, dict) else None
        said = oidc.claims(token, keys, provider=provider, client=settings.client_id, nonce=flow.nonce)
        return self.mapped(oidc.subject(said, settings.claim), oidc.groups(said, settings.groups))

    def mapped(self, subject: str, groups: frozenset[str]) -> Owner:
        """Who that is here, by name or by group. Raises Refused for nobody."""
        settings = self._oidc()
        if settings.required_groups and groups.isdisjoint(settings.required_groups):
            raise Refused(
                "the provider vouches for somebody who is in none of the groups that sign in here "
                "([panel.remote.oidc] required_groups). Ask who runs the provider to add you to one."
            )
        if subject in settings.readers:
            return Owner(subject, -1, "reader", means="oidc")
        name = settings.people.get(subject)
        if name is None and not groups.isdisjoint(settings.reader_groups):
            return Owner(subject, -1, "reader", means="oidc")
        if name is None or self._people.find(name) is None:
            raise Refused(
                "the provider vouches for somebody who is nobody here ([panel.remote.oidc] people, readers). Ask "
                "whoever runs this Interlock to name you there."
            )
        return Owner(name, -1, means="oidc")

    async def _known(self) -> oidc.Provider:
        if self._provider is not None and self._provider[1] > self._now():
            return self._provider[0]
        issuer = self._oidc().issuer
        document = await asyncio.to_thread(fetched, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        found = oidc.discovered(document, issuer)
        self._provider = (found, self._now() + _KNOWN_SECONDS)
        return found

    def _oidc(self) -> Oidc:
        if self._settings.oidc is None:
            raise Refused("nobody signs in by a provider here.")
        return self._settings.oidc

    def _basic(self, client: str) -> dict[str, str]:
        if not self._secret:
            return {}
        pair = base64.b64encode(f"{client}:{self._secret}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    # --- what the browser carries

    def _sealed(self, text: str) -> str:
        return f"{base64.urlsafe_b64encode(text.encode()).decode()}.{self._mac(text)}"

    def _opened(self, sealed: str) -> str:
        packed, _, mac = sealed.partition(".")
        try:
            text = base64.urlsafe_b64decode(packed.encode("ascii")).decode()
        except ValueError as error:
            raise Refused("this sign-in was not begun here. Begin again.") from error
        if not hmac.compare_digest(mac.encode(), self._mac(text).encode()):
            raise Refused("this sign-in was not begun here. Begin again.")
        return text

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _in_time(self, text: str, until: float) -> None:
        if self._now() > until:
            raise Refused("signing in took too long. Begin again.")
        if text in self._used:
            raise Refused("this sign-in was used already. Begin again.")

    def _use(self, text: str) -> None:
        now = self._now()
        self._used = {one: until for one, until in self._used.items() if until > now} | {text: now + _SECONDS}
