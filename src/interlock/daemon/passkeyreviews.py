"""Reviews of changes that people sign with a passkey, in the panel: what is signed, and what was.

The daemon writes the text itself, from the verdict that the gate's key has signed: the browser only signs it. A text is
signed once, within five minutes after it was asked for; what was captured on its way is of no use a second time.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from interlock.broker.clock import Clock
from interlock.broker.records import clean
from interlock.changes import passkeyreview
from interlock.changes.passkeyreview import FIELD, MAX_RESPONSE, MAX_TEXT
from interlock.changes.provenance import review
from interlock.changes.provenance.gitread import Repo
from interlock.changes.provenance.journal import named
from interlock.changes.signedreview import Shown, Statement
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, text
from interlock.daemon.reviews import ReviewDesk
from interlock.daemon.server import Peer
from interlock.daemon.tracking import Tracker
from interlock.daemon.verdicts import VerdictsDesk
from interlock.identity import passkeys
from interlock.identity.authenticator import Authenticator
from interlock.identity.people import People, passkeys_of
from interlock.identity.proofs import Proof, message, prove
from interlock.identity.sshsig import REVIEW
from interlock.model.errors import AgentError, NotFound, Refused

_SECONDS = 300.0  # until a text that was asked for has to be signed
_ASKED = 100  # at once
_COUNTS = timedelta(days=30)  # as `interlock review --days` has it

Count = Callable[[str, int], Awaitable[None]]


class _Asked(NamedTuple):
    """A text that somebody was asked to sign: who, of a change in which repository, and until when."""

    person: str
    repository: str  # as entries name it
    says: Statement
    until: float


class PasskeyReviewDesk:
    """Asks for signatures, and takes them. `count` makes the use of a passkey durable."""

    def __init__(
        self, reviews: ReviewDesk, verdicts: VerdictsDesk, tracker: Tracker, *, people: People, callers: Callers,
        clock: Clock, count: Count,
    ) -> None:  # fmt: skip
        self._reviews = reviews
        self._verdicts = verdicts
        self._tracker = tracker
        self._people = people
        self._callers = callers
        self._clock = clock
        self._count = count
        self._waiting: dict[str, _Asked] = {}  # by the text that is to be signed

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"review.challenge": self._challenge, "review.passkey": self._passkey}

    async def _challenge(self, params: dict[str, Any], peer: Peer) -> Any:
        """What a person's passkey is asked to sign: the review, whole, and the browser's options for it."""
        self._callers.person(peer)
        person = self._people.get(text(params, "reviewer"))
        role, says = text(params, "role"), text(params, "says")
        because = " ".join(clean(text(params, "because", "")).split())[: review.BECAUSE]
        if role not in review.ROLES or says not in review.SAYS:
            raise AgentError("a review is of a critic or a tester, and says ok or no.")
        if says == "no" and not because:
            raise Refused("say what is wrong with the change: whoever mends it reads that.")
        site = text(params, "relying_party")
        keys = [key for key in passkeys_of(person) if key.relying_party == site]
        if not keys:
            raise Refused(f"{person.name} has no passkey for {site}. The panel's People screen adds one.")
        body, report = await self._verdicts.judged(integer(params, "id"))
        trees, digest = report["trees"], body["report"]["digest"].removeprefix("sha256:")
        shown = Shown(trees["head"], report["fork"], trees["fork"], digest, secrets.token_hex(16))
        now = self._clock.now()
        day = datetime.fromtimestamp(now, UTC)
        at, until = day.strftime("%Y-%m-%dT%H:%M:%SZ"), (day + _COUNTS).date().isoformat()
        statement = Statement(report["head"], role, says, at, until, because, shown)
        lines = statement.text()
        options = passkeys.assertion_options(site, _wanted(lines), keys)
        self._waiting = {name: one for name, one in self._waiting.items() if one.until > now}
        if len(self._waiting) >= _ASKED:
            raise Refused("too many reviews are being signed at once. Wait five minutes.")
        self._waiting[lines] = _Asked(person.name, body["repository"], statement, now + _SECONDS)
        return {"statement": lines, "options": options}

    async def _passkey(self, params: dict[str, Any], peer: Peer) -> Any:
        """A review that a passkey signed. Raises Refused: by nobody, another text, too late, or a second time."""
        self._callers.person(peer)
        lines, response = text(params, "statement"), text(params, "response")
        if len(response) > MAX_RESPONSE or len(lines.encode("utf-8", "surrogatepass")) > MAX_TEXT:
            raise Refused(f"a review has at most {MAX_TEXT} bytes, and a passkey's answer {MAX_RESPONSE}.")
        asked = self._waiting.get(lines)
        if asked is None or asked.until <= self._clock.now():
            raise Refused("nobody is asked to sign this review, or it was signed already. Begin again on its page.")
        proven = prove(self._people, Proof("passkey", response), lines.encode(), REVIEW)
        if proven.person != asked.person:
            raise Refused(f"{asked.person} was asked to sign this review, and {proven.person} did.")
        repo = await self._repository(asked.repository, asked.says.commit)
        if self._waiting.pop(lines, None) is None:  # another call was quicker
            raise Refused("this review was signed already.")
        if proven.counter:
            await self._count(proven.key.id, proven.counter)
        return await self._record(repo, asked, lines, response, proven.key)

    async def _record(self, repo: Repo, asked: _Asked, lines: str, response: str, key: Authenticator) -> dict[str, Any]:
        said = asked.says
        predicate = review.predicate(
            said.role, said.says, said.because, {"person": asked.person}, runs=[], made=self._clock.stamp()
        )
        predicate[FIELD] = passkeyreview.evidence(lines, response, key)
        return await self._reviews.record(repo, said.commit, predicate, {"text": lines, "response": response})

    async def _repository(self, common: str, commit: str) -> Repo:
        """Where a change lies. Raises NotFound where it is gone, or another repository stands there."""
        place = os.path.dirname(common) if os.path.basename(common) == ".git" else common
        repo = await self._tracker.find(os.path.realpath(place)) if common else None
        if repo is None or named(repo.common) != common:
            raise NotFound("the repository of this change is not on this machine any more.")
        await asyncio.to_thread(repo.commit, commit)
        return repo


def _wanted(lines: str) -> bytes:
    return passkeys.challenge(message(REVIEW, lines.encode()))
