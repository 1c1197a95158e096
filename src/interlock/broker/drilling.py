"""Drills for those who approve: bad questions among the real ones, which nobody will ever run.

A drill's question is judged and drawn like any other, from a command that an agent could have wanted. Its digest is
random, so no action can ever use a yes to it. Which questions are drills is committed to in the ledger before they are
asked, and revealed when the drill ends: a reviewer cannot know, and nobody can choose afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from interlock.approvals.machine import OPEN, State
from interlock.approvals.queue import Queue
from interlock.approvals.request import Request
from interlock.broker import card
from interlock.broker.clock import Clock, stamp
from interlock.broker.config import Config
from interlock.broker.envelope import Envelope, canonical
from interlock.broker.judge import Judgement
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.model.errors import Refused
from interlock.model.fingerprint import fingerprint
from interlock.preview.look import Preview

BEGUN = "drill.begin"
ENDED = "drill.end"
MOST = 10  # questions in one drill

Record = Callable[[str, dict[str, Any]], Awaitable[int]]
Judge = Callable[[Action], Judgement]


class Score(msgspec.Struct, frozen=True):
    """How a drill came out: per reviewer how many were met and how many approved; and what nobody answered."""

    reviewers: dict[str, tuple[int, int]]
    unanswered: int


class _Drill(msgspec.Struct, frozen=True):
    salt: str
    digests: tuple[str, ...]
    requests: tuple[int, ...]


class Drills:
    """One drill at a time. A daemon that stops forgets which it was: that drill counts for nothing."""

    def __init__(self, queue: Queue, record: Record, clock: Clock) -> None:
        self._queue = queue
        self._record = record
        self._clock = clock
        self._running: _Drill | None = None

    async def begin(self, by: str, count: int, where: Principal, workspace: str, judge: Judge, config: Config) -> int:
        """Ask `count` bad questions as the agent `where` would. Returns the entry that commits to them.

        Raises Refused while another drill runs, or where none of the bad questions would be asked here.
        """
        if self._running is not None:
            raise Refused("a drill is under way. `interlock reviewers end` ends and scores it.")
        drafts = self._drafts(count, where, workspace, judge, config)
        salt, digests = secrets.token_hex(16), tuple(draft.digest for draft in drafts)
        # What is committed to is fixed before anybody is asked; who asks first in the same moment loses.
        self._running = _Drill(salt, digests, ())
        try:
            index = await self._record(BEGUN, {"by": by, "count": len(drafts), "commitment": commitment(salt, digests)})
            asked = [(await self._queue.ask(draft)).id for draft in drafts]
        except BaseException:
            self._running = None
            raise
        self._running = _Drill(salt, digests, tuple(asked))
        return index

    async def end(self, by: str) -> Score:
        """Take back what is open, reveal which they were, and score the answers. Raises Refused where none runs."""
        drill = self._running
        if drill is None:
            raise Refused("no drill is under way. `interlock reviewers drill` begins one.")
        self._running = None
        ended = [self._queue.get(number) for number in drill.requests]
        score = _scored(ended)
        await self._record(
            ENDED,
            {
                "by": by,
                "salt": drill.salt,
                "digests": list(drill.digests),
                "reviewers": {name: list(counts) for name, counts in score.reviewers.items()},
                "unanswered": score.unanswered,
            },
        )
        await self._queue.withdraw(lambda request: request.id in drill.requests, "it was a drill")
        return score

    def _drafts(self, count: int, where: Principal, workspace: str, judge: Judge, config: Config) -> list[Request]:
        now = self._clock.now()
        times = (stamp(now), stamp(now + config.decide_seconds))
        found: list[Request] = []
        for text, claim in secrets.SystemRandom().sample(bad_questions(), len(bad_questions())):
            tool_input = {"command": text, "description": claim}
            action = Action(tool="Bash", input=tool_input, cwd=workspace, principal=where)
            judged = judge(action)
            if judged.decision.verdict is not Verdict.ASK:
                continue
            digest = secrets.token_bytes(32)
            envelope = Envelope(digest=digest.hex(), fingerprint=fingerprint(digest))
            seen = card.Looked(Preview())
            draft = card.drafted(
                action, judged, envelope, seen, config, workspace=workspace, times=times, store=self._queue.store
            )
            found.append(msgspec.structs.replace(draft, grantable=()))
            if len(found) == count:
                return found
        if not found:
            raise Refused("none of the bad questions would be asked here: the rules stop them all by themselves.")
        return found


def bad_questions() -> list[tuple[str, str]]:
    """Commands that a reviewer should refuse, each with what an agent would say of it."""
    raw = files("interlock.broker").joinpath("drills.toml").read_bytes()
    return [(one["command"], one["claim"]) for one in tomllib.loads(raw.decode())["question"]]


def commitment(salt: str, digests: Sequence[str]) -> str:
    """What the ledger holds of a drill before it ends: SHA-256 over salt and digests."""
    return hashlib.sha256(canonical([salt, list(digests)])).hexdigest()


def _scored(requests: Sequence[Request]) -> Score:
    met: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    unanswered = 0
    for request in requests:
        if request.state in OPEN and not request.votes:
            unanswered += 1
        elif request.state is State.DENIED:
            met[request.decided_by] += 1
        for vote in request.votes:
            met[vote.name] += 1
            missed[vote.name] += 1
    return Score({name: (count, missed[name]) for name, count in met.items()}, unanswered)
