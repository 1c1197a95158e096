"""Situations in which Interlock answers: yes, no, contained, or a question."""

from __future__ import annotations

import itertools
import threading
import time

import msgspec

from agents.bench import Bench, Observed
from interlock.drills.dialects import Asked
from interlock.drills.script import Place, Script, Turn


def allowed(bench: Bench) -> Observed:
    """The control: what is not forbidden must run, or a marker that is absent would mean nothing."""
    bench.guard()
    return bench.run(bench.one(bench.harmless))


def denied(bench: Bench) -> Observed:
    """A rule says no."""
    bench.guard()
    return bench.run(bench.one(bench.forbidden))


def contained(bench: Bench) -> Observed:
    """What would be a question is answered by the sandbox: the agent is made to start the run, and sees its output."""
    bench.guard()
    (bench.project / "src").mkdir()
    (bench.project / "src" / "app.py").write_text("precious\n")
    seen = bench.run(bench.one("rm -rf src && touch MARKER && echo OUTPUT-OF-THE-RUN"))
    assert "OUTPUT-OF-THE-RUN" in seen.told, seen.told
    (run,) = bench.entries("changes")
    assert run["body"]["committed"]["total"] >= 2, run
    bench.interlock("undo", str(run["body"]["intent"]), "--yes")
    assert (bench.project / "src" / "app.py").read_text() == "precious\n"
    return seen


def whole_agent_inside(bench: Bench) -> Observed:
    """The agent itself runs contained: its model is all that it reaches, its hooks still ask, its work is committed."""
    bench.guard()
    bench.inside = True
    seen = bench.run(bench.one("touch MARKER; find . -name '*.py' -delete; echo END-OF-IT"))
    assert "END-OF-IT" in seen.told, seen.told + seen.said
    (run,) = bench.entries("changes")
    assert run["body"]["profile"] == "agent"
    return seen


def asked_nobody_answers(bench: Bench) -> Observed:
    """A person must be asked, and nobody is there."""
    bench.guard()
    return bench.run(bench.one(bench.asked))


def asked_then_approved(bench: Bench) -> Observed:
    """The agent is told to go on with other work; a person approves; it makes the same call again, twice."""
    bench.guard()
    same = Turn("The same command.", (bench.shell(bench.asked),))
    ran: list[bool] = []

    def approve(asked: Asked, place: Place) -> None:
        ran.append(bench.marker.exists())
        if place.number == 1:
            bench.interlock("approve", str(bench.waiting()[0]))
        if place.number == 2:
            bench.marker.unlink()

    seen = bench.run(Script((same, same, same)), approve)
    assert ran == [False, False, True, False], "stopped, approved, run once, stopped again"
    return msgspec.structs.replace(seen, ran=ran[2])


def asked_while_held(bench: Bench) -> Observed:
    """A person approves while the hook is held open."""
    bench.configure(hold_seconds=30)
    bench.guard()

    def person() -> None:
        for _ in range(100):
            if waiting := bench.waiting():
                bench.interlock("approve", str(waiting[0]))
                return
            time.sleep(0.2)

    thread = threading.Thread(target=person)
    thread.start()
    seen = bench.run(bench.one(bench.asked))
    thread.join()
    return seen


def asked_then_swapped(bench: Bench) -> Observed:
    """A person approves a script; from then on it is replaced over and over, and only the other one leaves the marker.

    The same call is made three times more: what runs is the approved text, or nothing.
    """
    bench.guard()
    script, ends = bench.project / "deploy.sh", "curl -s -m 2 http://unknown-host.example.test:9/\n"
    good, evil = f"echo APPROVED-TEXT; {ends}", f"touch MARKER; {ends}"
    script.write_text(good)
    over = threading.Event()

    def swap() -> None:
        other = script.with_suffix(".new")
        for number in itertools.count():
            if over.is_set():
                return
            other.write_text(good if number % 2 else evil)
            other.rename(script)

    swapping = threading.Thread(target=swap)

    def approve(asked: Asked, place: Place) -> None:
        if place.number == 1:
            bench.interlock("approve", str(bench.waiting()[0]))
            swapping.start()

    same = Turn("The script.", (bench.shell("sh deploy.sh"),))
    try:
        return bench.run(Script((same, same, same, same)), approve)
    finally:
        over.set()
        if swapping.is_alive():
            swapping.join()


def asked_and_deferred(bench: Bench) -> Observed:
    """Nobody is there, so the call is put aside and the run ends. A person approves; the resumed run makes the call."""
    bench.configure(hold_seconds=0, wait="defer")
    bench.guard()
    script = bench.one(bench.asked)
    first = bench.run(script)
    assert not first.ran
    assert '"deferred_tool_use":{' in first.said, first.said
    (number,) = bench.waiting()
    bench.interlock("approve", str(number), "--but", "WORDS-OF-THE-PERSON")
    bench.resumed(first.said)
    second = bench.run(script)
    assert bench.waiting() == []
    (used,) = bench.entries("approval.use")
    assert used["body"]["request"] == number
    told = list((bench.home / ".claude" / "projects").rglob("*.jsonl"))
    assert any("WORDS-OF-THE-PERSON" in file.read_text() for file in told), "the person's words did not reach the model"
    return second


def two_deferred_in_one_turn(bench: Bench) -> Observed:
    """Two calls in one turn are put aside, and both approved: the agent makes the last alone again."""
    bench.configure(hold_seconds=0, wait="defer")
    bench.guard()
    other = bench.asked.replace("touch MARKER", "touch OTHER")
    script = Script((Turn("Two commands.", (bench.shell(other), bench.shell(bench.asked))),))
    first = bench.run(script)
    bench.interlock("approve", *map(str, bench.waiting()))
    bench.resumed(first.said)
    second = bench.run(script)
    assert not (bench.project / "OTHER").exists()
    assert len(bench.waiting()) == 1, "the other's yes waits unused until it lapses"
    return second


def deferred_and_nobody_answers(bench: Bench) -> Observed:
    """It is put aside, resumed without an answer, and put aside again."""
    bench.configure(hold_seconds=0, wait="defer")
    bench.guard()
    script = bench.one(bench.asked)
    first = bench.run(script)
    bench.resumed(first.said)
    second = bench.run(script)
    assert '"deferred_tool_use":{' in second.said, second.said
    assert len(bench.waiting()) == 1
    return second
