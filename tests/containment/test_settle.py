"""A contained run and its end: what it changed is committed, what is grave is held, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.containment.plan import Plan
from interlock.containment.profiles import Ground, draw, profile
from interlock.containment.settle import Settled, Workplace, decide, left, settle

LAUNCHER = Path(sys.executable).parent / "interlock-run"
pytestmark = pytest.mark.skipif(not LAUNCHER.is_file(), reason="no launcher: there was no C compiler at installation")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project in a home of its own."""
    root = tmp_path / "home" / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "app.py").write_text("print('hello')\n")
    (root / "README.md").write_text("# App\n")
    (root / ".env").write_text("TOKEN=obviously-fake\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def ran(project: Path, command: str, name: str = "build", *, lost: bool = False) -> tuple[Workplace, Settled, str]:
    """Run it contained, and settle."""
    state = project.parent.parent / "state"
    place = Workplace.make(state / f"r1-{os.urandom(4).hex()}", str(project))
    ground = Ground(
        id="r1",
        home=str(project.parent),
        workspace=str(project),
        upper=str(place.upper),
        work=str(place.work),
        own=(str(state),),
        secrets=(str(project / ".env"),),
    )
    plan: Plan = draw(profile(name), ground, ["bash", "-c", command], str(project), [])

    file = place.folder / "plan"
    file.write_bytes(plan.encode())
    done = subprocess.run([LAUNCHER, "--plan", file], capture_output=True, text=True, timeout=60, check=False)
    settled = settle(
        place, secret=lambda path: path.endswith(".env"), instead=("launcher-lost", "it was killed") if lost else None
    )
    return place, settled, done.stdout + done.stderr


def test_what_a_run_changes_is_committed_at_its_end(project: Path) -> None:
    _, done, said = ran(project, "echo new > src/new.py; rm README.md; mv src/app.py src/main.py; ls src")
    assert said.split() == ["main.py", "new.py"]
    assert not done.held
    assert sorted(path.name for path in (project / "src").iterdir()) == ["main.py", "new.py"]
    assert (project / "src" / "main.py").read_text() == "print('hello')\n"
    assert not (project / "README.md").exists()


def test_before_its_end_nothing_is_there(project: Path) -> None:
    _, done, said = ran(project, f"echo x > here; ls {project}/here; stat -c %h /proc/self >/dev/null && echo fine")
    assert "fine" in said
    assert done.committed == ("here",)


def test_what_runs_later_is_held_and_the_rest_is_committed(project: Path) -> None:
    place, done, _ = ran(
        project, "echo 'exit 0' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; echo y > fine"
    )
    assert [held.path for held in done.held] == [".git/hooks/pre-commit"]
    assert not (project / ".git" / "hooks" / "pre-commit").exists()
    assert (project / "fine").read_text() == "y\n"
    waiting = left(place)
    assert waiting is not None
    assert [change.path for change in waiting] == [".git/hooks/pre-commit"]


def test_a_person_lets_it_through(project: Path) -> None:
    place, _, _ = ran(project, "echo 'exit 0' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit")
    through = decide(place, let_through=True)
    assert through.committed == (".git/hooks/pre-commit",)
    assert (project / ".git" / "hooks" / "pre-commit").read_text() == "exit 0\n"
    assert left(place) is None


def test_a_person_drops_it(project: Path) -> None:
    place, _, _ = ran(project, "echo 'exit 0' > .git/hooks/pre-commit")
    decide(place, let_through=False)
    assert not (project / ".git" / "hooks" / "pre-commit").exists()
    assert left(place) is None
    assert not place.upper.exists()


def test_the_project_is_still_there_after_it_was_removed(project: Path) -> None:
    before = sorted(path.relative_to(project) for path in (project / ".git").rglob("*"))
    _, done, said = ran(project, "rm -rf src .git; ls -A")
    assert "src" not in said
    assert {held.path for held in done.held} >= {".git"}
    assert sorted(path.relative_to(project) for path in (project / ".git").rglob("*")) == before


def test_a_credential_at_the_top_cannot_be_read(project: Path) -> None:
    _, done, said = ran(project, "cat .env; wc -c < .env")
    assert "obviously-fake" not in said
    assert not done.committed
    assert (project / ".env").read_text() == "TOKEN=obviously-fake\n"


def test_of_a_run_that_was_lost_nothing_is_committed(project: Path) -> None:
    place, done, _ = ran(project, "echo half > src/app.py", lost=True)
    assert [held.rule for held in done.held] == ["launcher-lost"]
    assert (project / "src" / "app.py").read_text() == "print('hello')\n"
    assert decide(place, let_through=True).committed == ("src/app.py",)
    assert (project / "src" / "app.py").read_text() == "half\n"


def test_a_read_only_run_writes_nothing(project: Path) -> None:
    _, done, said = ran(project, "echo x > new; cat README.md", "read-only")
    assert "Read-only file system" in said
    assert "# App" in said
    assert not len(done.changes)


def test_an_original_that_changed_meanwhile_is_not_overwritten(project: Path) -> None:
    state = project.parent.parent / "state"
    place = Workplace.make(state / "r1-00000000", str(project))
    (place.upper / "README.md").write_text("the run's\n")
    (project / "README.md").write_text("somebody else's\n")
    done = settle(place, secret=lambda path: False)
    assert [held.path for held in done.held] == ["README.md"]
    assert (project / "README.md").read_text() == "somebody else's\n"
