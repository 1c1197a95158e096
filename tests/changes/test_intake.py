"""What is taken in of a repository, and how a hostile or damaged one is met."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import pytest

from changes.making import change, commit, git, repository
from interlock.changes.change import LARGEST, Kind
from interlock.changes.intake import parse, take
from interlock.changes.repo import Repo
from interlock.model.errors import ConfigError, NotFound, UsageError


def test_lines_are_those_that_git_shows(tmp_path: Path) -> None:
    found = change(tmp_path, {"a.py": "one\ntwo\nthree\n"}, {"a.py": "one\n2\nthree\nfour"})
    (file,) = found.files
    assert list(file.added()) == [(2, "2"), (4, "four")]
    assert list(file.removed()) == [(2, "two")]
    assert file.status == "changed"
    assert found.read("a.py") == b"one\n2\nthree\nfour"
    assert found.read("a.py", after=False) == b"one\ntwo\nthree\n"
    assert found.read("b.py") is None


def test_added_deleted_renamed_and_strange_names(tmp_path: Path) -> None:
    body = "".join(f"line {n}\n" for n in range(30))
    found = change(
        tmp_path,
        {"gone.py": "x\n", "old name.py": body},
        {
            "gone.py": None,
            "old name.py": None,
            "new\tname\n\u00e9.py": body + "more\n",
            "@@ -1 +1 @@.py": "@@ -1,9 +1,9 @@\ndiff --git a/x b/x\n",
        },
    )
    kinds = {file.path: file.status for file in found.files}
    assert kinds == {"gone.py": "deleted", "new\tname\n\u00e9.py": "renamed", "@@ -1 +1 @@.py": "added"}
    moved = next(file for file in found.files if file.status == "renamed")
    assert moved.old_path == "old name.py"
    assert list(moved.added()) == [(31, "more")]
    assert found.renamed["old name.py"] == moved.path


def test_what_is_no_text_is_told_apart(tmp_path: Path) -> None:
    git_folder = repository(tmp_path, {"a": "1\n", "was-file": "x\n"})
    git(git_folder, "checkout", "-q", "-b", "work")
    os.symlink("/etc/passwd", tmp_path / "link")
    (tmp_path / "was-file").unlink()
    os.symlink("a", tmp_path / "was-file")
    oid = git(git_folder, "rev-parse", "HEAD")
    git(git_folder, "update-index", "--add", "--cacheinfo", f"160000,{oid},sub")
    files = {
        "bin": b"a\0b",
        "latin.py": "# caf\u00e9\n".encode("latin-1"),
        "huge.txt": b"x" * (LARGEST + 1),
        "crlf.py": b"a\r\nb\r\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    git(git_folder, "add", *files, "link", "was-file")
    git(git_folder, "commit", "-q", "-m", "work")
    found = take(Repo(str(tmp_path)), "main", "work")
    kinds = {file.path: file.after.kind for file in found.files if file.after}
    assert kinds == {
        "bin": Kind.BINARY, "latin.py": Kind.BINARY, "huge.txt": Kind.HUGE, "crlf.py": Kind.TEXT, "link": Kind.LINK,
        "sub": Kind.SUBMODULE, "was-file": Kind.LINK,
    }  # fmt: skip
    crlf = next(file for file in found.files if file.path == "crlf.py")
    assert list(crlf.added()) == [(1, "a"), (2, "b")]


def test_attributes_cannot_hide_a_file_from_the_diff(tmp_path: Path) -> None:
    found = change(tmp_path, {".gitattributes": "*.py -diff binary\n", "a.py": "x\n"}, {"a.py": "y\n"})
    assert list(found.files[0].added()) == [(1, "y")]


def test_nothing_of_the_repository_is_run(tmp_path: Path) -> None:
    """Story: a repository whose configuration names its own diff driver, monitor, pager and filters."""
    folder = repository(tmp_path / "r", {".gitattributes": "*.py diff=mine filter=mine\n", "a.py": "x\n"})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a.py": "y\n"})
    bait = tmp_path / "bait"
    bait.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    bait.chmod(bait.stat().st_mode | stat.S_IXUSR)
    for key in (
        "diff.mine.command",
        "diff.mine.textconv",
        "diff.external",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "filter.mine.smudge",
        "filter.mine.clean",
        "core.alternateRefsCommand",
    ):
        git(folder, "config", key, str(bait))
    git(folder, "config", "core.hooksPath", str(tmp_path))
    found = take(Repo(str(folder)), "main", "work")
    found.paths()
    assert list(found.files[0].added()) == [(1, "y")]
    assert not (tmp_path / "ran").exists()


def test_replaced_objects_and_grafts_do_not_change_what_is_judged(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a.py": "x\n"})
    git(folder, "checkout", "-q", "-b", "work")
    bad = commit(folder, {"a.py": "eval(x)\n"})
    good = git(folder, "commit-tree", "main^{tree}", "-p", "main", "-m", "innocent")
    git(folder, "replace", bad, good)
    assert [list(file.added()) for file in take(Repo(str(folder)), "main", "work").files] == [[(1, "eval(x)")]]
    (folder / ".git/info/grafts").write_text(f"{bad}\n")
    with contextlib.suppress(NotFound):  # the graft took the common commit away: no answer is an answer too
        assert take(Repo(str(folder)), "main", "work").problems


def test_only_the_merge_base_counts(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a": "1\n", "b": "1\n"})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a": "2\n"})
    git(folder, "checkout", "-q", "main")
    commit(folder, {"b": "2\n"})
    assert [file.path for file in take(Repo(str(folder)), "main", "work").files] == ["a"]


def test_rules_come_from_the_tip_of_the_base(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"a": "1\n"})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {".interlock/gate.toml": 'off = ["scope"]\n'})
    git(folder, "checkout", "-q", "main")
    commit(folder, {".interlock/gate.toml": '[scope]\nforbidden = ["a"]\n'})
    assert take(Repo(str(folder)), "main", "work").config.scope.forbidden == ("a",)


@pytest.mark.parametrize(
    "text", ["off = 1\n", "[", "unknown = true\n", '[[waiver]]\nfingerprint="a"\nwhy="b"\nby="c"\nuntil="soon"\n']
)
def test_a_configuration_that_is_not_understood_is_no_configuration(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        change(tmp_path, {".interlock/gate.toml": text}, {"a": "1\n"})


def test_a_missing_base_and_a_shallow_clone_are_explained(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a": "1\n"})
    commit(folder, {"a": "2\n"})
    with pytest.raises(NotFound, match="names no commit here"):
        take(Repo(str(folder)), "nowhere", "HEAD")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{folder}", "shallow")
    shallow = Repo(str(tmp_path / "shallow"))
    with pytest.raises(NotFound, match="git fetch --unshallow"):
        take(shallow, "HEAD~1", "HEAD")
    git(folder, "checkout", "-q", "--orphan", "other")
    commit(folder, {"b": "1\n"})
    with pytest.raises(NotFound, match="no commit in common"):
        take(Repo(str(folder)), "main", "other")


def test_where_there_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no git repository"):
        Repo(str(tmp_path))


@pytest.mark.parametrize("span", ["--output=x", "..HEAD"])
def test_a_range_that_is_none(tmp_path: Path, span: str) -> None:
    with pytest.raises(UsageError):
        parse(span, Repo(str(repository(tmp_path, {}))))


def test_a_bare_repository_will_do(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a": "1\n"})
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, {"a": "2\n"})
    git(tmp_path, "clone", "-q", "--bare", str(folder), "bare")
    assert [f.path for f in take(Repo(str(tmp_path / "bare")), "main", "work").files] == ["a"]
