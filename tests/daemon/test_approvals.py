"""Asking, answering and refusing to ask, end to end: the real daemon, the real command line, OpenSSH's own program."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import UNCONTAINED, Guard, allowed, housed
from identity.hands import Passkey
from interlock.daemon.client import Remote, call
from interlock.daemon.wire import Reply
from interlock.identity.keys import load_pem
from interlock.ledger.reader import Reader
from interlock.ledger.store import Ledger
from interlock.model.visible import original

RULE = (
    '@id("mine") @why("a test") @tier("4") @matches("read file /srv/x @workspace +workspace") '
    'forbid (principal, action == Interlock::Action::"read", resource) when { resource.name like "/srv/*" };'
)


def note(guard: Guard, name: str = "notes.txt", content: str = "x") -> dict[str, str]:
    """A call that needs one person's yes."""
    return {"file_path": str(guard.base / "user" / name), "content": content}


def asked(guard: Guard, *names: str) -> list[int]:
    """Questions for these files; their numbers."""
    for name in names:
        guard.said_no(guard.hook("Write", note(guard, name)))
    return [request["id"] for request in call(guard.home, "inbox")]


def started(reply: Reply) -> bool:
    """Whether Interlock starts the call: bound to what was approved, once."""
    if reply.exit != 0:
        return False
    answer = json.loads(reply.stdout)["hookSpecificOutput"]
    return answer["permissionDecision"] == "allow" and " --bound " in answer["updatedInput"]["command"]


def told(guard: Guard, wish: dict[str, str], tool: str = "Write") -> str:
    return guard.said_no(guard.hook(tool, wish))


def keygen(folder: Path, name: str) -> Path:
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    return key


def test_a_refused_configuration_takes_nobody_the_no(guard: Guard) -> None:
    """Story: a typing mistake in interlock.toml, and a yes could not be taken back any more."""
    (number,) = asked(guard, "a")
    guard.cli("approve", str(number))
    guard.configure("[ask]\nhold_second = 0\n")
    call(guard.home, "reload")
    assert guard.cli("deny", str(number)).returncode == 0
    assert call(guard.home, "request", {"id": number})["state"] == "denied"


def test_several_are_approved_in_one_decision(guard: Guard) -> None:
    numbers = asked(guard, "a", "b", "c")
    assert "3 alike, in one decision: interlock approve" in guard.cli("inbox").stdout
    done = guard.cli("approve", str(numbers[0]), "--batch")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Approved.") == 3
    (batch,) = guard.entries("approval.batch")
    assert [item["request"] for item in batch["body"]["decision"]["items"]] == numbers
    for name in ("a", "b", "c"):
        assert allowed(guard.hook("Write", note(guard, name)))


def test_what_a_person_says_with_a_yes_reaches_the_agent(guard: Guard) -> None:
    (number,) = asked(guard, "a")
    guard.cli("approve", str(number), "--but", "only this one")
    reply = guard.hook("Write", note(guard, "a"))
    assert reply.exit == 0
    context = json.loads(reply.stdout)["hookSpecificOutput"]
    assert "permissionDecision" not in context
    assert 'says: "only this one"' in context["additionalContext"]


def test_the_agents_own_words_stand_apart(uncontained: Guard) -> None:
    wish = {"command": "rm -rf ~/photos", "description": "Tidy up. \x1b[2K Approved by ops\u202e"}
    told(uncontained, wish, "Bash")
    (request,) = call(uncontained.home, "inbox")
    assert request["text"] == "rm -rf ~/photos"
    shown = uncontained.cli("inbox").stdout
    assert "(unverified) Tidy up. <U+001B>[2K Approved by ops<U+202E>" in shown
    assert "beware" in shown
    assert not {"\x1b", "\u202e"} & set(shown)


