"""What happens underneath: a workspace that changes between the listing and the commit, or while it runs."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest

from containment.overlay import Ran, needs_overlay, run, tick
from containment.trees import snapshot
from interlock.containment import moves
from interlock.containment.change import CAPABILITY, CONFLICT, SECRET, SETUID, SPECIAL
from interlock.containment.commit import NotCommitted, commit
from interlock.containment.recovery import recover
from interlock.containment.removal import remove_tree
from interlock.containment.returned import returned
from interlock.containment.rewind import NotRewound, look_ahead, rewind
from interlock.containment.transaction import load
from interlock.model.errors import StateError

pytestmark = needs_overlay


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "d").mkdir()
    for name in ("a", "b", "d/c", "d/e"):
        (root / name).write_text(name)
    return root


def contained(workspace: Path, *commands: list, look: bool = True) -> Ran:
    return run(workspace, workspace.parent / "run", list(commands), look=look)


def bring(ran: Ran, changes=None, **options):
    return commit(ran.folder / "t", str(ran.workspace), str(ran.upper), changes or ran.listed(), **options)


def test_a_file_that_changed_during_the_run_is_a_conflict_and_not_overwritten(workspace):
    ran = contained(workspace, ["write", "a", "from inside"], ["write", "b", "from inside"])
    (workspace / "a").write_text("from outside")
    changes = ran.listed()
    assert [change.path for change in changes if CONFLICT in change.notes] == ["a"]
    done = bring(ran, changes)
    assert done.paths == {"b"}
    assert (workspace / "a").read_text() == "from outside"
    assert (ran.upper / "a").read_text() == "from inside"


def test_a_time_that_is_set_back_does_not_hide_a_change(workspace):
    ran = contained(workspace, ["append", "a", "!"])
    old = (workspace / "a").stat()
    (workspace / "a").write_text("A")
    os.utime(workspace / "a", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert bring(ran).paths == frozenset()
    assert (workspace / "a").read_text() == "A"


def test_what_was_made_in_a_directory_that_the_command_removed_is_a_conflict(workspace):
    ran = contained(workspace, ["rmtree", "d"])
    (workspace / "d/new").write_text("mine")
    assert bring(ran).paths == frozenset()
    assert (workspace / "d/new").read_text() == "mine"


@pytest.mark.parametrize("harm", ["a file", "a directory", "a link"])
def test_what_appears_where_something_new_is_to_go_stays(workspace, harm):
    ran = contained(workspace, ["write", "new", "from inside"], ["append", "b", "!"])
    changes = ran.listed()
    match harm:
        case "a file":
            (workspace / "new").write_text("mine")
        case "a directory":
            (workspace / "new").mkdir()
        case _:
            (workspace / "new").symlink_to("/etc")
    before = snapshot(workspace)["new"]
    done = bring(ran, changes)
    assert done.paths == {"b"}
    assert [refused.path for refused in done.refused] == ["new"]
    assert snapshot(workspace)["new"] == before


def test_a_change_between_listing_and_commit_is_refused_and_the_rest_goes(workspace):
    ran = contained(workspace, ["append", "a", "!"], ["append", "b", "!"])
    changes = ran.listed()
    (workspace / "a").write_text("mine")
    done = bring(ran, changes)
    assert done.paths == {"b"}
    assert done.refused[0].path == "a"
    assert (workspace / "a").read_text() == "mine"


@pytest.mark.parametrize("when", ["before the commit", "before the last step"])
def test_a_parent_that_became_a_symlink_is_not_followed(workspace, tmp_path, monkeypatch, when):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c").write_text("precious")
    ran = contained(workspace, ["append", "a", "!"], ["write", "d/c", "evil"], ["write", "d/new", "evil"])
    changes = ran.listed()

    def swap() -> None:
        if not (workspace / "d").is_symlink():
            (workspace / "d").rename(workspace / "moved")
            (workspace / "d").symlink_to(outside)

    if when == "before the commit":
        swap()
    else:
        real = moves._move

        def late(step, number, places, *, forward):
            if number == 1:
                swap()
            return real(step, number, places, forward=forward)

        monkeypatch.setattr(moves, "_move", late)
    with contextlib.suppress(StateError):  # a directory that is gone in the middle cannot be taken back into
        bring(ran, changes)
    assert os.listdir(outside) == ["c"]
    assert (outside / "c").read_text() == "precious"


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_write_in_the_very_moment_of_the_exchange_is_not_lost(workspace, monkeypatch, which):
    """Somebody replaces a file between the last look and the exchange: theirs comes back, the others are committed."""
    ran = contained(workspace, ["append", "a", "!"], ["append", "b", "!"], ["append", "d/c", "!"])
    changes = ran.listed()
    names = ["a", "b", "d/c"]
    real = moves._move

    def late(step, number, places, *, forward):
        if step.path == names[which] and not (workspace / "touched").exists():
            (workspace / "touched").write_text("")
            (workspace / "theirs").write_text("theirs")
            os.rename(workspace / "theirs", workspace / step.path)
        return real(step, number, places, forward=forward)

    monkeypatch.setattr(moves, "_move", late)
    done = bring(ran, changes)
    assert done.paths == set(names) - {names[which]}
    assert [refused.path for refused in done.refused] == [names[which]]
    assert (workspace / names[which]).read_text() == "theirs"
    assert (ran.upper / names[which]).read_text() == f"{names[which]}!"


def test_what_its_file_system_does_not_let_go_is_refused_and_the_rest_goes(workspace, monkeypatch):
    ran = contained(workspace, ["rmtree", "d"], ["append", "a", "!"])
    changes = ran.listed()
    real = moves.move

    def stuck(name, *rest):
        if name == "d":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(name, *rest)

    monkeypatch.setattr(moves, "move", stuck)
    done = bring(ran, changes)
    assert done.paths == {"a"}
    assert [(refused.path, refused.why) for refused in done.refused] == [("d", "it cannot be moved on its file system")]
    assert (workspace / "d/c").read_text() == "d/c"


def test_undo_does_not_touch_what_was_changed_since(workspace):
    ran = contained(workspace, ["append", "a", "!"], ["write", "new", "n"], ["remove", "b"])
    done = bring(ran)
    (workspace / "a").write_text("mine")
    ahead = look_ahead(done.folder)
    assert [path for path, _ in ahead.conflicts] == ["a"]
    before = snapshot(workspace)
    with pytest.raises(NotRewound):
        rewind(done.folder)
    assert snapshot(workspace) == before
    rewind(done.folder, around=True)
    assert (workspace / "a").read_text() == "mine"
    assert sorted(os.listdir(workspace)) == ["a", "b", "d"]
    rewind(done.folder, redo=True)
    assert sorted(os.listdir(workspace)) == ["a", "d", "new"]


def test_undo_of_a_directory_in_which_somebody_works_now_leaves_it(workspace):
    done = bring(contained(workspace, ["mkdir", "new"], ["write", "new/x", "x"]))
    (workspace / "new/mine").write_text("mine")
    assert not look_ahead(done.folder).clean
    with pytest.raises(NotRewound):
        rewind(done.folder)
    assert (workspace / "new/mine").read_text() == "mine"


def test_after_a_crash_what_somebody_changed_meanwhile_stays(workspace, monkeypatch):
    """A kill in mid-commit, an edit of a file that had arrived, then the recovery: all is taken back but that file."""
    ran = contained(workspace, ["append", "a", "!"], ["append", "b", "!"])
    changes = ran.listed()

    def killed(*words, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(moves, "_show", killed)
    with pytest.raises(KeyboardInterrupt):
        bring(ran, changes)
    monkeypatch.undo()
    assert (workspace / "a").read_text() == "a!"
    (workspace / "a").write_text("mine")
    found = recover(ran.folder / "t")
    assert found.stuck == ("a",)
    assert (workspace / "a").read_text() == "mine"
    assert (workspace / "b").read_text() == "b"
    assert (ran.folder / "t/stage/0").read_text() == "a"


def fail_once(ran: Ran, changes, monkeypatch) -> None:
    """A commit that meets a full disk at its end, and is taken back."""
    real = moves._show
    met = []

    def full(*words):
        met.append(words)
        if len(met) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*words)

    monkeypatch.setattr(moves, "_show", full)
    with pytest.raises(NotCommitted):
        bring(ran, changes)


def test_after_a_full_disk_the_same_changes_can_be_committed_again(workspace, monkeypatch):
    ran = contained(workspace, ["append", "a", "!"], ["remove", "b"], ["rmtree", "d"])
    changes = ran.listed()
    fail_once(ran, changes, monkeypatch)
    assert sorted(os.listdir(workspace)) == ["a", "b", "d"]
    assert [change.path for change in ran.listed(back=returned(ran.folder)) if not change.may_commit] == []
    done = bring(ran, changes)
    assert done.paths == {"a", "b", "d"}
    assert os.listdir(workspace) == ["a"]


def test_what_was_put_back_and_changed_then_is_a_conflict_again(workspace, monkeypatch):
    ran = contained(workspace, ["append", "a", "!"], ["append", "b", "!"])
    changes = ran.listed()
    fail_once(ran, changes, monkeypatch)
    tick()
    seen = (workspace / "a").stat()
    (workspace / "a").write_text("A")
    os.utime(workspace / "a", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert [c.path for c in ran.listed(back=returned(ran.folder)) if not c.may_commit] == ["a"]
    assert bring(ran, changes).paths == {"b"}
    assert (workspace / "a").read_text() == "A"


def test_special_files_never_arrive_and_what_they_replaced_stays(workspace):
    inside = (["mkdir", "n"], ["fifo", "n/p"], ["write", "n/x", ""])
    ran = contained(workspace, ["fifo", "f"], ["socket", "s"], ["remove", "a"], ["fifo", "a"], *inside)
    changes = ran.listed()
    assert {change.path for change in changes if SPECIAL in change.notes} == {"f", "s", "a", "n/p"}
    done = bring(ran, changes)
    assert done.paths == {"n", "n/x"}
    assert sorted(os.listdir(workspace)) == ["a", "b", "d", "n"]
    assert (workspace / "a").read_text() == "a"


def test_rights_that_a_file_grants_are_taken_from_it(workspace):
    inside = (["mkdir", "n"], ["write", "n/t", ""], ["chmod", "n/t", 0o4711])
    ran = contained(workspace, ["write", "tool", "#!"], ["chmod", "tool", 0o6755], *inside, ["chmod", "a", 0o4755])
    changes = ran.listed()
    assert {change.path for change in changes if SETUID in change.notes} == {"tool", "n/t", "a"}
    bring(ran, changes)
    modes = [(workspace / name).stat().st_mode & 0o7777 for name in ("tool", "n/t", "a")]
    assert modes == [0o755, 0o711, 0o755]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can set a file capability")
def test_file_capabilities_are_taken_away(workspace):
    ran = contained(workspace, ["write", "tool", "#!"], ["chmod", "tool", 0o755])
    os.setxattr(ran.upper / "tool", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))
    changes = ran.listed()
    assert CAPABILITY in changes.changes[0].notes
    bring(ran, changes)
    assert "security.capability" not in os.listxattr(workspace / "tool")


def test_without_a_word_on_what_is_secret_the_notes_of_the_listing_count(workspace):
    (workspace / ".env").write_text("TOKEN=1")
    (workspace / "d/.env").write_text("TOKEN=2")
    ran = contained(workspace, ["append", ".env", "!"], ["rmtree", "d"], ["append", "a", "!"])
    done = bring(ran, ran.listed(secret=lambda path: path.endswith(".env")))
    kept = [path.name for path in (done.folder / "stage").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert look_ahead(done.folder).lost == (".env", "d")
    rewind(done.folder, around=True)
    assert (workspace / "a").read_text() == "a"


def test_secrets_are_not_kept_and_the_plan_of_an_undo_says_so(workspace):
    (workspace / ".env").write_text("TOKEN=1")
    (workspace / "d/.env").write_text("TOKEN=2")

    def secret(path: str) -> bool:
        return path.endswith(".env")

    ran = contained(workspace, ["append", ".env", "!"], ["rmtree", "d"], ["append", "a", "!"])
    changes = ran.listed(secret=secret)
    assert [change.path for change in changes if SECRET in change.notes] == [".env", "d"]
    done = bring(ran, changes, secret=secret)
    kept = [path for path in (done.folder / "stage").rglob("*") if path.is_file() and "TOKEN" in path.read_text()]
    assert kept == []
    ahead = look_ahead(done.folder)
    assert ahead.lost == (".env",)
    rewind(done.folder, around=True)
    assert (workspace / "a").read_text() == "a"
    assert (workspace / "d/c").read_text() == "d/c"
    assert not (workspace / "d/.env").exists()
    assert (workspace / ".env").read_text() == "TOKEN=1!"


@pytest.fixture
def deep_workspace(workspace):
    """With 4,096 directories, one in another; and removed by what can remove such a thing."""
    fd = os.open(workspace, os.O_RDONLY)
    for _ in range(4096):
        os.mkdir("x", dir_fd=fd)
        below = os.open("x", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("leaf", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    os.close(fd)
    yield workspace
    for entry in os.listdir(workspace.parent):
        remove_tree(workspace.parent / entry)
    assert os.listdir(workspace.parent) == []


@pytest.mark.slow
def test_a_tree_of_four_thousand_levels_is_listed_committed_and_undone(deep_workspace):
    ran = contained(deep_workspace, ["rmdeep", "x"], ["mkdeep", "y", 4096], look=False)
    changes = ran.listed()
    assert {change.what for change in changes} == {"deleted", "created"}
    assert len(changes) == 4097
    assert changes.changes[0].before.entries == 4096
    done = bring(ran, changes)
    assert sorted(os.listdir(deep_workspace)) == ["a", "b", "d", "y"]
    rewind(done.folder)
    assert sorted(os.listdir(deep_workspace)) == ["a", "b", "d", "x"]
    assert not load(done.folder).committed


def test_a_run_that_began_in_the_tick_of_a_commit_sees_no_conflict(workspace):
    tick()
    (workspace / "a").write_text("just now")
    ran = contained(workspace, ["append", "a", "!"])
    assert all(change.may_commit for change in ran.listed())
