"""The public history that the risk model is fitted to: releases become commits, and changelogs say which ones mend."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest

from interlock.changes.repo import Repo
from interlock.changes.risk import outcomes

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.risk.fetch import Project, keep
from benchmarks.risk.history import build, entries, mends

_LOG = """Changes
=======

1.2.1 (2026-03-03)
------------------
- Fixed a regression in 1.2.0: the sum was wrong.

## 1.2.0
### Features
- sums. Also fixes a typo.

# v1.1.0
- Bugfix: the other sum.
"""


def release(root: Path, project: Project, version: str, day: int, files: dict[str, str]) -> None:
    """A packed release as `fetch.py` leaves it."""
    from datetime import UTC, datetime

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"p-{version}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    keep(project.archive(root, version), packed.getvalue(), datetime(2026, 3, day, tzinfo=UTC))


def test_a_changelog_is_read_by_its_headings() -> None:
    said = entries(_LOG)
    assert set(said) == {"1.2.1", "1.2.0", "1.1.0"}
    assert [mends("changelog", version, said[version]) for version in ("1.2.1", "1.2.0", "1.1.0")] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(("version", "fix"), [("1.2.1", True), ("1.2.0", False), ("1.2", False)])
def test_where_the_number_says_it_a_patch_release_mends(version: str, fix: bool) -> None:
    assert mends("patch", version, "") == fix


def test_releases_become_commits_whose_labels_the_same_code_reads(tmp_path: Path) -> None:
    """Story: each release changes its own number, so each fix blamed whoever released before it."""
    project = Project("pypi", "p", "changelog", ("1.1.0", "1.2.0", "1.2.1"))
    texts = ("one = 1\n", "one = 1\ntwo = 3\n", "one = 1\ntwo = 2\n")
    for day, (version, text) in enumerate(zip(project.versions, texts, strict=True), 1):
        made = {"PKG-INFO": f"Version: {version}\n", "p/version.py": f"V = '{version}'\n"}
        number = {"p/__init__.py": f"__version__ = '{version}'\n"}
        release(tmp_path, project, version, day, {"CHANGES.rst": _LOG, "p/sums.py": text, **made, **number})
    assert build(tmp_path, project) == "p: 3 of 3 releases, 2 mend, 1 blamed"
    repo = Repo(str(tmp_path / "git/p"))
    history = outcomes.commits(repo)
    assert [(one.fixes, one.when) for one in history] == [(True, 1772323200), (False, 1772409600), (True, 1772496000)]
    assert set(history[0].lines) == {"p/__init__.py", "p/sums.py"}
    assert set(history[2].lines) == {"p/sums.py"}
    assert outcomes.mended(repo, history, 90) == {history[1].name}
    assert outcomes.incidents(repo, (tmp_path / "git/p/incidents.txt").read_text()) == {history[1].name}
