"""Prompts per 100 actions, and reviewers: folded from entries as the daemon writes them."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.watch.insights import insights
from interlock.watch.seen import Seen

ANA = {"agent": "claude", "session": "s"}


class Log:
    """Entries in order, a second apart unless said otherwise."""

    def __init__(self) -> None:
        self.entries: list[Seen] = []
        self.time = 0.0

    def add(self, kind: str, **body: Any) -> int:
        self.time += 1
        self.entries.append(Seen(len(self.entries), kind, self.time, body))
        return len(self.entries) - 1

    def action(self, verdict: str = "allow", tier: int = 1, **principal: str) -> None:
        kind = "denial" if verdict == "deny" else "intent"
        self.add(kind, principal={**ANA, **principal}, verdict=verdict, tier=tier)

    def asked(self, digest: str = "d", tier: int = 2, **principal: str) -> int:
        return self.add(
            "approval.request", principal={**ANA, **principal}, tier=tier, digest=digest, rules=["push-protected"]
        )

    def said(self, request: int, state: str, who: str = "ana", *, after: float = 0, **more: Any) -> None:
        self.time += after
        self.add("approval.decision", request=request, change={"state": state, "decided_by": who}, **more)


def test_prompts_are_counted_among_actions_by_tier_agent_and_person() -> None:
    log = Log()
    for _ in range(98):
        log.action()
    log.action("deny", tier=4)
    log.action(agent="codex", person="bo")
    log.asked(tier=2)
    log.asked(tier=3, agent="codex", person="bo")
    facts = insights(log.entries, owner="ana").facts()
    assert facts["total"] == {"actions": 100, "prompts": 2, "stopped": 1, "prompts_per_100": 2.0}
    assert facts["by_agent"]["codex"] == {"actions": 1, "prompts": 1, "stopped": 0, "prompts_per_100": 100.0}
    assert facts["by_person"]["ana"]["actions"] == 99
    assert facts["by_person"]["bo"]["prompts"] == 1
    assert {tier: row["prompts"] for tier, row in facts["by_tier"].items()} == {"1": 0, "2": 1, "3": 1, "4": 0}
    assert facts["rules"] == {"push-protected": 2}


def test_only_what_happened_since_counts_and_an_answer_to_an_older_question_does() -> None:
    log = Log()
    log.action()
    old = log.asked()
    since = log.time + 0.5
    log.said(old, "approved", after=30)
    log.action()
    facts = insights(log.entries, since=since).facts()
    assert facts["total"]["actions"] == 1
    assert facts["total"]["prompts"] == 0
    assert facts["ended"] == {"approved": 1}
    assert facts["reviewers"]["ana"]["seconds_p50"] == 31.0


def test_what_nobody_answered_is_said() -> None:
    log = Log()
    log.add("approval.end", request=log.asked(), change={"state": "expired"})
    log.add("approval.end", request=log.asked(), change={"state": "done"})
    assert insights(log.entries).facts()["ended"] == {"expired": 1}


def test_who_approves_everything_at_once_is_named() -> None:
    log = Log()
    for place in range(25):
        log.said(log.asked(f"d{place}"), "approved", "bo", decision={"shown_ms": 900})
        log.said(log.asked(f"e{place}"), "approved" if place % 5 else "denied", "ana", decision={"shown_ms": 20_000})
    reviewers = insights(log.entries).facts()["reviewers"]
    assert reviewers["bo"]["warnings"] == ["says yes to 100% of 25, half of them within 1 s"]
    assert reviewers["ana"]["warnings"] == []
    assert reviewers["ana"]["approval_rate"] == pytest.approx(0.8)


def test_a_reviewer_who_gets_ever_faster_is_named() -> None:
    log = Log()
    for place in range(20):
        log.said(log.asked(f"d{place}"), "approved", decision={"shown_ms": 40_000 if place < 10 else 6_000})
    (warning,) = insights(log.entries).facts()["reviewers"]["ana"]["warnings"]
    assert warning == "decides in 6 s what took 40 s before"


def test_how_long_a_batch_was_shown_stands_in_its_own_entry() -> None:
    log = Log()
    first, second = log.asked("a"), log.asked("b")
    batch = log.add("approval.batch", decision={"shown_ms": 8_000, "items": []})
    for request in (first, second):
        log.said(request, "approved", batch=batch, after=100)
    assert insights(log.entries).facts()["reviewers"]["ana"]["seconds_p50"] == 8.0


def test_a_drill_is_no_prompt_and_its_score_is_the_reviewers() -> None:
    log = Log()
    log.action()
    log.said(log.asked("bad"), "approved", "bo")
    log.add("drill.end", digests=["bad"], reviewers={"bo": [1, 1], "ana": [2, 0]}, unanswered=0)
    facts = insights(log.entries).facts()
    assert facts["total"]["prompts"] == 0
    assert facts["reviewers"]["bo"]["warnings"] == ["approved 1 of 1 drills"]
    assert facts["reviewers"]["bo"]["decisions"] == 0
    assert facts["reviewers"]["ana"]["drills"] == 2


def test_nothing_at_all() -> None:
    assert insights([]).facts()["total"]["prompts_per_100"] == 0.0
