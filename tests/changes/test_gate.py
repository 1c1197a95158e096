"""`interlock gate` from the outside: verdicts as exit codes, forms of the report, hooks, and the cases of the issue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from changes.making import commit, git, repository
from interlock.changes.gate import judge
from interlock.changes.hooks import updates
from interlock.changes.repo import Repo
from interlock.changes.report.facts import facts
from interlock.changes.report.html import html
from interlock.changes.report.markdown import markdown
from interlock.changes.report.sarif import sarif
from interlock.model.errors import UsageError

PROGRAM = Path(sys.executable).parent / "interlock"
BAD = "import os\n\n\ndef f(x):\n    os.system('ls ' + x)\n"


def run(
    folder: Path, *words: str, home: Path, feed: str = "", check: int | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(PROGRAM), "gate", *words],
        cwd=folder,
        env={**os.environ, "INTERLOCK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = repository(tmp_path / "r", {"a.py": "x = 1\n"})
    git(folder, "checkout", "-q", "-b", "work")
    return folder


def test_the_three_verdicts_are_exit_codes_and_a_second_look_is_cached(work: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    commit(work, {"a.py": "x = 2\n"})
    assert "PASS" in run(work, home=home, check=0).stdout
    assert "cached" in run(work, home=home, check=0).stdout
    commit(work, {"CLAUDE.md": "Be careful.\n"})
    assert "INCONCLUSIVE" in run(work, "main..work", home=home, check=10).stdout
    commit(work, {"a.py": BAD})
    shown = run(work, "main", "--no-cache", home=home, check=11).stdout
    assert "static/shell-built" in shown
    assert "a.py:5" in shown


def test_errors_are_sentences_with_codes_of_their_own(work: Path, tmp_path: Path) -> None:
    done = run(work, "nowhere..HEAD", "--json", home=tmp_path / "home", check=26)
    assert json.loads(done.stdout)["error"] == "not-found"
    run(tmp_path, home=tmp_path / "home", check=2)
    git(work, "checkout", "-q", "main")
    commit(work, {".interlock/gate.toml": "nonsense = 1\n"})
    assert "base cannot be used" in run(work, "main..work", home=tmp_path / "home", check=20).stderr


def test_one_stage_alone_is_no_verdict_on_the_whole(work: Path, tmp_path: Path) -> None:
    commit(work, {"a.py": BAD})
    done = run(work, "--stage", "secrets", "--json", home=tmp_path / "home", check=0)
    assert json.loads(done.stdout)["partial"] is True


def test_reports_hold_what_a_change_says_without_obeying_it(work: Path) -> None:
    """A path and a line that would be markup, a link, a terminal's escape."""
    name = "<img src=x onerror=alert(1)>|`](http://x)\u202e.py"
    commit(work, {name: "import os\nos.system('ls \x1b[2J' + '<script>' + `x`)\n".replace("`x`", "os.name")})
    report = judge(Repo(str(work)), "main", "work")
    page = markdown(report)
    assert "\u202e" not in page
    assert "\x1b" not in page
    for line in page.splitlines()[2:]:
        outside = line.split("`")[::2] if line.count("`") % 2 == 0 and "``" not in line else []
        assert not any("<img" in part or "<script" in part for part in outside), line
    shown = html(report)
    assert "<img" not in shown
    assert "<script" not in shown
    log = sarif(report)
    assert log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].isascii()
    assert json.dumps(facts(report)).isascii()


def test_what_is_about_no_file_is_not_listed_as_a_file_without_a_name(work: Path) -> None:
    commit(work, {"a.py": "A = 1\n"}, "A\n\nCo-Authored-By: Claude <noreply@anthropic.com>")
    page = markdown(judge(Repo(str(work)), "main", "work"))
    assert "- **note** `the change` Commit " in page
    assert "` `" not in page


