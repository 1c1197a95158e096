"""Author, critic and tester have to be different hands, by what logs have signed of them and by nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from changes.making import commit, git, repository
from changes.test_gate import PROGRAM
from interlock.changes import config, signedreview
from interlock.changes.chain import Hand, Word, authors, filled, latest
from interlock.changes.finding import Finding, Verdict
from interlock.changes.gate import Known, judge
from interlock.changes.intake import take
from interlock.changes.provenance import review
from interlock.changes.provenance.attest import KIND, PREDICATE, Behind, bundle, predicate, subjects
from interlock.changes.provenance.gitread import Facts
from interlock.changes.provenance.notes import gather
from interlock.changes.repo import Repo
from interlock.changes.risk.score import Risk
from interlock.changes.stages.review import STAGE
from interlock.identity import sshsig
from interlock.identity.keys import Ed25519Key
from interlock.identity.sshwire import SshKey
from interlock.ledger.dsse import sealed
from interlock.ledger.store import Ledger
from interlock.model.errors import ConfigError

_TIME = "2026-11-29T08:00:00Z"
_KEY = Ed25519Key.from_seed("log.test/fake", bytes(32))
_STRANGER = Ed25519Key.from_seed("other.test/fake", bytes([9]) * 32)
_BOTH = '[[review]]\nroles = ["critic", "tester"]\n'
_CRITIC = {"agent": "claude", "session": "critic", "person": "ann"}
_TESTER = {"agent": "codex", "session": "tester", "person": "ann"}
_AUTHOR = {"agent": "claude", "session": "author", "person": "ann"}
_BOB = {"person": "bob"}


class Shop:
    """A repository whose branch `work` has one commit, and the log that saw who made and who judged it."""

    def __init__(self, folder: Path, rules: str = _BOTH, *, key: Ed25519Key = _KEY) -> None:
        self._folder, self._count, self.lines = folder, 0, {"agent": 1}
        rules = f'[provenance]\nkeys = ["{key.vkey}"]\n{rules}'
        self.path = repository(folder / "shop", {"a.py": "a = 1\n", ".interlock/gate.toml": rules})
        git(self.path, "checkout", "-q", "-b", "work")
        commit(self.path, {"a.py": "a = 2\n"}, "work\n\nReviewed-by: Everybody <a@b>\nTested-by: Everybody <a@b>")

    def _signed(self, kind: str, of: str, said: dict[str, Any], uri: str, key: Ed25519Key, more: Any) -> bytes:
        raw = Repo(str(self.path)).call("cat-file", "commit", of)
        name, tree = git(self.path, "rev-parse", of), git(self.path, "rev-parse", f"{of}^{{tree}}")
        envelope = sealed(key, subjects(Facts(name, tree, (), "t", 0, "work"), raw), uri, said)
        digest = "sha256:" + hashlib.sha256(envelope).hexdigest()
        body = {"commit": name, "tree": tree, "statement": {"digest": digest, "size": len(envelope)}, **more}
        with Ledger.open(self._folder / f"ledger-{key.public.hex()[:8]}", key, key.name, now=lambda: _TIME) as ledger:
            index = ledger.submit(kind, body, time=_TIME).result()
            return bundle(envelope, ledger.entry(index).raw, ledger.proof(index), kind)

    def attest(self, *hands: dict[str, str], of: str = "work", **more: Any) -> None:
        fact = Facts(git(self.path, "rev-parse", of), git(self.path, "rev-parse", f"{of}^{{tree}}"), (), "t", 0, "work")
        acts = [{"entry": n, "tool": "Write", "tier": 1, "verdict": "allow", **hand} for n, hand in enumerate(hands)]
        behind = msgspec.structs.replace(Behind(self.lines, acts, [], by="agent", person="ann"), **more)
        said = predicate(fact, behind, _KEY.name, _TIME)
        oid = git(self.path, "hash-object", "-w", "--stdin", feed=self._signed(KIND, of, said, PREDICATE, _KEY, {}))
        git(self.path, "notes", "--ref=interlock", "add", "-f", "-C", oid, of)

    def review(
        self, role: str, by: dict[str, str], says: str = "ok", *, of: str = "work", key: Ed25519Key = _KEY
    ) -> str:
        said = review.predicate(role, says, "because", by, runs=[], made=_TIME)
        found = self._signed(review.KIND, of, said, review.PREDICATE, key, {"role": role})
        line = json.dumps(json.loads(found))
        gather(str(self.path), git(self.path, "rev-parse", "work"), [line])
        return line

    def found(self, risk: float | None = None) -> list[Finding]:
        known = None if risk is None else Risk(risk, (), False, 0, "")
        return list(STAGE.knowing(known).run(take(Repo(str(self.path)), "main", "work")).findings)

    def rules(self, risk: float | None = None) -> list[tuple[str, str]]:
        return [(one.rule, one.weight.value) for one in self.found(risk)]


def test_nobody_is_asked_for_unless_the_base_asks(tmp_path: Path) -> None:
    said = STAGE.run(take(Repo(str(Shop(tmp_path, "").path)), "main", "work"))
    assert (said.findings, said.problems) == ((), ())
    assert "no [[review]]" in said.notes[0]


def test_what_a_message_claims_is_nobodys_word(tmp_path: Path) -> None:
    """Story: `Reviewed-by` is a line that the author writes."""
    shop = Shop(tmp_path)
    assert shop.rules() == [
        ("review/author-unknown", "review"),
        ("review/absent", "review"),
        ("review/absent", "review"),
    ]
    assert all(one.fix for one in shop.found())


def test_without_a_log_to_believe_it_is_inconclusive_and_says_what_to_do(tmp_path: Path) -> None:
    shop = repository(tmp_path / "r", {"a.py": "a = 1\n", ".interlock/gate.toml": _BOTH})
    git(shop, "checkout", "-q", "-b", "work")
    commit(shop, {"a.py": "a = 2\n"})
    report = judge(Repo(str(shop)), "main", "work", names=("review",), today="2026-11-01")
    assert report.verdict.value == "INCONCLUSIVE"
    assert "[provenance] keys" in report.stages[0].problems[0]


def test_three_hands_pass(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.attest(_AUTHOR)
    shop.review("critic", _CRITIC)
    shop.review("tester", _TESTER)
    assert shop.found() == []
    facts = STAGE.run(take(Repo(str(shop.path)), "main", "work")).facts
    assert facts["authors"] == "claude/author"
    assert facts["critic"].startswith("claude/critic")


def test_who_wrote_it_does_not_look_at_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.attest(_AUTHOR)
    shop.review("critic", _AUTHOR)
    shop.review("tester", _TESTER)
    assert shop.rules() == [("review/same", "block")]
    shop.review("critic", _BOB)  # somebody else looks, and what its author said of it does not matter any more
    assert shop.rules() == []


def test_one_hand_is_not_two(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.attest(_AUTHOR)
    for role in review.ROLES:
        shop.review(role, _CRITIC)
    assert [rule for rule, _ in shop.rules()] == ["review/same"]
    shop.review("tester", _TESTER)
    assert shop.rules() == []


@pytest.mark.parametrize(
    ("apart", "critic", "fine"),
    [
        ("session", _CRITIC, True),
        ("agent", _CRITIC, False),
        ("agent", _TESTER, True),
        ("person", _TESTER, False),
        ("person", {**_TESTER, "person": "bob"}, True),
        ("person", {"agent": "codex", "session": "tester"}, False),  # nobody says for whom: it may be ann
        ("agent", {"person": "ann"}, True),
        ("person", {"person": "ann"}, False),
        ("person", _BOB, True),
    ],
)
def test_how_far_apart_is_the_bases_to_say(apart: str, critic: dict[str, str], fine: bool, tmp_path: Path) -> None:
    shop = Shop(tmp_path, f'[[review]]\nroles = ["critic"]\napart = "{apart}"\n')
    shop.attest(_AUTHOR)
    shop.review("critic", critic)
    assert (shop.rules() == []) is fine


def test_every_hand_in_every_commit_is_an_author(tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\n')
    shop.attest(_AUTHOR)
    commit(shop.path, {"b.py": "b = 1\n"}, "more")
    shop.attest(_CRITIC)
    shop.review("critic", _CRITIC)
    assert shop.rules() == [("review/same", "block")]
    shop.lines = {"agent": 1, "human": 1}
    shop.attest(_CRITIC)
    shop.review("critic", {"person": "ann"})  # whose machine it was, and so whose lines they are
    assert shop.rules() == [("review/same", "block")]


@pytest.mark.parametrize("more", [{"left_out": 1}, {"lines": {"unknown": 2}}, {"acts": [], "by": "unknown"}])
def test_what_nobody_saw_being_written_may_be_the_critics(more: dict[str, Any], tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\n')
    shop.attest(_AUTHOR, **more)
    shop.review("critic", _BOB)
    assert shop.rules() == [("review/author-unknown", "review")]


def test_a_review_is_of_the_last_commit(tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\n')
    shop.attest(_AUTHOR)
    shop.review("critic", _BOB)
    assert shop.rules() == []
    commit(shop.path, {"b.py": "b = 1\n"}, "afterwards")
    shop.attest(_AUTHOR)
    assert shop.rules() == [("review/absent", "review")]
    shop.review("critic", _BOB, of="work~1")  # noted on the last one, and of the one before
    assert ("review/invalid", "block") in shop.rules()


def test_who_says_no_is_heard_until_they_say_otherwise(tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\n')
    shop.attest(_AUTHOR)
    shop.review("critic", _BOB)
    shop.review("critic", _CRITIC, "no")
    assert shop.rules() == [("review/refused", "review")]
    shop.review("critic", _CRITIC)
    assert shop.rules() == []
    shop.review("tester", _BOB, "no")  # nobody was asked to test, and a person did
    assert shop.rules() == [("review/refused", "block")]


@pytest.mark.parametrize("way", ["changed", "role changed", "another log's", "nonsense", "a key by the same name"])
def test_what_no_log_of_the_base_signed_counts_for_nothing(way: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\n')
    shop.attest(_AUTHOR)
    namesake = Ed25519Key.from_seed(_KEY.name, bytes([7]) * 32)
    key = {"another log's": _STRANGER, "a key by the same name": namesake}.get(way, _KEY)
    line = shop.review("tester" if way == "role changed" else "critic", _BOB, key=key)
    if way in ("changed", "role changed", "nonsense"):
        git(shop.path, "notes", "--ref=interlock-reviews", "remove", "work")
        said = json.loads(line)
        said["envelope"]["payload"] = said["envelope"]["payload"].replace("A", "B", 1)
        if way == "role changed":
            said = json.loads(line) | {"entry": json.loads(line)["entry"].replace('"tester"', '"critic"')}
        gather(str(shop.path), "work", ["[]" if way == "nonsense" else json.dumps(said)])
    assert ("review/absent", "review") in shop.rules()
    assert (("review/invalid", "block") in shop.rules()) is (key is _KEY)


def test_more_is_asked_of_a_riskier_change(tmp_path: Path) -> None:
    rules = '[[review]]\nroles = ["critic"]\nabove = 0.3\n[[review]]\nroles = ["tester"]\npaths = ["src/**"]\n'
    shop = Shop(tmp_path, rules)
    shop.attest(_AUTHOR)
    assert shop.rules(0.2) == []
    assert shop.rules(0.3) == [("review/absent", "review")]
    assert shop.rules(None) == [("review/absent", "review")]  # without a score no rule is taken to sleep
    commit(shop.path, {"src/x.py": "x = 1\n"})
    shop.attest(_AUTHOR)
    assert len(shop.rules(0.2)) == 1


def test_the_whole_gate_knows_the_score_before_it_asks(tmp_path: Path) -> None:
    shop = Shop(tmp_path, '[[review]]\nroles = ["critic"]\nabove = 0.99\n')
    report = judge(Repo(str(shop.path)), "main", "work", today="2026-11-01")
    assert report.stages[-1].stage == "review"
    assert "no [[review]] of the base is about this change" in report.stages[-1].notes
    before = STAGE.knowing(Risk(0.1, (), False, 0, "")).reads(take(Repo(str(shop.path)), "main", "work"))
    assert before != STAGE.knowing(Risk(0.2, (), False, 0, "")).reads(take(Repo(str(shop.path)), "main", "work"))


def test_two_people_are_found_for_two_roles_whoever_spoke_first() -> None:
    """A tester who could also be the critic does not take the critic's place from the only one who can be it."""
    ann, bob = Hand(person="ann"), Hand(person="bob")
    words = [Word(hand, role, "ok", "", n, "l") for n, (hand, role) in enumerate([(ann, "critic"), (ann, "tester")])]
    assert filled(("critic", "tester"), words, [], "session")[1] == {"tester"}
    given, same = filled(("critic", "tester"), [*words, Word(bob, "critic", "ok", "", 9, "l")], [], "session")
    assert (given["critic"].hand, given["tester"].hand, same) == (bob, ann, set())
    assert [one.says for one in latest([words[0], Word(ann, "critic", "no", "", 9, "l")])] == ["no"]


