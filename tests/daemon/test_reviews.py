"""Who looked at a commit is what the daemon saw: an agent's process, or a person's; never what the caller says."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from tests.daemon.conftest import Guard
from tests.daemon.test_provenance import commit, git
from tests.daemon.test_whose_session import LivingAgent

from interlock.changes.intake import take
from interlock.changes.repo import Repo
from interlock.changes.stages.review import STAGE

CLI = ["-m", "interlock.cli.main", "review"]


@pytest.fixture
def critic(guard: Guard) -> Iterator[LivingAgent]:
    """An agent at work in a repository with one commit that a person made."""
    git(guard, "init", "-q", "-b", "main")
    (guard.project / "README").write_text("a shop\n")
    commit(guard, "before")
    agent = LivingAgent(guard)
    agent.event("SessionStart", "s-critic", source="startup")
    yield agent
    agent.end()


def review(agent: LivingAgent, *words: str) -> tuple[int, str]:
    code, out, err = agent.run([sys.executable, *CLI, *words])
    return code, out + err


def test_an_agent_reviews_as_the_session_of_its_process(guard: Guard, critic: LivingAgent) -> None:
    code, said = review(critic, "HEAD", "--as", "critic", "--says", "no", "--because", "it sells nothing")
    assert (code, "claude, session s-critic, critic, says no" in said) == (0, True), said
    (entry,) = guard.entries("review")
    assert (entry["body"]["by"]["agent"], entry["body"]["by"]["session"]) == ("claude", "s-critic")
    assert entry["body"]["commit"] == git(guard, "rev-parse", "HEAD")


def test_an_agent_does_not_review_for_another_session(guard: Guard, critic: LivingAgent) -> None:
    """Story: a process said that it was the session next door, which had written nothing."""
    other = LivingAgent(guard)
    other.event("SessionStart", "s-other", source="startup")
    try:
        code, said = review(critic, "--as", "critic", "--says", "ok", "--session", "s-other")
    finally:
        other.end()
    assert (code, "cannot be told for which session" in said) == (27, True), said
    assert guard.entries("review") == []


def test_an_agent_that_tested_has_run_tests(guard: Guard, critic: LivingAgent) -> None:
    words = ("HEAD", "--as", "tester", "--says", "ok")
    code, said = review(critic, *words)
    assert (code, "no run of tests" in said) == (27, True), said
    for call, command, ok in (("one", "pytest -q", False), ("two", "pytest -q", True)):
        about = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": call}
        critic.event("PreToolUse", "s-critic", **about)
        if ok:
            critic.event("PostToolUse", "s-critic", tool_response={"stdout": "", "exit_code": 0}, **about)
        code, said = review(critic, *words)
        assert code == (0 if ok else 27), said
    (entry,) = guard.entries("review")
    assert (entry["body"]["role"], entry["body"]["says"]) == ("tester", "ok")


def test_a_person_reviews_and_the_gate_reads_it_from_a_note(guard: Guard, critic: LivingAgent) -> None:
    """From the daemon's word to the stage's: the only forms in between are those that travel."""
    rules = guard.project / ".interlock"
    rules.mkdir()
    key = (guard.home.state / "keys" / "daemon.vkey").read_text().strip()
    (rules / "gate.toml").write_text(f'[provenance]\nkeys = ["{key}"]\n[[review]]\nroles = ["critic"]\n')
    commit(guard, "rules")
    git(guard, "checkout", "-q", "-b", "work")
    written = {"file_path": str(guard.project / "shop.py"), "content": "def sell():\n    return 1\n"}
    author = {"tool_name": "Write", "tool_input": written, "tool_use_id": "w"}
    critic.event("PreToolUse", "s-critic", **author)
    (guard.project / "shop.py").write_text(written["content"])
    critic.event("PostToolUse", "s-critic", tool_response={"success": True}, **author)
    commit(guard, "sell")
    assert review(critic, "--as", "critic", "--says", "ok")[0] == 0
    done = guard.cli("attest", "--notes")
    assert done.returncode == 0, done.stderr

    def rules_met() -> list[str]:
        return [one.rule for one in STAGE.run(take(Repo(str(guard.project)), "main", "work")).findings]

    assert rules_met() == ["review/same"]
    done = guard.cli("review", "--as", "critic", "--says", "ok", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["by"]) == {"person"}
    assert rules_met() == ["review/same"]  # it is in this ledger alone
    assert guard.cli("attest", "--reviews").returncode == 0
    assert rules_met() == []
    assert guard.cli("attest", "--reviews").returncode == 0
    assert len(git(guard, "notes", "--ref=interlock-reviews", "show", "HEAD").splitlines()) == 2


def test_whoever_verifies_a_commit_is_shown_its_reviews(guard: Guard, critic: LivingAgent) -> None:
    assert guard.cli("review", "--as", "critic", "--says", "no", "--because", "it sells nothing").returncode == 0
    head = git(guard, "rev-parse", "HEAD")
    assert guard.cli("attest").returncode == 0
    assert guard.stop() == 0
    done = guard.cli("verify", "--commit", "HEAD")
    assert done.returncode == 0, done.stderr
    sound, said, why = done.stdout.splitlines()
    assert sound.startswith(f"Sound: commit {head[:12]}")
    assert "critic, says no" in said
    assert said.endswith(": holds")
    assert why == "    because it sells nothing"
    found = json.loads(guard.cli("verify", "--commit", "HEAD", "--json").stdout)
    (row,) = found["reviews"]
    assert (row["signed"], row["says"], row["holds"]) == ("log", "no", True)

    # A review that nobody's key has signed as it stands: it is shown as such, and the command says that it failed.
    line = json.dumps({"schema": "interlock.review.ssh/1", "signature": "none", "statement": "says ok"})
    git(guard, "notes", "--ref=interlock-reviews", "add", "-m", line, "HEAD")
    done = guard.cli("verify", "--commit", "HEAD")
    assert (done.returncode, "a review by SSH key: does not hold" in done.stdout) == (30, True), done.stdout
    assert "is not what was signed" in done.stderr
    assert "critic, says no" in done.stdout
    done = guard.cli("verify", "--commit", "HEAD", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["sound"], "is not what was signed" in found["problem"]) == (30, False, True)
    assert [row["forged"] for row in found["reviews"]] == [True, False]


def test_reviews_are_shown_of_a_commit_without_an_attestation(guard: Guard, critic: LivingAgent) -> None:
    assert guard.cli("review", "--as", "critic", "--says", "ok").returncode == 0
    assert guard.stop() == 0
    done = guard.cli("verify", "--commit", "HEAD")
    assert (done.returncode, "critic, says ok" in done.stdout) == (26, True), done.stdout + done.stderr
    assert "has no attestation here" in done.stderr
    done = guard.cli("verify", "--commit", "HEAD", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["sound"], len(found["reviews"])) == (26, False, 1)
