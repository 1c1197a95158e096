"""A review that a person signed with a passkey counts for the change that they saw, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from changes.making import commit, git
from changes.test_review_chain import Shop
from identity.hands import PRESENT, Passkey, b64
from interlock.changes import config, passkeyreview
from interlock.changes.gate import Known, judge
from interlock.changes.intake import take
from interlock.changes.provenance import review
from interlock.changes.provenance.notes import gather
from interlock.changes.repo import Repo
from interlock.changes.reviewaudit import Reviews
from interlock.changes.risk.score import Risk
from interlock.changes.signedreview import Shown, Statement, parse
from interlock.changes.stages.review import STAGE
from interlock.identity import passkeys
from interlock.identity.authenticator import PASSKEY, Authenticator
from interlock.identity.keys import Ed25519Key
from interlock.identity.people import ADD, Change, People, Person
from interlock.identity.proofs import message
from interlock.identity.sshsig import DECISION, REVIEW
from interlock.model.errors import ConfigError, LedgerTampered, Refused

_AT, _TODAY, _REPORT = "2026-11-01T08:00:00Z", "2026-11-02", "5e" * 32
_LOG = Ed25519Key.from_seed("log.test/fake", bytes(32))
_STRANGER = Ed25519Key.from_seed("other.test/fake", bytes([9]) * 32)
_RULE = '[[review]]\napart = "person"\n'


def known(device: Passkey) -> Authenticator:
    return Authenticator(PASSKEY, b64(device.id), b64(device.cose()), "", "localhost", (device.origin,), verified=True)


def answer(device: Passkey, text: str, purpose: str = REVIEW, *, site: str = "localhost") -> str:
    """What the browser gives back for these lines."""
    wanted = passkeys.challenge(message(purpose, text.encode()))
    return device.get({"challenge": b64(wanted), "rpId": site})


class Desk(Shop):
    """A change, a log, and bob with a passkey: named by the base, or known to the log alone."""

    def __init__(self, folder: Path, *, named: bool = True, emails: str = "[]") -> None:
        self.device = Passkey()
        key = known(self.device)
        bob = f'[[reviewer]]\nname = "bob"\nemails = {emails}\npasskey = {{ id = "{key.id}", public = "{key.public}", '
        bob += f'relying_party = "localhost", origins = ["{self.device.origin}"] }}\n'
        super().__init__(folder, (bob if named else "") + _RULE)
        self.attest({"agent": "claude", "session": "author", "person": "ann"})

    def asked(self, says: str = "ok", *, of: str = "work", since: str = "main", **more: str) -> str:
        """What bob is asked to sign."""
        tree, fork = git(self.path, "rev-parse", f"{of}^{{tree}}"), git(self.path, "rev-parse", since)
        shown = Shown(tree, fork, git(self.path, "rev-parse", f"{since}^{{tree}}"), _REPORT, "0d" * 16)
        told = {"at": _AT, "until": "2026-12-01", "because": ""} | more
        return Statement(git(self.path, "rev-parse", of), "critic", says, shown=shown, **told).text()

    def note(self, text: str, response: str, *, log: Ed25519Key = _LOG, by: dict[str, str] | None = None) -> None:
        """The bundle as the daemon of this log exports it, and as anybody may note it on the change."""
        said = parse(text)
        who = {"person": "bob"} if by is None else by
        told = review.predicate(said.role, said.says, said.because, who, runs=[], made=_AT)
        told[passkeyreview.FIELD] = passkeyreview.evidence(text, response, known(self.device))
        found = self._signed(review.KIND, said.commit, told, review.PREDICATE, log, {"role": said.role})
        gather(str(self.path), git(self.path, "rev-parse", "work"), [json.dumps(json.loads(found))])

    def judged(self, today: str = _TODAY, gone: frozenset[str] = frozenset()) -> tuple[list[str], str]:
        seen = take(Repo(str(self.path)), "main", "work", today=today)
        seen.withdrawn = gone
        said = STAGE.knowing(Risk(0.0, (), False, 0, "")).run(seen)
        told = " ".join((*said.notes, *(one.text for one in said.findings)))
        return [f"{one.rule} {one.weight.value}" for one in said.findings], told


@pytest.mark.parametrize("log", [_LOG, _STRANGER], ids=["its log", "any log"])
def test_a_person_whom_the_base_names_reviews_with_a_passkey(tmp_path: Path, log: Ed25519Key) -> None:
    desk = Desk(tmp_path)
    assert desk.judged() == (["review/absent review"], "")
    text = desk.asked()
    desk.note(text, answer(desk.device, text), log=log)
    assert desk.judged() == ([], "")


def test_a_log_that_the_base_names_says_whose_passkey_it_is(tmp_path: Path) -> None:
    desk = Desk(tmp_path, named=False)
    text = desk.asked()
    desk.note(text, answer(desk.device, text))
    assert desk.judged() == ([], "")
    assert desk.judged(gone=frozenset({known(desk.device).id}))[0] == ["review/absent review"]


def test_a_strangers_log_makes_nobody_a_reviewer(tmp_path: Path) -> None:
    """Story: whoever has a passkey and an Interlock of their own signs reviews of other people's changes."""
    desk = Desk(tmp_path, named=False)
    text = desk.asked()
    desk.note(text, answer(desk.device, text), log=_STRANGER)
    found, said = desk.judged()
    assert found == ["review/absent review"]
    assert "no reviewer's in the base's gate.toml" in said


