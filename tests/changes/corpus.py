"""The planted suite: mistakes as agents make them, and harmless changes that look like them, as data in `planted/`.

Half of the cases (by the digest of their name) is for looking at while rules are written; the other is only scored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from changes.making import commit, git, repository
from interlock.changes.change import Change
from interlock.changes.finding import Finding, Verdict, Weight, worst
from interlock.changes.intake import take
from interlock.changes.repo import Repo
from interlock.changes.stages import stages

FOLDER = Path(__file__).parent / "planted"


class Case(NamedTuple):
    """One change: edits are (path, what goes, what comes); None comes where the file goes."""

    name: str
    kind: str
    bad: bool
    base: str
    edits: tuple[tuple[str, str, str | None], ...]

    @property
    def held(self) -> bool:
        """Whether it belongs to the half that nobody looks at."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def base(name: str) -> dict[str, str]:
    """Files of one of the projects that the cases change."""
    folder = FOLDER / "bases" / name
    return {str(p.relative_to(folder)).removesuffix(".txt"): p.read_text() for p in folder.rglob("*.txt")}


def cases() -> Iterator[Case]:
    """All of them."""
    for file in sorted(FOLDER.glob("*.txt")):
        project, _, kind = file.stem.partition("-")
        for block in file.read_text().split("\n== ")[1:]:
            head, *lines = block.rstrip("\n").split("\n")
            name, _, what = head.partition(" | ")
            yield Case(f"{file.stem}/{name}", what, kind == "bad", project, tuple(_edits(lines)))


def _edits(lines: list[str]) -> Iterator[tuple[str, str, str | None]]:
    path, old, new = "", [], []
    for line in [*lines, "@ "]:
        if line.startswith(("@ ", "@x ")):
            if path:
                yield path, "\n".join(old), "\n".join(new)
            old, new = [], []
            path = line[2:]
            if line.startswith("@x "):
                yield line[3:], "", None
                path = ""
        elif line.startswith("-"):
            old.append(line[1:])
        else:
            new.append(line[1:])


def applied(case: Case) -> dict[str, str | None]:
    """The files after the change. Raises AssertionError for a case whose text does not fit its project."""
    files: dict[str, str | None] = dict(base(case.base))
    out: dict[str, str | None] = {}
    for path, old, new in case.edits:
        was = files.get(path)
        if new is None:
            out[path] = files[path] = None
        elif old:
            assert was is not None, f"{case.name}: {path} is not there"
            assert was.count(old) >= 1, f"{case.name}: {old!r} is not in {path}"
            out[path] = files[path] = was.replace(old, new, 1)
        else:
            out[path] = files[path] = (was or "") + new + "\n"
    return out


class Yard:
    """One repository a project, in which each case is a branch of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, dict[str, Path]()

    def change(self, case: Case) -> Change:
        """The case as the gate's intake sees it."""
        where = self._made.get(case.base)
        if where is None:
            where = self._made[case.base] = repository(self._folder / case.base, dict(base(case.base)))
        git(where, "checkout", "-q", "-f", "main")
        git(where, "checkout", "-q", "-B", "work")
        commit(where, dict(applied(case)), case.name)
        return take(Repo(str(where)), "main", "work", today="2026-11-01")


def stopped(change: Change) -> bool:
    """Whether any stage lets it not pass. The slowest, which walks, is asked last, and often no more."""
    in_order = sorted(stages(), key=lambda stage: stage.name == "formal")
    answers = (stage.run(change) for stage in in_order)
    return any(one.problems or any(f.weight is not Weight.NOTE for f in one.findings) for one in answers)


def judge(change: Change) -> tuple[Verdict, list[Finding]]:
    """Every stage in this process: the same answers as the conductor's, without a process for each."""
    found = [stage.run(change) for stage in stages()]
    findings = [f for one in found for f in one.findings]
    weights = {Weight.BLOCK: Verdict.BLOCK, Weight.REVIEW: Verdict.INCONCLUSIVE, Weight.NOTE: Verdict.PASS}
    problems = [Verdict.INCONCLUSIVE for one in found for _ in one.problems]
    return worst([*(weights[f.weight] for f in findings), *problems]), findings
