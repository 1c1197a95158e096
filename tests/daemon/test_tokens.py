"""Tokens end to end: a real daemon, a job without a hook, and everything it may not do."""

from __future__ import annotations

import json
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.daemon.conftest import Guard

from interlock.daemon.acting import Holder, load_key
from interlock.daemon.client import Remote, call
from interlock.identity import tokens
from interlock.identity.tokens import parse

SCOPE = ("--verb", "read", "--verb", "write", "--verb", "create", "--kind", "file", "--kind", "directory",
         "--env", "workspace", "--env", "unknown")  # fmt: skip


def issue(guard: Guard, folder: Path, *more: str) -> Holder:
    done = guard.cli(
        "token", "issue", "--agent", "ci", "--session", "build-7", "--key", str(folder / "ci.key"),
        "--out", str(folder / "ci.token"), *SCOPE, "--name", f"{guard.project}/**", *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return holder(guard, folder / "ci.token", folder / "ci.key")


def holder(guard: Guard, token: Path, key: Path) -> Holder:
    return Holder(token.read_text(), load_key(key), guard.home)


def write(guard: Guard, hand: Holder, path: str) -> dict[str, Any]:
    return hand.act("Write", {"file_path": path, "content": "x"}, str(guard.project))


def request(guard: Guard, folder: Path) -> dict[str, Any]:
    """What a holder sends to read a file of the project, with its proof."""
    token, key = parse((folder / "ci.token").read_text()), load_key(folder / "ci.key")
    action = {"tool": "Read", "input": {"file_path": str(guard.project / "x")}, "cwd": str(guard.project)}
    digest = tokens.request_digest({"do": "act", "action": action})
    proof = tokens.prove(token, digest, key, time.time_ns() // 1_000, secrets.token_hex(16))
    return {"token": token.text, "proof": msgspec.to_builtins(proof), "action": action}


def test_a_job_asks_under_its_token_and_is_judged_like_any_agent(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    answer = write(guard, hand, str(guard.project / "a.txt"))
    assert answer["released"], answer
    hand.done(answer["call"], ok=True, cwd=str(guard.project))
    (intent,) = guard.entries("intent")
    (issued,) = guard.entries("token.issue")
    assert intent["body"]["token"]["id"] == issued["body"]["id"]
    assert intent["body"]["principal"]["agent"] == "ci"
    assert intent["body"]["principal"]["person"] == issued["body"]["person"]
    (outcome,) = guard.entries("outcome")
    assert outcome["body"]["intent"] == intent["index"]
    assert "token.issue" in guard.cli("log").stdout
    # Inside of the token is not enough: policy has its word too.
    secret = hand.act("Read", {"file_path": str(guard.project / ".env")}, str(guard.project))
    assert not secret["released"]


def test_outside_of_its_scope_nobody_is_asked(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    for path in ("/tmp/elsewhere", f"{guard.project}/../notes.txt", f"{guard.project}/link/passwd"):
        (guard.project / "link").is_symlink() or (guard.project / "link").symlink_to("/etc")
        answer = write(guard, hand, path)
        assert (answer["released"], answer["rules"], answer["request"]) == (False, ["outside-token"], None), path
    assert guard.entries("approval.request") == []


def test_it_holds_in_observe_mode_too(cold: Guard, tmp_path: Path) -> None:
    cold.configure('mode = "observe"\n[ask]\nhold_seconds = 0\n')
    cold.start()
    hand = issue(cold, tmp_path)
    assert not write(cold, hand, "/tmp/elsewhere")["released"]


def test_a_sub_agents_token_is_narrowed_offline(guard: Guard, tmp_path: Path) -> None:
    issue(guard, tmp_path, "--depth", "1")
    guard.stop()
    done = guard.cli(
        "token", "attenuate", str(tmp_path / "ci.token"), "--key", str(tmp_path / "ci.key"),
        "--new-key", str(tmp_path / "sub.key"), "--out", str(tmp_path / "sub.token"), "--sub", "tests", *SCOPE,
        "--name", f"{guard.project}/tests/**", "--for", "5m",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    root = guard.home.state / "keys" / "daemon.vkey"
    assert "Sound" in guard.cli("token", "verify", str(tmp_path / "sub.token"), "--root", str(root)).stdout
    guard.start()
    hand = holder(guard, tmp_path / "sub.token", tmp_path / "sub.key")
    assert write(guard, hand, str(guard.project / "tests" / "a.txt"))["released"]
    assert not write(guard, hand, str(guard.project / "a.txt"))["released"]
    assert guard.entries("intent")[-1]["body"]["principal"]["subagent"] == "tests"
    with pytest.raises(Remote, match="does not hold its key"):
        write(guard, holder(guard, tmp_path / "sub.token", tmp_path / "ci.key"), str(guard.project / "tests" / "a.txt"))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--name", "{project}/../**", "--verb", "read"], "`..` would lead out of it"),
        (["--name", "/etc/**"], "it does not reach `read file /etc/** in "),
        (["--name", "{project}/tests/**", "--verb", "grant"], "it does not reach `grant file"),
        (["--name", "{project}/tests/**", "--env", "production"], "in production`"),
        (["--name", "{project}/tests/**", "--for", "20h"], "never lives longer"),
        (["--name", "{project}/tests/**", "--depth", "1"], "the depth that its issuer allowed is used up"),
    ],
)
def test_a_narrowing_that_would_widen_says_so_and_makes_nothing(
    guard: Guard, tmp_path: Path, more: list[str], says: str
) -> None:
    """Story: a sub-agent was given a token for /etc, which its holder had no part of; nothing said that it was empty,
    and a life of 20 hours became one of a minute without a word.
    """
    issue(guard, tmp_path, "--depth", "1")
    guard.stop()
    done = guard.cli(
        "token", "attenuate", str(tmp_path / "ci.token"), "--key", str(tmp_path / "ci.key"),
        "--new-key", str(tmp_path / "sub.key"), "--out", str(tmp_path / "sub.token"), *SCOPE,
        *[word.format(project=guard.project) for word in more],
    )  # fmt: skip
    assert done.returncode != 0
    assert says in " ".join(done.stderr.split()), done.stderr
    assert not (tmp_path / "sub.token").exists()


def test_a_proof_is_played_again(guard: Guard, tmp_path: Path) -> None:
    issue(guard, tmp_path)
    sent = request(guard, tmp_path)
    assert call(guard.home, "act", sent)["released"]
    with pytest.raises(Remote, match="used already"):
        call(guard.home, "act", sent)
    other = {**sent["action"], "input": {"file_path": "/etc/passwd"}}
    with pytest.raises(Remote, match="does not hold its key"):
        call(guard.home, "act", {**sent, "action": other})


def test_a_proof_from_before_a_restart_is_refused_and_one_from_just_after_it_is_not(
    guard: Guard, tmp_path: Path
) -> None:
    """Whatever second they fall into: the daemon's first one holds both kinds."""
    issue(guard, tmp_path)
    early = request(guard, tmp_path)
    guard.kill()
    guard.start()
    assert call(guard.home, "act", request(guard, tmp_path))["released"]
    with pytest.raises(Remote, match="made before the daemon started"):
        call(guard.home, "act", early)


def test_a_revoked_token_ends_at_once_and_for_the_next_daemon(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    (known,) = call(guard.home, "token.list")
    assert guard.cli("token", "revoke", known["id"][:8], "--because", "done").returncode == 0
    with pytest.raises(Remote, match="was revoked: done"):
        write(guard, hand, str(guard.project / "a.txt"))
    guard.kill()
    guard.start()
    with pytest.raises(Remote, match="was revoked: done"):
        write(guard, hand, str(guard.project / "a.txt"))


def test_a_leavers_tokens_end(guard: Guard, tmp_path: Path) -> None:
    assert guard.cli("people", "add", "ada", "--group", "developers").returncode == 0
    hand = issue(guard, tmp_path, "--principal", "ada")
    assert write(guard, hand, str(guard.project / "a.txt"))["released"]
    assert guard.cli("people", "remove", "ada").returncode == 0
    with pytest.raises(Remote, match="ada was removed"):
        write(guard, hand, str(guard.project / "a.txt"))
    (ended,) = guard.entries("token.revoke")
    assert ended["body"]["reason"] == "ada was removed"


def test_the_command_asks_runs_and_reports(guard: Guard, tmp_path: Path) -> None:
    issue(guard, tmp_path, "--verb", "execute", "--kind", "process", "--kind", "code", "--env", "machine")
    words = ("act", "--token", str(tmp_path / "ci.token"), "--key", str(tmp_path / "ci.key"))
    ran = guard.cli(*words, "--run", "--", "touch", str(guard.project / "made"))
    assert ran.returncode == 0, ran.stderr
    assert (guard.project / "made").exists()
    assert guard.entries("outcome")[-1]["body"]["result"]["ok"] is True
    refused = guard.cli(*words, "--", "rm", "-rf", "/srv/data")
    assert refused.returncode == 27
    assert "the token does not reach this" in refused.stderr
    action = {"tool": "Read", "input": {"file_path": str(guard.project / "x")}}
    piped = guard.cli(*words, "--json", stdin=json.dumps(action))
    assert json.loads(piped.stdout)["released"] is True


def test_no_token_of_another_log_or_key_is_taken(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    text = (tmp_path / "ci.token").read_text()
    forged = tokens.issue(parse(text).first, load_key(tmp_path / "ci.key"))
    with pytest.raises(Remote, match="not signed by this log's daemon"):
        write(guard, Holder(forged.text, load_key(tmp_path / "ci.key"), guard.home), "/tmp/x")
    assert hand
    for params in ({}, {"action": {}}, {"action": {}, "token": "x", "proof": 3}, {"action": [], "token": "x"}):
        with pytest.raises(Remote):
            call(guard.home, "act", params)


def test_a_killed_sessions_token_stays_dead_when_the_order_is_lifted(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    assert write(guard, hand, str(guard.project / "a.txt"))["released"]
    killed = guard.cli("kill", "--where", 'session = "build-7"', "--reason", "it went wrong", "--json")
    assert killed.returncode == 0, killed.stderr
    with pytest.raises(Remote, match="ended what it was for"):
        write(guard, hand, str(guard.project / "a.txt"))
    order = json.loads(killed.stdout)["order"]["id"]
    call(guard.home, "halt.lift", {"id": order, "because": "mended", "kill": True})
    with pytest.raises(Remote, match="ended what it was for"):
        write(guard, hand, str(guard.project / "a.txt"))
    fresh = issue(guard, tmp_path)
    assert write(guard, fresh, str(guard.project / "a.txt"))["released"]
    assert guard.entries("token.issue")[-1]["body"]["epoch"] > guard.entries("token.issue")[0]["body"]["epoch"]


def test_a_token_is_of_no_use_while_its_session_is_paused_or_frozen(guard: Guard, tmp_path: Path) -> None:
    """It carries the epoch under which it was issued; each use is judged under that of now, and its entry says so."""
    hand = issue(guard, tmp_path)
    file = str(guard.project / "a.txt")
    for what in ("pause", "freeze"):
        order = call(guard.home, "halt.order", {"what": what, "where": 'session = "build-7"'})["order"]
        assert not write(guard, hand, file)["released"], what
        call(guard.home, "halt.lift", {"id": order["id"]})
        assert write(guard, hand, file)["released"], what
    used = [entry["body"] for entry in guard.entries("intent")]
    assert [body["token"]["epoch"] for body in used] == [0, 0]
    assert [body["epoch"] for body in used] == [2, 4]
    done = guard.cli("verify")
    assert done.returncode == 0, done.stderr


def test_an_order_about_somebody_else_leaves_it_alone(guard: Guard, tmp_path: Path) -> None:
    hand = issue(guard, tmp_path)
    assert guard.cli("kill", "--where", 'agent = "codex"', "--reason", "x", "--json").returncode == 0
    assert write(guard, hand, str(guard.project / "a.txt"))["released"]


def test_a_token_that_ends_while_a_person_is_asked_releases_nothing(cold: Guard, tmp_path: Path) -> None:
    """Story: the yes came, and the token had been revoked while the job waited for it."""
    cold.configure("[ask]\nhold_seconds = 20\n")
    cold.start()
    hand = issue(cold, tmp_path, "--kind", "secret")
    answers: list[Any] = []
    waiting = threading.Thread(
        target=lambda: answers.append(hand.act("Read", {"file_path": f"{cold.project}/.env"}, str(cold.project)))
    )
    waiting.start()
    deadline = time.monotonic() + 15
    while not (asked := call(cold.home, "inbox")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for known in call(cold.home, "token.list"):
        assert cold.cli("token", "revoke", known["id"], "--because", "done").returncode == 0
    code = asked[0]["fingerprint"].rsplit("-", 1)[1]
    assert cold.cli("approve", str(asked[0]["id"]), "--code", code).returncode == 0
    waiting.join(30)
    assert answers[0]["released"] is False, answers
    assert cold.entries("intent") == []
