"""What people were asked lately: read once, then only what is new, and never of a shape that another version wrote.

Story: with a thousand questions in the ledger a page with ten suggestions read each of them ten times, in the loop that
answers agents: more than a second.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from interlock.broker.clock import Clock, stamp
from interlock.daemon import suggesting
from interlock.daemon.questions import Questions
from interlock.daemon.suggesting import SuggestionsDesk
from interlock.ledger.store import Stored
from interlock.model.effect import Environment, Kind, Verb
from interlock.model.grant import Grant, Pattern
from interlock.model.rung import Rung

DAY = 86_400
ASKED, DECIDED = "approval.request", "approval.decision"


class Shelf:
    """A ledger in a list, which notes what is read of it."""

    def __init__(self) -> None:
        self.stored: list[Stored] = []
        self.read: list[int] = []

    @property
    def size(self) -> int:
        return len(self.stored)

    def add(self, kind: str, time: float, **body: Any) -> int:
        raw = json.dumps({"schema": f"interlock/{kind}/v1", "time": stamp(time), "body": body}).encode()
        self.stored.append(Stored(self.size, kind, raw))
        return self.size - 1

    def ask(self, time: float, host: str = "a.example.com", *, grantable: Any = None) -> int:
        pattern = Pattern((Verb.SEND,), Kind.HOST, host, (Environment.UNKNOWN,))
        asked = msgspec.to_builtins([pattern]) if grantable is None else grantable
        return self.add(ASKED, time, tool="Bash", text=f"curl {host}", grantable=asked, rung="one",
                        workspace="/w", principal={"agent": "claude"})  # fmt: skip

    def entry(self, index: int) -> Stored:
        return self.stored[index]

    def entries(self, start: int = 0, stop: int | None = None, kinds: Collection[str] = ()) -> Iterator[Stored]:
        for stored in self.stored[start:stop]:
            if stored.kind in kinds:
                self.read.append(stored.index)
                yield stored


def grant(name: str = "*.example.com") -> Grant:
    pattern = Pattern((Verb.SEND,), Kind.HOST, name, (Environment.UNKNOWN,))
    return Grant(id=-1, patterns=(pattern,), rung=Rung.ONE, until=stamp(4e9), policy="", given_by="ada", agent="claude")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def questions(shelf: Shelf, now: float) -> Questions:
    return Questions(shelf, Clock(lambda: now))  # type: ignore[arg-type]  # all that it uses of a ledger


def test_each_question_is_read_once_however_often_somebody_looks(shelf: Shelf) -> None:
    first, other = shelf.ask(50 * DAY), shelf.ask(50 * DAY, "b.example.org")
    found = questions(shelf, 51 * DAY)
    assert found.covered(grant()) == [first]
    assert found.covered(grant("*.example.org")) == [other]
    third = shelf.ask(51 * DAY)
    assert found.covered(grant()) == [first, third]
    assert shelf.read == [first, other, third]
    assert [one["text"] for one in found.told([third])] == ["curl a.example.com"]


def test_questions_of_more_than_thirty_days_ago_count_no_more(shelf: Shelf) -> None:
    now = [40.5 * DAY]
    found = Questions(shelf, Clock(lambda: now[0]))  # type: ignore[arg-type]  # all that it uses of a ledger
    shelf.ask(10 * DAY)
    late = shelf.ask(11 * DAY)
    assert found.covered(grant()) == [late]
    now[0] = 42 * DAY
    assert found.covered(grant()) == []


def test_a_question_of_another_version_is_left_out(shelf: Shelf) -> None:
    shelf.ask(50 * DAY, grantable=[{"shape": "unheard of"}])
    shelf.ask(50 * DAY, grantable=[])
    here = shelf.ask(50 * DAY)
    assert questions(shelf, 51 * DAY).covered(grant()) == [here]


def test_suggestions_are_found_anew_only_when_somebody_is_asked_or_answers(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = 0

    def finding(entries: Any, **_: Any) -> list[Any]:
        nonlocal found
        found += 1
        return list(entries)[:0]

    monkeypatch.setattr(suggesting, "suggestions", finding)
    now = [50.0 * DAY]
    broker: Any = SimpleNamespace(grants=SimpleNamespace(all=lambda _: []))
    rules: Any = SimpleNamespace(digest=lambda _: "")
    desk: Any = SuggestionsDesk(broker, shelf, rules, Clock(lambda: now[0]), SimpleNamespace())  # type: ignore[arg-type]

    def looked() -> int:
        desk._suggested([])
        return found

    assert (looked(), looked()) == (1, 1)
    shelf.add("intent", now[0])
    assert looked() == 1
    shelf.ask(now[0])
    assert (looked(), looked()) == (2, 2)
    shelf.add(DECIDED, now[0], request=1, change={"state": "approved"})
    assert looked() == 3
    now[0] += 2 * 3_600  # yeses grow too old by themselves
    assert looked() == 4
    desk._suggested([(Pattern((Verb.SEND,), Kind.HOST, "x", (Environment.UNKNOWN,)),)])
    assert found == 5
