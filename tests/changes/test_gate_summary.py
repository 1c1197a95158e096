"""The gate's verdict as a signed verification summary, opened by the reader that shares no code with its writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from changes.making import commit, git, repository
from changes.test_gate import run
from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Result, Verdict, Weight
from interlock.changes.report.summary import LEVEL, PREDICATE, VERIFIER, summary
from interlock.identity.keys import Ed25519Key
from interlock.ledger.note import PublicKey
from interlock.ledger.verify.envelopes import opened
from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerTampered

_KEY = Ed25519Key.from_seed("obviously-fake", bytes(32))
_OTHER = Ed25519Key.from_seed("obviously-fake", bytes([1]) * 32)
_FOUND = Finding(rule="scope/x", weight=Weight.BLOCK, path="a", title="no")


def judged(verdict: Verdict, *, partial: bool = False) -> Report:
    found = (_FOUND,) if verdict is Verdict.BLOCK else ()
    problems = ("unread",) if verdict is Verdict.INCONCLUSIVE else ()
    stages = (Result(stage="scope", findings=found, problems=problems), Result(stage="static", skipped="off"))
    trees = {"base": "b" * 40, "fork": "b" * 40, "head": "d" * 40}
    return Report(
        verdict=verdict, base="a" * 40, head="c" * 40, fork="a" * 40, trees=trees, config="", files=(), stages=stages,
        partial=partial,
    )  # fmt: skip


def told(report: Report, key: Ed25519Key = _KEY) -> dict[str, object]:
    envelope = summary(report, _KEY, resource="urn:x", time="2026-11-29T08:00:00Z", version="1")
    found: dict[str, object] = opened(envelope, Key.parse(str(PublicKey.of(key))), "the summary")
    return found


@pytest.mark.parametrize(
    ("report", "result"),
    [
        (judged(Verdict.PASS), "PASSED"),
        (judged(Verdict.PASS, partial=True), "FAILED"),
        (judged(Verdict.INCONCLUSIVE), "FAILED"),
        (judged(Verdict.BLOCK), "FAILED"),
    ],
    ids=["pass", "partial", "inconclusive", "block"],
)
def test_only_a_whole_pass_is_passed(report: Report, result: str) -> None:
    found = json.loads(json.dumps(told(report)))
    predicate = found["predicate"]
    assert found["predicateType"] == PREDICATE
    assert found["subject"][0]["digest"] == {"gitCommit": "c" * 40, "gitTree": "d" * 40}
    assert predicate["verifier"]["id"] == VERIFIER
    assert predicate["verificationResult"] == result
    assert predicate["verifiedLevels"] == ([LEVEL] if result == "PASSED" else [])
    assert predicate["policy"]["digest"]["gitCommit"] == "a" * 40
    assert predicate["urn:interlock:gate:stages"] == {"scope": report.stages[0].verdict.value, "static": "SKIPPED"}


def test_another_key_signs_nothing() -> None:
    with pytest.raises(LedgerTampered):
        told(judged(Verdict.PASS), _OTHER)


def test_the_command_writes_what_the_key_beside_it_opens(tmp_path: Path) -> None:
    work = repository(tmp_path / "r", {"a.py": "x = 1\n"})
    git(work, "checkout", "-q", "-b", "work")
    commit(work, {"a.py": "x = 2\n"})
    home, written = tmp_path / "home", tmp_path / "gate.json"
    run(work, "--attest", str(written), home=home, check=0)
    key = Key.parse((home / "state/keys/gate.vkey").read_text().strip())
    said = opened(written.read_bytes(), key, "the summary")
    assert said["predicate"]["verificationResult"] == "PASSED"
    assert said["subject"][0]["digest"]["gitCommit"] == git(work, "rev-parse", "HEAD").strip()
    assert (home / "state/keys/gate.key").stat().st_mode & 0o077 == 0
    assert "cannot be written" in run(work, "--attest", str(tmp_path / "no/such.json"), home=home, check=25).stderr