def test_nobody_is_made_an_author_by_what_is_missing() -> None:
    said = {"predicate": {"buildDefinition": {"internalParameters": {"actions": [], "committed": {"by": "person"}}}}}
    assert authors(said) == ({Hand()}, "")  # a person, and not known which: the same as any person
    assert Hand().same(Hand(person="bob"), "session")
    assert not Hand().same(Hand("claude", "s"), "session")


class Hands(Shop):
    """The same, with people whose SSH keys the base knows; what they sign is signed by OpenSSH's own program."""

    def __init__(self, folder: Path, names: str = "ann bob", *, rules: str = '[[review]]\napart = "person"\n') -> None:
        self._keys = folder / "ssh"
        self._keys.mkdir()
        for name in ("ann", "bob", "eve"):
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self._keys / name)]
            subprocess.run(made, check=True)
        tables = "".join(
            f'[[reviewer]]\nname = "{name}"\nkey = "{(self._keys / f"{name}.pub").read_text().strip()}"\n'
            f'emails = ["{name}@x.example"]\n'
            for name in names.split()
        )
        super().__init__(folder, tables + rules)
        self.attest(_AUTHOR)

    def sign(self, who: str, says: str = "ok", *, of: str = "work", space: str = sshsig.REVIEW, **more: str) -> str:
        """A statement written by hand and signed on another machine; noted, as anybody may."""
        told = {"at": "2026-11-01T08:00:00Z", "until": "2026-12-01"} | more
        text = f"interlock-review/v1\ncommit {git(self.path, 'rev-parse', of)}\nrole critic\nsays {says}\n"
        text += "".join(f"{name} {value}\n" for name, value in told.items())
        file = self._keys / "r.txt"
        file.write_text(text)
        file.with_suffix(".txt.sig").unlink(missing_ok=True)
        asked = ["ssh-keygen", "-q", "-Y", "sign", "-n", space, "-f", str(self._keys / who), str(file)]
        subprocess.run(asked, check=True, capture_output=True)
        line = signedreview.line(text, file.with_suffix(".txt.sig").read_text())
        gather(str(self.path), git(self.path, "rev-parse", "work"), [line])
        return line

    def fingerprint(self, who: str) -> str:
        return SshKey.parse((self._keys / f"{who}.pub").read_text().strip()).fingerprint

    def judged(self, today: str = "2026-11-02", gone: frozenset[str] = frozenset()) -> tuple[list[str], str]:
        seen = take(Repo(str(self.path)), "main", "work", today=today)
        seen.withdrawn = gone
        said = STAGE.knowing(Risk(0.0, (), False, 0, "")).run(seen)
        return [f"{one.rule} {one.weight.value}" for one in said.findings], " ".join((*said.notes, *(
            one.text for one in said.findings)))  # fmt: skip


