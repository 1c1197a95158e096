"""What is said of a run whose launcher has no process below it when an order comes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import partial
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
from interlock.halt.processes import children, gone, look
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


def stopper(tmp_path: Path, runs: Runs, book: Book | None = None) -> Stopper:
    book = Book() if book is None else book
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


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    """A launcher with a command at work below it."""
    script = "import subprocess; one = subprocess.Popen(['sleep', '60']); print('on', flush=True); one.wait(); input()"
    one = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert one.stdout is not None
    assert one.stdout.readline() == b"on\n"
    yield one
    for pid in children(one.pid):
        os.kill(pid, signal.SIGKILL)
    one.kill()
    one.communicate()


def test_what_the_lease_ended_before_its_order_was_an_entry_is_in_the_certificate(
    tmp_path: Path, parent: subprocess.Popen[bytes]
) -> None:
    """The disk took a quarter of a second for the entry; the launcher had killed the agent, said that it was over, and
    the certificate of the order named nobody."""
    runs = Runs(work(process(parent.pid) or ""), looks=10_000)
    one = stopper(tmp_path, runs)
    (command,) = children(parent.pid)
    started = look(command)[1]

    one.renew()
    os.kill(command, signal.SIGKILL)
    runs.looks = 0
    (ended,) = asyncio.run(one.hold())
    assert (ended.run, ended.silent) == ("run-1", "")
    assert [(seen.pid, seen.started) for seen in ended.seen] == [(command, started)]
    assert all(seen.gone for seen in ended.seen)


def test_who_lives_on_though_its_run_is_said_to_be_over_is_called_silent(
    tmp_path: Path, parent: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping.processes, "gone", partial(gone, patience=0.05))
    runs = Runs(work(process(parent.pid) or ""), looks=10_000)
    one = stopper(tmp_path, runs)
    one.renew()
    runs.looks = 0
    (left,) = asyncio.run(one.hold())
    assert str(children(parent.pid)[0]) in left.silent


def test_who_was_ended_is_forgotten_with_the_certificate(tmp_path: Path, parent: subprocess.Popen[bytes]) -> None:
    runs = Runs(work(process(parent.pid) or ""), looks=10_000)
    book = Book()
    one = stopper(tmp_path, runs, book)
    one.renew()
    os.kill(children(parent.pid)[0], signal.SIGKILL)
    book.certified.add(1)
    one.renew()
    runs.looks = 0
    assert asyncio.run(one.hold()) == []
