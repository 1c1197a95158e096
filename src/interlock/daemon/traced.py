"""Both ways between incidents and the ledger: the actions behind one, and those traced to a commit or an action."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from interlock.changes.provenance import attest, journal, review, story
from interlock.daemon.takenback import action, attested
from interlock.daemon.verdicts import KIND as GATE
from interlock.ledger.store import Ledger
from interlock.watch import incidents

INTENT = "intent"
_OF_COMMITS = frozenset({GATE, attest.KIND, review.KIND, journal.COMMIT})
Commit = tuple[str, str]  # its repository, as `journal.named` calls it, and its name


class Origin(NamedTuple):
    """What entries are of. `others` are the entries of neither."""

    commits: tuple[Commit, ...]
    actions: tuple[int, ...]
    others: tuple[int, ...]


def origin(ledger: Ledger, numbers: Iterable[int]) -> Origin:
    """The commits and actions that these entries are of, each once."""
    commits: dict[Commit, None] = {}
    actions: dict[int, None] = {}
    others: list[int] = []
    for number in numbers:
        entry = action(ledger, number)
        stored = ledger.entry(entry) if 0 <= entry < ledger.size else None
        if stored is not None and stored.kind == INTENT:
            actions[entry] = None
        elif stored is not None and stored.kind in _OF_COMMITS:
            body = json.loads(stored.raw)["body"]
            commits[str(body["repository"]), str(body["commit"])] = None
        else:
            others.append(number)
    return Origin(tuple(commits), tuple(actions), tuple(others))


def traced(ledger: Ledger, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stories of all actions behind what an incident names: agent, session, model, prompt digest, tool."""
    found = {int(entry) for entry in said["actions"]}
    wanted = {(str(row["repository"]), str(row["commit"])) for row in said["commits"]}
    if wanted:
        found |= {entry for _, entries in attested(ledger, wanted) for entry in entries}
    sessions: Sequence[str] = said["sessions"]
    if sessions:
        for stored in ledger.entries(kinds=[INTENT]):
            if json.loads(stored.raw)["body"].get("principal", {}).get("session") in sessions:
                found.add(stored.index)
    return [_story(ledger, entry) for entry in sorted(found) if 0 <= entry < ledger.size]


def touching(ledger: Ledger, of: Origin, beside: Iterable[Commit] = ()) -> list[dict[str, Any]]:
    """The incidents that were traced to these commits and the actions behind them, or to these actions. Commits that
    stand `beside` count by their names alone: a line's commit holds other lines, of other actions.
    """
    known = incidents.listed(entries(ledger))
    return _touching(ledger, known, of, _behind(ledger, known, of.commits), beside) if known else []


def marks(ledger: Ledger, numbers: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """Entry -> the open incidents that were traced to what it is of, for those of a list that have any."""
    known = [one for one in incidents.listed(entries(ledger)) if one["state"] == "open"]
    if not known:
        return {}
    of = {number: origin(ledger, [number]) for number in numbers}
    behind = _behind(ledger, known, [commit for one in of.values() for commit in one.commits])
    found = {number: _touching(ledger, known, one, behind) for number, one in of.items()}
    return {number: those for number, those in found.items() if those}


def _behind(ledger: Ledger, known: Iterable[Mapping[str, Any]], commits: Iterable[Commit]) -> dict[Commit, set[int]]:
    """Of these commits, and of each that an incident names, the actions that wrote its lines."""
    named = {(str(row["repository"]), str(row["commit"])) for one in known for row in one["commits"]}
    behind: dict[Commit, set[int]] = {}
    for commit, acts in attested(ledger, named.union(commits)):
        behind.setdefault(commit, set()).update(acts)
    return behind


def _touching(
    ledger: Ledger,
    known: Sequence[Mapping[str, Any]],
    of: Origin,
    behind: Mapping[Commit, set[int]],
    beside: Iterable[Commit] = (),
) -> list[dict[str, Any]]:
    actions = set(of.actions).union(*(behind.get(commit, ()) for commit in of.commits))
    sessions = {
        str(_story(ledger, entry).get("session", ""))
        for entry in (actions if any(one["sessions"] for one in known) else ())
        if 0 <= entry < ledger.size
    }
    return incidents.touching(
        known, commits={*of.commits, *beside}, actions=actions, sessions=sessions - {""}, behind=behind
    )


def attestations(ledger: Ledger, wanted: Collection[Commit]) -> dict[Commit, int]:
    """Of each of these commits the entry of its attestation, where there is one."""
    found: dict[Commit, int] = {}
    for stored in ledger.entries(kinds=[attest.KIND]) if wanted else ():
        body = json.loads(stored.raw)["body"]
        name = (str(body["repository"]), str(body["commit"]))
        if name in wanted:
            found.setdefault(name, stored.index)
    return found


def entries(ledger: Ledger) -> list[tuple[int, dict[str, Any]]]:
    """All that the ledger has of incidents: each entry's number and what it says."""
    stored = ledger.entries(kinds=[incidents.KIND, incidents.CLOSE])
    return [(one.index, json.loads(one.raw)) for one in stored]


def _story(ledger: Ledger, entry: int) -> dict[str, Any]:
    return story.action(entry, json.loads(ledger.entry(entry).raw))
