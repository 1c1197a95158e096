"""Fits the risk score to a repository's own history, and shows how reliable it is there.

python scripts/risk.py REPOSITORY [COMMITS]

A commit is *bad* when a later one that says that it mends something took out lines which it had put in (the idea of
SZZ: `git blame` of the lines that a fix removes). Slope and offset are fitted to the older two thirds and scored on the
newer third. What findings and stages add to the score is not known of old commits and counts as nothing here.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import NamedTuple

from interlock.changes.repo import Repo
from interlock.changes.risk import measures
from interlock.changes.risk.score import calibrated, logit, probability
from interlock.model.errors import OperatorError

_BINS = 5


class Commit(NamedTuple):
    """One commit: its name, time, author, whether it says that it mends something, and lines by file."""

    name: str
    when: int
    author: str
    fixes: bool
    lines: Counter[str]


def commits(repo: Repo, most: int) -> list[Commit]:
    """The history, oldest first."""
    raw = repo.call("log", "--no-merges", f"-n{most}", "--numstat", "--format=%x01%H%x02%ct%x02%aE%x02%s%x02", "HEAD")
    found = []
    for block in raw.decode("utf-8", "replace").split("\x01")[1:]:
        name, when, author, subject, rest = block.split("\x02", 4)
        lines: Counter[str] = Counter()
        for row in rest.strip().split("\n"):
            words = row.split("\t")
            if len(words) == 3 and words[0].isdigit():
                lines[words[2]] = int(words[0]) + int(words[1])
        found.append(Commit(name, int(when), author, bool(measures.FIX.search(subject)), lines))
    return found[::-1]


def blamed(repo: Repo, fix: Commit) -> set[str]:
    """The commits whose lines a fix took out."""
    found: set[str] = set()
    patch = repo.call("show", "-U0", "--no-color", "--no-ext-diff", "--format=", fix.name).decode("utf-8", "replace")
    path = ""
    for line in patch.split("\n"):
        if line.startswith("--- "):
            path = line[6:] if line.startswith("--- a/") else ""
        elif path and (match := re.match(r"@@ -(\d+)(?:,(\d+))? ", line)) and match[2] != "0":
            first, count = int(match[1]), int(match[2] or 1)
            try:
                said = repo.call("blame", "-l", "-s", f"-L{first},+{count}", f"{fix.name}^", "--", path)
            except OperatorError:
                continue
            found.update(row.split(b" ")[0].lstrip(b"^").decode() for row in said.split(b"\n") if row)
    return found


def area(scores: list[float], bad: list[bool]) -> float:
    """Probability that a bad change scores above a good one (AUC)."""
    pairs = [(b, g) for b, x in zip(scores, bad, strict=True) if x for g, y in zip(scores, bad, strict=True) if not y]
    return sum((b > g) + (b == g) / 2 for b, g in pairs) / len(pairs) if pairs else float("nan")


def main() -> None:
    """Fit and show."""
    repo = Repo(sys.argv[1])
    history = commits(repo, int(sys.argv[2]) if len(sys.argv) > 2 else 3_000)
    bad = set[str]().union(*(blamed(repo, one) for one in history if one.fixes))
    past: list[measures.Past] = []
    raw: list[float] = []
    for one in history:
        numbers = measures.sizes(one.lines, list(one.lines)) | measures.history(past, set(one.lines), one.when)
        raw.append(logit(numbers))
        past.append(measures.Past(one.when, one.author, one.fixes, tuple(one.lines)))
    labels = [one.name in bad for one in history]
    cut = len(history) * 2 // 3
    say = sys.stdout.write
    say(f"{len(history)} commits, {sum(one.fixes for one in history)} fixes, {sum(labels)} blamed by them\n")
    try:
        offset, slope = calibrated(raw[:cut], labels[:cut])
    except ValueError as error:
        say(f"not fitted: {error}\n")
        return
    chance = [probability(x, offset, slope) for x in raw[cut:]]
    truth = labels[cut:]
    brier = sum((p - t) ** 2 for p, t in zip(chance, truth, strict=True)) / len(chance)
    rate = sum(truth) / len(truth)
    say(f"newer third: AUC {area(chance, truth):.3f}, Brier {brier:.4f} (a constant: {rate * (1 - rate):.4f})\n\n")
    say("| predicted | commits | mean predicted | bad |\n|---|---|---|---|\n")
    order = sorted(zip(chance, truth, strict=True))
    for number in range(_BINS):
        part = order[len(order) * number // _BINS : len(order) * (number + 1) // _BINS]
        if part:
            mean, share = (sum(pair[side] for pair in part) / len(part) for side in (0, 1))
            say(f"| {part[0][0]:.3f} to {part[-1][0]:.3f} | {len(part)} | {mean:.3f} | {share:.3f} |\n")
    say(f"\n[risk]\noffset = {offset:.3f}\nslope = {slope:.3f}\n")


if __name__ == "__main__":
    main()
