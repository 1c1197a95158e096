"""What stands behind a change's commits: proved by notes, claimed by words, or asked for in vain."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from changes.making import commit, git, repository
from interlock.changes.change import Change
from interlock.changes.finding import Finding
from interlock.changes.intake import take
from interlock.changes.provenance.attest import PREDICATE, Behind, bundle, predicate, subjects, unapproved
from interlock.changes.provenance.gitread import Facts
from interlock.changes.repo import Repo
from interlock.changes.stages.provenance import STAGE
from interlock.identity.keys import Ed25519Key
from interlock.ledger.dsse import sealed
from interlock.ledger.store import Ledger

_TIME = "2026-11-29T08:00:00Z"
_KEY = Ed25519Key.from_seed("log.test/fake", bytes(32))
_STRANGER = Ed25519Key.from_seed("log.test/fake", bytes([9]) * 32)
_ACT = {"entry": 3, "agent": "claude", "session": "s", "tool": "Bash", "tier": 3, "verdict": "ask"}


class Shop:
    """A repository whose branch `work` has one commit, and a log that can attest it."""

    def __init__(self, folder: Path, *, require: bool = False, key: Ed25519Key = _KEY, message: str = "work") -> None:
        self._folder = folder
        rules = f'[provenance]\nrequire = {str(require).lower()}\nkeys = ["{key.vkey}"]\n'
        self.path = repository(folder / "shop", {"a.py": "a = 1\n", ".interlock/gate.toml": rules})
        git(self.path, "checkout", "-q", "-b", "work")
        self.head = commit(self.path, {"a.py": "a = 2\n"}, message)

    def note(self, act: dict[str, Any], *, of: str = "work") -> None:
        raw = Repo(str(self.path)).call("cat-file", "commit", of)
        name, tree = git(self.path, "rev-parse", of), git(self.path, "rev-parse", f"{of}^{{tree}}")
        fact = Facts(name, tree, (), "t", 0, "work")
        said = predicate(fact, Behind({"agent": 1}, [act], []), _KEY.name, _TIME)
        envelope = sealed(_KEY, subjects(fact, raw), PREDICATE, said)
        digest = "sha256:" + hashlib.sha256(envelope).hexdigest()
        statement = {"digest": digest, "mediaType": "application/json", "size": len(envelope)}
        with Ledger.open(self._folder / f"ledger-{of[:8]}", _KEY, _KEY.name, now=lambda: _TIME) as ledger:
            body = {"commit": name, "tree": tree, "statement": statement}
            index = ledger.submit("attestation", body, time=_TIME).result()
            text = bundle(envelope, ledger.entry(index).raw, ledger.proof(index))
        oid = git(self.path, "hash-object", "-w", "--stdin", feed=text)
        git(self.path, "notes", "--ref=interlock", "add", "-f", "-C", oid, "work")

    def change(self) -> Change:
        return take(Repo(str(self.path)), "main", "work")

    def found(self) -> list[Finding]:
        return list(STAGE.run(self.change()).findings)


def test_an_attested_commit_is_proved_and_its_lines_are_counted(tmp_path: Path) -> None:
    shop = Shop(tmp_path, require=True)
    shop.note({**_ACT, "approval": 2})
    said = STAGE.run(shop.change())
    assert said.findings == ()
    assert said.facts == {"commits": "1", "proved": "1", "claimed": "0", "lines.agent": "1"}


def test_no_crowd_of_small_actions_hides_a_grave_one() -> None:
    """Story: of many actions the first two hundred were named, and whoever came later was never asked for a yes."""
    acts = [{**_ACT, "entry": n, "tier": 1} for n in range(300)] + [{**_ACT, "entry": 300}]
    said = predicate(Facts("c" * 40, "d" * 40, (), "t", 0, "m"), Behind({}, acts, []), _KEY.name, _TIME)
    inside = said["buildDefinition"]["internalParameters"]
    assert (len(inside["actions"]), inside["actionsLeftOut"]) == (201, 100)
    assert unapproved({"predicate": said}) == [300]


def test_a_grave_action_without_a_yes_stops(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.note(_ACT)
    assert [(one.rule, one.weight.value) for one in shop.found()] == [("provenance/unapproved", "block")]


@pytest.mark.parametrize("way", ["another commit's", "another key's", "edited", "no bundle"])
def test_an_attestation_that_does_not_hold_stops(way: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path, key=_STRANGER if way == "another key's" else _KEY)
    shop.note({**_ACT, "approval": 2}, of="main" if way == "another commit's" else "work")
    if way in ("edited", "no bundle"):
        text = git(shop.path, "notes", "--ref=interlock", "show", "work")
        said = {"hello": 1}
        if way == "edited":
            said = json.loads(text)
            said["envelope"]["payload"] = said["envelope"]["payload"].replace("A", "B", 1)
        git(shop.path, "notes", "--ref=interlock", "add", "-f", "-m", json.dumps(said), "work")
    assert [(one.rule, one.weight.value) for one in shop.found()] == [("provenance/invalid", "block")]


def test_without_one_words_are_claims_and_the_base_may_ask_for_more(tmp_path: Path) -> None:
    message = "work\n\nCo-authored-by: Claude <noreply@anthropic.com>"
    found = Shop(tmp_path / "a", message=message).found()
    assert [(one.rule, one.weight.value) for one in found] == [("provenance/claimed", "note")]
    assert "not proved" in found[0].title
    found = Shop(tmp_path / "b", require=True, message=message).found()
    assert [(one.rule, one.weight.value) for one in found] == [("provenance/absent", "review")]
    assert Shop(tmp_path / "c").found() == []


def test_another_note_is_another_question_of_the_cache(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    before = STAGE.reads(shop.change())
    shop.note(_ACT)
    assert STAGE.reads(shop.change()) != before
