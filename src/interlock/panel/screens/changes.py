"""Changes: what the gate said of commits and what stands behind them; one change whole, with where to look first."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interlock.model.counts import many
from interlock.model.errors import Refused
from interlock.panel.screen import Act, Screen, Visit
from interlock.panel.troubles import NONE, Beside, beside, marks

_FIRST = 8  # files that are named to be looked at first
_REASONS = 6
_TRACED = 200  # commits of a change whose incidents are asked for
_HEAVY = {"block": 10, "review": 3, "note": 1}
_FOUND = {
    "block": ("finding blocks", "findings block"),
    "review": ("finding wants a person", "findings want a person"),
    "note": ("note", "notes"),
}
_TONES = {"PASS": "good", "INCONCLUSIVE": "warn", "BLOCK": "bad"}
_SAYS = {
    "PASS": "Nothing speaks against this change, and every stage could look.",
    "INCONCLUSIVE": "A person has to look: something was found, or could not be judged.",
    "BLOCK": "This change is stopped.",
    "": "The gate has not judged this commit here; what is known is who wrote it.",
}


class Row(msgspec.Struct, frozen=True):
    """One commit that was judged or attested. `risk` is in per cent, -1 where there is no score."""

    entry: int
    time: str
    commit: str
    repository: str
    verdict: str
    tone: str
    partial: bool
    risk: int
    findings: tuple[str, ...]  # how many of each weight
    lines: tuple[tuple[str, int], ...]
    by: str
    incidents: int = 0  # open ones that were traced to it; said in the list alone


class View(msgspec.Struct, frozen=True):
    """The list, the newest first."""

    rows: tuple[Row, ...]
    more: int
    whole: bool


class Finding(msgspec.Struct, frozen=True):
    """One finding; all of it is the change's word, or a tool's."""

    weight: str
    place: str
    title: str
    text: str
    why: str
    fix: str
    rule: str
    waived: str


class Stage(msgspec.Struct, frozen=True):
    """One stage. `said` is its verdict, or that it was not run or not asked."""

    name: str
    said: str
    tone: str
    time: str
    budget: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    more: int


class Review(msgspec.Struct, frozen=True):
    """What somebody said of the commit."""

    entry: int
    role: str
    says: str
    who: str
    passkey: bool


class Change(msgspec.Struct, frozen=True):
    """One change. `people` is how many the base wants to look; `machine` how much of the new lines agents wrote;
    `fork` the commit where it parted from its base, and `signers` who could sign a review of it at this address.
    """

    row: Row
    says: str
    base: str
    problem: str
    problems: tuple[str, ...]
    seconds: float
    people: int
    who: str
    reasons: tuple[str, ...]
    calibrated: bool
    first: tuple[tuple[str, str], ...]  # file, the rules that speak of it
    stages: tuple[Stage, ...]
    commits: int
    attested: tuple[tuple[str, int], ...]
    machine: str
    sessions: tuple[str, ...]
    reviews: tuple[Review, ...]
    fork: str
    shown: str  # the digest of the report: what is signed names it
    signers: tuple[str, ...]
    beside: Beside


def view(found: Mapping[str, Any], marked: Mapping[int, int]) -> View:
    """What the daemon answered, as the list shows it; `marked` has the open incidents by entry."""
    rows = (_row(one, marked.get(one["entry"], 0)) for one in found["changes"])
    return View(tuple(rows), found["more"], found["whole"])


def _row(one: Mapping[str, Any], incidents: int = 0) -> Row:
    verdict, risk = str(one.get("verdict") or ""), one.get("risk")
    findings = one.get("findings") or {}
    return Row(
        entry=one["entry"],
        time=one["time"],
        commit=one["commit"],
        repository=one["repository"],
        verdict=verdict,
        tone=_TONES.get(verdict, "calm"),
        partial=bool(one.get("partial")),
        risk=risk if isinstance(risk, int) else -1,
        findings=tuple(many(findings[weight], *_FOUND[weight]) for weight in _HEAVY if findings.get(weight)),
        lines=tuple((one.get("lines") or {}).items()),
        by=_who(one.get("by") or {}),
        incidents=incidents,
    )


def _who(by: Mapping[str, Any]) -> str:
    agent, person = str(by.get("agent", "")), str(by.get("person", ""))
    if agent in ("", "person"):
        return person
    return f"{agent} {by['session']}" if by.get("session") else agent


def change(found: Mapping[str, Any], signers: Sequence[str] = (), troubles: Mapping[str, Any] = NONE) -> Change:
    """One change, whole; where its report is gone, as far as its entry says it, and nobody reviews it by that."""
    body, report = found["body"], found["report"] or {}
    risk, behind = report.get("risk") or {}, found["behind"]
    row = _row({**body, "entry": found["entry"], "time": found["time"], "lines": behind["lines"]})
    return Change(
        row=row,
        says=_SAYS.get(row.verdict, _SAYS["INCONCLUSIVE"]),
        base=str(body.get("base", "")),
        problem=found["problem"],
        problems=tuple(report.get("problems", ())),
        seconds=report.get("seconds", 0.0),
        people=risk.get("people", 0),
        who=risk.get("who", ""),
        reasons=tuple(risk.get("reasons", ())[:_REASONS]),
        calibrated=risk.get("basis") == "own",
        first=first(report),
        stages=tuple(_stage(one) for one in report.get("stages", ())),
        commits=found["commits"],
        attested=tuple(sorted(behind["attested"].items(), key=lambda pair: -pair[1])),
        machine=machine(behind["lines"]),
        sessions=tuple(behind["sessions"]),
        reviews=tuple(
            Review(one["entry"], one["role"], one["says"], _who(one["by"]), one["passkey"]) for one in found["reviews"]
        ),
        fork=report.get("fork", ""),
        shown=body["report"]["digest"] if report else "",
        signers=tuple(signers) if report else (),
        beside=beside(whole(found), troubles),
    )


def whole(found: Mapping[str, Any]) -> list[int]:
    """The entries of a change: its own, and the attestations of its other commits, as far as there are any."""
    others = (entry for commit, entry in found["behind"]["attested"].items() if commit != found["body"]["commit"])
    return [found["entry"], *others][:_TRACED]


def first(report: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The files to look at first: in the order of their risk, and of the weight of what was found in them."""
    weight: dict[str, int] = defaultdict(int)
    rules: dict[str, dict[str, None]] = defaultdict(dict)
    for stage in report.get("stages", ()):
        for found in stage["findings"]:
            if found["path"] and not found["waived"]:
                weight[found["path"]] += _HEAVY.get(found["weight"], 0)
                rules[found["path"]][found["rule"]] = None
    riskiest: Sequence[str] = (report.get("risk") or {}).get("files", ())
    place = {path: at for at, path in enumerate(riskiest)}
    ranked = sorted(weight, key=lambda path: (place.get(path, len(place)), -weight[path], path))
    named = [(path, ", ".join(rules[path])) for path in ranked[:_FIRST]]
    return tuple(named or [(path, "the riskiest by its size and past") for path in riskiest[:1]])


