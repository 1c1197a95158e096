"""The gate's verdict as a signed verification summary, opened by the reader that shares no code with its writer."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from changes.making import commit, git, repository
from changes.test_gate import PROGRAM, run
from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Result, Verdict, Weight
from interlock.changes.report.result import PREDICATE as SVR
from interlock.changes.report.result import result
from interlock.changes.report.summary import LEVEL, PREDICATE, VERIFIER, summary
from interlock.identity.keys import Ed25519Key
from interlock.ledger.dsse import sealed
from interlock.ledger.note import PublicKey
from interlock.ledger.verify import check_verdict
from interlock.ledger.verify.envelopes import opened
from interlock.ledger.verify.notes import Key
from interlock.model.errors import LedgerPolicyFailed, LedgerTampered

_KEY = Ed25519Key.from_seed("obviously-fake", bytes(32))
_OTHER = Ed25519Key.from_seed("obviously-fake", bytes([1]) * 32)
_RAW = b"tree " + b"d" * 40 + b"\nauthor t <t@t> 0 +0000\n\nwork\n"
_HEAD = hashlib.sha1(b"commit %d\0%s" % (len(_RAW), _RAW), usedforsecurity=False).hexdigest()
_FOUND = Finding(rule="scope/x", weight=Weight.BLOCK, path="a", title="no")


def judged(verdict: Verdict, *, partial: bool = False) -> Report:
    found = (_FOUND,) if verdict is Verdict.BLOCK else ()
    problems = ("unread",) if verdict is Verdict.INCONCLUSIVE else ()
    stages = (
        Result(stage="scope", findings=found, problems=problems),
        Result(stage="static", skipped="off"),
        Result(stage="secrets"),
        Result(stage="tests", unasked=True),
    )
    trees = {"base": "b" * 40, "fork": "b" * 40, "head": "d" * 40}
    return Report(
        verdict=verdict, base="a" * 40, head=_HEAD, fork="a" * 40, trees=trees, config="", files=(), stages=stages,
        partial=partial,
    )  # fmt: skip


def told(report: Report, key: Ed25519Key = _KEY) -> dict[str, object]:
    envelope = summary(report, _KEY, commit=_RAW, resource="urn:x", time="2026-11-29T08:00:00Z", version="1")
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
    digests = {"gitCommit": _HEAD, "gitTree": "d" * 40, "sha256": hashlib.sha256(_RAW).hexdigest()}
    assert found["subject"][0]["digest"] == digests
    assert predicate["verifier"]["id"] == VERIFIER
    assert predicate["verificationResult"] == result
    assert predicate["verifiedLevels"] == ([LEVEL] if result == "PASSED" else [])
    assert predicate["policy"]["digest"]["gitCommit"] == "a" * 40
    said = {"scope": report.stages[0].verdict.value, "static": "SKIPPED", "secrets": "PASS", "tests": "NOT_ASKED"}
    assert predicate["urn:interlock:gate:stages"] == said


@pytest.mark.parametrize(
    ("report", "listed"),
    [
        (judged(Verdict.PASS), ["INTERLOCK_SCOPE_PASS", "INTERLOCK_SECRETS_PASS", LEVEL]),
        (judged(Verdict.PASS, partial=True), ["INTERLOCK_SCOPE_PASS", "INTERLOCK_SECRETS_PASS"]),
        (judged(Verdict.INCONCLUSIVE), ["INTERLOCK_SECRETS_PASS"]),
        (judged(Verdict.BLOCK), ["INTERLOCK_SECRETS_PASS"]),
        (msgspec.structs.replace(judged(Verdict.PASS), problems=("a file is missing",)), []),
    ],
    ids=["pass", "partial", "inconclusive", "block", "not taken in"],
)
def test_a_result_lists_what_was_asked_and_passed_and_nothing_else(report: Report, listed: list[str]) -> None:
    found = check_verdict(resulting(report), _KEY.vkey, commit=_RAW)
    assert (list(found.properties), found.policy) == (listed, "a" * 40)
    assert found.statement["predicateType"] == "https://in-toto.io/attestation/svr/v0.1"
    assert set(found.statement["predicate"]) == {"verifier", "timeCreated", "properties"}


def resulting(report: Report) -> bytes:
    return result(report, _KEY, commit=_RAW, time="2026-11-29T08:00:00Z", version="1")


def summed(report: Report) -> bytes:
    return summary(report, _KEY, commit=_RAW, resource="urn:x", time="2026-11-29T08:00:00Z", version="1")


def forged(envelope: bytes, **more: Any) -> bytes:
    """The envelope with other words in its statement's predicate, under the signature as it was."""
    outer = json.loads(envelope)
    said = json.loads(base64.b64decode(outer["payload"]))
    said["predicate"] |= more
    return json.dumps(outer | {"payload": base64.b64encode(json.dumps(said).encode()).decode()}).encode()


