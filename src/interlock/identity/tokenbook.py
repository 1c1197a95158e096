"""Which tokens were issued and which were revoked: a projection of `token.issue` and `token.revoke`. Pure.

A revocation names a token's id, or the digest of one link: then that narrowing ends, and everything made from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from interlock.identity.tokens import Link, Token
from interlock.model.errors import NotFound, Refused
from interlock.model.warrant import Warrant

ISSUE = "token.issue"
REVOKE = "token.revoke"
KINDS = (ISSUE, REVOKE)
_REMEMBERED = 20_000  # tokens; they live a day at most, and one that is forgotten is refused
_NONCES = 50_000  # proofs within their window


class Issued(msgspec.Struct):
    """A token as the ledger knows it."""

    id: str
    principal: str
    agent: str
    session: str
    expires: int
    epoch: int
    by: str
    entry: int
    revoked: str = ""


class TokenBook:
    """All tokens of one daemon."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, Issued] = OrderedDict()
        self._links: set[str] = set()

    def restore(self, entries: Iterable[tuple[int, str, dict[str, Any]]]) -> list[int]:
        """Take (index, kind, body) of `KINDS`, oldest first. Returns the entries that cannot be understood.

        A token whose issue cannot be read is not known, and so refused; a revocation that cannot be read may have been
        anybody's, so every token from before it ends.
        """
        strange: list[int] = []
        for index, kind, body in entries:
            try:
                self.apply(index, kind, body)
            except (KeyError, TypeError, ValueError):
                strange.append(index)
                if kind == REVOKE:
                    self._issued.clear()
        return strange

    def apply(self, index: int, kind: str, body: Mapping[str, Any]) -> None:
        """Take one entry."""
        if kind == ISSUE:
            fields = {name: body[name] for name in ("id", "agent", "session", "expires", "epoch", "by")}
            self._issued[str(body["id"])] = Issued(**fields, principal=body["person"], entry=index)
            while len(self._issued) > _REMEMBERED:
                self._issued.popitem(last=False)
        elif body.get("link"):
            self._links.add(str(body["link"]))
        elif (known := self._issued.get(str(body["id"]))) is not None:
            known.revoked = str(body.get("reason") or "revoked")

    def all(self) -> tuple[Issued, ...]:
        """Every token that is remembered, oldest first."""
        return tuple(self._issued.values())

    def live(self, now: float) -> tuple[Issued, ...]:
        """Those that are neither expired nor revoked."""
        return tuple(token for token in self._issued.values() if token.expires > now and not token.revoked)

    def find(self, start: str) -> Issued:
        """The one token whose id begins so. Raises NotFound."""
        found = [token for token in self._issued.values() if token.id.startswith(start)] if len(start) >= 4 else []
        if len(found) != 1:
            raise NotFound(
                f"{'no token' if not found else 'more than one token'} {start!r}. See `interlock token list`."
            )
        return found[0]

    def valid(self, warrant: Warrant) -> Issued:
        """The entry behind a verified token. Raises Refused when it was never issued here, or revoked."""
        known = self._issued.get(warrant.token)
        if known is None:
            raise Refused("this token is not in this ledger: it was issued by another installation, or long ago.")
        if known.revoked:
            raise Refused(f"the token was revoked: {known.revoked}. Ask the person who issued it.")
        if self._links & set(warrant.links):
            raise Refused("this narrowing of the token was revoked. Ask whoever narrowed it.")
        return known


class Replays:
    """Which proofs were used: each nonce counts once. What was signed before the daemon's start is never taken."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def use(self, link: str, nonce: str, at: float, now: float, window: float) -> None:
        """Spend a nonce. Raises Refused for one that was used, or may have been."""
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if (link, nonce) in self._seen:
            raise Refused("this proof was used already: each request needs one of its own.")
        if at < self._since:
            raise Refused("this proof was made before the daemon started. Ask again.")
        if len(self._seen) >= _NONCES:
            raise Refused("too many requests under tokens within a minute. Wait a little.")
        self._seen[link, nonce] = max(now, at) + window


def body(token: Token, by: str) -> dict[str, Any]:
    """What the entry of its issue says: the first link as it is. The token itself is handed out once and not kept."""
    first: Link = token.first
    fields: dict[str, Any] = msgspec.to_builtins(first)
    said = {name: value for name, value in fields.items() if name not in {"parent", "sub", "log", "principal"}}
    # `principal` of an entry is an agent with its session; this is the accountable person.
    return said | {"person": first.principal, "by": by}
