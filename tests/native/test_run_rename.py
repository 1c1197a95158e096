"""Directories that an overlay cannot rename are renamed all the same, and nothing about them changes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from native.runs import Sandbox

FACTS = """
import os, sys
def facts(path):
    s = os.lstat(path)
    kind = "link " + os.readlink(path) if os.path.islink(path) else "dir" if os.path.isdir(path) else open(path).read()
    return oct(s.st_mode), s.st_mtime_ns, kind
def tree(top):
    found = {".": facts(top)}
    for at, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(at, name)
            found[os.path.relpath(path, top)] = facts(path)
    return found
def tried(call, *words):
    try:
        call(*words)
        return 0
    except OSError as error:
        return error.errno
"""


@pytest.fixture
def tree(sandbox: Sandbox) -> Sandbox:
    """A workspace with a directory of all kinds of things."""
    for name in ("d/a", "d/e/f/b", "d/e/c", "other/x"):
        sandbox.write(name, name)
    (sandbox.workspace / "d/link").symlink_to("e/c")
    (sandbox.workspace / "d/dangling").symlink_to("/no/such")
    (sandbox.workspace / "d/closed").mkdir()
    sandbox.write("d/closed/in", "in", 0o400)
    (sandbox.workspace / "d/closed").chmod(0o555)
    (sandbox.workspace / "empty").mkdir()
    sandbox.own(*[sandbox.workspace / name for name in ("d/link", "d/dangling", "d/closed", "empty")])
    for number, name in enumerate(("d/a", "d/e/f/b", "d/e", "d")):
        os.utime(sandbox.workspace / name, ns=(10**18 + number, 10**18 + 7 * number + 123456789))
    return sandbox


def python(sandbox: Sandbox, script: str) -> str:
    ran = sandbox.python(FACTS + script, shim="1", landlock="1")
    assert (ran.status, ran.err) == (0, "")
    return ran.out


def test_without_the_shim_it_fails(tree: Sandbox) -> None:
    ran = tree.python("import os; os.rename('d', 'new')")
    assert "Invalid cross-device link" in ran.err


def test_everything_is_there_under_the_new_name(tree: Sandbox) -> None:
    script = """
before = tree("d")
os.rename("d", "new")
print(tree("new") == before, len(before), os.path.lexists("d"), sorted(os.listdir(".")))
"""
    assert python(tree, script) == "True 10 False ['empty', 'new', 'other']\n"
    assert (tree.workspace / "d/a").read_text() == "d/a"
    assert oct((tree.workspace / "d/closed").stat().st_mode)[-3:] == "555"


def test_it_moves_into_other_directories_and_over_empty_ones(tree: Sandbox) -> None:
    script = """
os.rename("d", "other/d"); os.rename("other/d", "empty"); os.rename("empty", "d")
os.mkdir("made"); os.rename("made", "made2"); os.rename("d/e", "made2/e")
print(sorted(os.listdir("d")), sorted(os.listdir("made2/e")))
"""
    assert python(tree, script) == "['a', 'closed', 'dangling', 'link'] ['c', 'f']\n"


def test_what_rename_refuses_is_refused(tree: Sandbox) -> None:
    script = """
import errno
print(*[errno.errorcode.get(tried(os.rename, *words), "done") for words in (
    ("d", "other"), ("d", "other/x"), ("d", "d/e/new"), ("no", "new"), ("d", "no/new"), ("other/x", "d"),
    ("d", "/etc/d"), ("d", "/tmp/d"), ("d", "d/."), ("d", "d"),
)])
"""
    assert python(tree, script).split() == [
        "ENOTEMPTY", "ENOTDIR", "EINVAL", "ENOENT", "ENOENT", "EISDIR", "EXDEV", "EXDEV", "EBUSY", "done",
    ]  # fmt: skip


def test_files_and_other_spellings(tree: Sandbox) -> None:
    script = """
import ctypes, threading
os.rename("d/a", "d/b"); os.rename("d/b", "top")
fd = os.open("d", os.O_RDONLY)
os.rename("e", "moved", src_dir_fd=fd, dst_dir_fd=fd)
os.chdir("d"); os.rename("./moved/", "../up/"); os.chdir("..")
os.rename(os.path.abspath("up"), os.path.abspath("u p\\n"))
libc = ctypes.CDLL(None, use_errno=True)
print(libc.renameat2(-100, b"other", -100, b"top", 1), ctypes.get_errno())
print(libc.renameat2(-100, b"other", -100, b"free", 1))
def work(): os.rename("free", "threaded")
thread = threading.Thread(target=work); thread.start(); thread.join()
print(sorted(os.listdir(".")))
"""
    assert python(tree, script) == "-1 17\n0\n['d', 'empty', 'threaded', 'top', 'u p\\n']\n"


def test_a_tree_that_is_deep_and_wide(tree: Sandbox) -> None:
    deep = tree.workspace / "deep"
    path = deep
    for _ in range(60):
        path /= "n"
    path.mkdir(parents=True)
    for number in range(1500):
        (deep / f"file-{number}-{'x' * 40}").write_text(str(number))
    subprocess.run(["chown", "-R", f"{tree.user}:{tree.user}", str(deep)], check=True)
    script = "os.rename('deep', 'moved'); print(len(os.listdir('moved')), os.path.isdir('moved' + '/n' * 60))"
    assert python(tree, script) == "1501 True\n"


def test_what_fails_half_way_is_as_it_was(tree: Sandbox) -> None:
    """A tree deeper than descriptors reach is left to the program, as between two disks."""
    path = tree.workspace / "d"
    for _ in range(210):
        path /= "n"
    path.mkdir(parents=True)
    subprocess.run(["chown", "-R", f"{tree.user}:{tree.user}", str(tree.workspace / "d/n")], check=True)
    script = (
        "before = tree('d').keys(); print(tried(os.rename, 'd', 'new'), tree('d').keys() == before, os.listdir('.'))"
    )
    out = python(tree, script)
    assert out.startswith("18 True")
    assert ".interlock" not in out


def test_renames_at_once(tree: Sandbox) -> None:
    for number in range(20):
        tree.write(f"many/{number}/file", str(number))
    script = """
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda n: os.rename(f"many/{n}", f"many/new-{n}"), range(20)))
print(all(open(f"many/new-{n}/file").read() == str(n) for n in range(20)))
"""
    assert python(tree, script) == "True\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_git_mv(tree: Sandbox) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "safe.directory=*"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run(["git", *identity, *words], cwd=tree.workspace, check=True, capture_output=True)
    subprocess.run(["chown", "-R", f"{tree.user}:{tree.user}", str(tree.workspace)], check=True)
    ran = tree.shell("git mv d moved && git status --short | sort", shim="1", landlock="1")
    assert ran.status == 0
    assert ran.out.splitlines()[0] == "R  d/a -> moved/a"


@pytest.mark.skipif(not Path("/usr/bin/node").exists(), reason="no Node.js here")
def test_node(tree: Sandbox) -> None:
    script = (
        "const fs = require('fs'); fs.renameSync('d', 'n');"
        "fs.promises.rename('n', 'm').then(() => console.log(fs.readdirSync('m').length))"
    )
    ran = tree.run("node", "-e", script, shim="1", landlock="1")
    assert (ran.status, ran.out) == (0, "5\n")


def test_mv(tree: Sandbox) -> None:
    assert tree.shell("mv d new && mv new/e . && ls", shim="1").out == "e\nempty\nnew\nother\n"
