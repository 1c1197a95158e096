"""Who wrote each line, through the real daemon: an agent's hooks, a person's editor, and git between them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.daemon.conftest import AGENT, Guard, allowed

from interlock.daemon.wire import Reply

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": f"ann@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(guard: Guard, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=guard.project, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(guard: Guard, message: str) -> str:
    git(guard, "add", "-A")
    git(guard, "commit", "-qm", message)
    return git(guard, "rev-parse", "HEAD")


@pytest.fixture
def project(guard: Guard) -> Guard:
    """A repository with one commit from before Interlock."""
    git(guard, "init", "-q", "-b", "main")
    (guard.project / "app.py").write_text("import os\n\n\ndef old():\n    return os.getcwd()\n")
    commit(guard, "before")
    return guard


def write(guard: Guard, name: str, content: str) -> None:
    """The agent's Write tool, with what really happens in between."""
    given = {"file_path": str(guard.project / name), "content": content}
    reply = guard.hook("Write", given, tool_use_id=f"w-{name}-{len(content)}", model="claude-test-1")
    assert allowed(reply), reply
    (guard.project / name).write_text(content)
    assert allowed(guard.hook("Write", given, event="PostToolUse", tool_use_id=f"w-{name}-{len(content)}"))


def shell(guard: Guard, command: str) -> Reply:
    """The agent's shell: the command that the hook says is run, and its outcome told."""
    reply = guard.hook("Bash", {"command": command}, tool_use_id=f"b-{hash(command)}")
    assert reply.exit == 0, reply
    run = command
    if reply.stdout:
        run = json.loads(reply.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
    environment = ENVIRONMENT | guard.environment | {"PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-c", run], cwd=guard.project, env=environment, check=True, capture_output=True, timeout=60)
    guard.hook("Bash", {"command": command}, event="PostToolUse", tool_use_id=f"b-{hash(command)}")
    return reply


def blame(guard: Guard, name: str, *more: str) -> dict[str, Any]:
    said = guard.cli("blame", name, *more, "--json")
    assert said.returncode == 0, said.stdout + said.stderr + guard.log()
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def authors(found: dict[str, Any]) -> list[str]:
    return [line["author"] for line in found["lines"]]


def test_lines_of_a_person_an_agent_and_of_before(project: Guard) -> None:
    project.hook("", {}, event="SessionStart")
    project.hook("", {}, event="UserPromptSubmit", prompt="please greet")
    app = project.project / "app.py"
    write(project, "app.py", app.read_text() + "\n\ndef greet(name):\n    return f'hello {name}'\n")
    app.write_text("# written by a person, in an editor\n" + app.read_text())
    found = blame(project, "app.py")
    assert authors(found)[0] == "human"
    assert authors(found)[1:6] == ["unknown"] * 5
    assert authors(found)[6:] == ["agent"] * 4
    action = found["actions"][str(found["lines"][-1]["actions"][0])]
    assert action["tool"] == "Write"
    assert action["model"] == "claude-test-1"
    assert action["prompt"].startswith("sha256:")
    first = commit(project, "both")
    git(project, "checkout", "-q", "-b", "other", "HEAD~1")
    (project.project / "README").write_text("on a branch\n")
    commit(project, "the branch goes on")
    git(project, "cherry-pick", first)
    found = blame(project, "app.py", "HEAD")
    assert authors(found)[0] == "human"
    assert authors(found)[6:] == ["agent"] * 4
    assert {line["commit"] for line in found["lines"][6:]} == {git(project, "rev-parse", "HEAD")}
    shown = project.cli("blame", "app.py")
    assert "written by a person" in shown.stdout
    assert "human" in shown.stdout


LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
contained = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")
MOVES = "mv app.py moved.py; echo '# new' >> moved.py; mkdir lib; echo 'x = 1' > lib/a.py"


@contained
def test_what_a_person_runs_contained_is_the_persons(project: Guard) -> None:
    """Story: `interlock run` of a person was an agent's work, and lines of before that it moved were too."""
    blame(project, "app.py")
    ran = project.cli("run", "--", "sh", "-c", MOVES)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert authors(blame(project, "moved.py")) == ["unknown"] * 5 + ["human"]
    assert authors(blame(project, "lib/a.py")) == ["human"]


@contained
def test_what_an_agent_runs_contained_is_the_agents_and_what_it_moves_is_not(project: Guard) -> None:
    (project.project / "old").mkdir()
    (project.project / "old/x").write_text("x\n")
    commit(project, "more")
    shell(project, "ls")
    reply = shell(project, f"rm -rf old; {MOVES}")
    assert "interlock-run" in json.loads(reply.stdout)["hookSpecificOutput"]["updatedInput"]["command"]
    assert authors(blame(project, "moved.py")) == ["unknown"] * 5 + ["agent"]
    assert authors(blame(project, "lib/a.py")) == ["agent"]