def test_a_person_reviews_from_a_machine_that_has_ssh_keygen_alone(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    assert shop.judged() == (["review/absent review"], "")
    shop.sign("bob", because="I read every line.")
    assert shop.judged() == ([], "")


@pytest.mark.parametrize(
    ("who", "more", "today", "found", "words"),
    [
        ("ann", {}, "2026-11-02", "review/same block", ""),  # for whom the agent worked
        ("eve", {}, "2026-11-02", "review/absent review", "is no reviewer's"),
        ("bob", {}, "2026-12-02", "review/absent review", "counted until 2026-12-01"),
        ("bob", {"at": "2026-11-09T08:00:00Z"}, "2026-11-02", "review/absent review", "which is to come"),
        ("bob", {}, "", "review/absent review", "counted until"),
        ("bob", {"of": "main"}, "2026-11-02", "review/invalid block", "not of this commit"),
        ("bob", {"until": "2028-01-01"}, "2026-11-02", "review/invalid block", "more than a year"),
        ("bob", {"space": "git"}, "2026-11-02", "review/invalid block", "was made for 'git'"),
        ("bob", {"says": "no"}, "2026-11-02", "review/refused block", ""),
    ],
    ids=["author", "stranger", "expired", "to come", "no day", "another commit", "for good", "another purpose", "no"],
)
def test_a_signed_review_that_does_not_count(
    tmp_path: Path, who: str, more: dict[str, str], today: str, found: str, words: str
) -> None:
    shop = Hands(tmp_path)
    shop.sign(who, **more)
    rules, said = shop.judged(today)
    assert found in rules
    assert words in said


def test_who_is_no_more_in_the_base_has_said_nothing(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    shop.sign("bob")
    git(shop.path, "checkout", "-q", "main")
    rules = (shop.path / ".interlock/gate.toml").read_text()
    bob = rules.index('[[reviewer]]\nname = "bob"')
    commit(shop.path, {".interlock/gate.toml": rules[:bob] + rules[rules.index("[[review]]") :]}, "bob left")
    found, said = shop.judged()
    assert found == ["review/absent review"]
    assert "is no reviewer's" in said


def test_a_key_that_was_taken_out_of_use_counts_no_more_though_the_base_names_it(tmp_path: Path) -> None:
    """A person who was removed still has their key, and writes the day of a review themselves."""
    shop = Hands(tmp_path)
    shop.sign("bob")
    assert shop.judged() == ([], "")
    found, said = shop.judged(gone=frozenset({shop.fingerprint("bob")}))
    assert found == ["review/absent review"]
    assert "the key of bob was taken out of use here" in said
    assert shop.judged(gone=frozenset({shop.fingerprint("ann")})) == ([], "")


def test_the_gate_asks_who_was_removed_only_where_somebody_signs(tmp_path: Path) -> None:
    """What was kept of the stage before a key was taken out of use is not its answer afterwards."""
    shop = Hands(tmp_path)
    shop.sign("bob")

    def rules(gone: frozenset[str]) -> list[str]:
        found = judge(
            Repo(str(shop.path)),
            "main",
            "work",
            cache=tmp_path / "cache",
            today="2026-11-02",
            known=Known(withdrawn=lambda: gone),
        )
        return [one.rule for one in found.findings if one.rule.startswith("review/")]

    assert rules(frozenset()) == []
    assert rules(frozenset({shop.fingerprint("bob")})) == ["review/absent"]
    plain = repository(tmp_path / "plain", {"a.py": "x = 1\n"})
    git(plain, "checkout", "-q", "-b", "work")
    commit(plain, {"a.py": "x = 2\n"})

    def fail() -> frozenset[str]:
        raise AssertionError("nobody signs here")

    assert judge(Repo(str(plain)), "main", "work", known=Known(withdrawn=fail)).verdict is Verdict.PASS


def test_a_review_whose_text_was_changed_after_it_was_signed_is_blocked(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    gather(str(shop.path), git(shop.path, "rev-parse", "work"), [shop.sign("bob", "no").replace("says no", "says ok")])
    assert "review/invalid block" in shop.judged()[0]


def test_who_committed_it_does_not_review_it_whatever_they_sign(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    git(shop.path, "-c", "user.name=B", "commit", "-q", "--amend", "--no-edit", "--author", "B <Bob@x.example>")
    shop.attest(_AUTHOR)
    shop.sign("bob")
    found, said = shop.judged()
    assert found == ["review/absent review"]
    assert "is an author of this change" in said


def test_the_last_word_of_a_person_counts(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    shop.sign("bob", at="2026-11-01T10:00:00Z")
    shop.sign("bob", "no")
    assert shop.judged() == ([], "")


def test_a_base_whose_reviewers_share_a_key_is_refused(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    key = (shop.path / ".interlock/gate.toml").read_text().split('key = "')[1].split('"')[0]
    twice = "".join(f'[[reviewer]]\nname = "{name}"\nkey = "{key}"\n' for name in ("a", "b"))
    with pytest.raises(ConfigError, match="two reviewers have one key"):
        config.read(twice.encode())
    with pytest.raises(ConfigError, match="key of reviewer a"):
        config.read(b'[[reviewer]]\nname = "a"\nkey = "ssh-rsa AAAA"\n')


def test_the_command_writes_what_is_signed_and_notes_the_signature(tmp_path: Path) -> None:
    shop = Hands(tmp_path)
    text = tmp_path / "r.txt"
    home = {**os.environ, "INTERLOCK_HOME": str(tmp_path / "home")}
    about = [str(PROGRAM), "review", "--statement", str(text)]
    subprocess.run([*about, "--as", "critic", "--says", "ok"], cwd=shop.path, env=home, check=True)
    asked = ["ssh-keygen", "-q", "-Y", "sign", "-n", sshsig.REVIEW, "-f", str(tmp_path / "ssh/bob"), str(text)]
    subprocess.run(asked, check=True, capture_output=True)
    subprocess.run([*about, "--signature", f"{text}.sig"], cwd=shop.path, env=home, check=True)
    today = datetime.now(UTC).date().isoformat()
    assert shop.judged(today) == ([], "")
