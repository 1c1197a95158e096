"""How many reversed security fixes the guards' stage stops or hands to a person, and how many ordinary changes.

    python benchmarks/guards/score.py DIRECTORY [--held] [--signs] [--misses] [--stages]

DIRECTORY is what `fetch.py` filled. A reversed fix is the change from the first fixed release of a package back to
the last vulnerable one, cut down to the files that the advisory or its fix names (`advisories.tsv`). An ordinary
change is one between adjacent releases of a project that releases nearly each commit (`ordinary.tsv`), whole, if it
touches at most TOUCHED source files; and each commit of this repository. With `--held` also releases that are one
commit by their project's changelog (`held/commits.tsv`). Words and weights were chosen while looking at the lists
beside this file; `--held` scores the projects of `held/`, of which nobody has looked at one. `--stages` asks
other stages of the gate as well, and says what each adds to the guards.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher, unified_diff
from fnmatch import fnmatch
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.guards.fetch import home, rows

from interlock.changes import shapes
from interlock.changes.change import Change, FileChange, Kind, Span, Version
from interlock.changes.config import Config
from interlock.changes.finding import Finding
from interlock.changes.finding import Weight as Told
from interlock.changes.formal import discharge
from interlock.changes.guards import files
from interlock.changes.guards.guard import Function, Unreadable
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Loss
from interlock.changes.guards.weight import Weight, decided
from interlock.changes.patch import Hunk
from interlock.changes.stages import checks, privilege, secrets
from interlock.changes.stricter import Stricter
from interlock.changes.taint import findings as flows

TOUCHED = 10
SMALL = 100  # changed lines: about what a commit changes, where a release may be several
ROOT = Path(__file__).parent.parent.parent
_TESTS = ("test", "tests", "__tests__", "spec", "examples", "docs", "node_modules")
_NO_SOURCE = (".d.ts", ".min.js", "_test.go", ".pyi", ".d.mts", ".d.cts")


@dataclass
class Case:
    """One change: paths with their text before and after."""

    name: str
    project: str
    before: dict[str, str]
    after: dict[str, str]
    judged: list[discharge.Judged] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Read both versions and compare them; what is proved to be as strong is none."""
        lost = losses(self._functions(self.before), self._functions(self.after))
        judged = [discharge.judged(one) for one in lost]
        self.judged = [one for one in judged if one.answer != "PROVED"]

    def _functions(self, texts: dict[str, str]) -> list[Function]:
        found: list[Function] = []
        for path, text in texts.items():
            try:
                found += files.functions(path, text)
            except Unreadable as problem:
                self.unread.append(str(problem))
        return found

    @property
    def lines(self) -> int:
        """Lines that are gone and lines that are new."""
        sides = ((self.before.get(p, ""), self.after.get(p, "")) for p in {*self.before, *self.after})
        told = (line for one, other in sides for line in unified_diff(one.splitlines(), other.splitlines(), n=0))
        return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in told)

    @property
    def flagged(self) -> bool:
        """Whether a person would have to look, or the change was stopped."""
        return bool(self.told)

    @property
    def found(self) -> list[Loss]:
        """What was lost, notes with it."""
        return [one.loss for one in self.judged]

    @property
    def told(self) -> list[Loss]:
        """What a person would have to look at, or stops the change."""
        return [one.loss for one in self.judged if decided(one.loss, looser=one.looser) is not Weight.NOTE]


def texts(folder: Path) -> dict[str, str]:
    """The sources of an unpacked version, tests left out; a wheel's files without `src/`."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        source = files.readable(name) and not name.endswith(_NO_SOURCE)
        if path.is_file() and source and not any(part in _TESTS for part in name.split("/")[:-1]):
            found[name] = path.read_bytes().decode("utf-8", "replace")
    return found


def changed(one: dict[str, str], other: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What differs, on both sides."""
    names = {n for n in {**one, **other} if one.get(n) != other.get(n)}
    return {n: t for n, t in one.items() if n in names}, {n: t for n, t in other.items() if n in names}