def _lines(change: Callable[[str], str]) -> Callable[[Desk], tuple[str, str]]:
    """Bob signs some lines, and others are noted with his signature."""

    def made(desk: Desk) -> tuple[str, str]:
        text = desk.asked("no")
        return change(text), answer(desk.device, text)

    return made


def _by(**other: Any) -> Callable[[Desk], tuple[str, str]]:
    """Bob's key, but not as he uses it."""

    def made(desk: Desk) -> tuple[str, str]:
        own = {"private": desk.device.private, "id": desk.device.id}
        return (text := desk.asked()), answer(Passkey(**own | other), text)

    return made


def _signed(text: Callable[[Desk], str], **how: str) -> Callable[[Desk], tuple[str, str]]:
    return lambda desk: (said := text(desk), answer(desk.device, said, **how))


def _other_tree(desk: Desk) -> str:
    shown = parse(desk.asked()).shown
    assert shown is not None
    return desk.asked().replace(f"\ntree {shown.tree}", f"\ntree {shown.fork_tree}")


def _plain(desk: Desk) -> str:
    return Statement(git(desk.path, "rev-parse", "work"), "critic", "ok", _AT, "2026-12-01").text()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (_lines(lambda text: text.replace("says no", "says ok")), "challenge"),
        (_lines(lambda text: text.replace("role critic", "role tester").replace("says no", "says ok")), "challenge"),
        (_lines(lambda text: text.replace("until 2026-12-01", "until 2027-10-01")), "challenge"),
        (_by(private=Passkey().private), "signature"),
        (_by(flags=PRESENT), "not verified"),
        (_by(origin="http://evil.localhost:7777"), "origin"),
        (_signed(Desk.asked, site="evil.example"), "RP ID"),
        (_signed(Desk.asked, purpose=DECISION), "challenge"),
        (_signed(lambda desk: desk.asked(of="main")), "not of this commit"),
        (_signed(_other_tree), "of the tree"),
        (_signed(_plain), "names no trees"),
    ],
    ids=[
        "turned round", "another role", "for longer", "another key", "nobody verified", "another page", "another site",
        "a yes to an action", "another commit", "another tree", "no tree",
    ],
)  # fmt: skip
def test_what_the_passkey_did_not_sign_so_is_blocked(
    tmp_path: Path, made: Callable[[Desk], tuple[str, str]], words: str
) -> None:
    desk = Desk(tmp_path)
    desk.note(*made(desk))
    found, said = desk.judged()
    assert sorted(found) == ["review/absent review", "review/invalid block"]
    assert words in said


