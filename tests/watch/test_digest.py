"""What agents did that nobody was asked about."""

from __future__ import annotations

from typing import Any

from interlock.watch.digest import digest
from interlock.watch.seen import Seen

ANA = {"agent": "claude", "session": "s-1"}


def intent(index: int, *effects: str, tier: int = 1, **more: Any) -> Seen:
    body = {"principal": ANA, "tool": "Bash", "text": f"do {index}", "tier": tier, "effects": list(effects), **more}
    return Seen(index, "intent", 100.0 + index, body)


def test_changes_are_listed_with_their_way_back_and_reads_are_counted() -> None:
    entries = [
        Seen(0, "session.open", 1.0, {"principal": ANA, "workspace": "/code"}),
        intent(1, "read file /code/a"),
        intent(2, "write file /code/a", undo={"undoable": "yes"}),
        intent(3, "delete file /tmp/x"),
        intent(4, "execute process pytest"),
        intent(5, "execute process make"),
        Seen(6, "changes", 110.0, {"intent": 5, "run": "r"}),
        intent(7, "publish git_ref origin/x", tier=2),
        Seen(8, "outcome", 111.0, {"principal": ANA, "intent": 5, "result": {"ok": False}}),
    ]
    (session,) = digest(entries, since=50.0)
    assert (session.workspace, session.actions, session.reads, session.failed) == ("/code", 6, 1, 1)
    assert [(change.entry, change.undo) for change in session.changes] == [(2, "yes"), (3, "no"), (5, "yes")]


def test_what_was_taken_back_is_counted_and_not_offered_again() -> None:
    entries = [intent(1, "write file /code/a", undo={"undoable": "yes"}), Seen(2, "undo", 120.0, {"of": [1]})]
    (session,) = digest(entries, since=0.0)
    assert (session.undone, session.changes) == (1, [])


def test_only_what_happened_since() -> None:
    assert digest([intent(1, "write file /code/a")], since=500.0) == []


def test_a_long_list_is_counted_beyond_its_end() -> None:
    (session,) = digest([intent(i, "write file /code/a") for i in range(50)], since=0.0)
    assert (len(session.changes), session.more) == (40, 10)
