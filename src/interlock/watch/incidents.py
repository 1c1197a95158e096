"""Incidents: what went wrong, as a person says it, and which commits, actions and sessions it came from. Pure.

    incident         what, at, severity, by; commits, actions, sessions; what stood behind them when it was recorded
    incident.close   incident, as (`mended`, or `mistaken`: it was none, or not of this), by, because

Both are a person's word. What stands behind an incident is found in the ledger, and never said by who records it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from interlock.model.errors import NotFound, Refused, UsageError

KIND, CLOSE = "incident", "incident.close"
SEVERITIES = ("low", "medium", "high", "critical")
ENDS = ("mended", "mistaken")
WORDS = 1_000  # characters of what happened, and of why one was closed: an entry has 16 KiB
_NAMED = 20  # models, prompts and tools that an entry names

_TOLD = ("entry", "what", "severity", "state", "at")  # of one that is named beside something else
Commit = tuple[str, str]  # repository and name
_Entry = tuple[int, Mapping[str, Any]]  # index, and the decoded entry


def worded(text: str) -> str:
    """What a person wrote of it, bounded. Raises UsageError."""
    said = text.strip()
    if not said or len(said) > WORDS:
        raise UsageError(f"an incident is told in 1 to {WORDS} characters.")
    return said


def body(
    what: str, *, at: str, severity: str, by: str, commits: Sequence[Mapping[str, str]], actions: Sequence[int],
    sessions: Sequence[str], behind: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """The entry of a new incident.

    Args:
        what: what happened.
        at: when, an RFC 3339 time.
        severity: one of `SEVERITIES`.
        by: who records it.
        commits: rows of `repository` and `commit`.
        actions: entries of actions.
        sessions: their names.
        behind: the stories of all actions that those came from (`changes.provenance.story`).

    Raises:
        UsageError: it says nothing, or is of nothing.
    """
    if severity not in SEVERITIES:
        raise UsageError(f"the severity of an incident is one of {', '.join(SEVERITIES)}.")
    if not (commits or actions or sessions):
        raise UsageError("say what it came from: a commit, an action or a session. `interlock log` shows them.")
    return {
        "what": worded(what), "at": at, "severity": severity, "by": by,
        "commits": [dict(one) for one in commits], "actions": list(actions), "sessions": list(sessions),
        "behind": named(behind),
    }  # fmt: skip


def named(behind: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many actions stand behind something, and the agents, models, prompts and tools of them."""
    fields = (("agents", "agent"), ("models", "model"), ("prompts", "prompt"), ("tools", "tool"))
    whose = {name: sorted({str(act[one]) for act in behind if act.get(one)})[:_NAMED] for name, one in fields}
    return {"actions": len(behind), **whose}


def listed(entries: Iterable[_Entry]) -> list[dict[str, Any]]:
    """Each incident with its state (`open`, or how it was closed), the newest first, of entries in order."""
    found: dict[int, dict[str, Any]] = {}
    for index, entry in entries:
        said = entry["body"]
        if "incident" not in said:
            found[index] = {"entry": index, "recorded": entry["time"], "state": "open", **said}
        elif (one := found.get(said["incident"])) is not None:
            one |= {"state": said["as"], "closed": {"entry": index, "time": entry["time"], **said}}
    return sorted(found.values(), key=lambda one: -int(one["entry"]))


def touching(
    listed: Iterable[Mapping[str, Any]], *, commits: Collection[Commit], actions: Collection[int],
    sessions: Collection[str], behind: Mapping[Commit, Collection[int]],
) -> list[dict[str, Any]]:  # fmt: skip
    """Those that were traced to one of these, in their order, each with the closest that says so (`through`): it names
    the `commit`; it names the `action`, or a commit that has lines of it; it names the `session` of the action.

    Args:
        listed: incidents as `listed` gives them.
        commits: those that are asked about.
        actions: those that are asked about, and those that stand behind the commits.
        sessions: those of the actions.
        behind: of each commit that an incident names, the actions that wrote its lines.
    """
    found = []
    for one in listed:
        named = [(str(row["repository"]), str(row["commit"])) for row in one["commits"]]
        acts = set(one["actions"]).union(*(behind.get(commit, ()) for commit in named))
        ways = (
            ("commit", any(commit in commits for commit in named)),
            ("action", not acts.isdisjoint(actions)),
            ("session", not set(one["sessions"]).isdisjoint(sessions)),
        )
        through = next((way for way, holds in ways if holds), "")
        if through:
            found.append({name: one[name] for name in _TOLD} | {"through": through})
    return found


def closing(entries: Iterable[_Entry], number: int, how: str, by: str, because: str) -> dict[str, Any]:
    """The entry that closes an incident. Raises UsageError, NotFound, and Refused where it is closed already."""
    if how not in ENDS:
        raise UsageError(f"an incident is closed as {' or '.join(ENDS)}.")
    one = get(listed(entries), number)
    if one["state"] != "open":
        raise Refused(f"incident {number} was closed as {one['state']} by entry {one['closed']['entry']}.")
    return {"incident": number, "as": how, "by": by, "because": because.strip()[:WORDS]}


def get(incidents: Iterable[dict[str, Any]], number: int) -> dict[str, Any]:
    """One of them. Raises NotFound."""
    found = next((one for one in incidents if one["entry"] == number), None)
    if found is None:
        raise NotFound(f"entry {number} is no incident. `interlock incident list` shows them.")
    return found
