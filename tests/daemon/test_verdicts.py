"""Verdicts of the gate on a real daemon: recorded where one runs, forged by nobody, and shown on the Changes screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import Guard
from daemon.test_provenance import commit, git, write
from daemon.visitor import Visitor
from interlock.changes.report.summary import REPORT
from interlock.daemon.client import Remote, call
from interlock.identity.keys import Ed25519Key, load_or_create
from interlock.ledger.dsse import sealed, statement

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """A daemon, and a repository with a branch on which an agent wrote what the gate stops."""
    guard = Guard(tmp_path_factory.mktemp("verdicts"))
    guard.configure("[ask]\nhold_seconds = 0\n")
    guard.start()
    git(guard, "init", "-q", "-b", "main")
    (guard.project / "README").write_text("a shop\n")
    commit(guard, "before")
    git(guard, "checkout", "-q", "-b", "work")
    guard.hook("", {}, event="SessionStart")
    write(guard, "shop.py", f"import os\n\n\ndef run(name):\n    os.system('ls ' + name)  # {HOSTILE}\n")
    commit(guard, "sell")
    yield guard
    guard.stop()


@pytest.fixture(scope="module")
def judged(shop: Guard) -> int:
    """The entry of the verdict on it."""
    done = shop.cli("gate", "main..HEAD", "--no-cache", "--json")
    assert "record" not in done.stderr, done.stderr
    assert json.loads(done.stdout)["verdict"] != "PASS"
    return int(shop.entries("gate")[-1]["index"])


@pytest.fixture(scope="module")
def ada(shop: Guard) -> Visitor:
    return Visitor(shop.home)


def test_nothing_was_judged_yet(ada: Visitor, shop: Guard) -> None:
    assert shop.entries("gate") == []
    status, page = ada.get("/changes")
    assert status == 200
    assert "interlock gate" in page


def test_a_run_of_the_gate_is_an_entry_with_its_documents(shop: Guard, judged: int) -> None:
    body = call(shop.home, "entry", {"id": judged})["body"]
    assert body["commit"] == git(shop, "rev-parse", "HEAD")
    assert body["verdict"] in ("BLOCK", "INCONCLUSIVE")
    assert sum(body["findings"].values()) > 0
    assert set(body["by"]) == {"agent", "person"}
    blobs = shop.home.state / "ledger" / "blobs"
    for name in ("report", "summary", "result"):
        digest = body[name]["digest"].removeprefix("sha256:")
        assert (blobs / digest[:2] / digest[2:]).is_file()
    summary = body["summary"]["digest"].removeprefix("sha256:")
    said = statement((blobs / summary[:2] / summary[2:]).read_bytes())
    assert f"sha256:{said['predicate'][REPORT]['sha256']}" == body["report"]["digest"]


def test_the_change_is_shown_whole_and_its_words_are_text(ada: Visitor, shop: Guard, judged: int) -> None:
    commit_name = git(shop, "rev-parse", "HEAD")
    call(shop.home, "provenance.attest", {"cwd": str(shop.project), "revision": "HEAD"})
    assert shop.cli("review", "--as", "critic", "--says", "no", "--because", HOSTILE).returncode == 0
    rows = ada.view("/changes.json")["rows"]
    (row,) = [one for one in rows if one["commit"] == commit_name]
    assert (row["entry"], row["tone"] in ("bad", "warn")) == (judged, True)
    found = ada.view(f"/changes/{judged}.json")
    assert found["first"][0][0] == "shop.py"
    assert "written by agents" in found["machine"]
    assert found["sessions"] == ["claude/session-1"]
    assert [(one["role"], one["says"]) for one in found["reviews"]] == [("critic", "no")]
    assert {"static", "secrets", "review"} <= {stage["name"] for stage in found["stages"]}
    assert next(s for s in found["stages"] if s["name"] == "review")["said"] == "not asked"
    assert found["reasons"]
    for path in ("/changes", f"/changes/{judged}"):
        status, page = ada.get(path)
        assert status == 200
        assert 'aria-current="page"' in page
        assert "<script>alert" not in page
        assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)" in ada.get(f"/changes/{judged}")[1]
    assert "gate: " in ada.get("/ledger?kind=gate&range=all")[1]


def test_a_commit_that_was_only_attested_has_its_page(ada: Visitor, shop: Guard) -> None:
    git(shop, "checkout", "-q", "-b", "aside")
    (shop.project / "b.txt").write_text("b\n")
    commit(shop, "aside")
    entry = call(shop.home, "provenance.attest", {"cwd": str(shop.project), "revision": "HEAD"})["entry"]
    git(shop, "checkout", "-q", "work")
    assert entry in [row["entry"] for row in ada.view("/changes.json")["rows"] if not row["verdict"]]
    assert "has not judged this commit" in ada.get(f"/changes/{entry}")[1]
    assert ada.get("/changes/0")[0] == ada.get("/changes/999999")[0] == 404


def documents(shop: Guard, judged: int) -> dict[str, str]:
    body = call(shop.home, "entry", {"id": judged})["body"]
    found = {}
    for name in ("report", "summary", "result"):
        digest = body[name]["digest"].removeprefix("sha256:")
        found[name] = (shop.home.state / "ledger" / "blobs" / digest[:2] / digest[2:]).read_text()
    return {**found, "cwd": str(shop.project)}


@pytest.mark.parametrize("way", ["another report", "another key", "another commit", "no documents"])
def test_a_verdict_that_the_gate_did_not_sign_is_not_recorded(way: str, shop: Guard, judged: int) -> None:
    """Story: an agent told the daemon that the gate had passed its change."""
    told = documents(shop, judged)
    report = json.loads(told["report"])
    if way == "another report":
        told["report"] = json.dumps(report | {"verdict": "PASS"})
    elif way == "another key":
        key = Ed25519Key.from_seed("interlock-gate", bytes(32))
        told["summary"] = resealed(told["summary"], key)
    elif way == "another commit":
        gate = load_or_create(shop.home.state / "keys", "gate", "interlock-gate", environ={})
        told["result"] = resealed(told["result"], gate, commit="e" * 40)
    else:
        told["summary"] = told["result"] = "{}"
    before = len(shop.entries("gate"))
    with pytest.raises(Remote):
        call(shop.home, "gate.record", told)
    assert len(shop.entries("gate")) == before
    assert call(shop.home, "gate.record", documents(shop, judged))["entry"] > judged  # what it signed is


def resealed(envelope: str, key: Any, commit: str = "") -> str:
    said = statement(envelope.encode())
    if commit:
        said["subject"][0]["digest"]["gitCommit"] = commit
    return sealed(key, said["subject"], said["predicateType"], said["predicate"]).decode()


def test_a_report_that_is_gone_leaves_what_the_entry_says(ada: Visitor, shop: Guard, judged: int) -> None:
    digest = call(shop.home, "entry", {"id": judged})["body"]["report"]["digest"].removeprefix("sha256:")
    path = shop.home.state / "ledger" / "blobs" / digest[:2] / digest[2:]
    path.rename(path.with_name("away"))
    try:
        status, page = ada.get(f"/changes/{judged}")
        assert status == 200
        assert "is not kept any more" in page
        path.write_text("{}")
        assert "has been changed" in ada.get(f"/changes/{judged}")[1]
    finally:
        path.with_name("away").rename(path)


def test_without_a_daemon_the_gate_judges_and_records_nothing(shop: Guard, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **shop.environment,
        "INTERLOCK_HOME": str(tmp_path / "none"),
        "PATH": os.environ["PATH"],
    }
    words = [sys.executable, "-m", "interlock.cli.main", "gate", "main..work", "--stage", "privilege"]
    done = subprocess.run(words, cwd=shop.project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not (tmp_path / "none" / "state" / "keys").exists()


def test_a_freeze_that_a_person_gave_is_known_to_the_gate(shop: Guard) -> None:
    """An order about another repository is none of this change's; one whose facts nobody knows yet may be."""
    git(shop, "remote", "add", "origin", "git@git.example:acme/shop.git")
    shop.cli("freeze", "--where", 'repository = "a/b"', "--reason", "another house")
    shop.cli("freeze", "--where", 'environment = "production"', "--reason", "release week")
    try:
        done = shop.cli("gate", "main..HEAD", "--no-cache", "--json")
        assert json.loads(done.stdout)["risk"]["freezes"] == ["release week"], done.stderr
    finally:
        git(shop, "remote", "remove", "origin")
        for order in call(shop.home, "halt.list")["orders"]:
            call(shop.home, "halt.lift", {"id": order["id"], "code": order["code"]})