def reversed_fixes(root: Path, problems: list[str], *, held: bool, forward: bool = False) -> Iterator[Case]:
    """The advisories, as changes that bring the hole back; `forward`: that close it."""
    for advisory, registry, package, vulnerable, fixed, named in rows("advisories.tsv", held=held):
        old, new = home(root, registry, package, fixed), home(root, registry, package, vulnerable)
        if not (old.exists() and new.exists()):
            problems.append(f"{advisory} {package}: not to be had")
            continue
        one, other = changed(texts(old), texts(new))
        globs = named.split(",")
        one = {n: t for n, t in one.items() if any(fnmatch(n, g) for g in globs)}
        other = {n: t for n, t in other.items() if any(fnmatch(n, g) for g in globs)}
        if not one and not other:
            problems.append(f"{advisory} {package}: the files named for it are the same in both releases")
            continue
        yield Case(f"{advisory} {package}", package, *((other, one) if forward else (one, other)))


def ordinary(root: Path, *, held: bool) -> Iterator[Case]:
    """The ordinary changes."""
    for registry, package, listed in rows("ordinary.tsv", held=held):
        folders = [f for f in (home(root, registry, package, v) for v in listed.split()) if f.exists()]
        read = [texts(f) for f in folders]
        for n in range(len(read) - 1):
            one, other = changed(read[n], read[n + 1])
            if 0 < len({**one, **other}) <= TOUCHED:
                yield Case(f"{folders[n].name} -> {folders[n + 1].name}", package, one, other)


def commits(root: Path, *, surely: bool) -> Iterator[Case]:
    """Releases of one commit, within the same bound; `surely`: of projects where nothing can have come along."""
    for registry, package, grade, listed in rows("commits.tsv", held=True):
        folders = [home(root, registry, package, v) for v in listed.split()]
        if (surely and grade != "A") or not all(f.exists() for f in folders):
            continue
        one, other = changed(*map(texts, folders))
        if 0 < len({**one, **other}) <= TOUCHED:
            yield Case(f"{folders[0].name} -> {folders[1].name}", package, one, other)


def git(*arguments: str) -> str:
    """One git command over this repository."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def own(limit: int) -> Iterator[Case]:
    """This repository's own commits, newest first, their tests left out."""
    for line in git("log", "--no-merges", "--format=%H", f"-{limit}").split():
        listed = git("diff-tree", "-r", "--no-commit-id", "--name-status", "--no-renames", "--root", line).splitlines()
        one: dict[str, str] = {}
        other: dict[str, str] = {}
        for row in listed:
            status, _, name = row.partition("\t")
            if not files.readable(name) or name.startswith("tests/"):
                continue
            if status != "A":
                one[name] = git("show", f"{line}^:{name}")
            if status != "D":
                other[name] = git("show", f"{line}:{name}")
        if one or other:
            yield Case(line[:9], "interlock", one, other)


def share(cases: list[Case], label: str) -> str:
    """`label: 12 of 20 (60.0%)`."""
    hit = sum(case.flagged for case in cases)
    return f"{label}: {hit} of {len(cases)} ({100 * hit / max(1, len(cases)):.1f}%)"


def as_change(case: Case) -> Change:
    """A case as the stages see it: the changed files alone, by the rules of an empty configuration."""
    sides = [
        {
            path: Version(path, "100644", f"{n} {path}", Kind.TEXT, len(text), text.encode())
            for path, text in one.items()
        }
        for n, one in enumerate((case.before, case.after))
    ]
    changes = []
    for path in sorted({*case.before, *case.after}):
        old, new = sides[0].get(path), sides[1].get(path)
        lines = old.lines if old else [], new.lines if new else []
        places = SequenceMatcher(None, *lines, autojunk=False).get_opcodes()
        hunks = tuple(Hunk(range(i + 1, j + 1), range(k + 1, m + 1)) for kind, i, j, k, m in places if kind != "equal")
        changes.append(FileChange(old, new, hunks))
    held = {v.oid: v.data for side in sides for v in side.values()}
    return Change(
        Span(base="0", head="1", fork="0", trees={"base": "0", "head": "1", "fork": "0"}),
        tuple(changes),
        Config(),
        listing=lambda tree: {path: (v.mode, v.oid) for path, v in sides[int(tree)].items()},
        read=lambda oids: {oid: held.get(oid) for oid in oids},
        today="2026-01-01",
    )