def test_sarif_tells_what_could_not_be_judged(work: Path) -> None:
    commit(work, {"a.py": "def f(:\n"})
    log = sarif(judge(Repo(str(work)), "main", "work"))
    call = log["runs"][0]["invocations"][0]
    assert call["executionSuccessful"] is False
    assert call["toolExecutionNotifications"]
    for result in log["runs"][0]["results"]:
        assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_an_empty_change_passes_and_is_one_page(work: Path) -> None:
    report = judge(Repo(str(work)), "main", "work")
    assert report.verdict.value == "PASS"
    assert len(markdown(report).splitlines()) < 40
    ET.fromstring("<r>" + html(report).split("<table>")[0].split("</style>")[1] + "</r>")


def test_lines_of_hooks_are_read(work: Path) -> None:
    head = commit(work, {"a.py": "x = 2\n"})
    repo, zero, base = Repo(str(work)), "0" * 40, git(work, "rev-parse", "main")
    assert updates([f"refs/heads/work {head} refs/heads/work {base}"], repo)[0][1:] == (base, head)
    assert updates([f"{base} {head} refs/heads/main"], repo)[0][1:] == (base, head)
    assert updates([f"{zero} {head} refs/heads/new"], repo)[0][1:] == (base, head)
    assert updates([f"{head} {zero} refs/heads/old", ""], repo)[0][1:] == ("", "")
    with pytest.raises(UsageError):
        updates(["hello"], repo)


def test_a_server_refuses_what_the_gate_stops_and_takes_the_rest(work: Path, tmp_path: Path) -> None:
    """The objects of a push wait in quarantine while `pre-receive` runs: they are seen all the same."""
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(server))
    run(server, "--install", "pre-receive", home=tmp_path / "home", check=0)
    git(work, "remote", "add", "server", str(server))
    commit(work, {"a.py": "x = 2\n"})
    git(work, "push", "-q", "server", "work:main")
    commit(work, {"a.py": BAD})
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git(work, "push", "-q", "server", "work:main")
    assert b"static/shell-built" in refused.value.stderr
    assert git(server, "rev-parse", "main") == git(work, "rev-parse", "work~1")


def test_a_push_is_judged_where_the_hook_is_installed_and_another_hook_is_left(work: Path, tmp_path: Path) -> None:
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(server))
    git(work, "remote", "add", "server", str(server))
    run(work, "--install", "pre-push", home=tmp_path / "home", check=0)
    run(work, "--install", "pre-push", home=tmp_path / "home", check=0)
    commit(work, {"a.py": BAD})
    with pytest.raises(subprocess.CalledProcessError):
        git(work, "push", "-q", "server", "work")
    (work / ".git/hooks/pre-push").write_text("#!/bin/sh\necho mine\n")
    assert "is there already" in run(work, "--install", "pre-push", home=tmp_path / "home", check=27).stderr


def test_the_templates_of_ci_end_with_the_gates_status_and_run_nothing_of_the_change() -> None:
    """What can be checked offline; a text of strangers never becomes part of a script."""
    folder = Path(__file__).parents[2] / "src/interlock/changes/data/ci"
    action, gitlab = (folder / "github.yml").read_text(), (folder / "gitlab.yml").read_text()
    script = action.split("run: |")[1]
    assert "${{" not in script
    assert 'exit "$status"' in script
    for needed in ("fetch-depth: 0", "persist-credentials: false", "contents: read", "--no-cache"):
        assert needed in action
    assert "pull_request_target" not in action
    assert 'GIT_DEPTH: "0"' in gitlab
    assert "PIPESTATUS" in gitlab


@pytest.mark.slow  # it costs what the last change costs, a type checker's two runs among it, and that one is committed
def test_the_gate_judges_its_own_repository() -> None:
    """It is part of what continuous integration runs: it ends with a verdict, and every stage could look."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("requires the repository's history")
    repo = Repo(str(root))
    if repo.shallow:
        pytest.skip("requires the repository's history")
    report = judge(repo, "HEAD~1", "HEAD")
    assert [stage.problems for stage in report.stages] == [()] * len(report.stages)
