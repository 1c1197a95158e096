"""What an offline verifier asks of a log about reviews that a passkey signed. Pure: entries in, findings out.

Did the one whom the entry names sign these lines, with a passkey that was theirs then? Do the lines say what the entry
says, were they signed once, and had the gate judged that change? A review without a signature is the daemon's word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from interlock.changes.provenance import review
from interlock.changes.signedreview import Shown, Statement, parse
from interlock.identity.people import People
from interlock.identity.proofs import AsThen, Proof, prove
from interlock.identity.sshsig import REVIEW
from interlock.model.errors import LedgerTampered, NotFound, Refused

_GATE = "gate"  # the kind of a verdict's entry
_LATEST = 600.0  # seconds from the time in the lines to the entry: five minutes to sign, and a clock that was set


class Reviews:
    """Fed with every entry in order, after `people` took it. `signed` counts the reviews that were checked."""

    def __init__(self, people: Callable[[], People | None]) -> None:
        self.signed = 0
        self._known = people
        self._judged: set[tuple[str, str, str]] = set()  # commit, tree and report of each verdict
        self._nonces: set[str] = set()
        self._late: set[int] = set()
        self._failed: list[tuple[int, LedgerTampered]] = []

    def hear(self, index: int, kind: str, time: str, body: Mapping[str, Any]) -> None:
        """The next entry."""
        if kind == "log.late" and isinstance(body.get("first"), int) and isinstance(body.get("count"), int):
            self._late.update(range(body["first"], body["first"] + body["count"]))
        elif kind == _GATE:
            report = body.get("report")
            digest = str(report.get("digest", "")) if isinstance(report, dict) else ""
            self._judged.add((str(body.get("commit")), str(body.get("tree")), digest.removeprefix("sha256:")))
        elif kind == review.KIND and "proof" in body:
            try:
                self._hear(time, body)
            except (Refused, NotFound, AttributeError, KeyError, TypeError, ValueError) as error:
                self._failed.append((index, LedgerTampered(f"entry {index} holds a review that nobody gave: {error}")))

    def judge(self) -> None:
        """Raises LedgerTampered for the first review that is forged."""
        for index, error in self._failed:
            if index not in self._late:  # refused by the disk at the time, and held after all: nobody was told of it
                raise error

    def _hear(self, time: str, body: Mapping[str, Any]) -> None:
        lines, response = str(body["proof"]["text"]), str(body["proof"]["response"])
        people = self._known()
        if people is None:
            raise Refused("no passkey was anybody's then")
        proven = prove(AsThen(people), Proof("passkey", response), lines.encode("utf-8", "surrogatepass"), REVIEW)
        if body["by"] != {"person": proven.person}:
            raise Refused(f"it names {body['by']}, and {proven.person} signed it")
        said = parse(lines)
        if said.shown is None:
            raise Refused("it names no trees")
        if (said.commit, said.shown.tree, said.role, said.says) != tuple(
            body[name] for name in ("commit", "tree", "role", "says")
        ):
            raise Refused("it says something else than what was signed")
        self._once(said, said.shown, time)
        self.signed += 1

    def _once(self, said: Statement, shown: Shown, time: str) -> None:
        if (said.commit, shown.tree, shown.report) not in self._judged:
            raise Refused("it is of a verdict that no entry before it holds")
        apart = datetime.fromisoformat(time) - datetime.fromisoformat(said.at)
        if abs(apart.total_seconds()) > _LATEST:
            raise Refused(f"it was signed at {said.at}, and recorded at {time}")
        if shown.nonce in self._nonces:
            raise Refused("it was recorded before: one signature, one review")
        self._nonces.add(shown.nonce)
