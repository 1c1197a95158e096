"""What people keep saying yes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from interlock.model.effect import Effect, Environment, Kind, Resource, Reversibility, Verb
from interlock.model.grant import Pattern, exactly
from interlock.watch.seen import Seen
from interlock.watch.suggestions import Suggestion, common, suggestions

DAY = 86_400.0


def push(name: str, *labels: str) -> Pattern:
    effect = Effect(
        Verb.PUBLISH,
        Resource(Kind.GIT_REF, name, labels),
        Environment.UNKNOWN,
        Reversibility.RECOVERABLE,
        via="git push",
    )
    pattern = exactly(effect)
    assert pattern is not None
    return pattern


def history(answers: Sequence[tuple[Pattern, str]], *, rung: str = "one", age: float = 0.0) -> list[Seen]:
    entries: list[Seen] = []
    for pattern, state in answers:
        body: dict[str, Any] = {
            "grantable": msgspec.to_builtins([pattern]), "principal": {"agent": "claude", "session": "s"},
            "workspace": "/code/app", "rung": rung, "text": f"git push {pattern.name}",
        }  # fmt: skip
        at = 100 * DAY - age
        entries.append(Seen(len(entries), "approval.request", at, body))
        decided = {"request": len(entries) - 1, "change": {"state": state, "decided_by": "ana"}}
        entries.append(Seen(len(entries), "approval.decision", at, decided))
    return entries


def suggested(entries: list[Seen], *covered: Pattern) -> list[Suggestion]:
    return suggestions(entries, now=100 * DAY, covered=[covered] if covered else ())


YES = [(push(f"origin/fix-{letter}"), "approved") for letter in "abcde"]


def test_five_yeses_to_one_shape_are_a_suggestion_with_what_they_share() -> None:
    (found,) = suggested(history(YES))
    assert found.patterns == (msgspec.structs.replace(push("x"), name="origin/fix-*"),)
    assert (found.workspace, found.agent, found.rung) == ("/code/app", "claude", "one")
    assert len(found.requests) == 5


def test_four_are_not_enough_and_one_no_ends_it() -> None:
    assert suggested(history(YES[:4])) == []
    assert suggested(history([*YES, (push("origin/fix-f"), "denied")])) == []


def test_older_answers_do_not_count() -> None:
    assert suggested(history(YES, age=15 * DAY)) == []


def test_another_shape_is_another_suggestion() -> None:
    forced = [(push(f"origin/x-{letter}", "force"), "approved") for letter in "abc"]
    assert len(suggested(history([*YES, *forced]))) == 1


def test_names_that_share_nothing_are_not_widened() -> None:
    assert suggested(history([(push(f"remote{i}/branch"), "approved") for i in range(5)])) == []


def test_what_is_granted_already_is_not_suggested() -> None:
    (found,) = suggested(history(YES))
    assert suggested(history(YES), *found.patterns) == []


def test_what_no_grant_may_cover_is_never_suggested() -> None:
    entries = history(YES)
    for entry in entries:
        entry.body.pop("grantable", None)
    assert suggested(entries) == []


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["origin/a"], "origin/a"),
        (["a*b"], "a\\*b"),
        (["origin/fix-a", "origin/fix-b"], "origin/fix-*"),
        (["origin/fixa", "origin/fixb"], "origin/*"),
        (["/a/b/c", "/a/x/c"], None),
        (["alpha", "alto"], None),
        (["app-1", "app-2"], "app-*"),
        (["x/a*1", "x/a*2"], "x/a\\**"),
    ],
)
def test_the_star_begins_where_a_word_does(names: list[str], pattern: str | None) -> None:
    assert common(names) == pattern
