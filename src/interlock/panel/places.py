"""The places of the navigation, in their order. One appears once a screen of its name exists."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a screen stands: its name, its address, what it is called, the key behind `g`."""

    name: str
    path: str
    title: str
    key: str


PLACES = (
    Place("now", "/", "Now", "n"),
    Place("inbox", "/inbox", "Inbox", "i"),
    Place("agents", "/agents", "Agents", "a"),
    Place("grants", "/grants", "Grants and rules", "r"),
    Place("why", "/why", "Why?", "w"),
    Place("halt", "/halt", "Freeze and kill", "f"),
    Place("changes", "/changes", "Changes", "c"),
    Place("releases", "/releases", "Releases", "s"),
    Place("incidents", "/incidents", "Incidents", "d"),
    Place("people", "/people", "People", "p"),
    Place("ledger", "/ledger", "Ledger", "l"),
    Place("insights", "/insights", "Insights", "t"),
)
