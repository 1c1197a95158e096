"""A replay says of an action what the daemon says to it: the same actions, recorded, and then under new rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import Guard
from interlock.ledger.reader import Reader
from interlock.model.decision import Verdict
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer
from interlock.replay.again import Again, Answer, principals, recorded
from interlock.replay.report import NOT_POLICY
from prover.proofs import prove_folder

CORPUS = Path(__file__).parent.parent / "corpus" / "cases"
EVERY = 70  # of some 25,000 commands
CONFIGURATION = """
[ask]
hold_seconds = 0
[approvals]
asks_an_hour = 0
denials_in_a_row = 0
denials_in_a_session = 0
"""
TIGHTER = """
@id("no-tables") @tier("3") @why("w") @matches("read table x approved:one")
forbid (principal, action, resource) when { resource.kind == "table" }
unless { context.approval.count >= 1 && context.approval.strong };

@id("no-s-names") @tier("2") @why("w") @matches("read file /s")
forbid (principal, action, resource) when { resource.name like "*/s*" } unless { context.approval.count >= 1 };

@id("no-curl") @tier("4") @why("w") @matches("fetch host x via:curl")
forbid (principal, action in Interlock::Action::"reach", resource) when { context.via like "*curl*" };

@id("no-odd-session") @tier("4") @why("w") @matches("read file x agent:codex")
forbid (principal, action, resource) when { principal.session like "*7" || principal.agent == "codex" };

@id("nothing-lost") @tier("4") @why("w") @matches("delete file x irreversible")
forbid (principal, action in Interlock::Action::"destroy", resource) when { context.reversibility == "irreversible" };
"""


def steps() -> Iterator[dict[str, Any]]:
    lines = [line for file in sorted(CORPUS.glob("*.jsonl")) for line in file.read_text().splitlines()]
    return map(json.loads, lines[::EVERY])


def done(guard: Guard) -> dict[str, dict[str, Any]]:
    """The entries that the daemon writes of all steps, by call."""
    guard.start()
    for number, step in enumerate(steps()):
        event = {
            "session_id": f"s{number}", "transcript_path": "", "cwd": str(guard.project), "tool_name": step["tool"],
            "tool_input": step["input"], "tool_use_id": f"c{number}", "hook_event_name": "PreToolUse",
        }  # fmt: skip
        guard.raw(json.dumps(event).encode())
    guard.stop()
    with Reader.open(guard.home.state / "ledger") as reader:
        entries = [json.loads(e.raw)["body"] for e in reader.entries(0, reader.size, ("intent", "denial"))]
    return {body["call"]: body for body in entries}


def again(body: dict[str, Any], judge: Again, fields: tuple[str, ...]) -> Answer:
    who = [body["principal"].get(name, "") for name in fields if name != "roles"]
    roles = [tuple(body["principal"].get("roles", ()))] if "roles" in fields else []
    assert fields[-1:] == ("roles",) or not roles  # they stand last
    return judge.action(body["asked"], body.get("inside", []), (*who, *roles)).answer


@pytest.mark.slow
def test_a_replay_says_what_the_daemon_says(tmp_path: Path) -> None:
    plain, tight = Guard(tmp_path / "a"), Guard(tmp_path / "b")
    for guard in (plain, tight):
        guard.configure(CONFIGURATION)
    folder = tight.home.config / "policy"
    folder.mkdir(parents=True)
    (folder / "mine.cedar").write_text(TIGHTER)
    prove_folder(folder, "user")
    was, now = done(plain), done(tight)
    assert was.keys() == now.keys()
    assert len(was) > 300
    same = Again(mine := Engine.load([layer()]), principals(mine))
    other = Again(theirs := Engine.load([layer(), Layer("user", {"mine.cedar": TIGHTER})]), principals(theirs))
    wrong, moved, left, spared = [], 0, 0, 0
    for call, body in was.items():
        if body.get("asked_left_out") or not NOT_POLICY.isdisjoint(body["rules"]):
            left += 1
            continue
        before, after = (recorded(side[call]["verdict"], side[call]["tier"]) for side in (was, now))
        moved += before != after
        if again(body, same, principals(mine)) != before:
            wrong.append((call, body["text"], "as it was", body["asked"]))
        found = again(body, other, principals(theirs))
        if found != after:
            # What ran as it is may now run in the sandbox; what it would be there was never recorded.
            spared += (sandbox := "inside" in now[call] and "inside" not in body)
            if not sandbox or found.verdict is Verdict.ALLOW:
                wrong.append((call, body["text"], found, after, now[call]["rules"], body["asked"]))
    assert not wrong
    assert moved > 50
    assert left + spared < len(was) / 50
