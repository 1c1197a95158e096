"""Repositories for tests: real ones, made with git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from interlock.changes.change import Change
from interlock.changes.intake import take
from interlock.changes.repo import Repo

_WHO = {
    **{
        f"GIT_{who}_{what}": word for who in ("AUTHOR", "COMMITTER") for what, word in (("NAME", "t"), ("EMAIL", "t@t"))
    },
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
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
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def repository(folder: Path, files: Files) -> Path:
    """A new repository with one commit on `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, files, "base")
    return folder


def change(folder: Path, before: Files, after: Files, *, today: str = "2026-11-01") -> Change:
    """The change from one set of files to another, taken in by the real intake."""
    repository(folder, before)
    git(folder, "checkout", "-q", "-b", "work")
    commit(folder, after)
    return take(Repo(str(folder)), "main", "work", today=today)
