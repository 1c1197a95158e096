"""SIGKILL at random moments under load: nothing acknowledged is lost, each checkpoint grows out of the one before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.ledger.note import parse_checkpoint
from interlock.ledger.store import Ledger
from interlock.ledger.verify import verify
from interlock.ledger.verify.hashes import check_consistency

from .logs import add, begin

SEED = 20261121


class Victims:
    """A server that forks one writer at a time."""

    def __init__(self) -> None:
        tests = Path(__file__).parent.parent
        self._server = subprocess.Popen(
            [sys.executable, "-m", "ledger.victim"],
            cwd=tests,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_after(self, seconds: float, directory: Path, told: Path, number: int, *, heard: bool) -> None:
        """Let a writer run for so long, and kill it; `heard`: so long after the first that it was told."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(f"{directory} {told} {number}", file=self._server.stdin, flush=True)
        pid = int(self._server.stdout.readline())
        deadline = time.monotonic() + 60
        while heard and not told.stat().st_size:
            assert time.monotonic() < deadline, "it was told nothing"
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        assert self._server.stdout.readline() == "dead\n"

    def end(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        assert self._server.stdout is not None
        self._server.stdout.close()


@pytest.fixture
def victims() -> Iterator[Victims]:
    made = Victims()
    yield made
    made.end()


def test_twelve_kills(tmp_path: Path, victims: Victims) -> None:
    _kill_many(tmp_path, victims, 12)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path, victims: Victims) -> None:
    _kill_many(tmp_path, victims, 200)


def _kill_many(tmp_path: Path, victims: Victims, times: int) -> None:
    chance = random.Random(SEED)
    directory, told = tmp_path / "ledger", tmp_path / "told"
    with begin(directory) as ledger:
        before = parse_checkpoint(ledger.checkpoint())
    acknowledged = 0
    for number in range(1, times + 1):
        told.write_bytes(b"")
        seconds = chance.choice((0.0, 0.01, 0.03)) + chance.random() * 0.12
        victims.kill_after(seconds, directory, told, number, heard=number % 3 != 0)
        with begin(directory) as ledger:
            acknowledged += _all_there(_told(told), ledger)
            after = parse_checkpoint(ledger.checkpoint())
            proof = ledger.consistency(before.size, after.size)
            check_consistency(before.size, after.size, proof, before.root, after.root)
            before = after
            add(ledger, "note", round=number)
    assert acknowledged >= times * 2 // 3, "the load was too light to prove anything"
    assert verify(directory).size == before.size + 1


def _told(told: Path) -> list[tuple[int, int]]:
    lines = [line.split() for line in told.read_text().splitlines()]
    return [(int(index), int(n)) for index, n in lines]


def _all_there(told: list[tuple[int, int]], ledger: Ledger) -> int:
    if not told:
        return 0
    promised = dict(told)
    found = {stored.index: stored for stored in ledger.entries(min(promised))}
    for index, n in promised.items():
        assert found[index].entry().body["n"] == n, f"entry {index} was acknowledged and is not there"
    return len(promised)
