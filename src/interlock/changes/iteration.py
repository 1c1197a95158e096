"""Whether an agent's work on the same code grows worse from one iteration to the next. Pure.

Each iteration is measured against the last tree that people approved (where the branch parted), never against the
iteration before it: guards that go one by one would hide in small steps. It is then compared with the best one so far.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from interlock.changes.change import Change, Kind, Version
from interlock.changes.finding import Finding, Result, Weight, fresh
from interlock.changes.functions import language

# What says how safe the code is. `scope` says where a change is, which is no worse the second time.
STAGES = ("checks", "guards", "secrets", "dependencies", "static", "privilege")
ALONE = 3  # iterations without a person
_HEAVY = {Weight.BLOCK: 10, Weight.REVIEW: 3, Weight.NOTE: 0}
_MORE = 1.25  # a function that has so many times the branches
_FEW = 10  # branches that nobody minds
_BRANCHES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.BoolOp, ast.IfExp, ast.comprehension,
    ast.match_case,
)  # fmt: skip


class Iteration(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the code: what is found in it that the approved tree does not have, and how branched it is."""

    fork: str  # the approved tree's commit
    tree: str
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    branches: dict[str, int] = {}  # `path function` -> how many
    seen: bool = False  # a person looked at it

    @property
    def score(self) -> int:
        """How bad it is; 0 is as good as the approved tree."""
        return sum(_HEAVY[f.weight] for f in self.findings) + len(self.problems)

    def counted(self) -> dict[str, int]:
        """Findings that weigh, by the stage that found them."""
        return dict(Counter(f.rule.partition("/")[0] for f in self.findings if f.weight is not Weight.NOTE))


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of the newest iteration."""

    number: int  # from 1, since the approved tree
    alone: int  # iterations since a person looked
    worse: tuple[Finding, ...] = ()  # what the best earlier iteration does not have
    grown: tuple[str, ...] = ()  # functions that are much more branched than in the best
    problems: tuple[str, ...] = ()
    best: int = 0  # its number; 0 is the approved tree itself
    again: bool = False  # an earlier tree came back: the agent goes in circles
    person: bool = False  # a person has to look before it goes on

    @property
    def blocks(self) -> bool:
        """Whether something that stops a change is among what is worse."""
        return any(f.weight is Weight.BLOCK for f in self.worse)


def measured(change: Change, results: Iterable[Result]) -> Iteration:
    """The state that a change leads to, by the answers of `STAGES`."""
    results = list(results)
    return Iteration(
        fork=change.fork,
        tree=change.trees["head"],
        findings=tuple(f for r in results for f in r.findings if not f.waived),
        problems=tuple(f"{r.stage}: {problem}" for r in results for problem in r.problems),
        branches={
            name: count
            for file in change.files
            if file.after is not None and language(file.path) == "python"
            for name, count in _branches(file.after).items()
        },
    )


def judged(earlier: Sequence[Iteration], now: Iteration, *, alone: int = ALONE) -> Judgement:
    """Compare the newest iteration with the best one before it.

    Args:
        earlier: those before, in their order; those of another approved tree are left out.
        now: the newest. The tree of the last one again is that one looked at anew.
        alone: iterations that may pass without a person.
    """
    chain = [one for one in earlier if one.fork == now.fork]
    if chain and chain[-1].tree == now.tree:
        chain.pop()
    ground = Iteration(fork=now.fork, tree="")
    best = min([ground, *chain], key=lambda one: one.score) if chain else ground
    number = next((n for n, one in enumerate(chain, start=1) if one is best), 0)
    last_seen = max((n for n, one in enumerate(chain, start=1) if one.seen), default=0)
    since = len(chain) + 1 - last_seen
    again = any(one.tree == now.tree for one in chain)
    worse = tuple(f for f in fresh(best.findings, now.findings) if f.weight is not Weight.NOTE)
    return Judgement(
        number=len(chain) + 1, alone=since, worse=worse, grown=tuple(_grown(best, chain, now)),
        problems=tuple(p for p in now.problems if p not in best.problems), best=number, again=again,
        person=since > alone or again,
    )  # fmt: skip


def _grown(best: Iteration, chain: Sequence[Iteration], now: Iteration) -> list[str]:
    """Functions that have a quarter more branches than in the iteration where they had fewest."""
    least: dict[str, int] = {}
    for one in (best, *chain):
        for name, count in one.branches.items():
            least[name] = min(count, least.get(name, count))
    return [
        f"{name} has {count} branches; it had {least[name]}"
        for name, count in sorted(now.branches.items())
        if name in least and count > _FEW and count > _MORE * least[name]
    ]


def _branches(side: Version) -> dict[str, int]:
    if side.kind is not Kind.TEXT:
        return {}
    try:
        tree = ast.parse(side.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}  # a stage says that it does not parse
    return {
        f"{side.path} {node.name}": sum(isinstance(part, _BRANCHES) for part in ast.walk(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def told(judgement: Judgement) -> list[str]:
    """The sentences for the agent: what it lost, and what to do. Never a score, which would be worked at instead."""
    ground = f"iteration {judgement.best}" if judgement.best else "the approved code"
    lines = []
    if judgement.worse or judgement.grown or judgement.problems:
        lines.append(f"This is worse than {ground}:")
    lines += [f"- {found.place} {found.title} {found.fix} [{found.rule}]" for found in judgement.worse]
    lines += [f"- {text}" for text in (*judgement.grown, *judgement.problems)]
    if judgement.again:
        lines.append(f"This state was there before: the work goes in circles. Go back to {ground} and ask a person.")
    elif judgement.person:
        lines.append(f"{judgement.alone} iterations have passed without a person. Stop here and ask one to look.")
    return lines