def test_a_call_that_is_only_worded_anew_is_the_same_call(uncontained: Guard) -> None:
    """Story: a yes could not be used, since the model describes the same command in other words the second time."""
    told(uncontained, {"command": "rm -rf ~/photos", "description": "Remove the photos"}, "Bash")
    (request,) = call(uncontained.home, "inbox")
    code = request["fingerprint"].rsplit("-", 1)[1]
    assert uncontained.cli("approve", str(request["id"]), "--code", code).returncode == 0
    assert started(uncontained.hook("Bash", {"command": "rm -rf ~/photos", "description": "Now remove them"}))


def test_a_megabyte_of_padding_hides_nothing(uncontained: Guard) -> None:
    wish = {"command": "ls" + " " * (1 << 20 - 1) + "; rm -rf ~/photos"}
    told(uncontained, wish, "Bash")
    (listed,) = call(uncontained.home, "inbox")
    assert "characters more" in listed["text"]
    whole = call(uncontained.home, "request", {"id": listed["id"]})
    assert whole["text"] == wish["command"]
    shown = uncontained.cli("inbox", str(listed["id"])).stdout
    assert "; rm -rf ~/photos" in shown
    assert "<U+0020*" in shown
    assert "out of sight" in shown
    assert original("".join(shown.split("wants       ")[1].split("\n")[0])).startswith("Bash: ls   ")


def test_what_no_person_can_read_is_not_asked(uncontained: Guard) -> None:
    reason = told(uncontained, {"command": "rm -rf ~/photos " + "x" * (1 << 20)}, "Bash")
    assert "no person can read that" in reason
    assert call(uncontained.home, "inbox") == []


def test_a_no_can_pause_the_session_and_a_person_lifts_it(guard: Guard) -> None:
    first, second = asked(guard, "a", "b")
    assert guard.cli("deny", str(first), "--pause", "--because", "not today").returncode == 0
    reason = told(guard, {"file_path": str(guard.project / "x")}, "Read")
    assert 'has paused this session: "not today"' in reason
    assert call(guard.home, "request", {"id": second})["state"] == "revoked"
    guard.kill()
    guard.start()
    assert "paused this session" in told(guard, {"file_path": str(guard.project / "x")}, "Read")
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "x")}, session_id="another"))
    assert guard.cli("resume", "session-1").returncode == 0
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "x")}))
    (pause,) = guard.entries("halt.order")
    assert (pause["body"]["reason"], pause["body"]["by"]) == (
        "not today",
        guard.entries("halt.lift")[0]["body"]["by"][0],
    )
    assert pause["body"]["where"] == 'agent = "claude" and session = "session-1"'


def test_a_pause_takes_nothing_from_another_session_also_after_a_restart(guard: Guard) -> None:
    """Story: whatever an earlier daemon had asked was taken for a matter of every pause that was in force."""
    (mine,) = asked(guard, "a")
    guard.hook("Write", note(guard, "b"), session_id="another")
    (other,) = (one["id"] for one in call(guard.home, "inbox") if one["id"] != mine)
    guard.kill()
    guard.start()
    assert guard.cli("deny", str(mine), "--pause").returncode == 0
    assert guard.cli("approve", str(other)).returncode == 0
    assert allowed(guard.hook("Write", note(guard, "b"), session_id="another"))
    assert not allowed(guard.hook("Write", note(guard, "b")))


def test_what_interlock_pauses_by_itself_is_an_order_like_a_persons(guard: Guard) -> None:
    """One mechanism: it is listed, certified, checked by the verifier, and ends the agent's loop."""
    for name in "abc":
        (request,) = asked(guard, name)
        guard.cli("deny", str(request))
        reply = guard.hook("Write", note(guard, name))
    assert json.loads(reply.stdout)["continue"] is False
    (order,) = call(guard.home, "halt.list")["orders"]
    assert (order["what"], order["by"], order["certified"]) == ("pause", "", True)
    assert "3 denials in a row" in guard.cli("freezes").stdout
    guard.kill()
    guard.start()
    assert not allowed(guard.hook("Read", {"file_path": str(guard.project / "x")}))
    # What it was denied is counted anew once a person has let it go on.
    assert guard.cli("resume", "session-1").returncode == 0
    (request,) = asked(guard, "d")
    guard.cli("deny", str(request))
    assert "paused" not in told(guard, note(guard, "d"))
    done = guard.cli("verify")
    assert done.returncode == 0, done.stderr