def _constructs(change: Change) -> list[Finding]:
    return shapes.new(change, shapes.load("static"))


def _flows(change: Change) -> list[Finding]:
    return flows.new(change, [], Stricter(change))


STAGES: dict[str, Callable[[Change], Iterable[Finding]]] = {
    "privilege": lambda change: privilege.STAGE.run(change).findings,
    "secrets": lambda change: secrets.STAGE.run(change).findings,
    "checks": lambda change: checks.STAGE.run(change).findings,
    "static, constructs": _constructs,
    "static, flows": _flows,
}


def others(groups: dict[str, list[Case]]) -> None:
    """What other stages stop or hand to a person, and how many of these the guards do not."""
    for label, cases in groups.items():
        changes = [(case, as_change(case)) for case in cases]
        for name, ask in STAGES.items():
            hit = [case for case, change in changes if any(f.weight is not Told.NOTE for f in ask(change))]
            alone = sum(not case.flagged for case in hit)
            print(f"    {label}: {name} {len(hit)}, {alone} of them not seen by the guards")


def signs(cases: list[Case], others: list[Case]) -> None:
    """Of each sign: how many of the ones and of the others show it."""
    for_, against = (
        Counter(s for c in part for s in {(x.sign, x.family) for x in c.found}) for part in (cases, others)
    )
    for sign in sorted({**for_, **against}, key=lambda s: -for_[s]):
        print(f"    {sign[0]:24} {sign[1]:12} {for_[sign]:4} of {len(cases)}   {against[sign]:4} of {len(others)}")


def main() -> None:
    """Print the figures of the projects looked at, or of those held back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--signs", action="store_true")
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--own", type=int, default=150)
    args = parser.parse_args()
    problems: list[str] = []
    groups = {
        "reversed security fixes": list(reversed_fixes(args.root, problems, held=args.held)),
        "the same in the fixing direction": list(reversed_fixes(args.root, [], held=args.held, forward=True)),
        "ordinary changes": list(ordinary(args.root, held=args.held)),
        "commits of this repository": list(own(args.own)) if args.own and not args.held else [],
        "releases of one commit": list(commits(args.root, surely=False)) if args.held else [],
        "of these surely no more than one": list(commits(args.root, surely=True)) if args.held else [],
    }
    started, lines = time.process_time(), 0
    for cases in groups.values():
        for case in cases:
            case.look()
            lines += sum(t.count("\n") for t in case.after.values())
    spent = time.process_time() - started
    print(f"{'held back' if args.held else 'looked at'}: {lines} lines of changed files in {spent:.1f} CPU-s")
    for label, cases in groups.items():
        print(
            "  " + share(cases, label) + f", {len({c.project for c in cases})} projects, "
            f"{sum(bool(c.unread) for c in cases)} with a file that could not be read"
        )
    small = [case for case in groups["ordinary changes"] if case.lines <= SMALL]
    print("  " + share(small, f"of these with at most {SMALL} changed lines"))
    for project in sorted({c.project for c in groups["ordinary changes"]}):
        print("    " + share([c for c in groups["ordinary changes"] if c.project == project], project))
    print(f"  left out: {len(problems)}" + "".join(f"\n    {p}" for p in problems))
    if args.stages:
        others({label: groups[label] for label in ("reversed security fixes", "ordinary changes")})
    if args.signs:
        signs(groups["reversed security fixes"], groups["ordinary changes"] + groups["commits of this repository"])
    if args.misses and not args.held:
        for case in [
            c for label in ("ordinary changes", "commits of this repository") for c in groups[label] if c.flagged
        ]:
            print(
                f"  alert on {case.name}: "
                + "; ".join(
                    f"{x.sign}/{x.family} {x.path}:{x.function}: {x.text[:60]} => {x.instead[:60]}" for x in case.told
                )
            )
        for case in groups["reversed security fixes"]:
            print(
                f"  {'stopped' if case.flagged else 'MISSED '} {case.name}: "
                + "; ".join(f"{x.sign}/{x.family} {x.function}: {x.text[:60]}" for x in case.found[:4])
                + " ".join(case.unread)
            )


if __name__ == "__main__":
    main()