@pytest.mark.parametrize(
    ("more", "today", "words"),
    [
        ({}, "2026-12-02", "counted until 2026-12-01"),
        ({"at": "2026-11-09T08:00:00Z"}, _TODAY, "which is to come"),
        ({"since": "work"}, _TODAY, "is of what changed since"),
    ],
    ids=["expired", "to come", "another base"],
)
def test_a_review_that_does_not_count_is_noted(tmp_path: Path, more: dict[str, str], today: str, words: str) -> None:
    desk = Desk(tmp_path)
    text = desk.asked(**more)
    desk.note(text, answer(desk.device, text))
    found, said = desk.judged(today)
    assert found == ["review/absent review"]
    assert words in said


def test_a_passkey_that_was_taken_out_of_use_counts_no_more(tmp_path: Path) -> None:
    """Also where only the log knows it: the gate asks the daemon when a passkey's review is noted."""
    for named in (True, False):
        desk = Desk(tmp_path / str(named), named=named)
        text = desk.asked()
        desk.note(text, answer(desk.device, text))

        def rules(gone: frozenset[str], path: Path = desk.path) -> list[str]:
            known_here = Known(withdrawn=lambda: gone)
            found = judge(Repo(str(path)), "main", "work", today=_TODAY, known=known_here).findings
            return [one.rule for one in found if one.rule.startswith("review/")]

        assert rules(frozenset()) == []
        assert rules(frozenset({known(desk.device).id})) == ["review/absent"]


def test_a_passkey_that_the_base_has_ended_is_not_the_logs_to_vouch_for(tmp_path: Path) -> None:
    """Story: bob left, and the log that the base believes had seen him review while he was here."""
    desk = Desk(tmp_path)
    text = desk.asked()
    desk.note(text, answer(desk.device, text))
    assert desk.judged() == ([], "")
    git(desk.path, "checkout", "-q", "main")
    rules = (desk.path / ".interlock/gate.toml").read_text().replace("emails =", 'until = "2026-11-01"\nemails =')
    commit(desk.path, {".interlock/gate.toml": rules}, "bob left")
    found, said = desk.judged()
    assert found == ["review/absent review"]
    assert "the key of bob counted until 2026-11-01" in said


def test_who_objects_stops_the_change_until_they_say_otherwise(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    said = desk.asked("no", because="it sells nothing")
    desk.note(said, answer(desk.device, said))
    assert ("review/refused block" in desk.judged()[0], "it sells nothing" in desk.judged()[1]) == (True, True)
    better = desk.asked(at="2026-11-01T09:00:00Z")
    desk.note(better, answer(desk.device, better))
    assert desk.judged() == ([], "")


def test_a_review_is_of_the_change_as_it_was(tmp_path: Path) -> None:
    """Story: after the yes one more commit came, and then the base took the first one in by another way."""
    desk = Desk(tmp_path)
    text = desk.asked()
    desk.note(text, answer(desk.device, text))
    commit(desk.path, {"b.py": "b = 1\n"}, "afterwards")
    desk.attest({"agent": "claude", "session": "author", "person": "ann"})
    assert desk.judged()[0] == ["review/absent review"]
    whole = desk.asked()
    desk.note(whole, answer(desk.device, whole))
    assert desk.judged() == ([], "")
    git(desk.path, "branch", "-f", "main", "work~1")
    assert "is of what changed since" in desk.judged()[1]


def test_who_made_a_commit_of_it_or_an_agents_session_holds_no_passkey_for_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "own", emails='["a@b.example"]')
    git(desk.path, "-c", "user.name=B", "commit", "-q", "--amend", "--no-edit", "--author", "B <A@b.example>")
    desk.attest({"agent": "claude", "session": "author", "person": "ann"})
    text = desk.asked()
    desk.note(text, answer(desk.device, text))
    assert "bob is an author of this change" in desk.judged()[1]
    desk = Desk(tmp_path / "agent", named=False)
    text = desk.asked()
    desk.note(text, answer(desk.device, text), by={"person": "bob", "agent": "claude", "session": "critic"})
    assert "review/invalid block" in desk.judged()[0]