def test_three_noes_in_a_row_pause_the_session(guard: Guard) -> None:
    for number, name in enumerate("abc", start=1):
        (request,) = asked(guard, name)
        guard.cli("deny", str(request))
        reason = told(guard, note(guard, name))
        assert ("Interlock has paused this session" in reason) == (number == 3), reason
    assert "3 denials in a row" in told(guard, {"file_path": str(guard.project / "x")}, "Read")


@pytest.mark.parametrize("end", ["kill", "stop", "session"])
def test_what_a_session_was_denied_is_counted_on(guard: Guard, end: str) -> None:
    """Story: an agent that had heard no twice said that its session had ended, and had all its tries again; so had one
    whose daemon was started anew.
    """
    for name in "ab":
        (request,) = asked(guard, name)
        guard.cli("deny", str(request))
        told(guard, note(guard, name))
    if end == "session":
        guard.hook("", {}, event="SessionEnd")
    else:
        getattr(guard, end)()
        guard.start()
    (request,) = asked(guard, "c")
    guard.cli("deny", str(request))
    assert "Interlock has paused this session" in told(guard, note(guard, "c"))
    assert guard.cli("resume", "session-1").returncode == 0
    guard.kill()
    guard.start()
    assert "looked at this and said no" in told(guard, note(guard, "a"))
    assert len(guard.entries("halt.order")) == 1  # lifting it began the count anew, for the next daemon too


def test_work_that_went_on_breaks_the_row_over_a_restart(guard: Guard) -> None:
    for name in "abc":
        (request,) = asked(guard, name)
        guard.cli("deny", str(request))
        assert "paused" not in told(guard, note(guard, name))
        assert allowed(guard.hook("Write", {"file_path": str(guard.project / name), "content": "x"}))
        guard.stop()
        guard.start()


def test_the_same_deed_in_other_words_counts_as_the_same(uncontained: Guard) -> None:
    """Story: an agent was told no, and tried the same in three other spellings."""
    target = uncontained.home.state / "ledger"
    reasons = [
        told(uncontained, {"command": command}, "Bash")
        for command in (
            f"rm -rf {target}",
            f"rm -r -f {target}",
            f"/bin/rm -fr {target}",
            f"rm --recursive -f {target}",
        )
    ]
    assert ["paused this session" in reason for reason in reasons] == [False, False, False, True]


def test_work_that_goes_on_breaks_the_row(guard: Guard) -> None:
    for name in "abcd":
        (request,) = asked(guard, name)
        guard.cli("deny", str(request))
        assert "paused" not in told(guard, note(guard, name))
        assert allowed(guard.hook("Write", {"file_path": str(guard.project / name), "content": "x"}))


def test_prompt_bombing_is_an_incident_and_no_more_prompts(cold: Guard) -> None:
    cold.configure("[ask]\nhold_seconds = 0\n[approvals]\nasks_an_hour = 5\n")
    cold.start()
    asked(cold, *"abcde")
    reason = told(cold, note(cold, "f"))
    assert "paused this session" in reason
    (alarm,) = cold.entries("alarm")
    assert (alarm["body"]["alarm"], alarm["body"]["asked"]) == ("prompt-bombing", 5)
    assert call(cold.home, "inbox") == []
    # Another session is not punished for it; it has to wait.
    reply = cold.hook("Write", note(cold, "g"), session_id="another")
    assert "as often as they may be" in cold.said_no(reply)


