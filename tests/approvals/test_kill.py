"""SIGKILL at every write of a life of requests, before and after the ledger has it: never more permissive than before.

The daemon that comes after it tries everything: each yes it finds is used if it can be. All launches together, those
before the kill and those after it, must be at most one a yes, and none of what was denied, revoked or over.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from approvals.circle import Book, Desk, people
from ledger.logs import begin

pytestmark = pytest.mark.slow  # each test starts a daemon and runs commands for some seconds

WRITES = 24
ALLOWED = {"one", "two", "three", "four", "five"}  # those that somebody said yes to at some time


def test_a_kill_at_every_write(tmp_path: Path) -> None:
    tests = Path(__file__).parent.parent
    with subprocess.Popen(
        [sys.executable, "-m", "approvals.victim"], cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victims:
        assert victims.stdin is not None
        assert victims.stdout is not None
        ended = 0
        for write in range(WRITES + 1):
            for when in ("before", "after"):
                place = tmp_path / f"{write}-{when}"
                place.mkdir()
                with begin(place / "ledger"):
                    pass
                told = place / "told"
                told.touch()
                print(place / "ledger", told, write, when, file=victims.stdin, flush=True)
                assert victims.stdout.readline() == "dead\n"
                ended += _check(place / "ledger", told.read_text().split("\n")[:-1], write)
        victims.stdin.close()
    assert ended == 2, "the story has another number of writes than WRITES says"


def _check(directory: Path, told: list[str], write: int) -> bool:
    book = Book()
    with begin(directory) as ledger:
        book.entries = [(entry.kind, json.loads(entry.raw)["body"]) for entry in ledger.entries()]
        restored = [(e.index, e.kind, json.loads(e.raw)["body"]) for e in ledger.entries()]
    before = {line.removeprefix("launched ") for line in told if line.startswith("launched")}
    ends = {line.split()[1]: line.split()[0] for line in told if line.split()[0] in {"denied", "revoked", "lapsed"}}
    uses = [body["digest"] for kind, body in book.entries if kind == "approval.use"]
    assert before <= set(uses), "somebody was told to launch, and the ledger does not know"
    assert len(uses) == len(set(uses))
    approved = {line.removeprefix("approved ") for line in told if line.startswith("approved")}
    in_ledger = {
        body["digest"] for _, body in book.entries if body.get("event", "").startswith("approve") or "change" in body
    }
    assert approved <= in_ledger, "a yes was acknowledged that the ledger does not have"

    async def after() -> set[str]:
        reborn = Desk(Book(), people("ann", "ben"))
        reborn.book.entries = [("log.genesis", {})] * (restored[-1][0] + 1)
        strange = reborn.queue.restore([entry for entry in restored if entry[1].startswith("approval.")])
        assert strange == []
        await reborn.queue.recover()
        launched = set()
        for digest in ("one", "two", "three", "four", "five", "six"):
            for _ in range(2):
                if await reborn.use(digest):
                    assert digest not in launched
                    launched.add(digest)
        return launched

    later = asyncio.run(after())
    assert not later & set(uses), f"used twice, after a kill at write {write}"
    assert not later & set(ends), f"{ends} and launched nevertheless, after a kill at write {write}"
    assert later <= ALLOWED
    return "end" in told
