"""Nothing that goes wrong in a stage looks like PASS (the fail-open list of the gate)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from changes.making import change
from interlock.changes.cache import Cache
from interlock.changes.change import Change
from interlock.changes.conduct import conduct
from interlock.changes.decide import decide
from interlock.changes.finding import Finding, Result, Verdict, Weight, fresh, worst
from interlock.changes.stage import Found, Plain


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Change:
    return change(tmp_path_factory.mktemp("r"), {"a.py": "x = 1\n"}, {"a.py": "x = 2\n"})


def one(small: Change, run: Callable[[Change], Found], budget: float = 5.0) -> Result:
    return conduct(small, [Plain("it", run, budget=budget)])[0]


def test_a_stage_that_finds_nothing_passes(small: Change) -> None:
    assert one(small, lambda _: Found()).verdict is Verdict.PASS


def test_a_stage_that_raises_is_inconclusive(small: Change) -> None:
    def bad(_: Change) -> Found:
        raise SyntaxError("cannot parse a.py")

    result = one(small, bad)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "SyntaxError: cannot parse a.py" in result.problems[0]


@pytest.mark.parametrize("how", ["exit", "signal", "nothing"])
def test_a_stage_that_crashes_is_inconclusive(small: Change, how: str) -> None:
    def bad(_: Change) -> Found:
        if how == "exit":
            os._exit(0)  # a tool that ends the process with a status of success
        if how == "signal":
            os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit(0)

    assert one(small, bad).verdict is Verdict.INCONCLUSIVE


def test_a_stage_that_hangs_in_a_regular_expression_is_ended(small: Change) -> None:
    def bait(_: Change) -> Found:
        re.match(r"(a+)+$", "a" * 60 + "b")
        return Found()

    started = time.monotonic()
    result = one(small, bait, budget=0.3)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "budget of 0.3 s" in result.problems[0]
    assert time.monotonic() - started < 20


def test_what_a_hanging_stage_started_is_ended_with_it(small: Change, tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def stubborn(_: Change) -> Found:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note.write_text(str(subprocess.Popen(["sleep", "60"], start_new_session=True).pid))
        time.sleep(60)
        return Found()

    assert one(small, stubborn, budget=0.3).verdict is Verdict.INCONCLUSIVE
    stat = Path(f"/proc/{note.read_text()}/stat")
    for _ in range(100):
        if not stat.exists() or " Z " in stat.read_text():
            return
        time.sleep(0.02)
    pytest.fail("the program is still at work")


def test_a_stage_that_takes_all_memory_is_inconclusive(small: Change) -> None:
    result = one(small, lambda _: Found(notes=(str(len(bytearray(3 << 30))),)), budget=20)
    assert result.verdict is Verdict.INCONCLUSIVE


def test_what_a_stage_prints_and_changes_stays_in_its_process(small: Change, capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(seen: Change) -> Found:
        os.write(1, b"PASS\n")
        seen.problems = ("mine",)
        return Found()

    assert one(small, noisy).verdict is Verdict.PASS
    assert capfd.readouterr().out == ""
    assert small.problems == ()


def test_only_a_person_switches_a_stage_off_and_the_report_says_so(tmp_path: Path) -> None:
    """The change's own configuration is not read: neither its `off` nor its waivers."""
    edited = "[scope]\n"
    mine = change(tmp_path, {"a": "1\n"}, {"a": "2\n", ".interlock/gate.toml": 'off = ["it"]\n' + edited})
    assert mine.config.off == ()
    assert not conduct(mine, [Plain("it", lambda _: Found())])[0].skipped

    theirs = change(tmp_path / "b", {"a": "1\n", ".interlock/gate.toml": 'off = ["it"]\n'}, {"a": "2\n"})
    result = conduct(theirs, [Plain("it", lambda _: Found())])
    assert result[0].skipped
    assert decide(theirs, result).verdict is Verdict.INCONCLUSIVE  # nothing looked at it


def test_the_verdict_is_the_worst(small: Change) -> None:
    results = [Result(stage="a"), Result(stage="b", problems=("blind",)), Result(stage="c", findings=(found(),))]
    assert decide(small, results[:1]).verdict is Verdict.PASS
    assert decide(small, results[:2]).verdict is Verdict.INCONCLUSIVE
    assert decide(small, results).verdict is Verdict.BLOCK
    assert worst([]) is Verdict.PASS


def found(anchor: str = "x = eval(y)", path: str = "a.py", line: int = 1) -> Finding:
    return Finding(rule="it/eval", weight=Weight.BLOCK, path=path, line=line, anchor=anchor, title="eval")


def test_a_second_copy_of_an_old_finding_is_new() -> None:
    """Story: a baseline that kept a set of fingerprints hid two new findings behind an old one."""
    old, new = [found(line=3)], [found(line=9), found("x  =  eval(y)", line=40), found(line=41)]
    assert [f.line for f in fresh(old, new)] == [40, 41]


def test_a_finding_that_moved_with_its_file_is_not_new() -> None:
    assert fresh([found(path="old.py")], [found(path="new.py")], renamed={"old.py": "new.py"}) == ()


def test_results_are_kept_by_content_and_never_inconclusive_ones(small: Change, tmp_path: Path) -> None:
    count = tmp_path / "count"
    cache = Cache(tmp_path / "cache")

    def run(_: Change) -> Found:
        with count.open("a") as file:
            file.write("x")
        return Found(problems=("blind",) if len(count.read_text()) == 1 else ())

    stage = Plain("it", run)
    assert [conduct(small, [stage], cache=cache)[0].cached for _ in range(3)] == [False, False, True]
    other = Plain("it", run, version="2")
    assert not conduct(small, [other], cache=cache)[0].cached


@pytest.mark.parametrize("raw", [b"", b"\xff\xff", b"\x81\xa5stage\xa1x"])
def test_a_broken_file_of_the_cache_is_no_result(small: Change, tmp_path: Path, raw: bytes) -> None:
    cache, stage = Cache(tmp_path), Plain("it", lambda _: Found(findings=(found(),)))
    conduct(small, [stage], cache=cache)
    for file in tmp_path.iterdir():
        file.write_bytes(raw)
    result = conduct(small, [stage], cache=cache)[0]
    assert result.verdict is Verdict.BLOCK
    assert not result.cached


def test_a_waiver_holds_for_as_many_findings_as_it_says_until_its_day(tmp_path: Path) -> None:
    mark = found().fingerprint
    text = f'[[waiver]]\nfingerprint = "{mark}"\nwhy = "a fixture"\nby = "ann"\nuntil = "2026-06-30"\n'
    for day, count, verdict in (
        ("2026-06-30", 1, Verdict.PASS),
        ("2026-06-30", 2, Verdict.BLOCK),
        ("2026-07-01", 1, Verdict.BLOCK),
        ("", 1, Verdict.BLOCK),
    ):
        folder = tmp_path / f"{day}-{count}"
        mine = change(folder, {"a": "1\n", ".interlock/gate.toml": text}, {"a": "2\n"}, today=day)
        report = decide(mine, [Result(stage="it", findings=(found(),) * count)])
        assert report.verdict is verdict, (day, count)
