"""What people committed before an agent came is vouched for; nothing that a run could write makes it so."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from pathlib import Path

import pytest

from interlock.containment import refs
from interlock.containment.histories import Histories
from interlock.containment.vouch import Vouch

OLD, NEW, EVIL = b"old = 1\n", b"new = 2\n", b"evil = 3\n"


class Repository:
    """A project with two branches of people's, and the notes of a daemon."""

    def __init__(self, base: Path) -> None:
        self.top = base / "project"
        self.top.mkdir()
        self.notes = base / "notes"
        self.histories = Histories(self.notes)
        self.git("init", "-q", "-b", "main")
        self.commit("conftest.py", OLD)
        self.git("checkout", "-q", "-b", "other")
        (self.top / "deep").mkdir()
        self.commit("deep/conftest.py", NEW)
        self.git("checkout", "-q", "main")

    def git(self, *words: str) -> str:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.top), "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_AUTHOR_NAME": "p", "GIT_AUTHOR_EMAIL": "p@x", "GIT_COMMITTER_NAME": "p", "GIT_COMMITTER_EMAIL": "p@x",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, path: str, content: bytes, *, amend: bool = False) -> str:
        (self.top / path).write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-qm", path, *(["--amend"] if amend else []))
        return self.git("rev-parse", "HEAD")

    def agent(self) -> Repository:
        """A session begins."""
        self.histories.opened(str(self.top), "agent")
        return self

    def vouched(self, path: str, content: bytes, *, program: bool = False, below: str = "") -> bool:
        where = str(self.top / below)
        vouch = Vouch(where, *self.histories.trusted(where))
        try:
            return vouch.holds(path, content, program=program)
        finally:
            vouch.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_file_of_any_branch_or_ancestor_is_vouched_for_at_its_path(repository: Repository) -> None:
    repository.commit("conftest.py", b"later\n")
    repository.agent()
    assert repository.vouched("conftest.py", OLD), "an ancestor"
    assert repository.vouched("conftest.py", b"later\n")
    assert repository.vouched("deep/conftest.py", NEW), "another branch"
    assert not repository.vouched("deep/conftest.py", OLD), "another path"
    assert not repository.vouched("other/conftest.py", NEW)
    assert not repository.vouched("conftest.py", OLD + b" ")
    assert not repository.vouched("conftest.py", OLD, program=True), "it was no program"
    assert not repository.vouched("conftest.py/x", OLD)
    assert not repository.vouched("deep", NEW)


