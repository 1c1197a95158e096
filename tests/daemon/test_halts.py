"""Freezes, pauses and kills, given by a person to a real daemon while agents are at work."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import AGENT, Guard, allowed
from identity.hands import Passkey
from interlock.daemon.client import Remote, call
from interlock.daemon.wire import Reply

DROP = {"command": "psql -h db.prod.example -c 'drop table users'"}


def order(guard: Guard, what: str, where: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = call(guard.home, "halt.order", {"what": what, "where": where, **more})
    return found


def refused(guard: Guard, method: str, **params: Any) -> str:
    with pytest.raises(Remote) as error:
        call(guard.home, method, params)
    return str(error.value)


def test_a_freeze_stops_changes_and_lets_reads_go_on(guard: Guard) -> None:
    edit = {"file_path": str(guard.project / "a.txt"), "content": "x"}
    assert allowed(guard.hook("Write", edit))
    given = order(guard, "freeze", 'session = "session-1"', reason="look first")
    assert given["reach"]["sessions"] == [["claude", "session-1"]]
    said = guard.said_no(guard.hook("Write", edit))
    assert "look first" in said
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a.txt")}))
    assert call(guard.home, "halt.lift", {"id": given["order"]["id"]})["lifted"]
    assert allowed(guard.hook("Write", edit))


def test_a_freeze_of_production_takes_its_code_to_lift(cold: Guard) -> None:
    cold.configure('[ask]\nhold_seconds = 0\n[environments.production]\nhosts = ["*.prod.example"]\n')
    cold.start()
    given = order(cold, "freeze", 'environment = "production"', reason="release week")["order"]
    assert given["lifters"] == 2
    said = cold.said_no(cold.hook("Bash", DROP))
    assert "freeze" in said
    assert "release week" in said
    assert f"--code {'_' * 8}" in refused(cold, "halt.lift", id=given["id"])
    assert call(cold.home, "halt.lift", {"id": given["id"], "code": given["code"]})["lifted"]


def test_two_people_lift_what_one_must_not_lift_alone(guard: Guard, tmp_path: Path) -> None:
    """The second one signs, from wherever they are; a signature for another order is of no use."""
    key, made = tmp_path / "bob", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f"]
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    subprocess.run([*made, str(key)], check=True)
    added = guard.cli("people", "add", "bob", "--group", "approvers", "--key", f"{key}.pub")
    assert added.returncode == 0, added.stderr
    first, second = (order(guard, "freeze", 'environment = "production"')["order"] for _ in range(2))
    done = guard.cli("lift", str(first["id"]), "--code", first["code"])
    assert "it takes 2 people" in done.stdout, done.stderr
    for one in (first, second):
        text = tmp_path / f"{one['id']}.txt"
        text.write_text(guard.cli("lift", str(one["id"]), "--statement").stdout)
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-halt@v1", "-f", str(key), str(text)], check=True
        )
    wrong = guard.cli(
        "lift", str(first["id"]), "--code", first["code"], "--signature", f"{tmp_path}/{second['id']}.txt.sig"
    )
    assert wrong.returncode == 27
    right = guard.cli(
        "lift", str(first["id"]), "--code", first["code"], "--signature", f"{tmp_path}/{first['id']}.txt.sig"
    )
    assert "is lifted" in right.stdout, right.stderr
    assert [one["id"] for one in call(guard.home, "halt.list")["orders"]] == [second["id"]]


def test_somebody_who_may_approve_nothing_is_no_second_person(guard: Guard, tmp_path: Path) -> None:
    """Story: anybody whose key was known, in no group, lifted the freeze of production."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    for name, more in (("eve", []), ("bob", ["--group", "approvers"])):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
        assert guard.cli("people", "add", name, *more, "--key", f"{tmp_path / name}.pub").returncode == 0
    given = order(guard, "freeze", 'environment = "production"')["order"]
    text = tmp_path / "lift.txt"
    text.write_text(guard.cli("lift", str(given["id"]), "--statement").stdout)
    signed = ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-halt@v1", "-f", str(tmp_path / "eve"), str(text)]
    subprocess.run(signed, check=True)
    done = guard.cli("lift", str(given["id"]), "--code", given["code"], "--signature", f"{text}.sig")
    assert "it takes 2 people" in done.stdout, done.stderr
    assert [one["id"] for one in call(guard.home, "halt.list")["orders"]] == [given["id"]]


