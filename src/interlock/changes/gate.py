"""The whole gate, from a range of commits to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from interlock.changes.cache import Cache
from interlock.changes.change import Change
from interlock.changes.conduct import conduct
from interlock.changes.decide import Report, decide
from interlock.changes.finding import Result
from interlock.changes.intake import take
from interlock.changes.passkeyreview import inside
from interlock.changes.repo import Repo
from interlock.changes.risk import measures
from interlock.changes.risk.score import Risk, risk
from interlock.changes.stage import Late
from interlock.changes.stages import stages


class Known(NamedTuple):
    """What an installation knows beside a repository.

    `freezes`: the reasons of those in force; under one, less of a risk is enough for a person to look. `withdrawn`:
    gives the ids of people's keys that count no more; asked where people sign reviews.
    """

    freezes: tuple[str, ...] = ()
    withdrawn: Callable[[], frozenset[str]] = frozenset


NOTHING = Known()


def judge(
    repo: Repo,
    base: str,
    head: str,
    *,
    names: Sequence[str] = (),
    cache: Path | None = None,
    today: str = "",
    known: Known = NOTHING,
    told: Callable[[Result], None] = lambda _: None,
) -> Report:
    """Judge what lies between `base` and `head`.

    Args:
        repo: where.
        base: the protected side: its configuration, baseline and waivers are in force.
        head: the change's last commit.
        names: only these stages; the report is then partial.
        cache: directory of earlier results; None does without.
        today: an ISO date, for waivers.
        known: what this installation knows beside the repository.
        told: hears of each stage's result as it comes.

    Raises:
        OperatorError: the change could not be taken in, or the configuration of the base cannot be used.
    """
    started = time.monotonic()
    chosen = stages(names)
    change = take(repo, base, head, today=today)
    if change.config.reviewer or (change.config.review and _by_passkey(change)):
        change.withdrawn = known.withdrawn()
    kept = Cache(cache) if cache else None
    results = conduct(change, [one for one in chosen if not isinstance(one, Late)], cache=kept, told=told)
    scored = None if names else _risk(repo, change, results, known.freezes)
    last = [one.knowing(scored) for one in chosen if isinstance(one, Late)]
    results += conduct(change, last, cache=kept, told=told)
    return decide(change, results, seconds=time.monotonic() - started, partial=bool(names), risk=scored)


def _by_passkey(change: Change) -> bool:
    """Whether somebody signed a review of the change's last commit with a passkey, or so a note says."""
    last = (one.reviews for one in change.commits if one.name == change.head)
    return any(inside(line) is not None for raw in last for line in (raw or b"").splitlines())


def _risk(repo: Repo, change: Change, results: Sequence[Result], freezes: tuple[str, ...]) -> Risk:
    """The score; history is that of the side that the change parted from."""
    past = measures.past(repo, change.fork)
    numbers = measures.of(change, results, past, measures.messages(repo, change.fork, change.head))
    return risk(numbers, change.config.risk, measures.ordered(change, results, past), freezes)