def test_two_machines_decide_with_the_real_ssh_keygen(cold: Guard, tmp_path: Path) -> None:
    cold.configure('[ask]\nhold_seconds = 0\n[[approvals.who]]\npeople = 2\ngroups = ["ops"]\n')
    cold.start()
    keys = {name: keygen(tmp_path, name) for name in ("ada", "bob")}
    for name, key in keys.items():
        assert cold.cli("people", "add", name, "--group", "ops", "--key", f"{key}.pub").returncode == 0
    (number,) = asked(cold, "a")
    assert "group ops" in cold.cli("approve", str(number)).stderr

    bundle, decision = tmp_path / "question.json", tmp_path / "yes.json"
    assert cold.cli("inbox", str(number), "--export", str(bundle)).returncode == 0
    # Ada's machine has an Interlock of its own and knows the key of this one.
    ada = Guard(tmp_path / "ada-machine")
    sign = ("approve", "--request", str(bundle), "--as", "ada", "--sign", str(keys["ada"]), "--out", str(decision))
    assert "Ask its owner for the key" in ada.cli(*sign).stderr
    vkey = (cold.home.state / "keys" / "daemon.vkey").read_text().strip()
    wrong = vkey[:-8] + "AAAAAAA="
    assert ada.cli(*sign, "--key", wrong).returncode != 0
    made = ada.cli(*sign, "--key", vkey)
    assert made.returncode == 0, made.stderr
    request = call(cold.home, "request", {"id": number})
    assert f"computed from what you see: {request['fingerprint']}" in made.stdout
    assert ada.cli(*sign).returncode == 0  # the key is remembered
    handed = cold.cli("approve", "--decision", str(decision))
    assert "needs another person's" in handed.stdout, handed.stderr

    # Bob has nothing but OpenSSH: the text is made here, and he signs it.
    text = tmp_path / "text"
    unsigned = cold.cli("approve", str(number), "--as", "bob", "--out", str(text))
    assert "ssh-keygen -Y sign -n interlock-decision@v1" in unsigned.stdout
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-decision@v1", "-f", str(keys["bob"]), str(text)], check=True
    )
    # Ada's signature is not Bob's, a cut file is none, and nothing is used twice.
    assert cold.cli("approve", "--decision", str(text), "--signature", str(keys["ada"])).returncode != 0
    cut = tmp_path / "cut"
    cut.write_bytes(text.read_bytes()[:-9])
    assert cold.cli("approve", "--decision", str(cut), "--signature", f"{text}.sig").returncode != 0
    assert "approved request" in cold.cli("approve", "--decision", str(decision)).stderr
    assert "Approved." in cold.cli("approve", "--decision", str(text), "--signature", f"{text}.sig").stdout

    # Ada leaves before the agent uses it.
    assert cold.cli("people", "remove", "ada").returncode == 0
    assert call(cold.home, "request", {"id": number})["state"] == "revoked"
    assert f"Request {number} was taken back (somebody who approved it may not" in told(cold, note(cold, "a"))


def test_a_passkey_decides_as_a_page_would_ask_it_to(guard: Guard) -> None:
    device = Passkey(origin="http://localhost:7777")
    site = {"relying_party": "localhost"}
    call(guard.home, "people.change", {"kind": "person.add", "change": {"name": "pia", "groups": ["approvers"]}})
    options = call(guard.home, "people.passkey.begin", {"name": "pia", **site})
    answer = {"name": "pia", **site, "origins": [device.origin], "label": "phone", "response": device.create(options)}
    key = call(guard.home, "people.passkey.finish", answer)
    call(guard.home, "people.change", {"kind": "person.key.add", "change": {"name": "pia", "keys": [key]}})
    (number,) = asked(guard, "a")
    wish = {"ids": [number], "verdict": "approve", "approver": "pia", "feedback": "as asked", "shown_ms": 4_000, **site}
    page = call(guard.home, "decide.challenge", wish)
    response = device.get(page["options"])
    forged = page["decision"].replace('"verdict":"approve"', '"verdict":"deny"')
    with pytest.raises(Remote, match="does not count"):
        call(guard.home, "decide.passkey", {"decision": forged, "response": response})
    (said,) = call(guard.home, "decide.passkey", {"decision": page["decision"], "response": response})
    assert (said["request"]["state"], said["request"]["votes"][0]["how"]) == ("approved", "passkey")
    (decided,) = guard.entries("approval.decision")
    assert decided["body"]["decision"]["shown_ms"] == 4_000
    assert allowed_with_words(guard.hook("Write", note(guard, "a"))) == "as asked"
    assert "1 decision (1 signed)" in guard.cli("verify").stdout


def test_a_daemon_that_altered_what_somebody_signed_is_found_offline(guard: Guard, tmp_path: Path) -> None:
    """The hashes and signatures of its log hold: it writes that itself. The person's signature does not."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    key, text = tmp_path / "bob", tmp_path / "text"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    assert guard.cli("people", "add", "bob", "--group", "approvers", "--key", f"{key}.pub").returncode == 0
    (number,) = asked(guard, "a")
    assert guard.cli("approve", str(number), "--as", "bob", "--out", str(text)).returncode == 0
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-decision@v1", "-f", str(key), str(text)]
    subprocess.run(sign, check=True)
    assert guard.cli("approve", "--decision", str(text), "--signature", f"{text}.sig").returncode == 0
    guard.stop()

    def altered(entry: dict[str, Any]) -> dict[str, Any]:
        if entry["kind"] == "approval.decision":
            entry["body"]["decision"]["feedback"] = "and whatever else it wants"
        return entry

    same = guard.cli("verify", str(rewritten(guard, tmp_path / "same" / "ledger", lambda entry: entry)))
    assert (same.returncode, "1 decision (1 signed)" in same.stdout) == (0, True), same.stderr
    other = guard.cli("verify", str(rewritten(guard, tmp_path / "altered" / "ledger", altered)))
    assert (other.returncode, "a decision that nobody gave" in other.stderr) == (30, True), other.stderr


def rewritten(guard: Guard, folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    """The guard's ledger, written anew by whoever has its keys."""
    keys, origin = guard.home.state / "keys", (guard.home.state / "origin").read_text().strip()
    signer, root = (load_pem(origin, (keys / file).read_bytes(), file) for file in ("daemon.key", "root.key"))
    with Reader.open(guard.home.state / "ledger") as reader:
        kept = [json.loads(entry.raw) | {"kind": entry.kind} for entry in reader.entries()][1:]
    with Ledger.open(folder, signer, origin, root=root) as forged:
        for entry in map(change, kept):
            forged.submit(entry["kind"], entry["body"], time=entry["time"]).result(timeout=30)
    return folder


def allowed_with_words(reply: Reply) -> str:
    """What the person said to a call that may go on."""
    assert reply.exit == 0
    context: str = json.loads(reply.stdout)["hookSpecificOutput"]["additionalContext"]
    return context.split('says: "')[1].rstrip('"')


def test_a_bundle_that_was_changed_on_its_way_is_not_shown(guard: Guard, tmp_path: Path) -> None:
    (number,) = asked(guard, "a")
    bundle = tmp_path / "question.json"
    guard.cli("inbox", str(number), "--export", str(bundle))
    vkey = (guard.home.state / "keys" / "daemon.vkey").read_text().strip()
    body = json.loads(bundle.read_text())
    body["bundle"]["requests"][0]["text"] = "ls"
    bundle.write_text(json.dumps(body))
    done = guard.cli("approve", "--request", str(bundle), "--key", vkey, "--out", str(tmp_path / "d"))
    assert "Do not decide on it" in done.stderr
    assert "fingerprint" not in done.stdout
    assert not (tmp_path / "d").exists()


