"""Looking at files: how many would go, and which of them git does not have. Real git, real files."""

from __future__ import annotations

import os
import subprocess

import pytest

from interlock.model.effect import Breadth, Effect, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.preview.finding import Asked, Deadline
from interlock.preview.look import preview
from interlock.preview.process import Machine
from preview.bench import ENVIRON, git, looked, repository


def losing(path: str, *, via: str = "rm") -> Effect:
    return Effect(
        Verb.DELETE,
        Resource(Kind.DIRECTORY, path),
        reversibility=Reversibility.IRREVERSIBLE,
        scale=Scale(Breadth.ALL),
        via=via,
    )


def look(effect: Effect, folder, seconds: float = 20.0):
    asked = Asked((effect,), (), str(folder), "/home/dev")
    return preview(["look:files"], asked, Machine(Deadline(seconds), environ=ENVIRON))


@pytest.fixture
def project(tmp_path):
    return repository(tmp_path / "project")


def test_a_tree_that_git_has_whole_can_come_back(project):
    found = look(losing(f"{project}/docs"), project)
    assert found.lines == (f"{project}/docs: 1 file, 21 B; git has every one of them",)
    (effect,) = found.effects
    assert effect.reversibility is Reversibility.RECOVERABLE
    assert effect.scale == Scale(Breadth.ALL, 1, "files", Known.COUNT)


@pytest.mark.parametrize("change", ["new", "changed", "staged away", "link"])
def test_a_tree_with_anything_that_git_lacks_cannot(project, change):
    if change == "new":
        (project / "docs/new.md").write_text("draft\n")
    elif change == "changed":
        (project / "docs/x.md").write_text("changed\n")
    elif change == "link":
        (project / "docs/l").symlink_to("x.md")
    else:
        git(project, "rm", "-q", "--cached", "docs/x.md")
    found = look(losing(f"{project}/docs"), project)
    assert "git does not have 1 (" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_a_change_that_was_added_can_come_back(project):
    (project / "docs/x.md").write_text("changed\n")
    git(project, "add", "docs/x.md")
    assert "git has every one" in look(losing(f"{project}/docs"), project).lines[0]


def test_ignored_files_are_files_that_git_does_not_have(project):
    (project / ".gitignore").write_text("*.key\n")
    (project / "docs/a.key").write_text("x")
    assert "git does not have 1 (a.key)" in look(losing(f"{project}/docs"), project).lines[0]


def test_patterns_are_counted_by_what_they_match(project):
    assert look(losing(f"{project}/*.py"), project).lines[0].startswith(f"{project}/*.py: 2 files")


def test_what_is_not_there_is_said_and_frees_nothing(project):
    found = look(losing(f"{project}/gone"), project)
    assert "nothing there now" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_gits_own_directory_is_never_recoverable(project):
    found = look(losing(f"{project}/.git"), project)
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_outside_of_a_repository_it_only_counts(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/a").write_text("x")
    found = look(losing(f"{tmp_path}/plain"), tmp_path)
    assert "1 file" in found.lines[0]
    assert "no git repository" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_a_repository_inside_does_not_vouch_for_the_tree_around_it(tmp_path):
    repository(tmp_path / "tree/project")
    found = look(losing(f"{tmp_path}/tree"), tmp_path)
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_links_are_not_followed(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for number in range(5):
        (tmp_path / f"elsewhere/{number}").write_text("x")
    (project / "docs/out").symlink_to(tmp_path / "elsewhere")
    assert f"{project}/docs: 1 file" in look(losing(f"{project}/docs"), project).lines[0]


def test_a_loop_of_links_ends(project):
    os.symlink(".", project / "docs/loop")
    assert look(losing(f"{project}/docs"), project).lines


def test_without_time_it_frees_nothing(project):
    found = look(losing(f"{project}/docs"), project, seconds=0)
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_the_repository_has_no_say_in_what_runs(project, tmp_path):
    """The story: a look at an agent's repository ran the program that its configuration names."""
    trap = tmp_path / "trap"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "filter.x.clean",
        "filter.x.process",
        "diff.external",
        "alias.ls-files",
    ):
        git(project, "config", key, str(program))
    git(project, "config", "core.hooksPath", str(tmp_path))
    (project / ".gitattributes").write_text("* filter=x\n")
    (project / "a.py").write_text("changed\n")
    look(losing(str(project)), project)
    looked("git checkout -- .", project, "files", "history")
    looked("git clean -fdx", project, "files")
    assert not trap.exists()


def test_git_clean_names_what_git_never_had(project):
    (project / "notes.txt").write_text("x")
    found = looked("git clean -fd", project, "files")
    assert "files that git has never had: 1 (notes.txt)" in found.lines[0]


def test_git_clean_x_takes_ignored_files_too(project):
    (project / ".gitignore").write_text("*.key\n.gitignore\n")
    (project / "a.key").write_text("x")
    assert "no files that git has never had" in looked("git clean -fd", project, "files").lines[0]
    assert "a.key" in looked("git clean -fdx", project, "files").lines[0]


def test_a_checkout_over_changes_names_them(project):
    (project / "a.py").write_text("changed\n")
    found = looked("git checkout -- .", project, "files")
    assert "files with changes that were never committed: 1 (a.py)" in found.lines[0]
    assert found.effects[0].scale.count == 1


def test_a_checkout_over_nothing_loses_nothing(project):
    found = looked("git checkout -- .", project, "files")
    assert found.effects[0].reversibility is Reversibility.RECOVERABLE


def test_what_was_added_and_not_committed_is_still_work_to_lose(project):
    (project / "a.py").write_text("changed\n")
    git(project, "add", "a.py")
    found = looked("git reset --hard", project, "files")
    assert "never committed: 1 (a.py)" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE


def test_in_the_middle_of_a_merge_nothing_is_called_recoverable(project):
    """The story: unmerged files have no place in the index, so a reset in a conflict seemed to lose nothing."""
    git(project, "checkout", "-qb", "other")
    (project / "a.py").write_text("theirs\n")
    git(project, "commit", "-qam", "theirs")
    git(project, "checkout", "-q", "main")
    (project / "a.py").write_text("ours\n")
    git(project, "commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(project, "merge", "-q", "other")
    found = looked("git checkout -- .", project, "files")
    assert "a merge is under way" in found.lines[0]
    assert found.effects[0].reversibility is Reversibility.IRREVERSIBLE
