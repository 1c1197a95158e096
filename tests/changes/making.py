"""Repositories for tests: real ones, made with git."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from interlock.changes.change import Change
from interlock.changes.intake import take
from interlock.changes.repo import Repo

_DATE = "2026-01-01T00:00:00Z"
_WHO = {
    **{
        f"GIT_{who}_{what}": word for who in ("AUTHOR", "COMMITTER") for what, word in (("NAME", "t"), ("EMAIL", "t@t"))
    },
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": _DATE,
    "GIT_COMMITTER_DATE": _DATE,
    # After each commit git starts itself again, to see whether there is something to tidy.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "maintenance.auto",
    "GIT_CONFIG_VALUE_0": "false",
}
Files = dict[str, str | bytes | None]


def git(folder: Path, *words: str, feed: bytes | None = None) -> str:
    """Run git as a person would; its output."""
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **_WHO}, input=feed, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit(folder: Path, files: Files, message: str = "work") -> str:
    """Write files (None removes one) and commit them all; the commit's name."""
    _write(folder, files)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path, files: Files) -> Path:
    """A new repository with one commit on `main`."""
    _begin(folder)
    commit(folder, files, "base")
    return folder


def change(folder: Path, before: Files, after: Files, *, today: str = "2026-11-01") -> Change:
    """The change from one set of files to another, taken in by the real intake.

    One git makes both commits, where `commit` takes four for each. The files lie in the folder too, on the branch
    `work`; what is not there is an index, which the next `commit` makes.
    """
    _begin(folder)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/work\n")
    said = _said("main", "base", before) + _said("work", "work", after, "from refs/heads/main\n")
    git(folder, "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", feed=said)
    _write(folder, before)
    _write(folder, after)
    return take(Repo(str(folder)), "main", "work", today=today)


def _begin(folder: Path) -> None:
    """What `git init` does, without its examples of hooks."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_empty().name, folder / ".git")


@functools.cache
def _empty() -> tempfile.TemporaryDirectory[str]:
    """An empty `.git`, with `main` as its branch."""
    place = tempfile.TemporaryDirectory()
    git(Path(place.name), "init", "-q", "--bare", "-b", "main", "--template=", ".")
    git(Path(place.name), "config", "core.bare", "false")
    (Path(place.name) / "info").mkdir()
    return place


def _said(branch: str, message: str, files: Files, parent: str = "") -> bytes:
    """A commit, as `git fast-import` is told of it."""
    who = "t <t@t> 1767225600 +0000"
    out = f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\ndata {len(message) + 1}\n{message}\n\n{parent}"
    told = [out.encode()]
    for name, content in files.items():
        path = os.fsencode(name).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        if content is None:
            told.append(b'D "%s"\n' % path)
        else:
            raw = content.encode() if isinstance(content, str) else content
            told.append(b'M 100644 inline "%s"\ndata %d\n%s\n' % (path, len(raw), raw))
    return b"".join(told) + b"\n"


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