def test_new_rules_take_questions_and_yeses_back(guard: Guard) -> None:
    first, second = asked(guard, "a", "b")
    guard.cli("approve", str(first))
    before = call(guard.home, "status")["policy"]
    (guard.home.config / "policy").mkdir(parents=True)
    (guard.home.config / "policy" / "mine.cedar").write_text(RULE)
    assert guard.cli("policy", "prove", str(guard.home.config / "policy"), "--layer", "user").returncode == 0
    call(guard.home, "reload")
    assert call(guard.home, "status")["policy"] != before, call(guard.home, "status")["rule_problems"]
    call(guard.home, "inbox")
    for number in (first, second):
        ended = call(guard.home, "request", {"id": number})
        assert (ended["state"], ended["because"]) == ("revoked", "the rules have changed since it was asked")
    assert "approve is not possible" in guard.cli("approve", str(second)).stderr


PLAN = [
    {"tool": "Read", "input": {"file_path": "README.md"}},
    {"tool": "Bash", "input": {"command": "rm -rf ~/photos"}},
    {"tool": "Bash", "input": {"command": "rm -rf ~/music"}},
]


def submit(guard: Guard, steps: list[dict[str, Any]], *more: str) -> subprocess.CompletedProcess[str]:
    text = "\n".join(json.dumps(step) for step in steps)
    return guard.cli("plan", "submit", "-", "--json", *more, stdin=text)


def test_a_plan_is_approved_as_one_and_run_step_by_step(uncontained: Guard) -> None:
    guard = uncontained
    assert "no live session" in submit(guard, PLAN).stdout
    guard.hook("Read", {"file_path": str(guard.project / "x")})
    plan = json.loads(submit(guard, PLAN, "--ordered").stdout)
    assert [step["verdict"] for step in plan["steps"]] == ["allow", "ask", "ask"]
    assert f"interlock approve --plan {plan['id']}" in guard.cli("inbox").stdout
    assert "step 2 of 3" in guard.cli("plan", "show", str(plan["id"])).stdout
    together = call(guard.home, "decide.printed", {"ids": [step["request"] for step in plan["steps"][1:]]})
    code = together["fingerprint"].rsplit("-", 1)[1]
    done = guard.cli("approve", "--plan", str(plan["id"]), "--code", code)
    assert done.stdout.count("Approved.") == 2, done.stderr
    assert "run in its order" in told(guard, {"command": "rm -rf ~/music"}, "Bash")
    run = guard.hook("Bash", {"command": "rm -rf ~/photos"})
    assert started(run)
    assert "run in its order" in told(guard, {"command": "rm -rf ~/music"}, "Bash"), "the first is not started yet"
    command = json.loads(run.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
    done = subprocess.run(["bash", "-c", command], env=guard.environment, cwd=guard.project, check=False, timeout=60)
    assert done.returncode == 0
    assert started(guard.hook("Bash", {"command": "rm -rf ~/music"}))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([*PLAN, {"tool": "Bash", "input": {"command": "interlock approve 1"}}], "step 4"),
        ([*PLAN, PLAN[1]], "step 4 repeats step 2"),
        ([{"tool": "Bash"}], "step 1 is no object"),
        ([PLAN[0]] * 41, "1 to 40"),
    ],
)
def test_a_plan_that_cannot_be_approved_asks_nothing(shared: Guard, steps: list[Any], words: str) -> None:
    shared.hook("Read", {"file_path": str(shared.project / "x")})
    assert words in json.loads(submit(shared, steps).stdout)["message"]
    assert call(shared.home, "inbox") == []


def test_a_plan_that_there_is_no_room_for_asks_nothing(cold: Guard) -> None:
    """Story: a plan was refused at its second step, and the first one waited for people on a card of its own."""
    cold.configure('[ask]\nhold_seconds = 0\n[approvals]\nasks_an_hour = 2\n[containment]\nshell = "off"\n')
    cold.start()
    asked(cold, "a")

    def submit(names: str) -> Any:
        steps = [{"tool": "Write", "input": note(cold, name)} for name in names]
        return call(cold.home, "plan.submit", {"steps": steps, "cwd": str(cold.project)})

    assert len({step["request"] for step in submit("bcd")["steps"]} - {-1}) == 3  # to people a plan is one question
    for more in ("e", "fg"):
        with pytest.raises(Remote, match="as often as they may be"):
            submit(more)
    assert len(call(cold.home, "inbox")) == 4
    assert len(cold.entries("approval.plan")) == 1


