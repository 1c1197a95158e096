"""A copy of a workspace is the workspace, but for what grants another's rights and what cannot be copied."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.containment import changes, xattrs
from interlock.containment.clone import Cloned, clone
from interlock.model.errors import StateError


def copied(source: Path, target: Path, **more: int) -> Cloned:
    target.mkdir(exist_ok=True)
    one, two = (os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (source, target))
    try:
        return clone(one, two, **more)
    finally:
        os.close(one)
        os.close(two)


def facts(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that is to be the same, by path."""
    found: dict[str, tuple[object, ...]] = {}
    for directory, names, files in os.walk(root):
        for name in [".", *names, *files]:
            path = Path(directory, name)
            seen = path.lstat()
            what: object = None
            if stat.S_ISLNK(seen.st_mode):
                what = os.readlink(path)
            elif stat.S_ISREG(seen.st_mode):
                what = path.read_bytes()
            key = os.path.relpath(path, root)
            found[key] = (seen.st_mode, seen.st_mtime_ns, what, xattrs.pairs(os.fspath(path)))
    return found


def tree(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "file").write_bytes(os.urandom(100_000))
    (root / "a" / "b" / "program").write_text("#!/bin/sh\n")
    (root / "a" / "b" / "program").chmod(0o755)
    (root / "empty").touch()
    (root / "link").symlink_to("../outside")
    (root / "dangling").symlink_to("/none")
    (root / "new\nline\udcff").write_text("x")
    (root / "a" / "b").chmod(0o750)
    for number, name in enumerate(("a/b/program", "a/b", "a", "empty")):
        os.utime(root / name, ns=(10**18 + number, 10**18 + 7 * number))
    os.utime(root / "link", ns=(5, 6), follow_symlinks=False)


def test_a_copy_is_the_same(tmp_path: Path) -> None:
    tree(tmp_path / "w")
    done = copied(tmp_path / "w", tmp_path / "c")
    assert facts(tmp_path / "c") == facts(tmp_path / "w")
    assert done.entries == 8
    assert done.left_out == 0
    assert done.copied in (0, 100_000 + 10 + 1), "nothing when the file system shares blocks"


def test_against_its_workspace_a_fresh_copy_has_no_changes_and_a_run_on_it_has_its_own(tmp_path: Path) -> None:
    tree(tmp_path / "w")
    began = changes.start(tmp_path)
    copied(tmp_path / "w", tmp_path / "c")
    copy, workspace = (os.open(tmp_path / name, os.O_RDONLY | os.O_DIRECTORY) for name in ("c", "w"))
    try:
        known = changes.baseline(copy)
        assert changes.copied(copy, workspace, known, began=began).changes == ()
        (tmp_path / "c" / "empty").write_text("now")
        shutil.rmtree(tmp_path / "c" / "a" / "b")
        found = changes.copied(copy, workspace, known, began=began).changes
        assert {(change.path, change.what) for change in found} == {("empty", "changed"), ("a/b", "deleted")}
    finally:
        os.close(copy)
        os.close(workspace)


def test_what_grants_anothers_rights_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "suid").touch()
    (tmp_path / "w" / "suid").chmod(0o6755)
    copied(tmp_path / "w", tmp_path / "c")
    assert stat.S_IMODE((tmp_path / "c" / "suid").stat().st_mode) == 0o755


def test_links_are_not_followed_and_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "way").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "w" / "fifo")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "w" / "socket"))
    done = copied(tmp_path / "w", tmp_path / "c")
    assert os.listdir(tmp_path / "c") == ["way"]
    assert (tmp_path / "c" / "way").is_symlink()
    assert done.left_out == 2


def test_a_file_with_holes_stays_one(tmp_path: Path) -> None:
    """A file that claims a terabyte must not fill the disk."""
    (tmp_path / "w").mkdir()
    with (tmp_path / "w" / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(1 << 40)
        file.write(b"end")
    (tmp_path / "w" / "hole").touch()
    os.truncate(tmp_path / "w" / "hole", 1 << 40)
    done = copied(tmp_path / "w", tmp_path / "c")
    assert done.copied < 1 << 20
    for name in ("sparse", "hole"):
        seen = (tmp_path / "c" / name).stat()
        assert seen.st_size == (tmp_path / "w" / name).stat().st_size
        assert seen.st_blocks * 512 < 1 << 20
    with (tmp_path / "c" / "sparse").open("rb") as file:
        assert file.read(5) == b"begin"
        file.seek(1 << 40)
        assert file.read() == b"end"


def test_what_is_too_large_for_a_copy_is_refused(tmp_path: Path) -> None:
    tree(tmp_path / "w")
    with pytest.raises(StateError, match="too many"):
        copied(tmp_path / "w", tmp_path / "c", most_entries=7)
    if copied(tmp_path / "w", tmp_path / "d").copied:
        with pytest.raises(StateError, match="too much"):
            copied(tmp_path / "w", tmp_path / "e", most_bytes=50_000)


def test_a_copy_within_its_own_workspace_does_not_copy_itself(tmp_path: Path) -> None:
    tree(tmp_path / "w")
    (tmp_path / "w" / "state").mkdir()
    done = copied(tmp_path / "w", tmp_path / "w" / "state" / "copy")
    assert done.entries == 9
    assert os.listdir(tmp_path / "w" / "state" / "copy" / "state") == []


def test_a_deep_tree_is_copied(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    at = os.open(tmp_path / "w", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=at)
        deeper = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = deeper
    os.close(at)
    assert copied(tmp_path / "w", tmp_path / "c").entries == 1500
    for name in ("w", "c"):
        assert os.system(f"rm -rf {tmp_path}/{name}") == 0


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
TREES = st.recursive(
    st.tuples(st.binary(max_size=30), st.sampled_from([0o644, 0o600, 0o755, 0o444]), st.integers(0, 2 * 10**18)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def grow(root: Path, node: object) -> None:
    if isinstance(node, dict):
        root.mkdir()
        for name, inner in node.items():
            grow(root / name, inner)
    elif isinstance(node, tuple):
        root.write_bytes(node[0])
        root.chmod(node[1])
        os.utime(root, ns=(node[2], node[2]))


@given(st.dictionaries(NAMES, TREES, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_is_copied(tmp_path: Path, wanted: dict[str, object]) -> None:
    base = tmp_path / f"t{len(os.listdir(tmp_path))}"
    base.mkdir()
    grow(base / "w", wanted)
    copied(base / "w", base / "c")
    assert facts(base / "c") == facts(base / "w")
