"""Incidents as entries: what one says, what state it is in, and who it is refused to."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.model.errors import NotFound, Refused, UsageError
from interlock.watch import incidents

_AT = "2026-11-29T08:00:00.000000Z"
_ACTS = [
    {"entry": 3, "agent": "claude", "model": "m-1", "prompt": "sha256:aa", "tool": "Write"},
    {"entry": 5, "agent": "claude", "model": "m-1", "tool": "Bash"},
]


def body(**more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"at": _AT, "severity": "high", "by": "ann", "commits": (), "actions": (3,), "sessions": ()}
    return incidents.body("orders were charged twice", **said | {"behind": _ACTS} | more)


def told(*bodies: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    return [(number, {"time": _AT, "body": one}) for number, one in enumerate(bodies, 10)]


def test_an_incident_names_what_stood_behind_it() -> None:
    assert body()["behind"] == {
        "actions": 2, "agents": ["claude"], "models": ["m-1"], "prompts": ["sha256:aa"], "tools": ["Bash", "Write"],
    }  # fmt: skip


@pytest.mark.parametrize("more", [{"severity": "dire"}, {"actions": ()}])
def test_an_incident_of_nothing_or_of_an_unknown_severity_is_none(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        body(**more)


@pytest.mark.parametrize("what", ["", "  \n", "x" * (incidents.WORDS + 1)])
def test_an_incident_is_told_in_words(what: str) -> None:
    with pytest.raises(UsageError, match="characters"):
        incidents.worded(what)


def test_it_is_closed_once_and_the_newest_stands_first() -> None:
    entries = told(body(), body(severity="low"))
    assert [(one["entry"], one["state"]) for one in incidents.listed(entries)] == [(11, "open"), (10, "open")]
    closed = incidents.closing(entries, 10, "mended", "bob", " a test holds it ")
    assert closed == {"incident": 10, "as": "mended", "by": "bob", "because": "a test holds it"}
    entries = [*entries, *[(12, {"time": _AT, "body": closed})]]
    assert [(one["entry"], one["state"]) for one in incidents.listed(entries)] == [(11, "open"), (10, "mended")]
    with pytest.raises(Refused, match="was closed as mended by entry 12"):
        incidents.closing(entries, 10, "mistaken", "bob", "")
    with pytest.raises(NotFound, match="entry 12 is no incident"):
        incidents.closing(entries, 12, "mended", "bob", "")
    with pytest.raises(UsageError):
        incidents.closing(entries, 11, "forgotten", "bob", "")


A, B = ("/shop/.git", "a" * 40), ("/shop/.git", "b" * 40)


@pytest.mark.parametrize(
    ("asked", "through"),
    [
        ({"commits": {A}, "actions": {3}, "sessions": {"s"}}, "commit"),
        ({"commits": {B}, "actions": {3}, "sessions": {"s"}}, "action"),
        ({"commits": {B}, "actions": {7}}, "action"),  # of the commit that it names
        ({"commits": {B}, "actions": {8}, "sessions": {"s"}}, "session"),
        ({"commits": {B}, "actions": {8}, "sessions": {"other"}}, ""),
        ({}, ""),
    ],
)
def test_the_closest_way_to_an_incident_is_told(asked: dict[str, Any], through: str) -> None:
    one = body(commits=[{"repository": A[0], "commit": A[1]}], actions=(3,), sessions=("s",))
    of: dict[str, Any] = {"commits": (), "actions": (), "sessions": (), "behind": {A: {7}, B: {8}}} | asked
    found = incidents.touching(incidents.listed(told(one)), **of)
    assert [(row["entry"], row["state"], row["through"]) for row in found] == (
        [(10, "open", through)] if through else []
    )
