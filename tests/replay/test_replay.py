"""Other rules on recorded actions: what would change, from the entries alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.broker import records
from interlock.broker.inside import inside
from interlock.cli.policy import command
from interlock.identity.keys import Ed25519Key
from interlock.ledger.entry import MAX_ENTRY_BYTES, encode
from interlock.ledger.reader import Reader
from interlock.ledger.store import Ledger
from interlock.model.action import Action, Principal, Reading
from interlock.model.decision import Context, Decision, Rung, Verdict
from interlock.model.effect import Effect, Kind, Resource, Verb
from interlock.model.errors import UsageError
from interlock.policy import notation
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer
from interlock.replay import parquet
from interlock.replay.again import HELD, Again, principals, recorded
from interlock.replay.parquet import Past
from interlock.replay.report import Replayed, replay
from policy import worlds

ENGINE = Engine.load([layer()])
PERSON = Principal("claude", "s1", person="ana", model="m")
SHOP = """
@id("no-shop") @tier("4") @why("w") @matches("read table shop.users @staging")
forbid (principal, action, resource) when { resource.name like "shop*" };
"""
CODEX = """
@id("no-codex") @tier("4") @why("w") @matches("read file x agent:codex")
forbid (principal, action, resource) when { principal.agent == "codex" };
"""
STAMP = "2026-11-20T12:00:00.000000Z"


def entry(
    *lines: str, text: str = "work", principal: Principal = PERSON, kind: str | None = None, **more: Any
) -> tuple[str, dict[str, Any]]:
    """Kind and body of an action with these effects, as the daemon would record it."""
    scenes = [notation.parse(line) for line in lines]
    effects, context = tuple(scene.effect for scene in scenes), scenes[0].context if scenes else Context()
    decision = ENGINE.decide(principal, effects, context)
    action = Action("Bash", {"command": text}, "/code/app", principal)
    body = records.action_body(action) | records.decision_body(decision, Reading(effects), context) | more
    return kind or ("intent" if decision.verdict is Verdict.ALLOW else "denial"), body


def ledger(tmp_path: Path, entries: list[tuple[str, dict[str, Any]]], stamp: str = STAMP) -> Path:
    directory = tmp_path / "home" / "state" / "ledger"
    directory.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519Key.generate("test/replay")
    with Ledger.open(directory, key, "test/replay") as log:
        for kind, body in entries:
            log.submit(kind, body, time=stamp).result()
    return directory


def replayed(directory: Path, *texts: str, since: str = "2026-01-01") -> Replayed:
    engine = Engine.load(
        [layer(), *([Layer("project", {f"{n}.cedar": t for n, t in enumerate(texts)})] if texts else [])]
    )
    with Reader.open(directory) as reader:
        past = Past(directory.parent / "replay")
        past.follow(reader)
        total = replay(past.groups(since, principals(engine)), Again(engine))
        past.close()
    return total


SOME = [
    entry("read file /code/app/a.py @workspace +workspace"),
    entry("read file /code/app/a.py @workspace +workspace"),
    entry("read table shop.users @staging", text="psql -c 'select'"),
    entry("delete table shop.users @production irreversible all", text="psql -c 'drop'"),
    entry("create file /code/app/b.py @workspace +workspace", "read table shop.users @staging"),
]


def test_the_same_rules_say_the_same(tmp_path: Path) -> None:
    total = replayed(ledger(tmp_path, SOME))
    assert (total.replayed, total.moved) == (5, {})
    assert total.before == total.after == {"allow": 4, "ask": 1}


def test_what_other_rules_change_is_counted_with_examples(tmp_path: Path) -> None:
    total = replayed(ledger(tmp_path, SOME), SHOP)
    moved = {(m.before.verdict.value, m.after.verdict.value): m for m in total.changes()}
    assert {key: m.count for key, m in moved.items()} == {("allow", "deny"): 2, ("ask", "deny"): 1}
    assert moved["allow", "deny"].examples == [3, 5]
    assert (total.prompts_gained, total.prompts_lost) == (0, 1)


def test_a_session_with_a_role_is_judged_with_it(tmp_path: Path) -> None:
    reader = msgspec.structs.replace(PERSON, roles=("reader",))
    line = "write file /code/app/a.py @workspace +workspace"
    total = replayed(ledger(tmp_path, [entry(line), entry(line, principal=reader)]))
    assert (total.moved, total.before) == ({}, {"allow": 1, "ask": 1})


def test_rules_about_principals_tell_them_apart(tmp_path: Path) -> None:
    codex = msgspec.structs.replace(PERSON, agent="codex")
    line = "read file /code/app/a.py @workspace +workspace"
    total = replayed(ledger(tmp_path, [entry(line), entry(line, principal=codex)]), CODEX)
    assert [m.count for m in total.changes()] == [1]


def test_what_cannot_be_replayed_is_counted_and_left_alone(tmp_path: Path) -> None:
    old_kind, old = entry("read file x @workspace +workspace")
    del old["asked"]
    found = [
        (old_kind, old),
        entry("read file x @workspace +workspace", asked_left_out=2),
        entry("read file x @workspace +workspace", asked=["teleport file x"]),
        entry("read file x @workspace +workspace", verdict="deny", rules=["halt"], kind="denial"),
    ]
    total = replayed(ledger(tmp_path, found), SHOP)
    assert (total.older, total.cut, total.unread, total.otherwise, total.replayed) == (1, 1, 1, 1, 0)


def test_what_a_grant_let_through_is_a_question_under_other_rules(tmp_path: Path) -> None:
    total = replayed(ledger(tmp_path, [entry("write table users", verdict="allow", tier=1, grants=[7], kind="intent")]))
    assert (total.prompts_gained, total.lapsed) == (1, 1)


def test_an_action_that_ran_contained_is_judged_in_the_sandbox_again(tmp_path: Path) -> None:
    effects = (notation.parse("opaque code x irreversible via:bash").effect,)
    held = inside(effects, "bash x", "/code/app")
    assert held is not None
    context = Context(containment="sandbox")
    decision = ENGINE.decide(PERSON, held, context)
    body = records.action_body(Action("Bash", {"command": "bash x"}, "/code/app", PERSON))
    body |= records.decision_body(decision, Reading(effects), context, held)
    assert body["verdict"] == "allow"
    assert body["inside"][0].endswith("sandbox")
    directory = ledger(tmp_path, [("intent", body)])
    assert not replayed(directory).moved
    no_code = SHOP.replace('resource.name like "shop*"', 'resource.kind == "code"').replace(
        "table shop.users", "code x"
    )
    assert [m.after.verdict for m in replayed(directory, no_code).changes()] == [Verdict.DENY]


def test_only_what_is_new_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "CHUNK", 4)
    directory = tmp_path / "home" / "state" / "ledger"
    directory.parent.mkdir(parents=True)
    key = Ed25519Key.generate("test/replay")
    folder = directory.parent / "replay"
    with Ledger.open(directory, key, "test/replay") as log:
        for number in range(1, 12):
            kind, body = SOME[number % len(SOME)]
            log.submit(kind, body, time=STAMP).result()
            assert replayed(directory).replayed == number
            ends = [int(path.stem.partition("-")[2]) for path in sorted(folder.glob("*.parquet"))]
            assert ends == [*range(4, log.size - log.size % 4 + 1, 4), *([log.size] if log.size % 4 else [])]
    assert [path.name for path in folder.iterdir() if path.suffix != ".parquet"] == []


def test_names_that_were_shortened_are_counted(tmp_path: Path) -> None:
    """A rule about the end of a name sees no more than the entry holds of it, and may answer otherwise: it is said."""
    assert records._NAME == HELD
    some = [entry(f"read table {'s' * length} @staging") for length in (10, HELD - 1, HELD, HELD + 90)]
    total = replayed(ledger(tmp_path, some), SHOP.replace("shop*", "*t").replace("shop.users", "t"))
    assert (total.replayed, total.shortened) == (4, 2)


def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    assert replayed(ledger(tmp_path, SOME), since="2026-11-20T12:00:00.000001Z").replayed == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(worlds.effects(), max_size=4), worlds.contexts, worlds.principals)
def test_an_entry_holds_what_a_replay_needs(effects: list[Effect], context: Context, principal: Principal) -> None:
    """The same rules give the same verdict on the entry as on the action, with no more than the entry at hand."""
    decision = ENGINE.decide(principal, effects, context)
    body = records.decision_body(decision, Reading(tuple(effects)), context)
    said = Again(ENGINE).action(body["asked"], [], tuple(getattr(principal, name) for name in principals(ENGINE)))
    assert said.answer == recorded(decision.verdict.value, decision.tier)


@pytest.mark.parametrize("name", ["x" * 4_000, "\udcff" * 300, '"' * 900, "\n" * 500, "\N{SNOWMAN}" * 900])
def test_the_largest_action_still_fits_an_entry(name: str) -> None:
    effects = tuple(Effect(Verb.DELETE, Resource(Kind.FILE, f"{n}{name}"), via=name) for n in range(300))
    decision = Decision(Verdict.ALLOW, 1, Rung.NONE, (), ("rule",) * 20, name)
    action = Action("Bash", {"command": name * 3}, "/" + name, PERSON)
    body = records.action_body(action)
    body |= records.decision_body(decision, Reading(effects), Context(containment="sandbox"), effects)
    assert body["asked_left_out"] > 0
    assert len(encode("intent", body, STAMP)) < MAX_ENTRY_BYTES


def test_the_command_prints_what_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERLOCK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    ledger(tmp_path, SOME)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.cedar").write_text(SHOP)
    words = ["replay", "--since", "2026-11-01", "--policy", "new"]
    shown = CliRunner().invoke(command, words, catch_exceptions=False).output
    assert shown.splitlines()[1:] == [
        "  prompts  1 → 0   (+0 -1)",
        "  stopped  0 → 3",
        "  allowed  4 → 2",
        "allow  →  deny   2",
        "  1 by no-shop (was read)",
        "  1 by no-shop (was workspace-change, read)",
        "    5  Bash: work",
        "    3  Bash: psql -c 'select'",
        "ask two people, strong  →  deny   1",
        "  1 by no-shop (was production-destroyed, production-change)",
        "    4  Bash: psql -c 'drop'",
    ]
    said = json.loads(CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False).output)
    assert said["changes"][0]["examples"][0] == {"entry": 5, "tool": "Bash", "text": "work"}
    same = CliRunner().invoke(command, ["replay", "--since", "2026-11-01"], catch_exceptions=False).output
    assert "Every one of them gets the verdict that it got." in same


@pytest.mark.parametrize("since", ["0001-01-01T00:00+14:00", "999999w"])
def test_a_moment_before_every_calendar_is_said_to_be_one(since: str) -> None:
    with pytest.raises(UsageError, match="before every calendar"):
        CliRunner().invoke(command, ["replay", "--since", since], catch_exceptions=False)


def test_history_tells_two_sets_apart(tmp_path: Path) -> None:
    """What `policy diff` looks at where nothing is proved: both sets on what is recorded, whatever was said then."""
    directory = ledger(tmp_path, [*SOME, entry("read file x agent:codex", verdict="deny", kind="denial")])
    old = Engine.load([layer(), Layer("project", {"a.cedar": SHOP})])
    with Reader.open(directory) as reader:
        past = Past(directory.parent / "replay")
        past.follow(reader)
        fields = principals(Engine.load([layer(), Layer("project", {"a.cedar": CODEX})]))
        total = replay(past.groups("2026-01-01", fields), Again(ENGINE, fields), Again(old, fields))
        past.close()
    assert [(m.before.verdict, m.after.verdict, m.count) for m in total.changes()] == [
        (Verdict.DENY, Verdict.ALLOW, 2),
        (Verdict.DENY, Verdict.ASK, 1),
    ]
    assert total.lapsed == 0
