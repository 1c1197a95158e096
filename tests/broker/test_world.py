"""The machine as readers see it."""

import hashlib
import os
from pathlib import Path

import pytest

from interlock.broker.world import LocalWorld, find_repository


def test_text_of_a_file_and_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_text("echo hello\n")
    world = LocalWorld()
    assert world.text(str(file)) == "echo hello\n"
    assert world.digests == {str(file): hashlib.sha256(b"echo hello\n").hexdigest()}


def test_one_reading_sees_one_world(tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_text("one")
    world = LocalWorld()
    assert world.text(str(file)) == "one"
    file.write_text("two")
    assert world.text(str(file)) == "one"
    assert LocalWorld().text(str(file)) == "two"


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert LocalWorld().text(str(tmp_path / "pipe")) is None
    assert LocalWorld().kind(str(tmp_path / "pipe")) == "other"


@pytest.mark.parametrize("path", ["/dev/zero", "/nowhere/at/all", "/tmp", "with\0nul", "x" * 5_000])
def test_what_is_no_readable_file_is_none(path: str) -> None:
    assert LocalWorld().text(path) is None


def test_a_file_over_the_limit_is_none_not_cut(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_text("x" * 101)
    assert LocalWorld().text(str(file), 100) is None
    assert LocalWorld().text(str(file), 101) == "x" * 101


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bin").write_bytes(b"\xff\xfe")
    assert LocalWorld().text(str(tmp_path / "bin")) is None


def test_names_are_sorted_and_bounded(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / name).touch()
    assert LocalWorld().names(str(tmp_path)) == ("a", "b", "c")
    assert LocalWorld().names(str(tmp_path), limit=2) is None
    assert LocalWorld().names(str(tmp_path / "none")) is None


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert LocalWorld().resolve(str(tmp_path / "link" / "x")) == str(tmp_path / "real" / "x")
    assert LocalWorld().kind(str(tmp_path / "link")) == "symlink"


def test_a_loop_of_links_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert LocalWorld().text(str(tmp_path / "a")) is None
    assert isinstance(LocalWorld().resolve(str(tmp_path / "a")), str)


def test_the_branch(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/feature/x\n")
    (tmp_path / "src").mkdir()
    assert LocalWorld().branch(str(tmp_path / "src")) == "feature/x"
    assert find_repository(str(tmp_path / "src")) == tmp_path


def test_the_branch_of_a_linked_worktree(tmp_path: Path) -> None:
    real = tmp_path / "main" / ".git" / "worktrees" / "w"
    real.mkdir(parents=True)
    (real / "HEAD").write_text("ref: refs/heads/side\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(f"gitdir: {real}\n")
    assert LocalWorld().branch(str(tmp_path / "w")) == "side"


def test_a_detached_head_has_no_branch(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("0123456789abcdef0123456789abcdef01234567\n")
    assert LocalWorld().branch(str(tmp_path)) is None
