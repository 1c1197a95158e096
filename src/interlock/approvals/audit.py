"""What an offline verifier asks of a log about people's decisions. Pure: entries in, findings out.

Is each decision about the request as it was asked, and about the card that was shown? Did the one whom it names sign
it, with a key that was theirs at that entry? May they decide, and were there as many as it takes? All of it is
recomputed from the entries, by the same functions that the daemon decides with; nothing that an entry says of itself is
believed.

A word at a terminal has no signature: the kernel told the daemon who it was, and the daemon's word is all there is. It
can be given by nobody who has no user of their own here. One in the panel has none either, and names the entry with
which its session began: of that person, one that may decide, under the same daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from interlock.approvals import decision as decisions
from interlock.approvals.deciding import BATCH
from interlock.approvals.decision import Decision
from interlock.approvals.machine import State
from interlock.approvals.memory import DECIDED, KINDS, Memory
from interlock.approvals.needs import admit, enough
from interlock.approvals.request import Request, Vote
from interlock.identity.authenticator import Authenticator
from interlock.identity.people import ADMINS, People, Person
from interlock.identity.proofs import AsThen, Proof, prove
from interlock.identity.sshsig import DECISION
from interlock.model.errors import InterlockError, LedgerPolicyFailed, LedgerTampered, NotFound, Refused
from interlock.model.given import UNSIGNED

_YES = frozenset({State.PARTIAL, State.APPROVED})


class _Judged(msgspec.Struct, frozen=True):
    """A decision whose text and signature hold: what it says, and with what it was given."""

    said: Decision
    how: str
    key: Authenticator | None
    strong: bool


class _Login(NamedTuple):
    """A session of the panel: whose, and whether they signed in from another machine, with more than a link."""

    person: str
    afar: bool


class Decisions:
    """Fed with every entry in order, after `people` took it. `checked` counts decisions, `signed` those with a key."""

    def __init__(self, people: Callable[[], People | None]) -> None:
        self.checked = 0
        self.signed = 0
        self._known = people
        self._origin = ""
        self._epoch = 0
        self._memory = Memory()
        self._batches: dict[int, _Judged] = {}
        self._logins: dict[int, _Login] = {}  # sessions of the panel that may decide, by their entry
        self._late: set[int] = set()
        self._failed: list[tuple[int, InterlockError]] = []

    def hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        """The next entry. What is about one that has not this version's form is judged nowhere else either."""
        if kind == "log.genesis":
            self._origin = str(body.get("origin", ""))
        elif kind.startswith("halt."):
            self._epoch = max(self._epoch, body["epoch"] if isinstance(body.get("epoch"), int) else 0)
        elif kind == "daemon.start":
            self._logins.clear()  # sessions are kept in memory alone
        elif kind == "panel.login" and body.get("role") == "person":
            login = _Login(str(body.get("person")), body.get("by", "link") != "link")
            if login.afar or body.get("process"):
                self._logins[index] = login
        elif kind == "log.late":
            first, count = body.get("first"), body.get("count")
            if isinstance(first, int) and isinstance(count, int):
                self._late.update(range(first, first + count))
        elif kind in {BATCH, DECIDED}:
            try:
                self._hear(index, kind, time, body)
            except (LedgerTampered, LedgerPolicyFailed) as error:
                self._failed.append((index, error))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self._failed.append((index, LedgerTampered(f"entry {index} ({kind}) is not well formed: {error!r}")))
        if kind in KINDS:
            self._memory.restore([(index, kind, dict(body))])

    def judge(self) -> None:
        """Raises LedgerTampered for a decision that is forged, LedgerPolicyFailed for one that did not count."""
        for index, error in self._failed:
            if index not in self._late:  # refused by the disk at the time, and held after all: nothing came of it
                raise error

    def _hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        if kind == BATCH:
            self._batches[index] = self._genuine(index, time, body)
            return
        if "batch" in body:
            judged = self._batches.get(body["batch"])
            if judged is None or judged.said.root != body.get("root"):
                raise LedgerTampered(f"entry {index} is a decision of a batch that no entry before it holds")
        else:
            judged = self._genuine(index, time, body)
        if all(item.request != body["request"] for item in judged.said.items):
            raise LedgerTampered(
                f"entry {index} decides on request {body['request']}, which its decision does not name"
            )
        self._counted(index, self._memory.get(body["request"]), judged, body["change"])
        self.checked += 1
        self.signed += judged.key is not None

    def _people(self, name: str) -> People:
        """Who was known then. Before any entry says so, the one person is whoever the daemon is for."""
        return self._known() or People(self._origin, Person(name, uid=0, groups=(ADMINS,)))

    def _genuine(self, index: int, time: str, body: Mapping[str, Any]) -> _Judged:
        """The decision in an entry. Raises LedgerTampered: not about what was asked, or not by the one it names."""
        try:
            return self._given(time, body["decision"], body["proof"])
        except (Refused, NotFound, KeyError, TypeError, ValueError) as error:
            raise LedgerTampered(f"entry {index} holds a decision that nobody gave: {error}") from error

    def _given(self, time: str, decision: Mapping[str, Any], proof: Mapping[str, Any]) -> _Judged:
        said = msgspec.convert(decision, Decision)
        requests = [self._memory.get(item.request) for item in said.items]
        people = self._people(said.approver)
        if "login" in proof and proof["login"] not in self._logins:
            raise Refused(f"entry {proof['login']!r} begins no session of the panel in which anybody could decide")
        if proof["how"] in UNSIGNED:
            decisions.about(said, requests, log=self._origin, epoch=self._epoch)
            person = people.find(said.approver)
            login = self._logins[proof["login"]] if proof["how"] == "panel" else _Login(said.approver, afar=False)
            if login.person != said.approver:
                raise Refused(f"the session of the panel is not {said.approver}'s")
            if person is None or (person.uid is None and not login.afar):
                raise Refused(f"{said.approver} has no user here, and so no word at a terminal")
            if login.afar and proof["typed"]:
                raise Refused("what is typed on another machine makes no yes a strong one")
            return _Judged(said, proof["how"], None, proof["typed"] is True)
        now = datetime.fromisoformat(time).timestamp()
        decisions.check(said, requests, log=self._origin, epoch=self._epoch, now=now)
        proven = prove(AsThen(people), msgspec.convert(proof, Proof), said.text(), DECISION)
        if proven.person != said.approver:
            raise Refused(f"it speaks for {said.approver}, and {proven.person} signed it")
        return _Judged(said, proven.key.kind, proven.key, strong=True)

    def _counted(self, index: int, request: Request, judged: _Judged, change: Mapping[str, Any]) -> None:
        """What the entry makes of the decision. Raises LedgerPolicyFailed where that is more than was said."""
        after, name = State(change["state"]), judged.said.approver
        if change.get("decided_how", judged.how) != judged.how:
            raise LedgerPolicyFailed(f"entry {index} says that {name} decided in another way than they did")
        if change.get("decided_by") != name or (after in _YES) != (judged.said.verdict == "approve"):
            raise LedgerPolicyFailed(f"entry {index} makes {after.value} of what {name} said: {judged.said.verdict}")
        if after not in _YES:
            return
        votes = msgspec.convert(change["votes"], tuple[Vote, ...])
        self._added(index, request, judged, votes)
        people = self._people(name)
        try:
            admit(request, votes[-1], people)
        except Refused as error:
            raise LedgerPolicyFailed(f"entry {index} counts a yes that did not count: {error}") from error
        if enough(msgspec.structs.replace(request, votes=votes), people) != (after is State.APPROVED):
            raise LedgerPolicyFailed(
                f"entry {index} calls request {request.id} {after.value}; the yeses that counted then say otherwise"
            )

    def _added(self, index: int, request: Request, judged: _Judged, votes: Sequence[Vote]) -> None:
        """The one vote that a yes adds is the one that was given."""
        given = votes[-1] if votes else None
        key = judged.key.id if judged.key is not None else ""
        same = given is not None and (given.name, given.how, given.key, given.strong) == (
            judged.said.approver, judged.how, key, judged.strong,
        )  # fmt: skip
        if not same or tuple(votes[:-1]) != request.votes:
            raise LedgerPolicyFailed(f"entry {index} counts other votes for request {request.id} than were given")
