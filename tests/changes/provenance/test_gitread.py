"""What is read of a repository without asking git is what git says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from interlock.broker.gitcall import GitCall
from interlock.changes.provenance import gitread
from interlock.changes.provenance.gitread import Repo

Git = Callable[..., str]
CALL = GitCall(environ={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})


def never(*words: object, **options: object) -> NoReturn:
    raise AssertionError(f"git was called: {words}")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    environ = {
        "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "ann" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    (tmp_path / "p").mkdir()

    def run(*words: str, where: str = "p") -> str:
        argv = ["git", *words]
        done = subprocess.run(argv, cwd=tmp_path / where, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    return run


def found(folder: Path) -> Repo:
    repo = gitread.find(CALL, str(folder))
    assert repo is not None
    return repo


def quiet(repo: Repo) -> str:
    """The head, where a call of git would be a failure."""
    return repo._replace(call=never).head()


def test_the_head_is_known_without_git(git: Git, tmp_path: Path) -> None:
    """Story: each edit of an agent waited for a git process of its own, 3 ms of a hook's 6."""
    repo = found(tmp_path / "p")
    assert quiet(repo) == ""  # no commit yet
    git("commit", "-q", "--allow-empty", "-m", "one")
    one = git("rev-parse", "HEAD")
    assert quiet(repo) == one
    git("checkout", "-q", "-b", "feature/deep")
    git("commit", "-q", "--allow-empty", "-m", "two")
    assert quiet(repo) == git("rev-parse", "HEAD") != one
    git("pack-refs", "--all")
    assert not (tmp_path / "p/.git/refs/heads/main").exists()
    assert quiet(repo) == git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach", "main")
    assert quiet(repo) == one
    git("worktree", "add", "-q", "../w", "feature/deep")
    assert quiet(found(tmp_path / "w")) == git("rev-parse", "HEAD", where="w") != one


def test_a_head_of_another_kind_is_left_to_git(git: Git, tmp_path: Path) -> None:
    git("commit", "-q", "--allow-empty", "-m", "one")
    repo = found(tmp_path / "p")
    git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    git("symbolic-ref", "HEAD", "refs/heads/alias")
    assert repo.head() == git("rev-parse", "HEAD")
    (tmp_path / "p/.git/HEAD").write_text("ref: refs/heads/.invalid\n")
    (tmp_path / "p/.git/reftable").mkdir()
    with pytest.raises(AssertionError, match="git was called"):
        quiet(repo)


def test_no_repository_costs_no_process(tmp_path: Path) -> None:
    assert gitread.find(never, str(tmp_path)) is None
    assert gitread.find(never, "") is None


def test_a_folder_that_is_none_is_passed_over_as_git_does(git: Git, tmp_path: Path) -> None:
    deep = tmp_path / "p/deep"
    (deep / ".git/objects").mkdir(parents=True)
    assert gitread.around(str(deep)) == str(tmp_path / "p") == git("rev-parse", "--show-toplevel", where="p/deep")
    assert gitread.find(never, str(tmp_path)) is None
    git("init", "-q", where="p/deep")
    assert gitread.around(str(deep)) == str(deep) == git("rev-parse", "--show-toplevel", where="p/deep")
    git("commit", "-q", "--allow-empty", "-m", "one")
    git("worktree", "add", "-q", "../w")
    assert gitread.around(str(tmp_path / "w")) == str(tmp_path / "w")


def test_what_differs_is_what_git_says_differs(git: Git, tmp_path: Path) -> None:
    project = tmp_path / "p"
    for name in ("kept", "edited", "gone", "moved", "staged"):
        (project / name).write_text(f"{name}\n" * 9)
    (project / ".gitignore").write_text("*.log\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    (project / "edited").write_text("other\n")
    (project / "gone").unlink()
    git("mv", "moved", "new name")
    (project / "staged").write_text("staged\n")
    git("add", "staged")
    (project / "deep").mkdir()
    (project / "deep/täst\nline").write_text("x")
    (project / "a.log").write_text("x")
    expected = ["deep/täst\nline", "edited", "gone", "moved", "new name", "staged"]
    assert found(project).changed(9) == expected
    assert found(project).changed(5) is None
