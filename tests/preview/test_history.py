"""Looking at commits: what a force-push would orphan, what only a branch holds. Real git."""

from __future__ import annotations

import pytest

from interlock.model.effect import Reversibility
from preview.bench import git, looked, repository


@pytest.fixture
def project(tmp_path):
    """A clone whose branch `work` was rewritten here, and has two commits more on the other side."""
    origin = tmp_path / "origin.git"
    origin.mkdir()
    git(origin, "init", "-q", "--bare")
    folder = repository(tmp_path / "project")
    git(folder, "remote", "add", "origin", str(origin))
    git(folder, "checkout", "-qb", "work")
    for number in range(2):
        git(folder, "commit", "-q", "--allow-empty", "-m", f"theirs {number}")
    git(folder, "push", "-q", "origin", "main", "work")
    git(folder, "reset", "-q", "--hard", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "mine")
    return folder


def test_a_force_push_says_how_many_commits_it_orphans(project):
    found = looked("git push --force origin work", project, "history")
    assert found.lines == ("2 commits of origin/work, as last fetched, not in what replaces it",)
    assert found.effects[0].scale.count == 2
    assert found.effects[0].scale.unit == "commits"


def test_a_branch_that_was_never_fetched_is_not_guessed_at(project):
    found = looked("git push --force origin other", project, "history")
    assert "nothing was fetched from origin/other yet" in found.lines[0]


def test_a_branch_that_goes_away_says_what_only_it_holds(project):
    git(project, "checkout", "-q", "main")
    assert looked("git branch -D work", project, "history").lines == ("on work and nowhere else: 1 commit",)


def test_stashes_are_counted(project):
    (project / "a.py").write_text("x\n")
    git(project, "stash", "-q")
    assert looked("git stash clear", project, "history").lines == ("1 stashed change",)


def test_with_a_lease_what_was_pushed_from_here_is_kept_here(project):
    """Story: a rebase of one's own branch, and a question each time."""
    git(project, "commit", "-q", "--amend", "--allow-empty", "-m", "said better")
    # `origin/work` stands where `work` stood before.
    git(project, "update-ref", "refs/remotes/origin/work", "work@{1}")
    found = looked("git push --force-with-lease origin work", project, "history")
    assert "git keeps it here" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.RECOVERABLE


def test_without_a_lease_the_other_side_may_be_elsewhere_by_now(project):
    git(project, "commit", "-q", "--amend", "--allow-empty", "-m", "said better")
    git(project, "update-ref", "refs/remotes/origin/work", "work@{1}")
    for command in ("git push --force origin work", "git push --force-with-lease=work:1234567 origin work"):
        assert looked(command, project, "history").effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_what_somebody_else_pushed_is_not_ones_own_with_a_lease_either(project):
    """Story: a lease taken out by a fetch, over work that was never on this branch."""
    tree = git(project, "rev-parse", "HEAD^{tree}").strip()
    theirs = git(project, "commit-tree", "-m", "theirs", tree).strip()
    git(project, "update-ref", "refs/remotes/origin/work", theirs)
    found = looked("git push --force-with-lease origin work", project, "history")
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE
