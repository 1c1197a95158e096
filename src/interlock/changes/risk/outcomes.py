"""What became of a repository's past commits, and what the score's measures were of them: what a model is fitted to.

A commit is *bad* when somebody says that it caused an incident, or, where nobody keeps such a list, when a later commit
that says that it mends something took out lines of code which it had put in (the idea of SZZ: `git blame` of the lines
that a fix removes). What findings and stages add to the score is not known of old commits and counts as nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from interlock.changes.config import matches
from interlock.changes.repo import Repo
from interlock.changes.risk import measures
from interlock.changes.shapes import is_test
from interlock.changes.stages.scope import areas
from interlock.model.errors import NotFound, OperatorError, UsageError

DAY = 86_400  # seconds
MOST = 3_000  # commits that are looked at, the newest
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? ")
_SILENT = re.compile(r"\s*(?:#|//|\*|/\*|\"\"\"|$)")  # lines that say nothing to a machine
_BLAME = re.compile(r"([0-9a-f]{40,64}) \d+ \d+")
_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{40,64})\b", re.MULTILINE)
_AT_ONCE = 400  # lines of one fix that are blamed: a larger one rewrites, and mends no one line


class Commit(NamedTuple):
    """One commit: its name, time (seconds), author, whether it says that it mends something, and lines by file."""

    name: str
    when: int
    author: str
    fixes: bool
    lines: Counter[str]


def commits(repo: Repo, most: int = MOST) -> list[Commit]:
    """The history of HEAD without merges, oldest first."""
    raw = repo.call("log", "--no-merges", f"-n{most}", "--numstat", "--format=%x01%H%x02%ct%x02%aE%x02%s%x02", "HEAD")
    found = []
    for block in raw.decode("utf-8", "replace").split("\x01")[1:]:
        name, when, author, subject, rest = block.split("\x02", 4)
        lines: Counter[str] = Counter()
        for row in rest.strip().split("\n"):
            words = row.split("\t")
            if len(words) == 3 and words[0].isdigit():
                lines[_now(words[2])] = int(words[0]) + int(words[1])
        found.append(Commit(name, int(when), author, bool(measures.FIX.search(subject)), lines))
    return found[::-1]


def _now(path: str) -> str:
    """The name that a file has after the commit, where git says `old => new`."""
    old, arrow, new = path.rpartition(" => ")
    if not arrow:
        return path
    before, brace, _ = old.rpartition("{")
    inside, close, after = new.partition("}")
    return f"{before}{inside}{after}".replace("//", "/") if brace and close else new


def measured(history: list[Commit]) -> list[dict[str, float]]:
    """The measures of each commit, from those before it: as the gate takes them of a change of one commit."""
    past: list[measures.Past] = []
    found = []
    for one in history:
        paths = list(one.lines)
        now = past[-1].when if past else 0
        numbers = measures.sizes(one.lines, paths) | measures.history(past, set(paths), now)
        numbers |= {"commits": 1.0, "sensitive": float(any(_sensitive(path) for path in paths))}
        found.append(numbers)
        past.append(measures.Past(one.when, one.author, one.fixes, tuple(paths)))
    return found


def _sensitive(path: str) -> bool:
    return any(matches(path, area.paths) for area in areas())


def mended(repo: Repo, history: list[Commit], days: float) -> set[str]:
    """The commits that a fix within so many days took lines out of."""
    when = {one.name: one.when for one in history}
    found = set()
    for fix in (one for one in history if one.fixes):
        found |= {name for name in blamed(repo, fix.name) if fix.when - when.get(name, -1 << 60) <= days * DAY}
    return found & set(when)


def blamed(repo: Repo, fix: str) -> set[str]:
    """The commits whose lines of code a fix took out: not tests, no comments, nothing of a fix that rewrites."""
    words = ("-U0", "-w", "--no-color", "--no-ext-diff", "--no-renames", "--src-prefix=a/", "--format=", fix)
    patch = repo.call("show", *words).decode("utf-8", "replace")
    spans: dict[str, list[str]] = {}
    path, left = "", _AT_ONCE
    for line in patch.split("\n"):
        if line.startswith("--- "):
            path = line[6:] if line.startswith("--- a/") and counts(line[6:]) else ""
        elif path and (match := _HUNK.match(line)) and match[2] != "0":
            count = int(match[2] or 1)
            left -= count
            spans.setdefault(path, []).append(f"-L{match[1]},+{count}")
    if left < 0:
        return set()
    return set[str]().union(*(_lines(repo, fix, path, where) for path, where in spans.items()))


def counts(path: str) -> bool:
    """Whether a file's lines can be to blame: source, and no test."""
    return bool(measures.SOURCE.search(path)) and not is_test(path)


def _lines(repo: Repo, fix: str, path: str, spans: list[str]) -> set[str]:
    """Who put in these lines of the version before the fix; empty ones and comments are nobody's."""
    try:
        said = repo.call("blame", "-w", "--porcelain", *spans, f"{fix}^", "--", path)
    except OperatorError:  # a file that git cannot follow is nobody's
        return set()
    found, name = set(), ""
    for row in said.decode("utf-8", "replace").split("\n"):
        if row.startswith("\t"):
            if not _SILENT.match(row[1:]):
                found.add(name)
        elif match := _BLAME.match(row):
            name = match[1]
    return found


def reverted(repo: Repo, most: int = MOST) -> dict[str, str]:
    """Commit -> the commit that took it back, as `git revert` writes into its message.

    A revert that was reverted itself took nothing back.
    """
    raw = repo.call("log", f"-n{most}", "-z", "--grep=^This reverts commit ", "--format=%H%x02%B", "HEAD")
    found: dict[str, str] = {}
    for row in raw.decode("utf-8", "replace").split("\0"):  # the newest first
        name, _, message = row.partition("\x02")
        if name not in found:
            found |= {wrong: name for wrong in _REVERTS.findall(message) if wrong not in found}
    return found


def incidents(repo: Repo, text: str) -> set[str]:
    """The commits that a team's list of incidents names, one a line; what follows a name is for people, `#` begins a
    comment. `fix NAME` names the commit that ended one: what it took out is to blame.

    Raises:
        UsageError: a line names no commit of this repository.
    """
    found: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        ended = words[0] == "fix" and len(words) > 1
        try:
            name = repo.commit(words[1] if ended else words[0])
        except NotFound as error:
            raise UsageError(f"line {number} of the incidents: {error}") from error
        found |= blamed(repo, name) if ended else {name}
    return found
