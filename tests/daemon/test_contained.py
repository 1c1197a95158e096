"""Contained commands through a real daemon, its hooks and the real launcher."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import AGENT, Guard, allowed
from interlock.daemon.client import call
from interlock.daemon.wire import Reply

LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")


@pytest.fixture
def project(guard: Guard) -> Path:
    """A project with a tracked file and an untracked one."""
    root = guard.project
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / "src").mkdir()
    (root / "src" / "app.py").write_text("print('hello')\n")
    (root / "notes.md").write_text("never committed\n")
    return root


def rewritten(reply: Reply) -> str:
    inside = json.loads(reply.stdout)["hookSpecificOutput"]
    assert inside["permissionDecision"] == "allow"
    return str(inside["updatedInput"]["command"])


def run(guard: Guard, command: str) -> subprocess.CompletedProcess[str]:
    """As the agent's shell would."""
    return subprocess.run(
        ["bash", "-c", command], cwd=guard.project, env=guard.environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_what_would_be_a_question_runs_contained_and_can_be_taken_back(guard: Guard, project: Path) -> None:
    done = run(guard, rewritten(guard.hook("Bash", {"command": "rm -rf src && echo gone"})))
    assert (done.returncode, done.stdout) == (0, "gone\n")
    assert not (project / "src").exists()
    (changes,) = guard.entries("changes")
    assert changes["body"]["totals"]["deleted"] >= 1
    (intent,) = guard.entries("intent")
    assert intent["body"]["contained"] == {"tier": "overlay", "profile": "build"}
    assert changes["body"]["intent"] == intent["index"]
    undone = guard.cli("undo", str(intent["index"]), "--yes")
    assert undone.returncode == 0, undone.stderr
    assert (project / "src" / "app.py").read_text() == "print('hello')\n"
    (undo,) = guard.entries("undo")
    assert guard.cli("undo", str(undo["index"]), "--yes").returncode == 0
    assert not (project / "src").exists()


def test_the_history_survives_and_the_command_is_told(guard: Guard, project: Path) -> None:
    done = run(guard, rewritten(guard.hook("Bash", {"command": "rm -rf src .git"})))
    assert "held for a person" in done.stderr
    assert (project / ".git" / "HEAD").is_file()
    (changes,) = guard.entries("changes")
    assert changes["body"]["held_total"] >= 1


def test_a_ticket_works_once(guard: Guard, project: Path) -> None:
    command = rewritten(guard.hook("Bash", {"command": "rm -rf src"}))
    assert run(guard, command).returncode == 0
    (project / "src").mkdir()
    again = run(guard, command)
    assert again.returncode == 125
    assert "ticket" in again.stderr
    assert (project / "src").is_dir()


def test_a_script_that_changes_before_it_starts_is_not_what_was_judged(guard: Guard, project: Path) -> None:
    (project / "clean.sh").write_text("rm -rf src\n")
    command = rewritten(guard.hook("Bash", {"command": "sh clean.sh"}))
    (project / "clean.sh").write_text("rm -rf src notes.md\n")
    done = run(guard, command)
    assert (done.returncode, done.stdout) == (125, "")
    assert "clean.sh is not what it was when this was let through" in done.stderr
    assert (project / "notes.md").exists()
    assert run(guard, rewritten(guard.hook("Bash", {"command": "sh clean.sh"}))).returncode == 0
    assert not (project / "notes.md").exists()


def test_a_script_that_appears_before_it_starts_was_read_by_nobody(guard: Guard, project: Path) -> None:
    command = rewritten(guard.hook("Bash", {"command": "rm -rf src; sh later.sh"}))
    (project / "later.sh").write_text("rm -rf notes.md\n")
    done = run(guard, command)
    assert (done.returncode, done.stdout) == (125, "")
    assert "later.sh is not what it was when this was let through" in done.stderr
    assert (project / "src").is_dir()
    command = rewritten(guard.hook("Bash", {"command": "echo 'echo made' > made.sh; rm -rf src; sh made.sh"}))
    assert run(guard, command).stdout == "made\n"


def test_the_command_is_the_one_that_was_judged(guard: Guard, project: Path) -> None:
    command = rewritten(guard.hook("Bash", {"command": "rm -rf src"}))
    run(guard, f"{command} -- rm notes.md")
    assert (project / "notes.md").exists()


def test_what_needs_no_question_and_what_lies_elsewhere_is_not_contained(guard: Guard, project: Path) -> None:
    assert allowed(guard.hook("Bash", {"command": "git status"}))
    guard.said_no(guard.hook("Bash", {"command": "rm -rf ~/Documents"}))
    assert not guard.entries("changes")


def test_a_person_can_turn_it_off(cold: Guard) -> None:
    cold.configure('[ask]\nhold_seconds = 0\n[containment]\nshell = "off"\n')
    cold.start()
    cold.said_no(cold.hook("Bash", {"command": "rm -rf src"}))


def test_always_contains_what_can_do_its_work_there(cold: Guard) -> None:
    cold.configure('[containment]\nshell = "always"\n')
    cold.start()
    assert "interlock-run" in rewritten(cold.hook("Bash", {"command": "echo x > a.txt"}))
    assert allowed(cold.hook("Bash", {"command": "cat ~/.bashrc"}))


def install(guard: Guard, name: str, text: str) -> None:
    """A program that no family knows, on the agent's PATH and visible inside."""
    place = guard.base / "user" / ".local" / "bin"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(f"#!/bin/sh\n{text}\n")
    (place / name).chmod(0o755)
    guard.environment["PATH"] = f"{place}:{guard.environment['PATH']}"


def test_a_program_that_nobody_knows_runs_contained_and_can_be_taken_back(guard: Guard, project: Path) -> None:
    install(guard, "frobnicate", "rm -rf src; echo made > out.txt")
    done = run(guard, rewritten(guard.hook("Bash", {"command": "frobnicate src"})))
    assert (done.returncode, done.stderr) == (0, "")
    assert (project / "out.txt").is_file()
    assert guard.cli("undo", str(guard.entries("intent")[0]["index"]), "--yes").returncode == 0
    assert (project / "src" / "app.py").is_file()


def test_who_needs_the_network_is_told_and_asks_the_second_time(guard: Guard, project: Path) -> None:
    install(guard, "frobnicate", "getent hosts host.example")
    done = run(guard, rewritten(guard.hook("Bash", {"command": "frobnicate src"})))
    assert done.returncode != 0
    assert "host.example" in done.stderr
    assert "make the same call again" in done.stderr
    guard.said_no(guard.hook("Bash", {"command": "frobnicate src"}))
    assert not guard.entries("alarm")
    assert "interlock-run" in rewritten(guard.hook("Bash", {"command": "frobnicate other"}))


def test_a_program_that_is_not_seen_inside_asks_the_second_time(guard: Guard, project: Path) -> None:
    done = run(guard, rewritten(guard.hook("Bash", {"command": "frobnicate src"})))
    assert done.returncode == 127
    assert "make the same call again" in done.stderr
    guard.said_no(guard.hook("Bash", {"command": "frobnicate src"}))


def test_what_always_runs_contained_is_not_let_out_by_failing_there(cold: Guard) -> None:
    cold.configure('[containment]\nshell = "always"\n')
    cold.start()
    for _ in range(2):
        command = rewritten(cold.hook("Bash", {"command": "getent hosts host.example; exit 127"}))
        assert "make the same call again" not in run(cold, command).stderr


def by_command(guard: Guard, *words: str) -> subprocess.CompletedProcess[str]:
    """The command as it is installed: it starts a run without Python."""
    program = LAUNCHER.with_name("interlock")
    return subprocess.run(
        [program, *words],
        env=guard.environment,
        cwd=guard.project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def by_python(guard: Guard, *words: str) -> subprocess.CompletedProcess[str]:
    return guard.cli(*words)


@pytest.mark.parametrize("call_it", [by_command, by_python])
def test_a_person_runs_a_command_contained(
    guard: Guard, project: Path, call_it: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = call_it(guard, "run", "--", "sh", "-c", "echo built > out.txt; exit 3")
    assert done.returncode == 3, done.stderr
    assert (project / "out.txt").read_text() == "built\n"
    (run_entry,) = guard.entries("run")
    assert run_entry["body"]["text"] == "sh -c echo built > out.txt; exit 3"
    assert guard.cli("undo", str(run_entry["index"]), "--yes").returncode == 0
    assert not (project / "out.txt").exists()


def test_a_shell_for_agents_without_a_gate(guard: Guard, project: Path) -> None:
    shell = LAUNCHER.with_name("interlock-shell")
    done = subprocess.run(
        [shell, "-c", "rm -rf src; echo $((6 * 7)); exit 5"], env=guard.environment, cwd=project, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "42\n")
    assert not (project / "src").exists()
    assert len(guard.entries("changes")) == 1


def test_a_person_looks_first_or_at_nothing_but_the_difference(guard: Guard, project: Path) -> None:
    held = guard.cli("run", "--hold", "--", "sh", "-c", "echo x > out.txt")
    assert "held for a person" in held.stderr
    assert not (project / "out.txt").exists()
    (changes,) = guard.entries("changes")
    assert guard.cli("changes", "commit", str(changes["index"])).returncode == 0
    assert (project / "out.txt").exists()
    dropped = guard.cli("run", "--discard", "--", "sh", "-c", "rm out.txt")
    assert "dropped, as asked" in dropped.stderr
    assert (project / "out.txt").exists()
    assert guard.entries("changes")[-1]["body"]["totals"]["deleted"] == 1


def test_a_persons_own_profile(cold: Guard) -> None:
    themes = cold.base / "user" / "themes"
    themes.mkdir()
    (themes / "plain").write_text("a theme\n")
    cold.configure('[containment.profiles.docs]\nshow = ["~/themes"]\nkeep = ["THEME"]\n')
    cold.start()
    cold.environment["THEME"] = "plain"
    assert by_command(cold, "run", "--", "sh", "-c", "cat ~/themes/plain").returncode == 1
    done = by_command(cold, "run", "--profile", "docs", "--", "sh", "-c", "cat ~/themes/$THEME")
    assert done.stdout == "a theme\n", done.stderr


def test_a_profile_that_is_not_there_and_no_project_are_said(guard: Guard, project: Path) -> None:
    wrong = by_command(guard, "run", "--profile", "everything", "--", "true")
    assert wrong.returncode == 125
    assert "read-only, build, test, network" in wrong.stderr
    guard.project = guard.base / "user"
    nowhere = by_command(guard, "run", "--", "true")
    assert nowhere.returncode == 125
    assert "no project" in nowhere.stderr


def test_what_is_held_waits_for_a_person(guard: Guard, project: Path) -> None:
    held = guard.cli("run", "--", "sh", "-c", "echo exit > .git/hooks/post-commit; chmod +x .git/hooks/post-commit")
    assert "post-commit" in held.stderr
    (changes,) = guard.entries("changes")
    listed = guard.cli("changes", "--held")
    assert "1 held" in listed.stdout
    assert "+exit" in guard.cli("changes", "show", str(changes["index"])).stdout
    assert guard.cli("changes", "commit", str(changes["index"])).returncode == 0
    assert (project / ".git" / "hooks" / "post-commit").read_text() == "exit\n"
    assert guard.cli("changes", "commit", str(changes["index"])).returncode == 26


def test_an_agent_may_not_let_its_own_changes_through(guard: Guard, project: Path) -> None:
    reply = guard.hook("Bash", {"command": "interlock changes commit 3"})
    assert "guard-untouchable" in guard.said_no(reply)


DECIDES = """
import socket, sys
for wish in ('{"method":"approve","params":{"id":1}}', '{"method":"stop"}'):
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect(sys.argv[1])
        daemon.sendall(f"ILK1 rpc - 0123456789abcdef 20000 {len(wish)}\\n{wish}".encode())
        while said := daemon.recv(4096):
            print(said.decode())
"""


def test_whoever_runs_inside_decides_nothing(guard: Guard, project: Path) -> None:
    """Story: an agent was started inside as a whole, from a person's terminal. Before its first hook nobody knew that
    it was one; what it left to the run's own init was below that terminal for good.
    """
    argv = [sys.executable, "-c", DECIDES, str(guard.home.socket)]
    asked = {"argv": argv, "cwd": str(project), "agent": True, "hosts": ["model.example"]}
    done = run(guard, str(call(guard.home, "run", asked)["command"]))
    assert done.stdout.count("inside of a run") == 2, done
    assert call(guard.home, "ping")["pid"] == guard.process.pid  # type: ignore[union-attr]


def test_status_says_what_can_contain(guard: Guard) -> None:
    inside = call(guard.home, "status")["contained"]
    assert (inside["tier"], inside["running"]) == ("overlay", [])
    assert "overlay" in guard.cli("status").stdout


def test_the_agents_shell_ends_where_the_command_would_have_left_it(guard: Guard, project: Path) -> None:
    (project / "docs").mkdir()
    command = rewritten(guard.hook("Bash", {"command": "rm -rf src; cd docs; false"}))
    done = run(guard, f"{command}; echo $? $PWD")
    assert done.stdout == f"1 {project}/docs\n"


def test_a_run_outlives_its_daemon(guard: Guard, project: Path) -> None:
    waits = "rm -rf src; trap 'go=1' TERM; touch ready; while [ -z \"$go\" ]; do sleep 0.05; done; echo x > y"
    command = rewritten(guard.hook("Bash", {"command": waits}))
    running = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=project, env=guard.environment)
    try:
        wait_for(lambda: any((guard.home.state / "contained").glob("r*/upper/ready")))
        guard.kill()
        guard.start()
        assert len(call(guard.home, "status")["contained"]["running"]) == 1
    finally:
        running.terminate()
    assert running.wait(20) == 0
    assert (project / "y").read_text() == "x\n"
    assert not (project / "src").exists()


def test_of_a_run_whose_launcher_was_killed_nothing_is_committed_and_nothing_is_lost(
    guard: Guard, project: Path
) -> None:
    command = rewritten(guard.hook("Bash", {"command": "rm -rf src; echo half > part; sleep 60"}))
    running = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=project, env=guard.environment)
    wait_for(lambda: any((guard.home.state / "contained").glob("r*/upper/part")))
    running.kill()
    running.wait(20)
    wait_for(lambda: bool(guard.entries("changes")))
    assert (project / "src" / "app.py").exists()
    (changes,) = guard.entries("changes")
    assert changes["body"]["lost"] is True
    assert guard.cli("changes", "commit", str(changes["index"])).returncode == 0
    assert (project / "part").read_text() == "half\n"


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)
