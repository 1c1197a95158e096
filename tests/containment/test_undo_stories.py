"""Stories of undos that left something else than was there before, each as it was found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from containment.acts import Acts, tree
from containment.mixed import Mixed, differences
from containment.overlay import needs_overlay
from interlock.containment.undo import CONFLICT


@pytest.fixture
def mixed(tmp_path: Path) -> Mixed:
    return Mixed(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Mixed:
    return Mixed(tmp_path, git=True)


def test_a_link_below_a_directory_that_a_command_names_is_put_back(tmp_path: Path) -> None:
    """Story: `ln -sfn new folder` replaced folder/new, a link; what was kept was the file that it led to."""
    acts = Acts(tmp_path)
    folder = acts.top / "folder"
    folder.mkdir()
    (folder / "new").symlink_to("old")
    before = os.lstat(folder / "new").st_mtime_ns
    deed = acts.runs("ln -sfn elsewhere/new folder")
    assert os.readlink(folder / "new") == "elsewhere/new"
    assert acts.undo(deed)[1] == ()
    assert os.readlink(folder / "new") == "old"
    assert os.lstat(folder / "new").st_mtime_ns == before


def test_a_directory_that_is_put_back_is_empty_whatever_came_in_its_place(tmp_path: Path) -> None:
    """Story: the older move's file was held against the directory of its name that the newest action had made."""
    acts = Acts(tmp_path)
    (acts.top / "d").mkdir()
    for name in ("a", "d/b"):
        (acts.top / name).write_text(name)
    before = tree(acts.top)
    deeds = [acts.runs("mv -T d/b a"), acts.runs("rm -rf d"), acts.runs("mkdir -p d/b")]
    undo, problems = acts.undo(*deeds)
    assert problems == ()
    assert tree(acts.top) == before
    assert acts.undo(undo)[1] == ()
    assert (acts.top / "d" / "b").is_dir()


@needs_overlay
def test_a_contained_change_of_a_directory_alone_is_taken_back(mixed: Mixed) -> None:
    """Story: a run that only changed the mode and the time of a directory had no step, and its undo did nothing."""
    before = mixed.state()
    deed = mixed.contained([["chmod", "d/e", 0o700], ["utime", "d/e", 7]])
    assert differences(mixed.state(), before)
    undo, problems = mixed.undo(deed)
    assert not problems
    assert not differences(mixed.state(), before)
    assert mixed.undo(undo)[1] == ()
    assert differences(mixed.state(), before)


@needs_overlay
def test_a_renamed_file_that_later_runs_changed_goes_back_to_its_old_name(mixed: Mixed) -> None:
    """Story: the conflict at the new name, which newer steps settle, was also held against the old one."""
    before = mixed.state()
    deeds = [
        mixed.contained([["rename", "d/e/a", "b"]]),
        mixed.contained([["chmod", "b", 0o600]]),
        mixed.contained([["setxattr", "b", "user.a", "x"]]),
    ]
    assert mixed.undo(*deeds)[1] == ()
    assert not differences(mixed.state(), before)


@needs_overlay
def test_a_directory_that_a_later_run_removed_is_there_again_for_the_older_one(mixed: Mixed) -> None:
    """Story: the older run's file lay in a directory that only comes back with the newer run: it was called lost."""
    before = mixed.state()
    deeds = [mixed.contained([["write", "d/e/a", "x"]]), mixed.contained([["rmtree", "d"]])]
    assert mixed.undo(*deeds)[1] == ()
    assert not differences(mixed.state(), before)


@needs_overlay
def test_what_a_run_removed_is_put_back_in_a_directory_that_was_moved_since(mixed: Mixed) -> None:
    """Story: the directory of an older step only comes back with the undo of a newer `mv`."""
    before = mixed.state()
    deeds = [mixed.contained([["rmtree", "d/e"]]), mixed.runs("mv -T d elsewhere")]
    assert mixed.undo(*deeds)[1] == ()
    assert not differences(mixed.state(), before)


