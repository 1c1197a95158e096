"""What would change: counted over the recorded actions, with examples that a person can look up."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from interlock.model.decision import Verdict
from interlock.model.errors import PolicyError
from interlock.replay.again import Again, Answer, Said, recorded
from interlock.replay.parquet import Group

# What an entry names where something else than policy said no: other rules would not have changed that.
NOT_POLICY = frozenset(
    {"halt", "grant-revoked", "approved-then-changed", "reader-failed", "outside-token", "unreadable"}
)
EXAMPLES = 3  # of each change


@dataclass
class Moved:
    """Actions that had one answer and would get another."""

    before: Answer
    after: Answer
    count: int = 0
    rules: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=Counter)
    examples: list[int] = field(default_factory=list)  # entries, the newest

    def add(self, group: Group, was: tuple[str, ...], now: tuple[str, ...]) -> None:
        """Count a group, and the rules behind both answers."""
        self.count += group.count
        self.rules[was, now] += group.count
        heapq.heappush(self.examples, group.example)
        if len(self.examples) > EXAMPLES:
            heapq.heappop(self.examples)


@dataclass
class Replayed:
    """The sum over all groups. An action is in exactly one of `replayed`, `older`, `cut`, `unread` and `otherwise`."""

    replayed: int = 0
    older: int = 0  # recorded before entries held what policy was asked
    cut: int = 0  # more effects than the entry had room for
    unread: int = 0  # words that this version does not know
    otherwise: int = 0  # stopped by something else than policy
    shortened: int = 0  # of the replayed, those with a name of which the entry may not hold all
    lapsed: int = 0  # let through by a grant, which lapses under other rules: a question again
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    moved: dict[tuple[Answer, Answer], Moved] = field(default_factory=dict)
    distinct: int = 0

    @property
    def prompts_gained(self) -> int:
        """Actions that would be asked about, and were not."""
        return sum(m.count for m in self.moved.values() if _asked(m.after) and not _asked(m.before))

    @property
    def prompts_lost(self) -> int:
        """Actions that were asked about, and would not be."""
        return sum(m.count for m in self.moved.values() if _asked(m.before) and not _asked(m.after))

    def changes(self) -> list[Moved]:
        """What moved, the loosened first, then by number."""
        order = list(self.moved.values())
        return sorted(order, key=lambda m: (m.before.weight < m.after.weight, -m.count, m.before, m.after))


def replay(groups: Iterable[Group], again: Again, older: Again | None = None) -> Replayed:
    """Judge every group and sum up: against what was recorded or, with `older`, against what that would have said."""
    total = Replayed()
    for group in groups:
        _add(total, group, again, older)
    total.distinct = again.distinct
    return total


def _add(total: Replayed, group: Group, again: Again, older: Again | None) -> None:
    if not NOT_POLICY.isdisjoint(group.rules or ()):
        total.otherwise += group.count
        return
    if group.asked is None:
        total.older += group.count
        return
    if group.left_out:
        total.cut += group.count
        return
    try:
        said = again.action(group.asked, group.inside, group.who)
        was = older.action(group.asked, group.inside, group.who) if older is not None else _recorded(group)
    except PolicyError:
        total.unread += group.count
        return
    before = was.answer
    total.replayed += group.count
    total.shortened += group.count * again.shortened(group.asked, group.inside)
    total.before[before.verdict] += group.count
    total.after[said.answer.verdict] += group.count
    if said.answer == before:
        return
    if older is None and group.granted and _asked(said.answer):
        total.lapsed += group.count
    key = (before, said.answer)
    if key not in total.moved:
        total.moved[key] = Moved(*key)
    total.moved[key].add(group, was.rules, said.rules)


def _recorded(group: Group) -> Said:
    return Said(recorded(group.verdict, group.tier), tuple(group.rules or ()))


def _asked(answer: Answer) -> bool:
    return answer.verdict is Verdict.ASK