def test_whoever_changes_a_verdict_is_found_out() -> None:
    blocked = judged(Verdict.BLOCK)
    for changed in (
        forged(resulting(blocked), properties=[LEVEL]),
        forged(summed(blocked), verificationResult="PASSED", verifiedLevels=[LEVEL]),
        resulting(blocked)[:-20],
        b"[]",
    ):
        with pytest.raises(LedgerTampered):
            check_verdict(changed, _KEY.vkey, commit=_RAW)
    with pytest.raises(LedgerTampered):
        check_verdict(resulting(blocked), _OTHER.vkey, commit=_RAW)


def test_a_verdict_is_of_its_commit_and_of_no_other_document() -> None:
    sound = resulting(judged(Verdict.PASS))
    with pytest.raises(LedgerTampered, match="another commit"):
        check_verdict(sound, _KEY.vkey, commit=_RAW + b"!")
    for kind, said in (
        ("https://slsa.dev/provenance/v1", {}),
        (SVR, {"verifier": {"id": "urn:another", "policy": {}}, "timeCreated": "t", "properties": [LEVEL]}),
        (SVR, {"verifier": {"id": VERIFIER, "policy": {"digest": {"gitCommit": "a"}}}, "timeCreated": "t",
               "properties": [1]}),
    ):  # fmt: skip
        with pytest.raises(LedgerTampered, match="no verdict of a gate"):
            check_verdict(sealed(_KEY, [{"name": "x", "digest": {"gitCommit": _HEAD}}], kind, said), _KEY.vkey)


def test_what_is_wanted_has_to_be_said() -> None:
    one = resulting(judged(Verdict.INCONCLUSIVE))
    assert check_verdict(one, _KEY.vkey, wanted=("INTERLOCK_SECRETS_PASS",)).commit == _HEAD
    with pytest.raises(LedgerPolicyFailed, match="INTERLOCK_SCOPE_PASS"):
        check_verdict(one, _KEY.vkey, wanted=("INTERLOCK_SECRETS_PASS", "INTERLOCK_SCOPE_PASS"))
    with pytest.raises(LedgerPolicyFailed, match="no pass"):
        check_verdict(summed(judged(Verdict.BLOCK)), _KEY.vkey)


def test_another_key_signs_nothing() -> None:
    with pytest.raises(LedgerTampered):
        told(judged(Verdict.PASS), _OTHER)


def interlock(folder: Path, *words: str, check: int = 0) -> str:
    done = subprocess.run([str(PROGRAM), *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == check, done.stdout + done.stderr
    return done.stdout


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
    beside = check_verdict(
        (tmp_path / "gate.svr.json").read_bytes(), (home / "state/keys/gate.vkey").read_text().strip()
    )
    assert {"INTERLOCK_SECRETS_PASS", LEVEL} <= set(beside.properties)
    assert "INTERLOCK_TESTS_PASS" not in beside.properties  # the base has no [tests]: none ran
    about = ("verify", "--key", str(home / "state/keys/gate.vkey"), "--gate", str(tmp_path / "gate.svr.json"))
    assert "Sound: the gate's verdict" in interlock(work, *about, "--commit", "HEAD")
    interlock(work, *about, "--commit", "HEAD~1", check=30)
    interlock(work, *about, "--property", "INTERLOCK_REVIEW_PASS", check=33)
    assert "compared with no commit" in interlock(work, *about)
    assert (home / "state/keys/gate.key").stat().st_mode & 0o077 == 0
    assert "cannot be written" in run(work, "--attest", str(tmp_path / "no/such.json"), home=home, check=25).stderr
