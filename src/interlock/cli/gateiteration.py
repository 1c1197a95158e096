"""`interlock gate --iteration`: the working tree against the best state so far, for an agent's own hook or a person."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from interlock.changes.iteration import STAGES, Iteration, Judgement, judged, measured, told
from interlock.home import Home
from interlock.model.errors import StateError, UsageError
from interlock.model.visible import visible

_KEPT = 200  # iterations of one branch
_SIZE = 64 << 20


def iterate(mode: str, span: str | None, directory: str, home: Home, today: str) -> int:
    """Measure the working tree and say what became worse; the exit status of the gate's verdicts.

    Args:
        mode: `iteration`; `stop-hook`, which answers as an agent's Stop hook has to; `seen`, said by a person.
        span: the base, where it is not the branch that changes go to.
        directory: in the working tree.
        home: where the iterations are kept.
        today: an ISO date, for waivers.
    """
    from interlock.changes.cache import Cache
    from interlock.changes.conduct import conduct
    from interlock.changes.decide import decide
    from interlock.changes.intake import parse, take
    from interlock.changes.snapshot import snapshot
    from interlock.changes.stages import stages

    asked = _asked(mode)
    with snapshot(directory) as shot:
        base, _ = parse(span, shot.repo)
        change = take(shot.repo, base, shot.commit, today=today)
        results = conduct(change, stages(STAGES), cache=Cache(home.state / "gate" / "cache"))
        now = measured(change, decide(change, results).stages)
        now = msgspec.structs.replace(now, problems=(*now.problems, *(f"{path} is not read" for path in shot.left)))
        kept = _Kept(home.state / "gate" / "iterations", shot.repo.directory, base)
    earlier = kept.read()
    if mode == "seen":
        now = msgspec.structs.replace(now, seen=True)
    judgement = judged(earlier, now)
    kept.write(earlier, now)
    if mode == "stop-hook":
        click.echo(json.dumps(_answer(judgement, again=bool(asked.get("stop_hook_active")))))
        return 0
    return _said(judgement, now, seen=mode == "seen")


def _asked(mode: str) -> dict[str, Any]:
    """What the agent says to its hook. Raises UsageError where a person is asked for and none is there."""
    if mode == "seen" and not sys.stdin.isatty():
        raise UsageError("--seen is said by a person, at a terminal.")
    if mode != "stop-hook":
        return {}
    try:
        found = json.loads(sys.stdin.read(1 << 20) or "{}")
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


def _answer(judgement: Judgement, *, again: bool) -> dict[str, str]:
    """What a Stop hook answers: the agent goes on once for what it made worse, and stops where a person has to look."""
    text = "\n".join(visible(line) for line in told(judgement))
    if not text:
        return {}
    if judgement.person or again:
        return {"systemMessage": f"interlock gate: {text}"}
    return {"decision": "block", "reason": text}


def _said(judgement: Judgement, now: Iteration, *, seen: bool) -> int:
    click.echo(f"iteration {judgement.number}, {judgement.alone} without a person")
    for stage, count in sorted(now.counted().items()):
        click.echo(f"  {stage:<14}{count}")
    for line in told(judgement):
        click.echo(visible(line))
    if seen:
        click.echo("A person has looked: the count begins anew.")
        return 0
    if judgement.blocks:
        return 11
    return 10 if told(judgement) else 0


class _Kept:
    """The iterations of one working tree against one base, in a file of our own that no agent may touch."""

    def __init__(self, folder: Path, directory: str, base: str) -> None:
        name = hashlib.sha256(f"{directory}\0{base}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._file = folder / f"{name}.json"

    def read(self) -> list[Iteration]:
        """In their order. Raises StateError where the file is there and cannot be read: the best would be forgotten."""
        try:
            with self._file.open("rb") as file:
                return msgspec.json.decode(file.read(_SIZE), type=list[Iteration])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise StateError(f"{self._file} cannot be read: {error}. Remove it to begin anew.") from error

    def write(self, earlier: list[Iteration], now: Iteration) -> None:
        """Add one; the same tree again takes the place of the last."""
        same = bool(earlier) and (earlier[-1].tree, earlier[-1].fork) == (now.tree, now.fork)
        if same:
            now = msgspec.structs.replace(now, seen=now.seen or earlier[-1].seen)
        chain = [one for one in (earlier[:-1] if same else earlier) if one.fork == now.fork]
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_bytes(msgspec.json.encode([*chain, now][-_KEPT:]))
            os.replace(new, self._file)
        except OSError as error:
            raise StateError(f"cannot write {self._file}: {error.strerror}.") from error
