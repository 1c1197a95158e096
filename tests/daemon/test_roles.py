"""Roles end to end: given to one session, for minutes, for named things; and what becomes of them when people leave."""

from __future__ import annotations

import json
from typing import Any

from tests.daemon.conftest import Guard, allowed

from interlock.daemon.client import call

HERE = "session-1"


def role(guard: Guard, *words: str, status: int = 0) -> Any:
    done = guard.cli("role", *words, "--json")
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def write(guard: Guard) -> bool:
    return allowed(guard.hook("Write", {"file_path": str(guard.project / "a.txt"), "content": "x"}))


def test_a_reader_is_asked_until_the_role_is_taken_back(guard: Guard) -> None:
    assert write(guard)
    role(guard, "grant", "reader", "--session", HERE, "--because", "it only has to look")
    assert not write(guard)
    assert allowed(guard.hook("Read", {"file_path": str(guard.project / "a.txt")}))
    assert allowed(guard.hook("Write", {"file_path": str(guard.project / "a.txt"), "content": "x"}, session_id="other"))
    guard.kill()
    guard.start()
    assert not write(guard)
    denial = guard.entries("denial")[-1]["body"]
    assert denial["principal"]["roles"] == ["reader"]
    assert "role-reader" in denial["rules"]
    role(guard, "revoke", "reader", "--session", HERE)
    assert write(guard)
    role(guard, "revoke", "reader", "--session", HERE, status=26)


def test_an_agent_that_always_reads(cold: Guard) -> None:
    cold.configure('[ask]\nhold_seconds = 0\n[roles.reader]\nrestricts = true\nagents = ["claude"]\n')
    cold.start()
    assert not write(cold)


def test_a_project_switches_a_role_off_and_cannot_add_one(guard: Guard) -> None:
    write(guard)
    (guard.project / "interlock.toml").write_text("[roles.operator]\noff = true\n")
    call(guard.home, "reload")
    found = role(guard, "grant", "operator", "--session", HERE, "--resource", "web", status=27)
    assert "switched off in this project" in found["message"]
    (guard.project / "interlock.toml").write_text('[roles.root]\nwho = ["admins"]\n')
    call(guard.home, "reload")
    (problem,) = call(guard.home, "status")["rule_problems"].values()
    assert "a project can only narrow roles" in problem


def test_an_operator_works_in_staging_for_minutes_on_what_was_named(cold: Guard) -> None:
    cold.configure(
        '[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n[environments.staging]\ncontexts = ["staging"]\n'
    )
    cold.start()
    deploy = {"command": "kubectl --context staging -n shop scale deployment/web --replicas=3"}
    first = cold.hook("Bash", deploy)
    assert not allowed(first)
    asked = cold.entries("approval.request")[-1]["body"]["effects"]
    name = next(line.split()[2] for line in asked if "cluster_object" in line)
    assert (
        "at most 120 minutes"
        in role(cold, "grant", "operator", "--session", HERE, "--resource", name, "--for", "3h", status=27)["message"]
    )
    given = role(cold, "grant", "operator", "--session", HERE, "--resource", name, "--for", "10m")["grant"]
    assert (given["role"], given["session"]) == ("operator", HERE)
    assert allowed(cold.hook("Bash", deploy))
    assert not allowed(cold.hook("Bash", deploy, session_id="other"))
    assert cold.entries("intent")[-1]["body"]["rules"] == ["granted"]
    role(cold, "revoke", "operator", "--session", HERE)
    assert not allowed(cold.hook("Bash", deploy))


def test_production_is_given_strongly(guard: Guard) -> None:
    write(guard)
    words = ("grant", "deployer", "--session", HERE, "--resource", "shop/web")
    assert "given strongly" in role(guard, *words, status=27)["message"]
    shown = role(guard, *words, "--show")
    given = role(guard, *words, "--code", shown["fingerprint"].rsplit("-", 1)[1])["grant"]
    assert given["rung"] == "one_strong"
    assert "is deployer for shop/web" in guard.cli("role", "list").stdout


def test_who_may_not_give_a_role_any_more_has_given_it_in_vain(guard: Guard, tmp_path: Any) -> None:
    """Joiners and leavers: the owner hands administration over; what the owner gave as an administrator ends."""
    import subprocess

    for name in ("ada", "bob"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    add = ("people", "add", "ada", "--group", "admins", "--key", f"{tmp_path / 'ada'}.pub")
    assert guard.cli(*add).returncode == 0
    write(guard)
    role(guard, "grant", "operator", "--session", HERE, "--resource", "web", "--for", "10m")

    def with_ada(*words: str) -> None:
        statement = str(tmp_path / "statement")
        assert guard.cli("people", *words, "--statement", statement).returncode == 0
        signed = guard.cli("people", "sign", statement, "--key", str(tmp_path / "ada"))
        (tmp_path / "sig").write_text(signed.stdout)
        done = guard.cli("people", *words, "--signature", str(tmp_path / "sig"))
        assert done.returncode == 0, done.stderr

    with_ada("add", "bob", "--group", "admins", "--key", f"{tmp_path / 'bob'}.pub")
    assert role(guard, "list")["grants"]
    owner = json.loads(guard.cli("people", "list", "--json").stdout)["owner"]
    with_ada("groups", owner)
    assert role(guard, "list")["grants"] == []
    assert "is given by the groups" in role(guard, "grant", "reader", "--session", HERE, status=27)["message"]
