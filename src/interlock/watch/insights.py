"""How much people are asked, and how they answer: prompts per 100 actions, decisions, and reviewers who wave through.

An action is an `intent` or a `denial` entry; a prompt is an `approval.request`. The same question asked again while it
is open is one prompt, and every call it stops is an action: what an agent tries is what people are asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

import msgspec

from interlock.watch.seen import Seen

KINDS = (
    "intent", "denial", "approval.request", "approval.batch", "approval.decision", "approval.end", "drill.end",
)  # fmt: skip

# A reviewer who says yes to nearly everything, faster than a card can be read, reads no cards. 20 decisions are the
# fewest that make 98% mean more than "all of them"; a short card of 30 words takes a practised reader 7 seconds.
_ENOUGH = 20
_ALWAYS = 0.98
_UNREAD_SECONDS = 5.0
_HALF = 10  # decisions in either half, for a comparison of the two


class Share(msgspec.Struct):
    """Prompts among actions."""

    actions: int = 0
    prompts: int = 0
    stopped: int = 0  # by a rule, whoever says yes

    @property
    def per_100(self) -> float:
        """Prompts per 100 actions."""
        return 100 * self.prompts / self.actions if self.actions else 0.0


class Reviewer(msgspec.Struct):
    """One person's decisions. Times in seconds, from the question to the answer or as long as the card was shown."""

    yes: list[bool] = []
    seconds: list[float] = []
    drills: int = 0
    missed: int = 0

    def facts(self) -> dict[str, Any]:
        """As a report shows them."""
        half = len(self.yes) // 2
        body: dict[str, Any] = {
            "decisions": len(self.yes),
            "approval_rate": _rate(self.yes),
            "seconds_p50": _half_of(self.seconds),
            "drills": self.drills,
            "drills_missed": self.missed,
            "warnings": self.warnings(),
        }
        if half >= _HALF:
            body["earlier"] = {"approval_rate": _rate(self.yes[:half]), "seconds_p50": _half_of(self.seconds[:half])}
            body["later"] = {"approval_rate": _rate(self.yes[half:]), "seconds_p50": _half_of(self.seconds[half:])}
        return body

    def warnings(self) -> list[str]:
        """What an organisation should look at."""
        found = []
        rate, seconds = _rate(self.yes), _half_of(self.seconds)
        if len(self.yes) >= _ENOUGH and rate >= _ALWAYS and seconds < _UNREAD_SECONDS:
            found.append(f"says yes to {rate:.0%} of {len(self.yes)}, half of them within {seconds:.0f} s")
        if self.missed:
            found.append(f"approved {self.missed} of {self.drills} drills")
        half = len(self.yes) // 2
        if half >= _HALF:
            before, after = _half_of(self.seconds[:half]), _half_of(self.seconds[half:])
            if after < before / 3 and _rate(self.yes[half:]) >= _rate(self.yes[:half]):
                found.append(f"decides in {after:.0f} s what took {before:.0f} s before")
        return found


class Insights(msgspec.Struct):
    """The whole report."""

    owner: str = "?"
    total: Share = msgspec.field(default_factory=Share)
    tiers: dict[str, Share] = {}
    agents: dict[str, Share] = {}
    people: dict[str, Share] = {}
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    reviewers: dict[str, Reviewer] = {}
    rules: Counter[str] = msgspec.field(default_factory=Counter)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        tables = {"by_tier": self.tiers, "by_agent": self.agents, "by_person": self.people}
        return {
            "total": _share(self.total),
            **{name: {key: _share(one) for key, one in sorted(table.items())} for name, table in tables.items()},
            "ended": dict(sorted(self.outcomes.items())),
            "rules": dict(self.rules.most_common(10)),
            "reviewers": {name: one.facts() for name, one in sorted(self.reviewers.items())},
        }


def insights(entries: Iterable[Seen], *, since: float = 0.0, owner: str = "?") -> Insights:
    """Fold entries of `KINDS`, oldest first, into the report on what happened from `since` (seconds) on.

    `owner` is whose daemon it is: agents whose entries name nobody act for that person.
    """
    report = Insights(owner=owner)
    asked: dict[int, Seen] = {}
    # A drill is no prompt: its requests are known by the entry that ends it, which comes last.
    listed = list(entries)
    drilled = {digest for entry in listed if entry.kind == "drill.end" for digest in entry.body["digests"]}
    for entry in listed:
        if entry.kind in {"approval.request", "approval.batch"}:
            asked[entry.index] = entry
        if entry.time >= since:
            _take(report, entry, asked, drilled)
    return report


def _take(report: Insights, entry: Seen, asked: dict[int, Seen], drilled: set[str]) -> None:
    if entry.kind in {"intent", "denial"}:
        for share in _shares(report, entry.body):
            share.actions += 1
            share.stopped += entry.body.get("verdict") == "deny"
    elif entry.kind == "approval.request":
        if entry.body["digest"] not in drilled:
            for share in _shares(report, entry.body):
                share.prompts += 1
            report.rules.update(entry.body.get("rules", [])[:1])
    elif entry.kind == "drill.end":
        for name, (met, missed) in entry.body["reviewers"].items():
            reviewer = report.reviewers.setdefault(name, Reviewer())
            reviewer.drills += met
            reviewer.missed += missed
    elif entry.kind != "approval.batch":
        _answered(report, entry, asked, drilled)


def _answered(report: Insights, entry: Seen, asked: dict[int, Seen], drilled: set[str]) -> None:
    request = asked.get(entry.body["request"])
    if request is None or request.body["digest"] in drilled:
        return
    change = entry.body["change"]
    if entry.kind == "approval.end":
        if change["state"] not in {"done", "failed", "approved"}:
            report.outcomes[change["state"]] += 1
        return
    report.outcomes[change["state"]] += change["state"] in {"approved", "denied"}
    batch = asked.get(entry.body.get("batch", -1))
    decision = entry.body.get("decision") or (batch.body["decision"] if batch is not None else {})
    shown = decision.get("shown_ms", 0) / 1_000
    reviewer = report.reviewers.setdefault(change["decided_by"], Reviewer())
    reviewer.yes.append(change["state"] != "denied")
    reviewer.seconds.append(shown or max(0.0, entry.time - request.time))


def _shares(report: Insights, body: dict[str, Any]) -> list[Share]:
    principal = body.get("principal", {})
    keys = (
        (report.tiers, str(body.get("tier", 0))),
        (report.agents, principal.get("agent", "") or "?"),
        (report.people, principal.get("person", "") or report.owner),
    )
    return [report.total, *(table.setdefault(key, Share()) for table, key in keys)]


def _share(share: Share) -> dict[str, Any]:
    facts = {"actions": share.actions, "prompts": share.prompts, "stopped": share.stopped}
    return facts | {"prompts_per_100": round(share.per_100, 2)}


def _rate(answers: list[bool]) -> float:
    return sum(answers) / len(answers) if answers else 0.0


def _half_of(seconds: list[float]) -> float:
    return float(median(seconds)) if seconds else 0.0
