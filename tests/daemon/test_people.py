"""People as a person meets them: the commands, with real keys and OpenSSH's own program as the second hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.conftest import AGENT, Guard
from tests.identity.hands import Passkey

from interlock.cli.gatepeople import withdrawn
from interlock.daemon.client import Remote, call


def keygen(folder: Path, name: str) -> Path:
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file)], check=True)
    return file


def people(guard: Guard, *arguments: str) -> Any:
    done = guard.cli("people", *arguments, "--json")
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)


def refused(guard: Guard, *arguments: str) -> str:
    done = guard.cli("people", *arguments, "--json")
    assert done.returncode == 27, done.stdout
    return str(json.loads(done.stdout)["message"])


def test_the_first_people_are_added_alone_and_the_next_by_two(guard: Guard, tmp_path: Path) -> None:
    ada, bob = keygen(tmp_path, "ada"), keygen(tmp_path, "bob")
    people(guard, "add", "ada", "--group", "approvers", "--key", f"{ada}.pub")
    assert not people(guard, "list")["guarded"]
    people(guard, "add", "bob", "--group", "admins", "--key", f"{bob}.pub")
    add = ("add", "eve", "--group", "approvers")
    assert "2 administrators together" in refused(guard, *add)

    statement = tmp_path / "change.json"
    people(guard, *add, "--statement", str(statement))
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "interlock-people@v1", "-f", str(bob), str(statement)], check=True
    )
    made = people(guard, *add, "--signature", f"{statement}.sig")
    assert made["by"][1] == "bob"
    assert "made for another text" in refused(guard, "groups", "eve", "admins", "--signature", f"{statement}.sig")

    # `interlock people sign` makes what ssh-keygen makes.
    people(guard, "remove", "eve", "--statement", str(statement))
    ours = guard.cli("people", "sign", str(statement), "--key", str(bob))
    assert ours.returncode == 0
    (tmp_path / "ours.sig").write_text(ours.stdout)
    people(guard, "remove", "eve", "--signature", str(tmp_path / "ours.sig"))
    assert {p["name"] for p in people(guard, "list")["people"]} >= {"ada", "bob"}
    assert "eve" not in {p["name"] for p in people(guard, "list")["people"]}
    assert "eve" in {p["name"] for p in people(guard, "list", "--at", str(made["entry"] + 1))["people"]}


def test_people_survive_the_daemon(guard: Guard, tmp_path: Path) -> None:
    ada = keygen(tmp_path, "ada")
    people(guard, "add", "ada", "--group", "approvers", "--key", f"{ada}.pub")
    before = people(guard, "list")
    guard.kill()
    guard.start()
    assert people(guard, "list") == before
    entry = guard.entries("person.add")[-1]["body"]
    assert (entry["change"]["name"], entry["alone"]) == ("ada", True)


@pytest.mark.parametrize(
    "words",
    [
        ("people", "add", "eve", "--group", "admins"),
        ("people", "add", "eve", "--group", "admins", "--statement", "eve.txt"),
        ("people", "remove", "ada"),
        ("token", "issue", "--agent", "x", "--key", "k", "--verb", "read", "--kind", "file", "--name", "/x"),
        ("token", "revoke", "--link", "x"),
        ("role", "grant", "reader", "--session", "other"),
        ("role", "grant", "operator", "--session", "s", "--resource", "x"),
        ("role", "revoke", "reader", "--session", "s"),
    ],
    ids=" ".join,
)
def test_an_agent_gives_itself_nothing(guard: Guard, words: tuple[str, ...]) -> None:
    """Story: an agent that may run the `interlock` command makes itself an administrator, a token, a role."""
    hook, cli = AGENT[3], str(Path(sys.executable).parent / "interlock")
    event = {"session_id": "s", "cwd": str(guard.project), "hook_event_name": "PreToolUse", "tool_name": "Read",
             "tool_input": {"file_path": str(guard.project / "x")}, "tool_use_id": "c"}  # fmt: skip
    agent = (
        "import subprocess, sys\n"
        f"subprocess.run([{hook!r}, 'claude'], input={json.dumps(event).encode()!r}, capture_output=True)\n"
        f"subprocess.run({[cli, *words]!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", agent], env=guard.environment, cwd=guard.project, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert "an agent cannot decide" in done.stderr
    kinds = ("person.add", "person.remove", "token.issue", "token.revoke", "role.give", "role.end", "grant.give")
    assert guard.entries(*kinds) == []


def test_configuration_may_ask_for_more_administrators(cold: Guard, tmp_path: Path) -> None:
    cold.configure("[people]\nadministrators = 3\n")
    cold.start()
    bob = keygen(tmp_path, "bob")
    people(cold, "add", "bob", "--group", "admins", "--key", f"{bob}.pub")
    assert people(cold, "list")["needed"] == 3
    statement = tmp_path / "s.json"
    people(cold, "add", "eve", "--statement", str(statement))
    (tmp_path / "sig").write_text(cold.cli("people", "sign", str(statement), "--key", str(bob)).stdout)
    assert "3 administrators together, and 2 agreed" in refused(
        cold, "add", "eve", "--signature", str(tmp_path / "sig")
    )


def test_what_is_no_change_is_the_callers_error(guard: Guard) -> None:
    for change in (None, [], {"name": 1}, {"name": "ada", "groups": [], "also": 1}):
        with pytest.raises(Remote, match="no change of people"):
            call(guard.home, "people.change", {"kind": "person.add", "change": change})
    with pytest.raises(Remote, match="signatures are a list"):
        call(guard.home, "people.change", {"kind": "person.add", "change": {"name": "a"}, "signatures": "x"})


def test_an_administrator_decides_with_a_passkey(guard: Guard) -> None:
    """Registered through the daemon, used for a change of people; the counter is remembered over a crash."""
    device = Passkey(origin="http://localhost:7777")
    site = {"relying_party": "localhost"}
    call(guard.home, "people.change", {"kind": "person.add", "change": {"name": "pia", "groups": ["admins"]}})
    options = call(guard.home, "people.passkey.begin", {"name": "pia", **site})
    answer = {"name": "pia", **site, "origins": [device.origin], "label": "phone", "response": device.create(options)}
    key = call(guard.home, "people.passkey.finish", answer)
    with pytest.raises(Remote, match="no registration of a passkey is under way"):
        call(guard.home, "people.passkey.finish", answer)
    call(guard.home, "people.change", {"kind": "person.key.add", "change": {"name": "pia", "keys": [key]}})
    assert people(guard, "list")["guarded"]

    wish = {"kind": "person.add", "change": {"name": "eve", "groups": ["approvers"]}}
    asked = call(guard.home, "people.passkey.challenge", {**wish, **site, "by": "pia"})
    said = {"how": "passkey", "signature": device.get(asked)}
    other = {"kind": "person.add", "change": {"name": "eve", "groups": ["admins"]}}
    with pytest.raises(Remote, match="does not count"):
        call(guard.home, "people.change", {**other, "signatures": [said]})
    made = call(guard.home, "people.change", {**wish, "signatures": [said]})
    assert made["by"][1] == "pia"
    assert guard.entries("person.key.count")[-1]["body"]["count"] == 1

    guard.kill()
    guard.start()
    device.count = 0  # a copy of the device would count from where it was taken
    wish = {"kind": "person.remove", "change": {"name": "eve"}}
    asked = call(guard.home, "people.passkey.challenge", {**wish, **site, "by": "pia"})
    with pytest.raises(Remote, match="does not count"):
        call(guard.home, "people.change", {**wish, "signatures": [{"how": "passkey", "signature": device.get(asked)}]})
    assert guard.cli("verify").returncode == 0


def test_the_gate_is_told_whose_key_counts_no_more(guard: Guard, tmp_path: Path) -> None:
    """Somebody who was removed may still stand in the rules that the gate judges by."""
    people(guard, "add", "bob", "--key", f"{keygen(tmp_path, 'bob')}.pub")
    (bob,) = [one for one in call(guard.home, "people.list")["people"] if one["name"] == "bob"]
    asked = withdrawn(guard.home)
    assert asked() == frozenset()
    said = guard.cli("people", "remove", "bob")
    assert "end the key by `until` in its [[reviewer]]" in said.stdout, said.stderr
    assert asked() == {bob["authenticators"][0]["id"]}
