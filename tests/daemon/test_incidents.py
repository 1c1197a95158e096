"""An incident, from a person's word to the models behind it and the score that learns from it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from tests.daemon.conftest import Guard
from tests.daemon.test_provenance import commit, git, write
from tests.daemon.test_whose_session import LivingAgent

from interlock.daemon.client import Remote, call
from interlock.panel import stories

WORDS = ("incident", "record", "--what", "orders were charged twice", "--severity", "high")


@pytest.fixture
def shop(guard: Guard) -> Guard:
    """A repository whose last commit has a file that an agent wrote."""
    git(guard, "init", "-q", "-b", "main")
    (guard.project / "README").write_text("a shop\n")
    commit(guard, "before")
    guard.hook("", {}, event="SessionStart")
    guard.hook("", {}, event="UserPromptSubmit", prompt="sell something")
    write(guard, "shop.py", "def sell():\n    return 1\n")
    commit(guard, "sell")
    return guard


def said(guard: Guard, *words: str, status: int = 0) -> Any:
    done = guard.cli(*words, "--json")
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_an_incident_is_traced_from_its_commit_and_closed(shop: Guard) -> None:
    head = git(shop, "rev-parse", "HEAD")
    made = said(shop, *WORDS, "--commit", "HEAD", "--at", "2026-01-02T10:00:00+01:00")
    (action,) = (entry["index"] for entry in shop.entries("intent") if entry["body"]["tool"] == "Write")
    assert made["at"] == "2026-01-02T09:00:00.000000Z"
    assert [row["commit"] for row in made["commits"]] == [head]
    behind = made["behind"]
    assert (behind["actions"], behind["agents"], behind["models"], behind["tools"]) == (
        1, ["claude"], ["claude-test-1"], ["Write"],
    )  # fmt: skip
    assert behind["prompts"][0].startswith("sha256:")
    number = str(made["entry"])
    shown = said(shop, "incident", "show", number)
    assert [(act["entry"], act["model"]) for act in shown["traced"]] == [(action, "claude-test-1")]
    assert [act["entry"] for act in said(shop, "trace", f"#{number}")["actions"]] == [action]
    assert call(shop.home, "incident.commits", {"cwd": str(shop.project)})["commits"] == {head: made["entry"]}

    text = shop.cli("incident", "show", number).stdout
    assert "orders were charged twice" in text
    assert "Write, claude session-1, model claude-test-1, prompt sha256:" in " ".join(text.split())
    (listed,) = said(shop, "incident", "list")
    assert (listed["entry"], listed["state"]) == (made["entry"], "open")
    done = said(shop, "incident", "close", number, "--as", "mistaken", "--because", "it was the network")
    assert done["incident"] == made["entry"]
    assert said(shop, "incident", "list") == []
    assert said(shop, "incident", "list", "--all")[0]["state"] == "mistaken"
    assert call(shop.home, "incident.commits", {"cwd": str(shop.project)})["commits"] == {}
    assert "was closed as mistaken" in said(shop, "incident", "close", number, "--as", "mended", status=27)["message"]
    for kind, mark in (("incident", "incident: high"), ("incident.close", "mistaken")):
        (entry,) = shop.entries(kind)
        assert stories.told(kind, entry["body"])[0] == mark
    assert shop.cli("export", "out").returncode == 0
    assert shop.cli("verify", "out").returncode == 0


def test_the_commits_that_hold_an_action_are_its_incidents_and_a_sessions_are_not(shop: Guard) -> None:
    """A session writes a hundred commits: that one of them was bad says nothing of the others."""
    assert shop.cli("attest").returncode == 0
    session = said(shop, *WORDS, "--session", "session-1")
    assert session["behind"]["models"] == ["claude-test-1"]
    cwd = {"cwd": str(shop.project)}
    assert call(shop.home, "incident.commits", cwd)["commits"] == {}
    (action,) = (str(entry["index"]) for entry in shop.entries("intent") if entry["body"]["tool"] == "Write")
    made = said(shop, *WORDS, "--action", action)
    head = git(shop, "rev-parse", "HEAD")
    assert call(shop.home, "incident.commits", cwd)["commits"] == {head: made["entry"]}


@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        ((), 2, "say what it came from"),
        (("--action", "0"), 26, "entry 0 is no action"),
        (("--session", "nobody"), 26, "session 'nobody' has no action"),
        (("--commit", "nothing"), 26, ""),
        (("--session", "session-1", "--at", "yesterday"), 2, "is no time"),
        (("--session", "session-1", "--at", "2999-01-01"), 2, "is to come"),
    ],
)
def test_an_incident_that_comes_from_nothing_known_is_refused(
    shop: Guard, more: tuple[str, ...], status: int, why: str
) -> None:
    done = shop.cli(*WORDS, *more)
    assert (done.returncode, why in done.stderr) == (status, True), done.stderr
    assert shop.entries("incident") == []


def test_a_trace_names_the_incidents_of_what_it_finds(shop: Guard) -> None:
    """Story: somebody traced a line to its prompt, and nothing said that it had emptied a table the day before."""
    (action,) = (entry["index"] for entry in shop.entries("intent") if entry["body"]["tool"] == "Write")
    everywhere = ("HEAD", "shop.py:1", f"#{action}")
    assert [said(shop, "trace", what)["incidents"] for what in everywhere] == [[], [], []]
    assert "incident" not in shop.cli("trace", "HEAD").stdout
    made = {name: said(shop, *WORDS, f"--{name}", of)["entry"] for name, of in (
        ("commit", "HEAD"), ("action", str(action)), ("session", "session-1"))}  # fmt: skip
    said(shop, *WORDS, "--commit", "HEAD~1")  # of a commit that is none of these
    said(shop, "incident", "close", str(made["session"]), "--as", "mistaken")
    wanted = [
        (made["session"], "session", "mistaken"),
        (made["action"], "action", "open"),
        (made["commit"], "commit", "open"),
    ]
    for what in everywhere:
        told = said(shop, "trace", what)["incidents"]
        assert [(one["entry"], one["through"], one["state"]) for one in told] == wanted, what
    text = " ".join(shop.cli("trace", "shop.py:1").stdout.split())
    assert f"incident #{made['commit']} high, open: orders were charged twice (names the commit)" in text
    assert f"interlock incident show {made['commit']}" in text
    assert f"#{made['session']} high, mistaken: orders were charged twice (names the whole session)" in text


def test_an_entry_leads_to_the_commit_or_the_action_that_it_is_of(shop: Guard) -> None:
    """What the panel records by: the numbers that stand on its pages. A commit that is not attested yet is, by then."""
    assert shop.cli("attest").returncode == 0
    (attested,) = (entry["index"] for entry in shop.entries("attestation"))
    (written,) = (entry["index"] for entry in shop.entries("outcome"))
    head, before = git(shop, "rev-parse", "HEAD"), git(shop, "rev-parse", "HEAD~1")
    assert shop.cli("review", "HEAD~1", "--as", "critic", "--says", "ok").returncode == 0
    (review,) = (entry["index"] for entry in shop.entries("review"))
    of = {"entries": [attested, written, review], "sessions": ["session-1"]}
    found = call(shop.home, "incident.origin", of)
    assert [row["commit"] for row in found["commits"]] == [head, before]
    assert (found["behind"]["models"], found["unattested"]) == (["claude-test-1"], 1)
    assert shop.entries("incident") == []
    made = call(shop.home, "incident.record", {"what": "x", "severity": "low", **of})
    assert (made["commits"], made["actions"]) == (found["commits"], found["actions"])
    assert call(shop.home, "incident.origin", of)["unattested"] == 0
    shown = call(shop.home, "incident.show", {"id": made["entry"]})
    assert shown["attested"] == [attested, shop.entries("attestation")[-1]["index"]]
    for wrong in (0, 10**6):
        with pytest.raises(Remote, match=f"entry {wrong} is no action, and of no commit"):
            call(shop.home, "incident.record", {"what": "x", "severity": "low", "entries": [attested, wrong]})


def test_a_commit_whose_repository_is_gone_is_recorded_where_it_is(shop: Guard) -> None:
    assert shop.cli("review", "HEAD~1", "--as", "critic", "--says", "ok").returncode == 0
    (review,) = (entry["index"] for entry in shop.entries("review"))
    (shop.project / ".git").rename(shop.base / "moved.git")
    with pytest.raises(Remote, match="interlock incident record --commit"):
        call(shop.home, "incident.record", {"what": "x", "severity": "low", "entries": [review]})
    assert shop.entries("incident") == []


def test_an_amended_commit_keeps_the_incidents_of_its_actions(shop: Guard) -> None:
    made = said(shop, *WORDS, "--commit", "HEAD")
    git(shop, "commit", "-q", "--amend", "-m", "sell, and say so")
    assert [(one["entry"], one["through"]) for one in said(shop, "trace", "HEAD")["incidents"]] == [
        (made["entry"], "action")
    ]
    assert said(shop, "trace", "HEAD~1")["incidents"] == []


def test_a_line_is_not_blamed_for_what_else_its_commit_holds(shop: Guard) -> None:
    """A line of a commit whose other lines went wrong: the incident names an action that did not write this one."""
    write(shop, "price.py", "PRICE = 1\n")
    write(shop, "stock.py", "STOCK = 2\n")
    commit(shop, "price and stock")
    bad = [entry["index"] for entry in shop.entries("intent") if entry["body"]["tool"] == "Write"][-1]
    made = said(shop, *WORDS, "--action", str(bad))
    assert said(shop, "trace", "price.py:1")["incidents"] == []
    assert [one["entry"] for one in said(shop, "trace", "stock.py:1")["incidents"]] == [made["entry"]]
    assert [one["through"] for one in said(shop, "trace", "HEAD")["incidents"]] == ["action"]


def test_an_agent_records_no_incident_and_closes_none(shop: Guard) -> None:
    """Story: an agent would close the incident that its own commit was, or blame another one's."""
    made = said(shop, *WORDS, "--session", "session-1")
    agent = LivingAgent(shop)
    agent.event("SessionStart", "s-other", source="startup")
    try:
        for words in ((*WORDS, "--session", "session-1"), ("incident", "close", str(made["entry"]), "--as", "mended")):
            code, out, err = agent.run([sys.executable, "-m", "interlock.cli.main", *words])
            assert (code, "an agent cannot decide" in err) == (27, True), out + err
    finally:
        agent.end()
    assert len(shop.entries("incident", "incident.close")) == 1


def test_a_caller_of_the_daemon_gives_numbers_for_actions(shop: Guard) -> None:
    asked = {"what": "x", "severity": "low", "actions": ["one"], "cwd": str(shop.project)}
    with pytest.raises(Remote, match="no integer"):
        call(shop.home, "incident.record", asked)


def test_the_risk_score_learns_from_incidents(shop: Guard) -> None:
    older = "of 1 older commits whose outcome is known, {} are bad"  # too few to fit anything, but they are counted
    assert older.format(0) in shop.cli("risk", "--ledger").stderr
    made = said(shop, *WORDS, "--commit", "HEAD~1")
    assert older.format(1) in shop.cli("risk", "--ledger").stderr
    said(shop, "incident", "close", str(made["entry"]), "--as", "mistaken")
    assert older.format(0) in shop.cli("risk", "--ledger").stderr