def machine(lines: Mapping[str, int]) -> str:
    """How much of the new lines a machine wrote, as far as they are attested."""
    total = sum(lines.values())
    if not total:
        return "no new line is attested"
    agents, mixed, unknown = (lines.get(kind, 0) for kind in ("agent", "mixed", "unknown"))
    parts = [f"{agents} of {many(total, 'new line was', 'new lines were')} written by agents"]
    parts += [f"{mixed} by an agent and a person"] * bool(mixed)
    parts += [f"of {unknown} nobody knows"] * bool(unknown)
    return ", ".join(parts)


def _stage(one: Mapping[str, Any]) -> Stage:
    said = "not run" if one["skipped"] else "not asked" if one.get("unasked") else one["verdict"]
    return Stage(
        name=one["stage"],
        said=said,
        tone=_TONES.get(said, "calm"),
        time="cached" if one["cached"] else f"{one['seconds']:.2f} s",
        budget=f"{one['budget']:g} s",
        problems=tuple(one["problems"]),
        notes=tuple(filter(None, (one["skipped"], *one["notes"]))),
        findings=tuple(_finding(found) for found in one["findings"]),
        more=one.get("more", 0),
    )


def _finding(found: Mapping[str, Any]) -> Finding:
    place = f"{found['path']}:{found['line']}" if found["line"] else found["path"]
    said = {name: found[name] for name in ("weight", "title", "text", "why", "fix", "rule", "waived")}
    return Finding(place=place, **said)


async def load(visit: Visit) -> View:
    """What was judged and attested lately."""
    found = await visit.ask("gate.list")
    return view(found, await marks(visit, (one["entry"] for one in found["changes"])))


async def load_change(visit: Visit) -> Change:
    """One of them."""
    found, people = await asyncio.gather(visit.ask("gate.show", id=visit.path["id"]), visit.ask("people.list"))
    troubles = await visit.ask("incident.touching", entries=whole(found))
    return change(found, signing(people, visit.site, visit.seat.name), troubles)


def signing(people: Mapping[str, Any], site: str, me: str) -> tuple[str, ...]:
    """Who has a passkey that signs at this address, the one who looks first."""
    able = (
        one["name"]
        for one in people["people"]
        if any(key.get("relying_party") == site for key in one.get("authenticators", ()))
    )
    return tuple(sorted(able, key=lambda name: name != me))


async def challenge(visit: Visit, sent: Mapping[str, str]) -> dict[str, Any]:
    """What a passkey is to sign: the review whole, written by the daemon from what it stored."""
    found = await visit.ask("gate.show", id=visit.path["id"])
    if found["report"] is None or sent.get("shown") != found["body"]["report"]["digest"]:
        raise Refused("this page shows another report than the one that is signed. Load it again.")
    asked: dict[str, Any] = await visit.ask(
        "review.challenge",
        id=visit.path["id"],
        reviewer=sent.get("reviewer", visit.seat.name),
        role=sent.get("role", ""),
        says=sent.get("says", ""),
        because=sent.get("because", ""),
        relying_party=visit.site,
    )
    return asked


async def signed(visit: Visit, sent: Mapping[str, str]) -> str:
    """A review that a passkey signed."""
    await visit.ask("review.passkey", statement=sent.get("statement", ""), response=sent.get("response", ""))
    return f"/changes/{visit.path['id']}"


SCREENS = (
    Screen("changes", "/changes", "Changes", "changes.html", load, ("gate",)),
    Screen("change", "/changes/{id:int}", "A change", "change.html", load_change, ("gate",)),
)
ACTS = (Act("/changes/{id:int}/challenge", challenge), Act("/changes/{id:int}/review", signed))
