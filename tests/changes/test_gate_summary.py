"""The gate's verdict as a signed verification summary, opened by the reader that shares no code with its writer."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

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


def _accepts(envelope: bytes, pem: bytes, key_id: str, wanted: dict[str, str]) -> str:
    """What `slsa-verifier verify-vsa` looks at, by its source of 2025, written down anew: why it refuses, or "".

    It takes a PEM key; skips signatures of another key id, which without `--public-key-id` is the SSH fingerprint of
    the key; hashes nothing for Ed25519; and knows of the predicate only these fields, each a text (maps: text to text).
    """
    outer = json.loads(envelope)
    if outer["payloadType"] != "application/vnd.in-toto+json":
        return "payload type"
    public, payload = load_pem_public_key(pem), base64.b64decode(outer["payload"], validate=True)
    assert isinstance(public, Ed25519PublicKey)
    raw = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(raw)).digest()).decode().rstrip("=")
    mine = [one for one in outer["signatures"] if one["keyid"] in ("", key_id or fingerprint)]
    if not mine:
        return "no signature of this key id"
    public.verify(
        base64.b64decode(mine[0]["sig"]), b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    )
    said = json.loads(payload)
    inside = said["predicate"]
    texts = [inside["verifier"]["version"], inside["policy"]["digest"], *(one["digest"] for one in said["subject"])]
    assert all(isinstance(value, str) for digests in texts for value in digests.values())
    assert datetime.fromisoformat(inside["timeVerified"]).tzinfo is not None
    assert isinstance(inside["policy"]["uri"], str)
    have = {
        "type": said["_type"], "predicate": said["predicateType"], "verifier": inside["verifier"]["id"],
        "resource": inside["resourceUri"], "result": inside["verificationResult"],
        "slsa": inside["slsaVersion"],
    }  # fmt: skip
    asked = {"type": "https://in-toto.io/Statement/v1", "predicate": "https://slsa.dev/verification_summary/v1",
             "result": "PASSED", "slsa": "1.0", **wanted}  # fmt: skip
    digests = {f"{name}:{value}" for one in said["subject"] for name, value in one["digest"].items()}
    digest, level = asked.pop("digest"), asked.pop("level")
    if level not in inside["verifiedLevels"] or level.startswith("SLSA_"):
        return "level"
    return "digest" if digest not in digests else next((k for k, v in asked.items() if have[k] != v), "")


def test_slsa_verifier_would_take_the_summary_with_the_pem_and_key_id_that_are_told(tmp_path: Path) -> None:
    work = repository(tmp_path / "r", {"a.py": "x = 1\n"})
    git(work, "checkout", "-q", "-b", "work")
    head = commit(work, {"a.py": "x = 2\n"})
    home, written = tmp_path / "home", tmp_path / "gate.json"
    run(work, "--attest", str(written), home=home, check=0)
    pem, envelope = (home / "state/keys/gate.public.pem").read_bytes(), written.read_bytes()
    public = load_pem_public_key(pem).public_bytes(Encoding.Raw, PublicFormat.Raw)
    wanted = {"digest": f"gitCommit:{head}", "level": LEVEL, "verifier": "urn:interlock:gate",
              "resource": f"urn:interlock:commit:{head}"}  # fmt: skip
    key_id = hashlib.sha256(public).hexdigest()
    assert _accepts(envelope, pem, key_id, wanted) == ""
    assert _accepts(envelope, pem, "", wanted) == "no signature of this key id"
    for name, other in (("digest", "gitCommit:" + "0" * 40), ("resource", "urn:x"), ("level", "SLSA_BUILD_LEVEL_3")):
        assert _accepts(envelope, pem, key_id, wanted | {name: other}) == name


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