def test_a_log_does_not_say_more_than_was_signed(tmp_path: Path) -> None:
    desk = Desk(tmp_path, named=False)
    text = desk.asked("no")
    response = answer(desk.device, text)
    told = review.predicate("critic", "ok", "", {"person": "bob"}, runs=[], made=_AT)
    told[passkeyreview.FIELD] = passkeyreview.evidence(text, response, known(desk.device))
    found = desk._signed(review.KIND, "work", told, review.PREDICATE, _LOG, {"role": "critic"})
    gather(str(desk.path), git(desk.path, "rev-parse", "work"), [json.dumps(json.loads(found))])
    assert "something else than what bob signed" in desk.judged()[1]


@pytest.mark.parametrize(
    ("key", "name", "site", "page", "words"),
    [
        ('key = "ssh-ed25519 AAAA"', "a", "localhost", "http://localhost", "either `key`"),
        ("", "a", "127.0.0.1", "http://127.0.0.1", "never an IP"),
        ("", "a", "x.example", "http://x.example", "need https"),
        ("", "a b", "localhost", "http://localhost", "base64url"),
    ],
)
def test_a_base_whose_reviewers_have_no_usable_passkey_is_refused(
    key: str, name: str, site: str, page: str, words: str
) -> None:
    bob = f'[[reviewer]]\nname = "bob"\n{key}\n'
    passkey = f'passkey = {{ id = "{name}", public = "b", relying_party = "{site}", origins = ["{page}"] }}\n'
    with pytest.raises(ConfigError, match=words):
        config.read((bob + passkey).encode())


def test_a_reviewer_without_any_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="either `key`"):
        config.read(b'[[reviewer]]\nname = "bob"\n')


def _entry(desk: Desk, text: str, **more: Any) -> dict[str, Any]:
    said = parse(text)
    assert said.shown is not None
    body = {"commit": said.commit, "tree": said.shown.tree, "role": said.role, "says": said.says}
    return body | {"by": {"person": "bob"}, "proof": {"text": text, "response": answer(desk.device, text)}} | more


def _audited(desk: Desk, *entries: dict[str, Any], time: str = _AT, judged: str = _REPORT) -> Reviews:
    people = People("log.test/fake", Person("ann", 1000, ("admins",)))
    people._take(1, ADD, Change("bob", groups=(), keys=(known(desk.device),)))
    audit = Reviews(lambda: people)
    said = parse(desk.asked())
    assert said.shown is not None
    verdict = {"commit": said.commit, "tree": said.shown.tree, "report": {"digest": f"sha256:{judged}"}}
    audit.hear(2, "gate", _AT, verdict)
    for index, body in enumerate(entries, 3):
        audit.hear(index, review.KIND, time, body)
    audit.judge()
    return audit


def test_who_verifies_a_ledger_checks_each_signed_review_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = desk.asked()
    fine = _entry(desk, text)
    assert _audited(desk, fine, {"by": {"person": "ann"}, "role": "critic"}).signed == 1
    for forged, words in (
        ({"says": "no"}, "something else"),
        ({"role": "tester"}, "something else"),
        ({"by": {"person": "ann"}}, "bob signed it"),
        ({"by": {"person": "bob", "agent": "claude"}}, "bob signed it"),
        ({"proof": {"text": desk.asked("no"), "response": fine["proof"]["response"]}}, "challenge"),
        ({"proof": {"text": text, "response": answer(Passkey(), text)}}, "nobody who is known here"),
        ({"proof": {"text": text}}, "response"),
    ):
        with pytest.raises(LedgerTampered, match=words):
            _audited(desk, fine | forged)
    with pytest.raises(LedgerTampered, match="one signature, one review"):
        _audited(desk, fine, fine)
    with pytest.raises(LedgerTampered, match="recorded at"):
        _audited(desk, fine, time="2026-11-01T09:00:00Z")
    with pytest.raises(LedgerTampered, match="no entry before it holds"):
        _audited(desk, fine, judged="00" * 32)


def test_lines_are_read_as_they_were_written(tmp_path: Path) -> None:
    text = Desk(tmp_path).asked(because="I read every line.")
    assert parse(text).text() == text
    for old, new in (("because", "\nbecause"), ("/v2", "/v1"), ("report", "rapport"), ("\n", "\r\n")):
        with pytest.raises(Refused):
            parse(text.replace(old, new))