@needs_overlay
def test_an_undo_of_edits_and_runs_on_the_same_file_is_undone_again_as_a_whole(mixed: Mixed) -> None:
    """Story: what each kind replaced was kept by kind, as it was before the whole undo; the second undo gave up."""
    before = mixed.state()
    deeds = [
        mixed.runs("echo edited >> a"),
        mixed.contained([["append", "a", "in"], ["write", "d/new", "x"]]),
        mixed.runs("echo again >> a && rm d/new"),
        mixed.contained([["rmtree", "d"], ["chmod", "a", 0o600]]),
    ]
    after = mixed.state()
    meant = tuple(deeds)
    for number in range(6):
        undo, problems = mixed.undo(*meant)
        assert not problems, number
        assert not differences(mixed.state(), (before, after)[number % 2]), number
        meant = (undo,)


@needs_overlay
def test_undos_are_undone_among_the_actions_that_they_undid(mixed: Mixed) -> None:
    """Story: everything of an hour in which an undo had been undone: the run stayed, because it was turned once."""
    before = mixed.state()
    one = mixed.contained([["write", "a", "x"]])
    undo, _ = mixed.undo(one)
    again, _ = mixed.undo(undo)
    assert differences(mixed.state(), before)
    assert mixed.undo(one, undo, again)[1] == ()
    assert not differences(mixed.state(), before)


@needs_overlay
def test_git_in_the_open_after_git_in_a_run_is_taken_back_to_the_byte(repository: Mixed) -> None:
    """Story: git's own files had another time after the undo of the newer commit, so the older run's were in conflict:
    the branch stayed, its objects went."""
    before = repository.state()
    deeds = [
        repository.contained([["write", "a", "x"], ["shell", "git commit -qam in"]]),
        repository.runs("echo y >> a && git commit -qam out"),
        repository.contained([["shell", "git checkout -qb other && git branch -qD main"]]),
        repository.runs("git stash drop -q; git pack-refs --all"),
    ]
    after = repository.state()
    undo, problems = repository.undo(*deeds)
    assert not problems
    assert not differences(repository.state(), before)
    repository.git("fsck", "--strict")
    assert repository.undo(undo)[1] == ()
    assert not differences(repository.state(), after)


def test_a_git_command_that_only_wrote_its_own_log_is_taken_back_and_brought_again(repository: Mixed) -> None:
    """Story: `git reset --hard` on a clean tree moves no ref; its undo was kept without git's files, and could not be
    undone."""
    before = repository.state()
    deed = repository.runs("git reset -q --hard")
    after = repository.state()
    undo, problems = repository.undo(deed)
    assert not problems
    assert not differences(repository.state(), before)
    assert repository.undo(undo)[1] == ()
    assert not differences(repository.state(), after)


def test_directories_that_a_checkout_made_go_and_those_that_it_wrote_in_have_their_time(repository: Mixed) -> None:
    """Story: after the undo of a checkout the other branch's directories were still there, empty."""
    repository.shell(
        "git checkout -q side && mkdir -p x/y && echo 1 > x/y/z && echo 2 > d/b && git add -A && git commit -qm side"
        " && git checkout -q main && mkdir -p mine/own"
    )
    before = repository.state()
    deed = repository.runs("git checkout -q side")
    after = repository.state()
    undo, problems = repository.undo(deed)
    assert not problems
    assert not differences(repository.state(), before)
    assert repository.undo(undo)[1] == ()
    assert not differences(repository.state(), after)


@needs_overlay
def test_a_commit_of_somebody_else_outlives_the_undo_of_the_run_that_made_its_objects(repository: Mixed) -> None:
    """Story: a person committed the file that a contained `git add` had stored; undo took the object away with it."""
    deed = repository.contained([["write", "a", "from the run"], ["shell", "git add a"]])
    repository.git("commit", "-qm", "a person's")
    repository.undo(deed)
    assert "dangling" not in repository.git("fsck", "--strict", "--no-dangling")
    assert repository.git("show", "HEAD:a") == "from the run"


@needs_overlay
def test_a_run_is_brought_again_with_the_objects_that_git_threw_away_meanwhile(repository: Mixed) -> None:
    deed = repository.contained([["write", "a", "from the run"], ["shell", "git commit -qam in"]])
    after = repository.git("log", "--format=%H")
    undo, problems = repository.undo(deed)
    assert not problems
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("prune", "--expire=now")
    _, problems = repository.undo(undo)
    # The log of HEAD was emptied by somebody else: it stays.
    assert {problem.kind for problem in problems} <= {CONFLICT}
    assert {problem.what.startswith(".git/logs") for problem in problems} <= {True}
    repository.git("fsck", "--strict")
    assert repository.git("log", "--format=%H") == after
