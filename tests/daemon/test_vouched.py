"""A checkout brings back what people committed before the session; what the agent committed itself is held."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from conftest import AGENT, Guard

LAUNCHER = Path(AGENT[3]).with_name("interlock-run")
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")
GRAVE = {"conftest.py": "x = {}\n", ".github/workflows/ci.yml": "on: {}\n", "CLAUDE.md": "# {}\n"}


class Agent:
    """All that its shell can do runs contained."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.session = "one"
        self.top = guard.project

    def git(self, *words: str) -> str:
        names = ("-c", "user.name=p", "-c", "user.email=p@example.org")
        return subprocess.check_output(["git", *names, *words], cwd=self.top, text=True, stderr=subprocess.DEVNULL)

    def writes(self, version: str) -> None:
        for path, text in GRAVE.items():
            (self.top / path).parent.mkdir(parents=True, exist_ok=True)
            (self.top / path).write_text(text.format(version))

    def version(self) -> set[str]:
        """Which versions of the grave files stand in the workspace."""
        return {
            line for path in GRAVE for line in (self.top / path).read_text().split() if line.isalpha() and line != "x"
        }

    def runs(self, command: str) -> list[str]:
        """Hidden in a program that nobody reads, so in the sandbox; returns the paths that are held."""
        (self.top / "steps").write_bytes(base64.b64encode(command.encode()))
        before = len(self.guard.entries("changes"))
        wish, more = {"command": "python3 run.py"}, {"session_id": self.session, "tool_use_id": f"call-{before}"}
        said = json.loads(self.guard.hook("Bash", wish, **more).stdout)["hookSpecificOutput"]
        assert said["permissionDecision"] == "allow", said
        run = said["updatedInput"]["command"]
        subprocess.run(["bash", "-c", run], cwd=self.top, env=self.guard.environment, check=False, capture_output=True)
        self.guard.hook("Bash", {"command": run}, event="PostToolUse", tool_response={}, **more)
        (changes,) = self.guard.entries("changes")[before:]
        return sorted(held["path"] for held in changes["body"].get("held", ()))


@pytest.fixture
def agent(cold: Guard) -> Agent:
    cold.configure('[containment]\nshell = "always"\n')
    cold.start()
    found = Agent(cold)
    found.git("init", "-q", "-b", "main")
    (found.top / ".git" / "info" / "exclude").write_text("run.py\nsteps\n")
    (found.top / "run.py").write_text("import base64, os\nos.system(base64.b64decode(open('steps').read()).decode())\n")
    found.writes("main")
    found.git("add", "-A")
    found.git("commit", "-qm", "main")
    found.git("checkout", "-q", "-b", "other")
    found.writes("other")
    found.git("commit", "-qam", "other")
    found.git("checkout", "-q", "main")
    return found


EVIL = (
    "git checkout -q -b evil; for f in conftest.py CLAUDE.md .github/workflows/ci.yml; do echo evil > $f; done;"
    " git add -A; git -c user.name=a -c user.email=a@x commit -qm evil"
)


def test_a_checkout_of_another_branch_is_not_held(agent: Agent) -> None:
    """Story: every checkout between branches whose workflows differ waited for a person."""
    assert agent.runs("git checkout -q other") == []
    assert agent.version() == {"other"}
    assert agent.git("status", "--porcelain") == ""
    assert agent.runs("git checkout -q main && git merge -q --ff-only other") == []
    assert agent.runs("git reset -q --hard HEAD~1") == []
    assert agent.version() == {"main"}


def test_what_the_agent_changes_itself_is_held_as_ever(agent: Agent) -> None:
    assert agent.runs("echo evil > conftest.py; git checkout -q other -- CLAUDE.md") == ["conftest.py"]
    assert agent.runs("git checkout -q other -- CLAUDE.md && mv CLAUDE.md conftest.py")[-1] == "conftest.py"


def overwrite(what: str) -> str:
    """An object of people's takes the content of the agent's."""
    file = ".git/objects/$(git rev-parse {} | sed 's,..,&/,')"
    victim, mine = file.format(f"other{what}"), file.format(f"evil{what}")
    return f"chmod u+w {victim}; cat {mine} > {victim}"


@pytest.mark.parametrize(
    "forged",
    [
        "git update-ref refs/remotes/origin/main evil; git update-ref refs/tags/v1 evil; git pack-refs --all;"
        " git update-ref refs/heads/side evil",
        "git replace other evil; echo $(git rev-parse main) $(git rev-parse evil) > .git/info/grafts",
        overwrite(""),
        overwrite("^{tree}"),
    ],
)
def test_a_commit_of_the_agents_own_vouches_for_nothing(agent: Agent, forged: str) -> None:
    """Forged: refs of people's names, packed refs, replacements, grafts, and objects under others' names."""
    assert set(agent.runs(f"{EVIL}; {forged}")) >= set(GRAVE)
    for session in ("two", "three"):
        agent.runs("git checkout -q -f main")
        assert agent.runs("git checkout -q -f evil"), "what differs is held"
        assert "evil" not in agent.version()
        agent.runs("git checkout -q -f main; git checkout -q -f other")
        assert "evil" not in agent.version()
        agent.guard.hook("", {}, event="SessionEnd", session_id=agent.session)
        agent.session = session
