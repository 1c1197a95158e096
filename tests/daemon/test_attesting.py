"""What stands behind a commit: attested when the daemon sees it, followed both ways, and checked without a daemon."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.conftest import Guard
from tests.daemon.test_provenance import commit, git, shell, write

from interlock.daemon.client import call


@pytest.fixture
def shop(guard: Guard) -> Guard:
    """A repository in which an agent wrote a file, ran its tests and committed, and a person went on."""
    git(guard, "init", "-q", "-b", "main")
    (guard.project / "README").write_text("a shop\n")
    commit(guard, "before")
    guard.hook("", {}, event="SessionStart")
    guard.hook("", {}, event="UserPromptSubmit", prompt="please sell things")
    write(guard, "shop.py", "def sell(thing):\n    return thing.price\n")
    shell(guard, "git add -A")
    shell(guard, "git commit -qm 'sell things'")
    return guard


def said(guard: Guard, *words: str) -> Any:
    done = guard.cli(*words)
    assert done.returncode == 0, done.stdout + done.stderr + guard.log()
    return json.loads(done.stdout)


def statement(bundle: dict[str, Any]) -> dict[str, Any]:
    import base64

    found: dict[str, Any] = json.loads(base64.b64decode(bundle["envelope"]["payload"]))
    return found


def test_a_commit_is_attested_by_itself_followed_and_verified(shop: Guard, tmp_path: Path) -> None:
    head = git(shop, "rev-parse", "HEAD")
    found = said(shop, "attest", "--json")
    about = statement(found)
    definition = about["predicate"]["buildDefinition"]
    assert about["subject"][0]["digest"]["gitCommit"] == head
    assert about["subject"][1]["digest"]["gitTree"] == git(shop, "rev-parse", "HEAD^{tree}")
    assert definition["internalParameters"]["lines"] == {"agent": 2}
    assert definition["externalParameters"]["sessions"] == ["claude/session-1"]
    assert definition["externalParameters"]["models"] == ["claude-test-1"]
    assert definition["externalParameters"]["prompts"][0].startswith("sha256:")
    kinds = [entry for entry in call(shop.home, "log", {"limit": 200})["entries"] if "attestation" in entry["schema"]]
    assert len(kinds) == 1  # made when the commit was seen, and not again by asking
    assert not git(shop, "for-each-ref", "refs/notes")

    line = said(shop, "trace", "shop.py:1", "--json")
    action = line["actions"][0]["entry"]
    assert line["author"] == "agent"
    assert line["actions"][0]["prompt"] == definition["externalParameters"]["prompts"][0]
    assert line["commits"] == [head]
    forth = said(shop, "trace", str(action), "--json")
    assert [one["line"] for one in forth["files"]["shop.py"]] == [1, 2]
    assert forth["commits"] == [head]
    assert [act["entry"] for act in said(shop, "trace", "HEAD", "--json")["actions"]] == [action]

    assert shop.cli("attest", "--output", str(tmp_path / "out")).returncode == 0
    bundle, key = tmp_path / "out" / f"{head}.json", shop.home.state / "keys" / "daemon.vkey"
    assert shop.stop() == 0
    assert "Sound: commit" in shop.cli("verify", "--commit", "HEAD").stdout
    words = ("verify", "--commit", "HEAD", "--bundle", str(bundle), "--key", str(key))
    assert shop.cli(*words).returncode == 0
    changed = json.loads(bundle.read_text())
    changed["entry"] = changed["entry"].replace('"agent":2', '"agent":1')
    bundle.write_text(json.dumps(changed))
    assert shop.cli(*words).returncode == 30
    assert shop.cli("verify", "--commit", "HEAD~1").returncode == 26


def test_notes_are_written_when_they_are_asked_for_and_others_are_kept(shop: Guard) -> None:
    head = git(shop, "rev-parse", "HEAD")
    git(shop, "notes", "--ref=ai", "add", "-m", "of another tool", "HEAD")
    done = shop.cli("attest", "--notes", "--agent-trace")
    assert done.returncode == 0, done.stderr
    trace = json.loads(done.stdout)
    assert trace["vcs"] == {"type": "git", "revision": head}
    conversation = trace["files"][0]["conversations"][0]
    assert conversation["contributor"] == {"type": "ai", "model_id": "claude-test-1"}
    assert conversation["ranges"] == [{"start_line": 1, "end_line": 2}]
    assert git(shop, "notes", "--ref=ai", "show", "HEAD") == "of another tool"
    git(shop, "notes", "--ref=ai", "remove", "HEAD")
    assert shop.cli("attest", "--notes").returncode == 0
    log = git(shop, "notes", "--ref=ai", "show", "HEAD")
    body, _, facts = log.partition("\n---\n")
    assert body.splitlines()[0] == "shop.py"
    name, lines = body.splitlines()[1].split()
    assert lines == "1-2"
    assert json.loads(facts)["prompts"][name]["agent_id"]["model"] == "claude-test-1"
    assert json.loads(git(shop, "notes", "--ref=interlock", "show", "HEAD"))["schema"] == "interlock.attestation/1"


def test_trailers_name_the_attestation_of_the_same_tree_and_the_new_commit_has_its_own(shop: Guard) -> None:
    before = said(shop, "attest", "--json")
    assert shop.cli("attest", "--trailers").returncode == 0
    lines = git(shop, "log", "-1", "--format=%(trailers:only)").splitlines()
    digest = json.loads(before["entry"])["body"]["statement"]["digest"]
    assert lines[0] == "Interlock-Session: claude/session-1"
    assert lines[-1] == f"Interlock-Attestation: {digest}"
    after = statement(said(shop, "attest", "--json"))
    assert after["subject"][0]["digest"]["gitCommit"] == git(shop, "rev-parse", "HEAD")
    assert after["subject"][1]["digest"] == statement(before)["subject"][1]["digest"]
    assert after["predicate"]["buildDefinition"]["internalParameters"]["lines"] == {"agent": 2}


def test_another_machine_verifies_a_note_with_the_key_alone(shop: Guard, tmp_path: Path) -> None:
    assert shop.cli("attest", "--notes").returncode == 0
    key = (shop.home.state / "keys" / "daemon.vkey").read_text().strip()
    there = tmp_path / "there"
    subprocess.run(["git", "clone", "-q", shop.project, there], check=True, capture_output=True)
    words = ["git", "-C", str(there), "fetch", "-q", "origin", "refs/notes/interlock:refs/notes/interlock"]
    subprocess.run(words, check=True, capture_output=True)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "INTERLOCK_HOME": str(tmp_path / "empty")}
    python = ["-m", "interlock.cli.main", "verify", "--commit", "HEAD", "--key", key]
    import sys

    done = subprocess.run(
        [sys.executable, *python], cwd=there, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agent 2" in done.stdout
