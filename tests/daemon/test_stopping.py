"""What is said of a run whose launcher has no process below it when an order comes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from interlock.broker.clock import Clock
from interlock.broker.config import Config
from interlock.broker.contain import Wish
from interlock.daemon import stopping
from interlock.daemon.agents import process
from interlock.daemon.stopping import Stopper
from interlock.halt.book import Book
from interlock.halt.lease import Lease
from interlock.halt.order import Order, What, selector
from interlock.model.action import Principal


class Work(NamedTuple):
    id: str
    launcher: str
    wish: Wish


class Runs:
    """The runs of a daemon: each look takes one from those that are left, as if it had said that it is over."""

    def __init__(self, work: Work, looks: int) -> None:
        self.work, self.looks = work, looks

    def __call__(self) -> Iterable[Work]:
        self.looks -= 1
        return (self.work,) if self.looks >= 0 else ()


@pytest.fixture
def launcher() -> Iterator[str]:
    """A process that has started nothing."""
    one = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process(one.pid) or ""
    one.kill()
    one.communicate()


def stopper(tmp_path: Path, runs: Runs) -> Stopper:
    book = Book()
    book.given(book.giving(Order(-1, What.KILL, selector('agent = "claude"'), "recalled")), 1)
    return Stopper(
        book=book, clock=Clock(), lease=Lease(tmp_path / "lease"), runs=runs, sessions=tuple, config=lambda _: Config()
    )


def work(launcher: str) -> Work:
    return Work("run-1", launcher, Wish(("true",), "/", "/", "build", Principal("claude", "session-1")))


def test_a_run_that_says_it_is_over_while_it_is_looked_for_is_not_called_silent(tmp_path: Path, launcher: str) -> None:
    """The lease had ended the command before the daemon came to it; its launcher was counting what it changed."""
    (one,) = asyncio.run(stopper(tmp_path, Runs(work(launcher), looks=4)).hold())
    assert (one.silent, one.seen) == ("", ())


def test_a_launcher_that_stays_and_shows_nothing_is_called_silent(
    tmp_path: Path, launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_PATIENCE", 0.05)
    (one,) = asyncio.run(stopper(tmp_path, Runs(work(launcher), looks=10_000)).hold())
    assert "nothing that can be seen" in one.silent
