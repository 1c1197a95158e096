"""Who said what of a commit, and whether it holds: what `interlock verify --commit` shows beside the attestation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from changes.making import commit, git
from changes.test_passkey_review import Desk, answer, known
from changes.test_review_chain import Hands, Shop
from identity.hands import Passkey
from interlock.changes.provenance.notes import REVIEWS, read
from interlock.changes.repo import Repo
from interlock.changes.reviewed import Asked, Told, told
from interlock.identity.keys import Ed25519Key

_TODAY = "2026-11-30"
_STRANGER = Ed25519Key.from_seed("other.test/fake", bytes([9]) * 32)
_CRITIC = {"agent": "claude", "session": "critic", "person": "ann"}


def seen(shop: Shop, *, of: str = "work", base: str = "main", **more: Any) -> list[Told]:
    repo = Repo(str(shop.path))
    name = repo.commit(of)
    lines = (read(repo, name, REVIEWS) or b"").splitlines()
    return told(repo, lines, Asked(name, base, **{"today": _TODAY} | more))


def one(shop: Shop, **more: Any) -> Told:
    (found,) = seen(shop, **more)
    return found


def test_a_review_that_a_log_saw_names_the_session_and_the_entry(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.review("critic", _CRITIC, "no")
    found = one(shop)
    assert (found.signed, found.by, found.role, found.says, found.holds) == (
        "log",
        "claude/critic",
        "critic",
        "no",
        True,
    )
    assert (found.key, found.entry, found.because) == ("log.test/fake", 1, "because")
    assert found.at.startswith("2026-11-29T")


def test_a_log_that_nobody_trusts_here_says_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.review("critic", _CRITIC, key=_STRANGER)
    found = one(shop)
    assert (found.by, found.says, found.holds, found.forged) == ("", "", False, False)
    assert "a log whose key you did not give" in found.why
    assert one(shop, keys=(_STRANGER.vkey,)).holds


def test_a_passkey_and_its_owner_are_told(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = desk.asked(because="I read it")
    desk.note(text, answer(desk.device, text), log=_STRANGER)
    found, key = one(desk), known(desk.device).id
    assert (found.signed, found.key, found.by, found.holds) == ("passkey", key, "bob", True)
    assert (found.at, found.until, found.because) == ("2026-11-01T08:00:00Z", "2026-12-01", "I read it")
    late = one(desk, today="2026-12-02")
    assert (late.by, late.holds, late.forged) == ("bob", False, False)
    assert late.why == "the review of bob counted until 2026-12-01"
    assert "taken out of use" in one(desk, gone={key}).why
    desk.device = Passkey()
    desk.note(text, answer(desk.device, text), log=_STRANGER)
    stranger = seen(desk)[-1]
    assert (stranger.by, stranger.holds) == ("", False)
    assert "its passkey is no reviewer's" in stranger.why


def test_a_forged_review_tells_nothing_but_that(tmp_path: Path) -> None:
    """Story: what a note says is shown as a person's word, and the signature under it is of other lines."""
    desk = Desk(tmp_path)
    text = desk.asked("no", because="it sells nothing")
    desk.note(text.replace("says no", "says ok"), answer(desk.device, text))
    found = one(desk)
    assert (found.forged, found.holds, found.by, found.says, found.because) == (True, False, "", "", "")
    assert "challenge" in found.why


@pytest.mark.parametrize("whole", [True, False], ids=["all of it", "its last commit"])
def test_a_review_of_what_the_base_has_taken_in_is_still_of_what_it_was(tmp_path: Path, *, whole: bool) -> None:
    """Story: after the merge nothing differs from the base any more, and each review was of something else."""
    desk = Desk(tmp_path)
    commit(desk.path, {"b.py": "b = 1\n"}, "afterwards")
    text = desk.asked(since="main" if whole else "work~1")
    desk.note(text, answer(desk.device, text))
    assert one(desk).holds is whole
    git(desk.path, "branch", "-f", "main", "work")
    assert (one(desk).holds, one(desk).since) == (True, git(desk.path, "rev-parse", "work~2" if whole else "work~1"))
    other = desk.asked(since="work")
    desk.note(other, answer(desk.device, other))
    assert [row.holds for row in seen(desk)] == [True, False]


def test_an_ssh_signature_is_told_by_its_key(tmp_path: Path) -> None:
    hands = Hands(tmp_path, "bob")
    hands.sign("bob")
    found = one(hands)
    assert (found.signed, found.by, found.says, found.holds) == ("ssh", "bob", "ok", True)
    assert found.key.startswith("SHA256:")
    git(hands.path, "checkout", "-q", "main")
    commit(hands.path, {".interlock/gate.toml": None}, "nobody reviews")
    stranger = one(hands)
    assert (stranger.key, stranger.by, stranger.holds) == (found.key, "", False)
    assert "is no reviewer's" in stranger.why


def test_the_first_commit_of_all_has_reviews_too(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.review("critic", _CRITIC)
    git(shop.path, "checkout", "-q", "--orphan", "alone", "work")
    commit(shop.path, {}, "alone")
    git(shop.path, "notes", "--ref=interlock-reviews", "copy", "work", "alone")
    found = one(shop, of="alone", base="")
    assert (found.forged, found.holds) == (True, False)  # it is of another commit
