"""The rules of the game in plain words, for the tests: reads what the ledger holds and says what must never have been.

It knows nothing of the queue, its table or its memory: only entries, who the people were, and the time of each entry.
"""

from __future__ import annotations

from typing import Any, NamedTuple

ENDS = {"done", "failed", "denied", "expired", "lapsed", "withdrawn", "superseded", "revoked", "drifted"}


class Seen(NamedTuple):
    """One entry, with the time and the people (name -> the entry that added them) when it was written."""

    kind: str
    body: dict[str, Any]
    time: str
    people: dict[str, int]
    halted: bool = False


def referee(entries: list[Seen]) -> None:
    """Raises AssertionError, with the rule in its words, where one was broken."""
    state: dict[int, str] = {}
    asked: dict[int, dict[str, Any]] = {}
    votes: dict[int, list[dict[str, Any]]] = {}
    until: dict[int, str] = {}
    ticket: dict[int, str] = {}
    used: set[int] = set()
    for index, entry in enumerate(entries):
        body = entry.body
        if entry.kind == "approval.request":
            state[index], asked[index], votes[index] = "pending", body, []
            continue
        if entry.kind in {"approval.escalate", "approval.batch"} or not entry.kind.startswith("approval."):
            continue
        number, change = body["request"], body["change"]
        assert state[number] not in ENDS, f"{number}: something happened after it was {state[number]}"
        assert body["from"] == state[number], f"{number}: compared with another state than it was in"
        after = change["state"]
        if after in {"partial", "approved"} and body["event"].startswith("approve"):
            assert entry.time <= asked[number]["decide_by"], f"{number}: a yes after its time"
            assert not entry.halted, f"{number}: a yes in a halt"
            votes[number] = change["votes"]
            names = [vote["name"] for vote in votes[number] if _counts(vote, asked[number], entry.people)]
            assert len(names) == len(set(names)), f"{number}: somebody counted twice"
            until[number] = change["execute_by"]
        if after == "approved":
            _quorum(number, votes[number], asked[number], entry.people, at_use=body["event"].startswith("approve"))
        if entry.kind == "approval.ticket":
            assert state[number] == "approved", f"{number}: a ticket without a yes"
            ticket[number] = change["ticket"]
        if entry.kind == "approval.use":
            assert number not in used, f"{number}: a yes was used twice"
            assert body["ticket"] == ticket[number], f"{number}: used without its ticket"
            assert entry.time <= until[number], f"{number}: used after its time"
            assert not entry.halted, f"{number}: used in a halt"
            _quorum(number, votes[number], asked[number], entry.people, at_use=True)
            used.add(number)
        state[number] = after


def _quorum(number: int, votes: list[Any], asked: dict[str, Any], people: dict[str, int], *, at_use: bool) -> None:
    if not at_use:
        return  # a ticket came back: nobody decided anything
    names = {vote["name"] for vote in votes if _counts(vote, asked, people)}
    least = {"one": 1, "one_strong": 1, "two_strong": 2}[asked["rung"]]
    assert len(names) >= least, f"{number}: {len(names)} where {least} must agree"


def _counts(vote: dict[str, Any], asked: dict[str, Any], people: dict[str, int]) -> bool:
    if vote["name"] not in people or (vote["name"] != "owner" and people[vote["name"]] != vote.get("since", -1)):
        return False
    if asked["rung"] == "two_strong" and vote["name"] == "owner":
        return False
    return asked["rung"] == "one" or vote.get("strong", False)