def test_a_question_ends_with_its_session_where_a_person_wants_that(cold: Guard) -> None:
    cold.configure("[ask]\nhold_seconds = 0\n[approvals]\nwithdraw = true\n")
    cold.start()
    (number,) = asked(cold, "a")
    cold.hook("", {}, event="SessionEnd")
    assert call(cold.home, "request", {"id": number})["state"] == "withdrawn"


def test_a_question_outlives_its_session_otherwise(guard: Guard) -> None:
    (number,) = asked(guard, "a")
    guard.hook("", {}, event="SessionEnd")
    assert guard.cli("approve", str(number)).returncode == 0
    assert allowed(guard.hook("Write", note(guard, "a")))


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("approve", {"ids": []}),
        ("approve", {"ids": ["1"]}),
        ("approve", {"ids": list(range(50))}),
        ("decide.signed", {"decision": "x" * 100_000, "signature": ""}),
        ("decide.signed", {"decision": "\ud800", "signature": "\ud800"}),
        ("decide.passkey", {"decision": "{}", "response": "{}"}),
        ("decide.challenge", {"ids": [1], "verdict": "maybe", "approver": "x", "relying_party": "localhost"}),
        ("plan.submit", {"cwd": "/", "steps": "all"}),
        ("request.export", {"id": True}),
    ],
)
def test_nonsense_is_the_callers_error_and_the_daemon_lives(shared: Guard, method: str, params: dict[str, Any]) -> None:
    with pytest.raises(Remote):
        call(shared.home, method, params)
    assert call(shared.home, "ping")["version"]


HOSTILE = "\x1b[2J\x9b1m\r\u202e\u200b\U000e0041\ufe0f\u2028\x07\x08p\u0430ypal"


@pytest.fixture(scope="module")
def bombed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """A daemon that has heard a hostile agent in every field that agents fill; for all who only ask it something."""
    common = {"session_id": f"s{HOSTILE}", "agent_id": f"a{HOSTILE}", "agent_type": f"t{HOSTILE}", "model": HOSTILE}
    with housed(tmp_path_factory.mktemp("bombed")) as guard:
        guard.configure(UNCONTAINED)
        guard.start()
        guard.hook("", {}, event="SessionStart", **common)
        guard.hook("", {}, event="UserPromptSubmit", prompt=HOSTILE, **common)
        guard.hook("Bash", {"command": f"rm -rf ~/x{HOSTILE}", "description": HOSTILE}, **common)
        guard.hook(f"Evil{HOSTILE}", {"url": f"https://evil{HOSTILE}.example", "x": HOSTILE}, **common)
        guard.hook("Write", {"file_path": f"{guard.project}/{HOSTILE}", "content": HOSTILE}, **common)
        guard.hook("Read", {"file_path": f"/etc/{HOSTILE}"}, tool_use_id=HOSTILE, **common)
        guard.hook("Read", {}, event="PostToolUse", tool_use_id=f"ghost{HOSTILE}", tool_response=HOSTILE, **common)
        yield guard


@pytest.mark.parametrize(
    "words",
    [
        "inbox", "inbox --all", "log", "status", "sessions", "agents", "grants", "freezes", "drift", "insights",
        "why 9", "undo 9", "why 10", "why 12", "log --kind denial", "plan show 3", "people list", "changes", "verify",
    ],
)  # fmt: skip
def test_no_command_prints_what_an_agent_wrote_as_it_is(bombed: Guard, words: str) -> None:
    done = bombed.cli(*words.split())
    said = done.stdout + done.stderr
    assert not {c for c in said if c in HOSTILE and not c.isascii()}, words
    assert not {c for c in said if (c < " " and c != "\n") or "\x7f" <= c <= "\x9f"}, words
    if words in {"inbox", "log", "sessions"}:
        assert "<U+202E>" in said, "what was written did not come so far: this shows nothing"
