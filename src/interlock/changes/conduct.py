"""Runs stages, each in a process of its own with a budget, and lets nothing that goes wrong look like PASS.

A stage may be the victim of what it reads: a regular expression that never ends, a parser that crashes, memory that
is not there. The process is then ended with all it started, and the stage is INCONCLUSIVE.
"""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import msgspec

from interlock.changes.cache import Cache
from interlock.changes.change import Change
from interlock.changes.descendants import below
from interlock.changes.finding import MOST, Result, Weight
from interlock.changes.stage import Found, Stage

_MEMORY = 2 << 30  # bytes of data of one stage
_GRACE = 1.0  # seconds between asking a stage to end and ending it
_SAID = 64 << 20  # bytes of an answer
_SIDE_BY_SIDE = 2


class _Running:
    """A stage at work: its process, and what it has said so far."""

    def __init__(self, stage: Stage, change: Change, budget: float) -> None:
        self.stage, self.budget, self.started = stage, budget, time.monotonic()
        self.said, self.asked = bytearray(), False
        sys.stdout.flush()
        sys.stderr.flush()
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            _inside(stage, change, writing)
        os.close(writing)
        self.reading = reading

    @property
    def left(self) -> float:
        """Seconds until something has to be done about it."""
        return self.started + self.budget + (_GRACE if self.asked else 0.0) - time.monotonic()

    def hurry(self) -> None:
        """Ask it to end; the second time, end it."""
        with contextlib.suppress(ProcessLookupError):
            if self.asked:
                self.end()
            else:
                os.kill(self.pid, signal.SIGTERM)
        self.asked = True

    def end(self) -> None:
        """End it with everything below it, deepest last, so that nothing is left without a parent."""
        for pid in (self.pid, *below(self.pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def result(self) -> Result:
        """The answer of a process that has closed its pipe."""
        os.close(self.reading)
        _, status = os.waitpid(self.pid, 0)
        seconds = time.monotonic() - self.started
        if self.asked:
            problem = f"it did not finish within its budget of {self.budget:g} s"
        elif status:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
            problem = f"it crashed ({how})"
        else:
            try:
                found = msgspec.msgpack.decode(bytes(self.said), type=Found)
                return _result(self.stage, found, seconds, self.budget)
            except (msgspec.ValidationError, msgspec.DecodeError):
                problem = "its answer cannot be read"
        return Result(stage=self.stage.name, problems=(problem,), seconds=seconds, budget=self.budget)


def conduct(
    change: Change,
    stages: Sequence[Stage],
    *,
    cache: Cache | None = None,
    told: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Run the stages, two at a time, and give their results in the order of `stages`.

    Never raises for what a stage does. `told` hears of each result as it comes.
    """
    done: dict[str, Result] = {}
    waiting = []
    for stage in stages:
        if stage.name in change.config.off:
            done[stage.name] = Result(stage=stage.name, skipped="switched off by the base's configuration")
        elif cache and (known := cache.get(stage, change)):
            done[stage.name] = known
        else:
            waiting.append(stage)
    for result in done.values():
        told(result)
    for result in _side_by_side(change, waiting):
        done[result.stage] = result
        if cache:
            cache.put(next(s for s in stages if s.name == result.stage), change, result)
        told(result)
    return [done[stage.name] for stage in stages]


def _side_by_side(change: Change, waiting: list[Stage]) -> Iterator[Result]:
    queue, running = list(waiting), dict[int, _Running]()
    with selectors.DefaultSelector() as selector:
        try:
            while queue or running:
                while queue and len(running) < _SIDE_BY_SIDE:
                    stage = queue.pop(0)
                    one = _Running(stage, change, change.config.budgets.get(stage.name, stage.budget))
                    running[one.reading] = one
                    selector.register(one.reading, selectors.EVENT_READ)
                ready = selector.select(max(0.0, min(one.left for one in running.values())))
                for key, _ in ready:
                    one = running[key.fd]
                    part = os.read(key.fd, 1 << 16)
                    one.said += part
                    if not part or len(one.said) > _SAID:
                        selector.unregister(key.fd)
                        del running[key.fd]
                        yield one.result()
                for one in running.values():
                    if one.left <= 0:
                        one.hurry()
        finally:
            for one in running.values():
                one.end()
                one.result()


def _inside(stage: Stage, change: Change, writing: int) -> NoReturn:
    """The stage's own process: nothing of it comes back but the answer."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, _late)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        bound = _MEMORY if most == resource.RLIM_INFINITY else min(most, _MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        raw = msgspec.msgpack.encode(_said(stage, change))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(raw)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process ends here and the parent sees that it did
        status = 1
    finally:
        os._exit(status)


def _said(stage: Stage, change: Change) -> Found:
    try:
        return stage.run(change)
    except MemoryError:
        return Found(problems=(f"it needed more than {_MEMORY >> 30} GiB of memory",))
    except Exception as error:  # noqa: BLE001 - a stage may raise anything: it is inconclusive then
        return Found(problems=(f"it failed: {type(error).__name__}: {error}"[:500],))


def _late(number: int, _: object) -> None:
    raise SystemExit(128 + number)


def _result(stage: Stage, found: Found, seconds: float, budget: float) -> Result:
    problems = list(found.problems)
    if len(found.findings) > MOST:
        problems.append(f"it has {len(found.findings)} findings, of which {MOST} are shown")
    kept = sorted(found.findings, key=lambda f: (_WEIGHTS.index(f.weight), f.path, f.line))[:MOST]
    return Result(
        stage=stage.name, findings=tuple(kept), problems=tuple(problems), notes=found.notes, facts=found.facts,
        unasked=found.unasked, seconds=seconds, budget=budget,
    )  # fmt: skip


_WEIGHTS = (Weight.BLOCK, Weight.REVIEW, Weight.NOTE)