def test_what_tags_packed_refs_and_other_sides_name_counts(repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")
    away = repository.commit("CLAUDE.md", b"theirs\n")
    repository.git("update-ref", "refs/remotes/origin/topic", away)
    tagged = repository.commit("CLAUDE.md", b"tagged\n")
    repository.git("tag", "-m", "v1", "v1", tagged)
    repository.git("checkout", "-q", "main")
    repository.git("pack-refs", "--all")
    repository.git("gc", "-q")
    repository.agent()
    assert repository.vouched("CLAUDE.md", b"theirs\n")
    assert repository.vouched("CLAUDE.md", b"tagged\n")


def test_a_workspace_below_the_top_and_a_worktree_are_parts_of_their_repository(repository: Repository) -> None:
    repository.git("worktree", "add", "-q", "wt", "other")
    repository.agent()
    (repository.top / "deep").mkdir(exist_ok=True)
    assert repository.vouched("conftest.py", NEW, below="deep")
    assert repository.vouched("conftest.py", OLD, below="wt")
    assert not repository.vouched("conftest.py", NEW, below="wt")


def test_without_a_session_nothing_is_vouched_for(repository: Repository) -> None:
    assert not repository.vouched("conftest.py", OLD)


@pytest.mark.parametrize("name", ["refs/heads/evil", "refs/remotes/origin/main", "refs/tags/v9", "refs/heads/main"])
def test_a_ref_that_the_agent_makes_vouches_for_nothing(repository: Repository, name: str) -> None:
    """Forged: the run commits its own file, calls it a branch of the other side, and checks it out in the next run."""
    repository.agent()
    repository.git("checkout", "-q", "--detach")
    repository.histories.acting(str(repository.top))
    evil = repository.commit("conftest.py", EVIL)
    repository.git("update-ref", name, evil)
    repository.git("pack-refs", "--all")
    assert not repository.vouched("conftest.py", EVIL), "in the same session"
    repository.histories.acted(str(repository.top))
    repository.histories.closed(str(repository.top), "agent")
    repository.histories.opened(str(repository.top), "the next session")
    assert not repository.vouched("conftest.py", EVIL), "in the next one"
    assert repository.vouched("conftest.py", OLD)
    repository.histories = Histories(repository.notes)
    repository.histories.opened(str(repository.top), "after a restart")
    assert not repository.vouched("conftest.py", EVIL)


def test_a_session_that_an_agent_starts_vouches_for_nothing_new(repository: Repository) -> None:
    """Forged: an agent starts another one while its own call runs, or in the background."""
    repository.agent()
    repository.commit("conftest.py", EVIL)
    repository.histories.opened(str(repository.top), "its child")
    assert not repository.vouched("conftest.py", EVIL)


def test_a_kill_of_the_daemon_makes_nothing_trusted(repository: Repository) -> None:
    repository.agent()
    repository.histories.acting(str(repository.top))
    repository.commit("conftest.py", EVIL)
    repository.histories = Histories(repository.notes)
    repository.histories.opened(str(repository.top), "a new one")
    assert not repository.vouched("conftest.py", EVIL)
    assert repository.vouched("conftest.py", OLD)


def test_a_session_that_outlives_the_daemon_vouches_for_nothing_new(repository: Repository) -> None:
    repository.agent()
    repository.commit("conftest.py", EVIL)
    repository.histories = Histories(repository.notes)
    repository.histories.opened(str(repository.top), "agent", resumed=True)
    assert not repository.vouched("conftest.py", EVIL)


def test_what_a_person_commits_between_sessions_is_vouched_for(repository: Repository) -> None:
    repository.agent()
    repository.histories.closed(str(repository.top), "agent")
    repository.commit("conftest.py", b"by hand\n")
    repository.histories.opened(str(repository.top), "the next")
    assert repository.vouched("conftest.py", b"by hand\n")


def test_what_an_agent_committed_is_not_laundered_by_a_later_commit(repository: Repository) -> None:
    """Forged: the agent's commit is taken into a person's history, by a merge that nobody looked at."""
    repository.agent()
    repository.histories.acting(str(repository.top))
    repository.commit("conftest.py", EVIL)
    repository.histories.acted(str(repository.top))
    repository.histories.closed(str(repository.top), "agent")
    repository.commit("README", b"a person's own\n")
    repository.histories.opened(str(repository.top), "the next")
    assert repository.vouched("README", b"a person's own\n")
    assert not repository.vouched("conftest.py", EVIL)


def _loose(repository: Repository, name: str, kind: str, raw: bytes) -> None:
    place = repository.top / ".git" / "objects" / name[:2] / name[2:]
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.chmod(0o644)
    place.write_bytes(zlib.compress(f"{kind} {len(raw)}\0".encode() + raw))


@pytest.mark.parametrize("what", ["HEAD", "HEAD^{tree}"])
def test_an_object_under_a_false_name_vouches_for_nothing(repository: Repository, what: str) -> None:
    """Forged: a run writes over the commit, or the tree, that people's branch names; git itself believes it."""
    repository.agent()
    victim = repository.git("rev-parse", what)
    repository.git("checkout", "-q", "-b", "evil")
    evil = repository.commit("conftest.py", EVIL)
    kind = repository.git("cat-file", "-t", what)
    name = evil if kind == "commit" else repository.git("rev-parse", f"{evil}^{{tree}}")
    raw = zlib.decompress((repository.top / ".git/objects" / name[:2] / name[2:]).read_bytes()).partition(b"\0")[2]
    _loose(repository, victim, kind, raw)
    assert hashlib.sha1(f"{kind} {len(raw)}\0".encode() + raw).hexdigest() != victim
    assert not repository.vouched("conftest.py", EVIL)


def test_replacements_and_grafts_vouch_for_nothing(repository: Repository) -> None:
    """Forged: `git replace`, and a parent that `info/grafts` gives to a commit of people's."""
    repository.agent()
    good = repository.git("rev-parse", "main")
    repository.git("checkout", "-q", "-b", "evil")
    evil = repository.commit("conftest.py", EVIL)
    repository.git("replace", good, evil)
    (repository.top / ".git" / "info").mkdir(exist_ok=True)
    (repository.top / ".git" / "info" / "grafts").write_text(f"{good} {evil}\n")
    (repository.top / ".git" / "shallow").write_text("")
    assert not repository.vouched("conftest.py", EVIL)
    assert repository.vouched("conftest.py", OLD)


def test_another_repository_in_its_place_vouches_for_nothing(repository: Repository) -> None:
    """Forged: `.git` is another directory now, with a history of its own."""
    repository.agent()
    repository.histories.acting(str(repository.top))
    (repository.top / ".git").rename(repository.top / "old.git")
    repository.git("init", "-q", "-b", "main")
    repository.commit("conftest.py", EVIL)
    assert not repository.vouched("conftest.py", EVIL)
    (repository.top / ".git").rename(repository.top / ".gitx")
    (repository.top / ".git").write_text("gitdir: .gitx\n")
    repository.histories.acted(str(repository.top))
    assert not repository.vouched("conftest.py", EVIL)


def test_a_damaged_note_trusts_nothing(repository: Repository) -> None:
    repository.agent()
    (note,) = repository.notes.iterdir()
    assert note.stat().st_mode & 0o077 == 0 or note.parent.stat().st_mode & 0o077 == 0
    note.write_text("{")
    repository.histories = Histories(repository.notes)
    repository.agent()
    assert not repository.vouched("conftest.py", OLD)


def test_refs_are_read_from_files(repository: Repository) -> None:
    place = refs.find(str(repository.top))
    assert place is not None
    every = set(repository.git("for-each-ref", "--format=%(objectname)").splitlines())
    assert refs.named(place) == every
    repository.git("pack-refs", "--all")
    repository.git("checkout", "-q", "--detach", "HEAD")
    detached = repository.commit("x", b"x")
    assert refs.named(place) == every | {detached}
    (repository.top / ".git" / "refs" / "heads" / "pipe").unlink(missing_ok=True)
    os.mkfifo(repository.top / ".git" / "refs" / "heads" / "pipe")
    assert refs.named(place) == every | {detached}
    assert refs.find("/") is None
