"""What is measured of a change for its risk: size, spread, the history of its files, doubts. Numbers, and no opinion.

History is read with git at the protected base: what the change says of itself (its messages) counts as a claim.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from interlock.changes.change import Change, FileChange
from interlock.changes.finding import Result, Weight
from interlock.changes.provenance.claims import claims
from interlock.changes.repo import Repo
from interlock.changes.risk.score import logit
from interlock.changes.shapes import is_test

FIX = re.compile(
    r"(?i)\b(?:(?:bug|hot)?-?fix(?:e[sd]|ing)?|bugs?|defects?|regressions?|crash(?:e[sd])?|broken?|mend(?:s|ed)?"
    r"|revert(?:s|ed)?|repair(?:s|ed)?)\b"
)
_DAY = 86_400
_COMMITS = 2_000  # of history that are looked at
SOURCE = re.compile(r"\.(?:pyi?|[cm]?[jt]sx?|go|rs|java|kt|rb|php|cc?|cpp|hpp?|cs|swift|scala|sh|sql)$")


class Past(msgspec.Struct, frozen=True):
    """One commit that touched files of the change: when (seconds), who, whether it says that it mends something."""

    when: int
    author: str
    fixes: bool
    files: tuple[str, ...]


def of(
    change: Change, results: Sequence[Result], past: list[Past], messages: list[tuple[str, str]]
) -> dict[str, float]:
    """Measure -> number. `messages`: author and message of each of the change's commits."""
    lines = Counter({file.path: touched(file) for file in change.files})
    numbers = sizes(lines, [file.path for file in change.files])
    now = max((one.when for one in past), default=0)
    numbers |= history(past, {file.old_path for file in change.files}, now)
    found = [f for result in results for f in result.findings if not f.waived]
    areas = any(result.facts.get("areas") for result in results if result.stage == "scope")
    numbers |= {
        "sensitive": float(areas),
        "reviews": float(sum(f.weight is Weight.REVIEW for f in found)),
        "blocks": float(sum(f.weight is Weight.BLOCK for f in found)),
        "unjudged": float(len(change.problems) + sum(len(result.problems) for result in results)),
        "commits": float(len(messages)),
        "agent": float(any(claims(author, message) for author, message in messages)),
    }
    return numbers


def ordered(change: Change, results: Sequence[Result], past: list[Past]) -> tuple[str, ...]:
    """The files of the change, the riskiest first: by what was found in them, their history and their size."""
    now = max((one.when for one in past), default=0)
    found: dict[str, Counter[Weight]] = defaultdict(Counter)
    for finding in (f for result in results for f in result.findings if not f.waived):
        found[finding.path][finding.weight] += 1
    scores = {}
    for file in change.files:
        numbers = sizes(Counter({file.path: touched(file)}), [file.path]) | history(past, {file.old_path}, now)
        mine = found[file.path]
        numbers |= {"blocks": float(mine[Weight.BLOCK]), "reviews": float(mine[Weight.REVIEW])}
        scores[file.path] = logit(numbers)
    return tuple(sorted(scores, key=lambda path: (-scores[path], path)))


def touched(file: FileChange) -> int:
    """Lines that come and lines that go."""
    return sum(len(hunk.new) + len(hunk.old) for hunk in file.hunks)


def sizes(lines: Counter[str], paths: list[str]) -> dict[str, float]:
    """Size and spread."""
    total = sum(lines.values())
    shares = [count / total for count in lines.values() if count] if total else []
    spread = -sum(share * math.log2(share) for share in shares)
    code = [path for path in paths if SOURCE.search(path) and not is_test(path)]
    return {
        "lines": float(total),
        "files": float(len(paths)),
        "folders": float(len({path.rpartition("/")[0] for path in paths})),
        "entropy": spread / math.log2(len(shares)) if len(shares) > 1 else 0.0,
        "untested": float(bool(code) and not any(is_test(path) for path in paths)),
    }


def history(past: list[Past], paths: set[str], now: int) -> dict[str, float]:
    """What happened to these files before `now` (seconds)."""
    mine = [one for one in past if paths.intersection(one.files)]
    last = max((one.when for one in mine), default=None)
    return {
        "churn": float(sum(now - one.when < 90 * _DAY for one in mine)),
        "fixes": float(sum(one.fixes for one in mine)),
        "authors": float(len({one.author for one in mine})),
        "young": float(last is None or now - last < 7 * _DAY),
    }


def past(repo: Repo, commit: str) -> list[Past]:
    """The history before a commit, newest first, without merges; at most 2,000 commits."""
    raw = repo.call(
        "log", "--no-merges", f"-n{_COMMITS}", "--name-only", "-z", "--format=%x01%ct%x02%aE%x02%s%x02", commit
    )
    found = []
    for block in raw.decode("utf-8", "replace").split("\x01")[1:]:
        when, author, subject, names = block.split("\x02", 3)
        files = tuple(name.strip("\n") for name in names.split("\0") if name.strip("\n"))
        found.append(Past(int(when), author, bool(FIX.search(subject)), files))
    return found


def messages(repo: Repo, fork: str, head: str) -> list[tuple[str, str]]:
    """Author and message of each commit of a change."""
    raw = repo.call("log", "--no-merges", "-n500", "-z", "--format=%an <%aE>%x02%B", f"{fork}..{head}")
    rows = [row.split("\x02", 1) for row in raw.decode("utf-8", "replace").split("\0") if "\x02" in row]
    return [(row[0], row[1]) for row in rows]
