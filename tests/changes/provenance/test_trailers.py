"""Trailers that name what stands behind a commit: text that stays through what git does to messages, and a claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from changes.making import commit, git
from changes.test_review_chain import _AUTHOR, _KEY, Shop
from interlock.changes.finding import Weight
from interlock.changes.intake import take
from interlock.changes.provenance.claims import claims
from interlock.changes.provenance.trailers import added, named, trailers, write
from interlock.changes.repo import Repo
from interlock.changes.stages.provenance import STAGE
from interlock.model.errors import Refused


def written(folder: Path) -> tuple[Path, list[str]]:
    """A repository whose HEAD has got its trailers, and these."""
    shop = Shop(folder)
    shop.attest(_AUTHOR)
    lines = trailers(git(shop.path, "notes", "--ref=interlock", "show", "work"))
    write(str(shop.path), git(shop.path, "rev-parse", "work"), lines)
    return shop.path, lines


def message(folder: Path, of: str = "HEAD") -> str:
    return git(folder, "log", "-1", "--format=%B", of)


def test_the_three_lines_name_session_entry_and_attestation(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.attest(_AUTHOR)
    before = git(shop.path, "rev-parse", "work")
    bundle = git(shop.path, "notes", "--ref=interlock", "show", "work")
    digest = json.loads(json.loads(bundle)["entry"])["body"]["statement"]["digest"]
    said = ["Interlock-Session: claude/author", f"Interlock-Log: {_KEY.name}#1", f"Interlock-Attestation: {digest}"]
    assert trailers(bundle) == said
    after = write(str(shop.path), before, said)
    assert git(shop.path, "rev-parse", "HEAD") == after != before
    same = "%T %P %an %ae %at %cn %ce %ct"
    assert git(shop.path, "log", "-1", f"--format={same}", before) == git(shop.path, "log", "-1", f"--format={same}")
    parsed = git(shop.path, "log", "-1", "--format=%(trailers:only)").splitlines()
    assert [line for line in parsed if line.startswith("Interlock-")] == said
    assert "Reviewed-by: Everybody <a@b>" in parsed
    assert git(shop.path, "status", "--porcelain") == ""
    assert write(str(shop.path), after, said) == after


def test_they_stay_through_amend_rebase_and_squash(tmp_path: Path) -> None:
    folder, lines = written(tmp_path)
    values = [tuple(line.split(": ")) for line in lines]
    git(folder, "commit", "-q", "--amend", "--no-edit", "--date=2026-02-02T00:00:00Z")
    assert named(message(folder)) == values
    git(folder, "checkout", "-q", "main")
    commit(folder, {"b.py": "b = 1\n"})
    git(folder, "checkout", "-q", "work")
    git(folder, "rebase", "-q", "main")
    assert named(message(folder)) == values
    commit(folder, {"c.py": "c = 1\n"}, "more\n\nInterlock-Session: codex/2")
    git(folder, "checkout", "-q", "-b", "squashed", "main")
    git(folder, "merge", "-q", "--squash", "work")
    git(folder, "commit", "-q", "--no-edit")
    assert sorted(named(message(folder))) == sorted([*values, ("Interlock-Session", "codex/2")])


def test_a_trailer_is_a_claim_and_proves_nothing(tmp_path: Path) -> None:
    folder, _ = written(tmp_path)  # the note is on the commit that it was
    found = STAGE.run(take(Repo(str(folder)), "main", "work"))
    assert [(one.rule, one.weight, one.text) for one in found.findings] == [
        ("provenance/claimed", Weight.NOTE, "Interlock-Session: claude/author")
    ]
    assert (found.facts["proved"], found.facts["claimed"]) == ("0", "1")
    assert [one.agent for one in claims("a <a@b>", "x\n\nInterlock-Session: codex/1\nInterlock-Session: me")] == [
        "codex"
    ]


@pytest.mark.parametrize("line", ["Interlock-Session: x", "Interlock-Log: a#b", "Interlock-Attestation: sha256:0", ""])
def test_what_is_not_written_as_it_should_be_is_none(line: str) -> None:
    assert named(f"x\n\n{line}\n") == []


def test_a_paragraph_of_prose_is_not_taken_for_trailers() -> None:
    assert added("one", ["A-B: c"]) == "one\n\nA-B: c\n"
    assert added("one\n\nwords: here\nand no more\n", ["A-B: c"]) == "one\n\nwords: here\nand no more\n\nA-B: c\n"
    assert added("one\n\nX-Y: z\n", ["A-B: c"]) == "one\n\nX-Y: z\nA-B: c\n"


def test_a_commit_that_others_have_or_that_is_signed_keeps_its_name(tmp_path: Path) -> None:
    folder, lines = written(tmp_path)
    first = git(folder, "rev-parse", "main")
    with pytest.raises(Refused, match="is not HEAD"):
        write(str(folder), first, lines)
    head = git(folder, "rev-parse", "HEAD")
    git(folder, "update-ref", "refs/remotes/origin/work", head)
    with pytest.raises(Refused, match="on a remote already"):
        write(str(folder), head, ["Interlock-Session: a/b"])
    git(folder, "update-ref", "-d", "refs/remotes/origin/work")
    raw = Repo(str(folder)).call("cat-file", "commit", head).replace(b"\n\n", b"\ngpgsig x\n\n", 1)
    signed = git(folder, "hash-object", "-t", "commit", "-w", "--stdin", feed=raw)
    git(folder, "update-ref", "HEAD", signed)
    with pytest.raises(Refused, match="is signed"):
        write(str(folder), signed, ["Interlock-Session: a/b"])
    assert git(folder, "rev-parse", "HEAD") == signed