def test_a_second_person_lifts_with_a_passkey_as_a_page_would_ask_it_to(guard: Guard) -> None:
    device, site = Passkey(origin="http://localhost:7777"), {"relying_party": "localhost"}
    call(guard.home, "people.change", {"kind": "person.add", "change": {"name": "pia", "groups": ["approvers"]}})
    options = call(guard.home, "people.passkey.begin", {"name": "pia", **site})
    answer = {"name": "pia", **site, "origins": [device.origin], "response": device.create(options)}
    key = call(guard.home, "people.passkey.finish", answer)
    call(guard.home, "people.change", {"kind": "person.key.add", "change": {"name": "pia", "keys": [key]}})
    first, second = (order(guard, "freeze", 'environment = "production"')["order"] for _ in range(2))
    pages = [call(guard.home, "halt.challenge", {"id": one["id"], "by": "pia", **site}) for one in (first, second)]
    said = [device.get(page["options"]) for page in pages]
    lift = {"id": first["id"], "code": first["code"]}
    assert call(guard.home, "halt.lift", lift)["needed"] == 2
    # Her word for another order is none for this one, and without the code it is not asked.
    assert "does not count" in refused(guard, "halt.lift", **lift, passkeys=[said[1]])
    assert "type its code" in refused(guard, "halt.lift", id=first["id"], passkeys=[said[0]])
    done = call(guard.home, "halt.lift", {**lift, "passkeys": [said[0]]})
    assert (done["lifted"], done["votes"][1:]) == (True, ["pia"])
    (vote,) = [entry["body"] for entry in guard.entries("halt.vote") if entry["body"]["by"] == "pia"]
    assert vote["proof"] == {"how": "passkey", "key": key["id"], "signature": said[0]}
    # An answer is used once: an authenticator that counts backwards was copied.
    third = order(guard, "freeze", 'environment = "production"')["order"]
    device.count = 0
    late = device.get(call(guard.home, "halt.challenge", {"id": third["id"], "by": "pia", **site})["options"])
    assert "does not count" in refused(guard, "halt.lift", id=third["id"], code=third["code"], passkeys=[late])


def test_what_is_allowed_in_a_freeze_is_not_stopped(guard: Guard) -> None:
    edit = {"file_path": str(guard.project / "a.txt"), "content": "x"}
    order(guard, "freeze", 'agent = "claude"', allow='name like "*/a.txt"')
    assert allowed(guard.hook("Write", edit))
    assert not allowed(guard.hook("Write", edit | {"file_path": str(guard.project / "b.txt")}))


def test_an_order_holds_in_observe_mode_too(cold: Guard) -> None:
    cold.configure('mode = "observe"\n')
    cold.start()
    assert allowed(cold.hook("Bash", {"command": "rm -rf ~/documents"}))
    order(cold, "freeze", 'agent = "claude"', everything=True)
    assert "froze" in cold.said_no(cold.hook("Bash", {"command": "rm -rf ~/documents"}))


def test_a_paused_session_hears_it_in_its_own_protocol_and_others_go_on(guard: Guard) -> None:
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a")}))
    given = order(guard, "pause", 'session = "session-1"', reason="wait")
    reply = guard.hook("Read", {"file_path": str(guard.project / "a")})
    answer = json.loads(reply.stdout)
    assert reply.exit == 2
    assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
    assert answer["continue"] is False
    batch = json.loads(guard.hook("", {}, event="PostToolBatch").stdout)
    assert batch["continue"] is False
    assert "paused" in batch["stopReason"]
    prompt = json.loads(guard.hook("", {}, event="UserPromptSubmit", prompt="go on").stdout)
    assert prompt["decision"] == "block"
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a")}, session_id="session-2"))
    assert call(guard.home, "halt.resume", {"session": "session-1"})["order"] == given["order"]["id"]
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a")}))
    assert allowed(guard.hook("", {}, event="UserPromptSubmit", prompt="go on"))


def test_a_kill_stands_for_sessions_to_come(guard: Guard) -> None:
    given = order(guard, "kill", 'model = "recalled-1"')["order"]
    started = guard.hook("", {}, event="SessionStart", model="recalled-1", session_id="s-9")
    assert json.loads(started.stdout)["continue"] is False
    assert "ended" in guard.said_no(guard.hook("Read", {"file_path": "/x"}, session_id="s-9"))
    assert allowed(guard.hook("", {}, event="SessionStart", model="fine-2", session_id="s-10"))
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a")}, session_id="s-10"))
    # A session whose model nobody told is halted too: it may be the one.
    assert "ended" in guard.said_no(guard.hook("Read", {"file_path": "/x"}, session_id="s-11"))
    assert "--kill" in refused(guard, "halt.lift", id=given["id"])


