"""Undo end to end: an agent changes files through its hooks, a person takes it back."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import AGENT, Guard, allowed
from containment.acts import tree, whole
from interlock.daemon.client import Remote, call
from interlock.model.errors import InterlockError


class Agent:
    """Does what it proposes, as a real agent would: the hook before, the work, the hook after."""

    def __init__(self, guard: Guard, session: str = "session-1") -> None:
        self.guard = guard
        self.session = session
        self._calls = 0

    def does(self, tool: str, tool_input: dict[str, Any], work: Any, *, reports: bool = True) -> int:
        """The index of the intent's entry."""
        self._calls += 1
        more = {"tool_use_id": f"{self.session}-{self._calls}", "session_id": self.session}
        assert allowed(self.guard.hook(tool, tool_input, **more))
        work()
        if reports:
            assert allowed(self.guard.hook(tool, tool_input, event="PostToolUse", tool_response={}, **more))
        return int(self.guard.entries("intent")[-1]["index"])

    def writes(self, path: Path, text: str, **more: Any) -> int:
        return self.does("Write", {"file_path": str(path), "content": text}, lambda: path.write_text(text), **more)

    def runs(self, command: str, **more: Any) -> int:
        return self.does("Bash", {"command": command}, lambda: self.shell(command), **more)

    def shell(self, command: str) -> None:
        environment = self.guard.environment | {"GIT_CONFIG_GLOBAL": "/dev/null"}
        subprocess.run(["bash", "-c", command], cwd=self.guard.project, env=environment, check=True)


@pytest.fixture
def agent(guard: Guard) -> Agent:
    return Agent(guard)


def test_an_edit_is_taken_back_to_the_byte_the_mode_and_the_time(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.sh"
    file.write_text("one\n")
    file.chmod(0o750)
    os.setxattr(file, "user.colour", b"blue")
    os.utime(file, ns=(1, 1_234_567_890_123_456_789))
    before = tree(guard.project)
    index = agent.writes(file, "two\n")
    file.chmod(0o600)
    os.setxattr(file, "user.colour", b"red")
    done = guard.cli("undo", str(index), "--yes")
    assert "it changed since" in done.stdout  # the mode was changed by somebody else
    file.chmod(0o750)
    done = guard.cli("undo", str(index), "--yes")
    assert done.returncode == 0, done.stderr
    assert tree(guard.project) == before
    assert os.getxattr(file, "user.colour") == b"blue"


def test_the_undo_is_undone_and_that_again(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    file.write_text("one\n")
    before = tree(guard.project)
    index = agent.writes(file, "two\n")
    after = tree(guard.project)
    first = json.loads(guard.cli("undo", str(index), "--yes", "--json").stdout)["entry"]
    assert tree(guard.project) == before
    second = json.loads(guard.cli("undo", str(first), "--yes", "--json").stdout)["entry"]
    assert tree(guard.project) == after
    assert guard.cli("undo", str(second), "--yes").returncode == 0
    assert tree(guard.project) == before
    kinds = [entry["schema"].split("/")[1] for entry in guard.entries("undo", "undo.outcome")]
    assert kinds == ["undo", "undo.outcome"] * 3


def test_a_file_that_was_made_goes_with_the_directories_made_for_it(guard: Guard, agent: Agent) -> None:
    before = tree(guard.project)
    file = guard.project / "new" / "deep" / "a.py"

    def work() -> None:
        file.parent.mkdir(parents=True)
        file.write_text("x")

    index = agent.does("Write", {"file_path": str(file), "content": "x"}, work)
    assert guard.cli("undo", str(index), "--yes").returncode == 0
    assert tree(guard.project) == before


def test_what_changed_since_is_left_alone_and_named(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    file.write_text("one\n")
    index = agent.writes(file, "two\n")
    file.write_text("by hand\n")
    plan = guard.cli("undo", str(index), "--plan")
    assert "a.py: it changed since" in plan.stdout
    assert "nothing to undo" in plan.stdout
    assert file.read_text() == "by hand\n"
    forced = json.loads(guard.cli("undo", str(index), "--force", "--yes", "--json").stdout)
    assert file.read_text() == "one\n"
    guard.cli("undo", str(forced["entry"]), "--yes")
    assert file.read_text() == "by hand\n"


def test_a_plan_changes_nothing(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    file.write_text("one\n")
    index = agent.writes(file, "two\n")
    after, entries = tree(guard.project), len(guard.entries())
    shown = guard.cli("undo", str(index), "--plan")
    assert "restore   a.py" in shown.stdout
    assert guard.cli("undo", str(index)).returncode == 2  # nobody said yes
    assert tree(guard.project) == after
    assert len(guard.entries()) == entries


def test_a_whole_session_and_only_that(guard: Guard) -> None:
    one, other = Agent(guard, "first"), Agent(guard, "second")
    a, b = guard.project / "a.py", guard.project / "b.py"
    a.write_text("0")
    before = whole(a)
    one.writes(a, "1")
    other.writes(b, "kept")
    one.writes(a, "2")
    one.writes(guard.project / "c.py", "new")
    assert guard.cli("undo", "first", "--yes").returncode == 0
    assert whole(a) == before
    assert not (guard.project / "c.py").exists()
    assert b.read_text() == "kept"


def test_everything_since_a_moment(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    agent.writes(file, "before")
    time.sleep(1.1)
    began = time.time()
    agent.writes(file, "after")
    agent.runs("rm a.py")
    call_plan = call(guard.home, "undo.plan", {"since": began})
    assert [step["entry"] for step in call_plan["steps"]] == sorted(
        (step["entry"] for step in call_plan["steps"]), reverse=True
    )
    assert guard.cli("undo", "--since", "10m", "--plan").returncode == 0
    call(guard.home, "undo", {"since": began, "plan": call_plan["plan"]})
    assert file.read_text() == "before"


def test_commands_that_name_what_they_change(guard: Guard, agent: Agent) -> None:
    src = guard.project / "src"
    (src / "deep").mkdir(parents=True)
    (src / "deep" / "a.py").write_text("a")
    (src / "run").write_text("#!")
    (src / "run").chmod(0o755)
    (src / "link").symlink_to("deep/a.py")
    (src / "broken").symlink_to("nowhere")
    (src / "empty").mkdir(mode=0o700)
    before = tree(guard.project)
    indexes = [
        agent.runs("mv src/run src/deep/b.py"),
        agent.runs("sed -i s/a/b/ src/deep/a.py"),
        agent.runs("cp src/deep/a.py src/copy"),
        agent.runs("chmod 600 src/copy"),
        agent.runs("mkdir -p build/x && touch build/x/y"),
        agent.runs("rm src/link src/broken && ln -s deep src/link"),
    ]
    for index in reversed(indexes):
        done = guard.cli("undo", str(index), "--yes")
        assert done.returncode == 0, (index, done.stderr)
    assert tree(guard.project) == before


def test_what_cannot_be_undone_is_said_before_it_runs(guard: Guard, agent: Agent) -> None:
    agent.runs("true")
    agent.does("Bash", {"command": "python3 -m pytest"}, lambda: None)
    agent.writes(guard.project / "a.py", "x")
    looked, tests, wrote = guard.entries("intent")
    assert "undo" not in looked["body"]
    assert tests["body"]["undo"]["undoable"] == "no"
    assert "not known beforehand" in tests["body"]["undo"]["why"][0]
    assert wrote["body"]["undo"]["undoable"] == "yes"
    shown = guard.cli("undo", str(tests["index"]), "--plan")
    assert "not known beforehand" in shown.stdout


def test_a_secret_is_never_copied(cold: Guard) -> None:
    cold.configure('mode = "observe"\n')
    cold.start()
    agent = Agent(cold)
    (cold.project / "conf").mkdir()
    (cold.project / "conf" / ".env").write_text("TOKEN=tulip-harbour-seventeen\n")
    (cold.project / "conf" / "a.txt").write_text("plain\n")
    index = agent.runs("rm -rf conf")
    entry = next(e for e in cold.entries("intent") if e["index"] == index)
    assert entry["body"]["undo"]["undoable"] == "partly"
    assert "secrets" in json.dumps(entry["body"]["undo"])
    kept = b"".join(p.read_bytes() for p in (cold.home.state / "undo").rglob("*") if p.is_file())
    assert b"tulip" not in kept
    assert len(list((cold.home.state / "preimages").glob("*/*"))) == 1
    done = cold.cli("undo", str(index), "--yes")
    assert (cold.project / "conf" / "a.txt").read_text() == "plain\n"
    assert ".env: it holds secrets" in done.stdout


def test_an_agent_cannot_undo(guard: Guard, agent: Agent) -> None:
    index = agent.writes(guard.project / "a.py", "x")
    assert "guard-untouchable" in guard.said_no(guard.hook("Bash", {"command": f"interlock undo {index} --yes"}))


def test_a_plan_that_no_longer_holds_is_refused(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    index = agent.writes(file, "x")
    shown = call(guard.home, "undo.plan", {"entry": index})
    file.write_text("y")
    with pytest.raises(Remote, match="changed since it was shown"):
        call(guard.home, "undo", {"entry": index, "plan": shown["plan"]})
    assert file.read_text() == "y"


def test_an_action_without_an_outcome_is_not_undone_blindly(guard: Guard, agent: Agent) -> None:
    file = guard.project / "a.py"
    file.write_text("one")
    index = agent.writes(file, "two", reports=False)
    plan = guard.cli("undo", str(index), "--plan")
    assert "nobody reported" in plan.stdout
    assert guard.cli("undo", str(index), "--force", "--yes").returncode == 0
    assert file.read_text() == "one"


def test_a_reset_of_the_repository_is_taken_back(cold: Guard) -> None:
    cold.configure('mode = "observe"\n')
    cold.start()
    agent = Agent(cold)
    file = cold.project / "a.txt"
    file.write_text("committed\n")
    agent.shell("git init -q . && git add -A && git -c user.name=d -c user.email=d@example.org commit -qm one")
    file.write_text("never committed\n")
    before = tree(cold.project)
    index = agent.runs("git reset -q --hard && rm -f a.txt")
    assert not file.exists()
    done = cold.cli("undo", str(index), "--yes")
    assert done.returncode == 0, done.stderr
    assert tree(cold.project) == before


def test_a_daemon_killed_in_the_middle_of_an_undo_finishes_it_when_it_comes_back(cold: Guard) -> None:
    cold.configure('mode = "observe"\n')
    cold.start()
    guard, agent = cold, Agent(cold)
    for files in (25, 250, 2_500):  # on a busy machine the daemon may be done before it is killed
        big, before = killed_while_it_restores(guard, agent, files)
        halfway = tree(guard.project) != before
        guard.start()
        assert tree(guard.project) == before
        if halfway:
            break
    assert halfway, "it was too fast to be killed in the middle"
    outcome = guard.entries("undo.outcome")[-1]
    assert outcome["body"]["result"] == {"ok": True, "recovered": True}
    assert guard.cli("undo", str(outcome["body"]["undo"]), "--yes").returncode == 0
    assert not big.exists()


def killed_while_it_restores(guard: Guard, agent: Agent, files: int) -> tuple[Path, dict[str, Any]]:
    """A tree of six folders of so many files, removed and half brought back; what the project was before that."""
    big = guard.project / f"big{files}"
    for number in range(6):
        (big / f"d{number}").mkdir(parents=True)
        for name in range(files):
            (big / f"d{number}" / f"{name}.txt").write_text(f"{number} {name}\n")
    before = tree(guard.project)
    index = agent.runs(f"rm -rf {big.name}")
    shown = call(guard.home, "undo.plan", {"entry": index})
    undo = threading.Thread(target=lambda: _ignoring(guard, {"entry": index, "plan": shown["plan"]}))
    undo.start()
    deadline = time.monotonic() + 20
    while not any(name.endswith(".txt") for _, _, names in os.walk(big) for name in names):
        assert time.monotonic() < deadline
    guard.kill()
    undo.join(30)
    return big, before


def _ignoring(guard: Guard, params: dict[str, Any]) -> None:
    with contextlib.suppress(InterlockError):
        call(guard.home, "undo", params)


def test_an_agents_other_ways_to_edit(guard: Guard, agent: Agent) -> None:
    """MultiEdit, NotebookEdit and a patch name their files as Write does."""
    file, book = guard.project / "a.py", guard.project / "b.ipynb"
    file.write_text("one\n")
    book.write_text("{}")
    before = tree(guard.project)
    edits = {"file_path": str(file), "edits": [{"old_string": "one", "new_string": "two"}]}
    cell = {"notebook_path": str(book), "new_source": "x", "cell_id": "1"}
    patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-two\n+three\n*** Add File: c.py\n+new\n*** End Patch\n"

    def patched() -> None:
        file.write_text("three\n")
        (guard.project / "c.py").write_text("new\n")

    agent.does("MultiEdit", edits, lambda: file.write_text("two\n"))
    agent.does("NotebookEdit", cell, lambda: book.write_text('{"x": 1}'))
    agent.does("apply_patch", {"input": patch, "command": patch}, patched)
    assert guard.cli("undo", "session-1", "--yes").returncode == 0
    assert tree(guard.project) == before


def test_a_question_says_what_undo_could_do(guard: Guard) -> None:
    guard.said_no(guard.hook("Bash", {"command": "git push --force origin main && rm -rf src"}))
    (request,) = call(guard.home, "inbox")
    assert request["undo"] == "partly: what is pushed stays on the other side"
    assert "undo        partly: what is pushed" in guard.cli("inbox").stdout


def test_a_secret_that_an_action_made_is_not_removed_without_force(cold: Guard) -> None:
    """Story: undo removed a new `.env`, of which it may keep no copy; nothing could have brought it back."""
    cold.configure('mode = "observe"\n')
    cold.start()
    agent = Agent(cold)
    index = agent.runs("mkdir conf && echo TOKEN=tulip > conf/.env && echo x > conf/a")
    done = cold.cli("undo", str(index), "--yes")
    assert "conf/.env: it holds secrets" in done.stdout, (done.stdout, done.stderr)
    assert (cold.project / "conf" / ".env").exists()
    assert not (cold.project / "conf" / "a").exists()
    assert cold.cli("undo", str(index), "--yes", "--force").returncode == 0
    assert not (cold.project / "conf").exists()


LAUNCHER = Path(AGENT[3]).with_name("interlock-run")


@pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")
def test_a_session_in_the_open_and_contained_is_taken_back_as_one(guard: Guard, agent: Agent) -> None:
    agent.shell("git init -q . && git config user.name d && git config user.email d@example.org")
    (guard.project / "src").mkdir()
    for name in ("a.py", "b.py"):
        (guard.project / "src" / name).write_text(f"{name}\n")
    agent.shell("git add -A && git commit -qm one")
    before = tree(guard.project)
    agent.writes(guard.project / "src" / "a.py", "edited\n")
    _contained(guard, "rm -rf src")
    agent.does("Write", {"file_path": str(guard.project / "src" / "c.py"), "content": "new\n"}, lambda: _makes(guard))
    _contained(guard, "rm -rf src")
    assert not (guard.project / "src").exists()
    done = guard.cli("undo", "session-1", "--yes")
    assert "stays" not in done.stdout, done.stdout
    assert tree(guard.project) == before
    (undo,) = guard.entries("undo")
    assert guard.cli("undo", str(undo["index"]), "--yes").returncode == 0
    assert not (guard.project / "src").exists()


def _makes(guard: Guard) -> None:
    (guard.project / "src").mkdir()
    (guard.project / "src" / "c.py").write_text("new\n")


def _contained(guard: Guard, command: str) -> None:
    answer = json.loads(guard.hook("Bash", {"command": command}).stdout)["hookSpecificOutput"]
    wanted = answer["updatedInput"]["command"]
    subprocess.run(["bash", "-c", wanted], cwd=guard.project, env=guard.environment, check=True, capture_output=True)


def test_a_commit_whose_lines_a_person_took_back_is_an_incident(guard: Guard, agent: Agent) -> None:
    """What `interlock risk --ledger` is told. An undo that is undone took nothing back."""
    agent.shell("git init -q -b main && git config user.name ann && git config user.email ann@x.example")
    kept, wrong = guard.project / "kept.py", guard.project / "wrong.py"
    commits = []
    for path in (kept, wrong):
        index = agent.writes(path, f"{path.stem} = 1\n")
        agent.shell(f"git add -A && git commit -qm {path.stem}")
        commits.append((guard.project / ".git/refs/heads/main").read_text().strip())
        call(guard.home, "provenance.attest", {"cwd": str(guard.project), "revision": "HEAD"})
    asked = {"cwd": str(guard.project)}
    assert call(guard.home, "provenance.undone", asked) == {"commits": {}}
    assert guard.cli("undo", str(index), "--yes").returncode == 0
    undo = int(guard.entries("undo")[-1]["index"])
    assert call(guard.home, "provenance.undone", asked) == {"commits": {commits[1]: undo}}
    said = guard.cli("risk", "--ledger")
    assert said.returncode == 2
    assert "cannot be fitted" in said.stderr  # two commits are no history
    assert guard.cli("undo", str(undo), "--yes").returncode == 0
    assert call(guard.home, "provenance.undone", asked) == {"commits": {}}