def test_a_call_that_waits_for_a_person_is_cancelled_at_once(cold: Guard) -> None:
    cold.configure('[ask]\nhold_seconds = 60\n[containment]\nshell = "off"\n')
    cold.start()
    replies: list[Reply] = []
    asking = threading.Thread(target=lambda: replies.append(cold.hook("Bash", {"command": "rm -rf src"})))
    asking.start()
    deadline = time.monotonic() + 20
    while not (waiting := call(cold.home, "inbox")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    done = order(cold, "pause", 'session = "session-1"', reason="stop")
    asking.join(20)
    assert time.monotonic() - began < 5
    assert done["held"] == 1
    assert done["revoked"] == [waiting[0]["id"]]
    assert "taken back" in cold.said_no(replies[0])
    assert call(cold.home, "request", {"id": waiting[0]["id"]})["state"] == "revoked"


def test_a_yes_that_was_not_used_is_taken_back_by_a_freeze(uncontained: Guard) -> None:
    said = uncontained.said_no(uncontained.hook("Bash", {"command": "rm -rf src"}))
    assert "decides on request" in said
    request = call(uncontained.home, "inbox")[0]
    call(uncontained.home, "approve", {"id": request["id"], "code": request["fingerprint"][-8:]})
    order(uncontained, "freeze", 'agent = "claude"', everything=True)
    assert call(uncontained.home, "request", {"id": request["id"]})["state"] == "revoked"
    assert "froze" in uncontained.said_no(uncontained.hook("Bash", {"command": "rm -rf src"}))


def test_what_is_about_everything_is_asked_twice(guard: Guard) -> None:
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a")}))
    for where in ("everything", 'agent != "nobody"', 'not session = "x"'):
        assert "--yes-everything" in refused(guard, "halt.order", what="pause", where=where)
    asked = guard.cli("pause", "--where", "everything", stdin="y\nn\n")
    assert asked.returncode == 130
    assert call(guard.home, "halt.list")["orders"] == []
    done = guard.cli("pause", "--where", "everything", stdin="y\ny\n")
    assert "is in force" in done.stdout, done.stderr
    assert "paused" in guard.said_no(guard.hook("Read", {"file_path": str(guard.project / "a")}))


def test_a_freeze_of_a_file_is_an_entry_while_it_stands_there(cold: Guard) -> None:
    def write(name: str) -> bool:
        return allowed(cold.hook("Write", {"file_path": str(cold.project / name), "content": "x"}))

    freeze = "[[freeze]]\nreason = 'release week'\nwhere = 'name like \"*/a.txt\"'\n"
    cold.configure(f"[ask]\nhold_seconds = 0\n{freeze}")
    cold.start()
    assert (write("a.txt"), write("b.txt")) == (False, True)
    (said,) = [entry["body"] for entry in cold.entries("halt.standing") if entry["body"]["workspace"]]
    assert (said["workspace"], said["reason"], said["of"]) == (str(cold.project), "release week", 1)
    assert said["where"] == 'name like "*/a.txt"'
    cold.configure("[ask]\nhold_seconds = 0\n")
    call(cold.home, "reload")
    assert write("a.txt")
    assert len([1 for entry in cold.entries("halt.standing") if entry["body"]["workspace"]]) == 1
    # Another daemon says what stands there anew, and the verifier has nothing against any of it.
    cold.configure(f"[ask]\nhold_seconds = 0\n{freeze}")
    cold.kill()
    cold.start()
    assert not write("a.txt")
    assert len([1 for entry in cold.entries("halt.standing") if entry["body"]["workspace"]]) == 2
    verified = cold.cli("verify")
    assert verified.returncode == 0, verified.stderr
    assert "freezes name like" in cold.cli("log", "--kind", "halt.standing").stdout


def test_an_order_that_could_not_be_carried_out_is_in_force_and_tried_again(guard: Guard) -> None:
    """Story: the store of certificates was broken for a moment, and the order waited for the next daemon."""
    read = {"file_path": str(guard.project / "a.txt")}
    assert allowed(guard.hook("Read", read))
    blobs = guard.home.state / "ledger" / "blobs"
    if blobs.exists():
        blobs.rename(blobs.with_name("aside"))
    blobs.write_text("in the way")
    told = guard.cli("pause", "session-1")
    assert "It is tried again each second" in told.stdout, told.stderr
    assert not allowed(guard.hook("Read", read))
    assert "not certified yet" in guard.cli("freezes").stdout
    blobs.unlink()
    deadline = time.monotonic() + 10
    while not call(guard.home, "halt.list")["orders"][0]["certified"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(guard.entries("halt.certificate")) == 1
    assert "not certified" not in guard.cli("freezes").stdout


def test_what_is_about_nothing_says_so_and_stands(guard: Guard) -> None:
    done = guard.cli("pause", "--where", 'session = "no-such"')
    assert "No session that is live now" in done.stdout, done.stderr
    assert done.returncode == 0
    assert guard.cli("pause", "no-such").returncode == 26


def test_an_agent_can_neither_halt_nor_lift(guard: Guard) -> None:
    """Its own command line is an effect on Interlock itself, and its process is no person's."""
    given = order(guard, "pause", 'session = "other"')["order"]
    for line in (
        f"interlock lift {given['id']}", "interlock resume other", "interlock freeze --where everything",
        "interlock pause other", "interlock kill other",
    ):  # fmt: skip
        assert "guard" in guard.said_no(guard.hook("Bash", {"command": line})), line
    body = {
        "session_id": "s", "transcript_path": "", "cwd": str(guard.project), "hook_event_name": "SessionStart",
    }  # fmt: skip
    program = AGENT[3].removesuffix("-hook")
    script = (
        f"cat <<'X' | {AGENT[3]} claude >/dev/null\n{json.dumps(body)}\nX\n"
        f"{program} lift {given['id']}; {program} kill --where 'agent = \"x\"'; echo done"
    )
    ran = subprocess.run(
        ["perl", "-e", "system('bash', '-c', $ARGV[0])", script],
        env=guard.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.stderr.count("an agent cannot decide") == 2, ran.stderr + ran.stdout
    assert call(guard.home, "halt.list")["orders"][0]["id"] == given["id"]


def test_orders_outlive_their_daemon_however_it_ends(guard: Guard) -> None:
    given = order(guard, "pause", 'session = "session-1"')["order"]
    epoch = call(guard.home, "halt.list")["epoch"]
    guard.kill()
    guard.start()
    assert [one["id"] for one in call(guard.home, "halt.list")["orders"]] == [given["id"]]
    assert call(guard.home, "halt.list")["epoch"] == epoch
    assert "paused" in guard.said_no(guard.hook("Read", {"file_path": "/x"}))


def test_a_planned_freeze_begins_and_ends_by_itself(guard: Guard) -> None:
    edit = {"file_path": str(guard.project / "a.txt"), "content": "x"}
    now = time.time()
    done = order(guard, "freeze", 'agent = "claude"', start=now + 2, end=now + 5, everything=True)
    assert done["planned"]
    assert allowed(guard.hook("Write", edit))
    time.sleep(max(0.0, now + 2.2 - time.time()))
    assert "froze" in guard.said_no(guard.hook("Write", edit))
    deadline = time.monotonic() + 15
    while call(guard.home, "halt.list")["orders"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert allowed(guard.hook("Write", edit))
    assert [e["body"]["by"] for e in guard.entries("halt.lift")] == [["its time"]]
    assert len(guard.entries("halt.begin")) == len(guard.entries("halt.certificate")) == 1


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"what": "melt", "where": "everything"}, "freeze, pause, kill"),
        ({"what": "freeze", "where": 'environment = "prod"'}, "It is one of"),
        ({"what": "freeze", "where": "agent = "}, "ends too early"),
        ({"what": "freeze", "where": 'agent = "a"', "start": 2_000_000_000, "end": 1_900_000_000}, "before it begins"),
        ({"what": "freeze", "where": 'agent = "a"', "end": 1}, "over already"),
        ({"what": "freeze", "where": 'agent = "a"', "end": "soon"}, "no time"),
        ({"what": "freeze", "where": 'agent = "a"', "allow": "x"}, "unknown field"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_a_sentence(shared: Guard, params: Any, says: str) -> None:
    assert says in refused(shared, "halt.order", **params)
    assert not shared.entries("halt.order")
