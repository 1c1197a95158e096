"""Stage *tests*: whether tests hold what the change makes new.

Off unless the base's `gate.toml` has a `[tests]` table: tests are the repository's own code, and need its environment.
Then each behaviour that is new has to be held: by a test that fails without the change and runs its new lines, or by
tests that notice every fault put into them. Nothing runs outside of a room (`room.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from interlock.changes import shapes
from interlock.changes.change import Change, FileChange
from interlock.changes.config import Tests
from interlock.changes.export import TooLarge
from interlock.changes.finding import Finding, Weight
from interlock.changes.functions import language
from interlock.changes.room import NoRoom
from interlock.changes.stage import Found, Plain
from interlock.changes.testing.lines import Behaviour, Unread, behaviours
from interlock.changes.testing.mutants import Mutant, mutants
from interlock.changes.testing.suite import affected, holds_tests
from interlock.changes.testing.trial import Missing, Program, Seen, Trial, program
from interlock.model.counts import many

_BUDGET = 180.0
_KEPT_BACK = 6.0  # seconds of the budget that no run may take: for what is made of the runs
_AGAIN = 2  # times that a failing test is run anew before it counts as failing
_NAMED = 8  # lines, tests or mutants that a sentence names
_NEAR = 12  # files of tests that are asked about a fault in what runs at import
_MUTANT = 5.0  # seconds of one mutant beside four times what its tests took


def run(change: Change) -> Found:
    """Judge the tests of the change."""
    code = [file for file in change.files if _is_code(file)]
    settings = change.config.tests
    if settings is None:
        note = "the tests were not run: the base's gate.toml has no [tests] table"
        return Found(findings=tuple(_alone(change, code)), notes=(note,), unasked=True)
    if not code and not any(shapes.is_test(file.path) for file in change.files):
        return Found(notes=("the change has neither code nor tests",))
    budget = change.config.budgets.get("tests", _BUDGET) - _KEPT_BACK
    with tempfile.TemporaryDirectory(prefix="interlock-tests-") as folder:
        try:
            trial = Trial(change, settings, Path(folder), budget)
            return _Examined(change, settings, trial, code).found() if trial.program.pytest else _whole(change, trial)
        except (NoRoom, Missing, TooLarge) as error:
            return Found(problems=(f"the tests were not run: {error}",))


def _is_code(file: FileChange) -> bool:
    return bool(language(file.path)) and not shapes.is_test(file.path) and file.after is not None


def _alone(change: Change, code: list[FileChange]) -> Iterator[Finding]:
    """Where nothing is run, that code changes and no test does is worth a note."""
    if code and not any(shapes.is_test(file.path) for file in change.files):
        most = max(code, key=lambda file: sum(len(hunk.new) for hunk in file.hunks))
        yield Finding(
            rule="tests/alone", weight=Weight.NOTE, path=most.path, anchor="alone",
            title="Code changes here and no test does.", fix="Add a test that fails without the change.",
        )  # fmt: skip


def _whole(change: Change, trial: Trial) -> Found:
    """A command that tells no test from another: it has to succeed here, and to fail with new tests on the old code."""
    findings, problems = [], []
    status, why = trial.plainly("new")
    if why:
        problems.append(f"the tests gave no answer: {why}")
    elif status:
        findings.append(_on("failing", Weight.BLOCK, "", f"The tests fail (status {status}).", "Mend what fails."))
    elif any(shapes.is_test(file.path) and file.after for file in change.files):
        status, why = trial.plainly("old-code")
        if why:
            problems.append(f"the new tests gave no answer on the old code: {why}")
        elif not status:
            findings.append(_unproved(change))
    note = "the command is not pytest's: no lines were traced, and no mutants made"
    return Found(findings=tuple(findings), problems=tuple(problems), notes=(note,))


class _Held(NamedTuple):
    """What is known of one behaviour. `proved`: tests that fail without the change run its new lines."""

    what: Behaviour
    ran: frozenset[int]
    proved: bool


class _Examined:
    """One change under pytest: what is seen of it run by run, and what follows."""

    def __init__(self, change: Change, settings: Tests, trial: Trial, code: list[FileChange]) -> None:
        self._change, self._settings, self._trial = change, settings, trial
        self._findings: list[Finding] = []
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._facts: dict[str, str] = {}
        self._new = list(self._behaviours(code))
        changed = [file.path for file in change.files if file.after and holds_tests(file.path)]
        self._changed_tests = sorted(changed)
        self._near: list[str] = []
        self._weak: set[str] = set()  # tests that prove nothing: flaky ones

    def found(self) -> Found:
        """Run by run, until nothing more can be said."""
        chosen = self._chosen()
        self._near = (chosen or self._changed_tests)[:_NEAR]
        if chosen == [] and self._settings.select == "affected":
            self._unheld([_Held(one, frozenset(), False) for one in self._new], {})
            return self._all()
        seen = self._trial.see("new", chosen or [], watch={one.path for one in self._new})
        if seen.why:
            self._problems.append(f"the tests gave no answer: {seen.why}")
            return self._all()
        self._facts |= {"tests": str(len(seen.tests)), "test seconds": f"{seen.seconds:.1f}"}
        if self._failing(seen):
            return self._all()
        telling = self._without()
        self._oracle()
        held = [self._held(one, seen, telling) for one in self._new]
        self._unheld(held, self._mutated(seen))
        return self._all()

    def _all(self) -> Found:
        return Found(
            findings=tuple(self._findings), problems=tuple(self._problems), notes=tuple(self._notes), facts=self._facts
        )

    def _behaviours(self, code: list[FileChange]) -> Iterator[Behaviour]:
        for file in code:
            if language(file.path) != "python":
                self._notes.append(f"{file.path}: its lines are not traced by pytest")
                continue
            try:
                yield from behaviours(file)
            except Unread as error:
                self._problems.append(str(error))

    def _chosen(self) -> list[str] | None:
        if self._settings.select == "all":
            return None
        paths = [path for path in self._change.paths() if path.endswith(".py")]
        texts = {p: (raw or b"").decode("utf-8", "replace") for p, raw in self._change.reads(paths).items()}
        chosen, left_out = affected([file.path for file in self._change.files], texts)
        if left_out:
            more = many(left_out, "more file of tests reaches", "more files of tests reach")
            self._notes.append(f"{more} the change; not run")
        return chosen

    def _failing(self, seen: Seen) -> bool:
        """Whether tests fail that did not before, again and again. Flaky ones are named, and prove nothing."""
        for path in seen.errors:
            self._add("failing", Weight.BLOCK, path, "Its tests cannot be collected.", "Mend what fails.", path)
        failing = sorted(seen.of("failed"))
        for _ in range(_AGAIN):
            again = self._trial.see("new", failing) if failing else Seen()
            if again.why:
                self._problems.append(f"failing tests gave no answer when they were run anew: {again.why}")
                return True
            self._weak |= again.of("passed") - set(self._settings.quarantine)
            failing = sorted(again.of("failed"))
        for test in sorted(self._weak):
            self._add(
                "flaky", Weight.REVIEW, test.partition("::")[0], f"The test {test} fails, and passes when run anew.",
                "Mend it, or have a person put it under [tests] quarantine: it proves nothing until then.", test,
            )  # fmt: skip
        self._weak |= set(self._settings.quarantine)
        before = self._trial.see("old", failing).of("failed") if failing else set()
        for test in failing:
            known = test in before or test in self._settings.quarantine
            title = f"The test {test} fails" + (", as it did before the change." if test in before else ".")
            self._add(
                "failing", Weight.NOTE if known else Weight.BLOCK, test.partition("::")[0], title,
                "Mend what fails.", test,
            )  # fmt: skip
        return bool(seen.errors) or any(test not in before and test not in self._weak for test in failing)

    def _without(self) -> set[str]:
        """The changed tests that fail on the code before the change: they tell the two apart."""
        if not self._changed_tests or not self._new:
            return set()
        seen = self._trial.see("old-code", self._changed_tests)
        if seen.why and not seen.errors:
            self._problems.append(f"the new tests gave no answer on the old code: {seen.why}")
            return set()
        telling = (seen.of("failed") | set(seen.errors)) - self._weak
        self._facts["fail without"] = str(len(telling))
        if not telling:
            self._findings.append(_unproved(self._change))
        return telling

    def _oracle(self) -> None:
        """Tests of the base that the change edits or deletes have to hold on its code as they were."""
        was = sorted(
            f.old_path for f in self._change.files
            if f.before and holds_tests(f.old_path) and not (f.after and f.before.oid == f.after.oid)
        )  # fmt: skip
        if not was:
            return
        now = self._trial.see("old-tests", was)
        broken = sorted((now.of("failed") | set(now.errors)) - self._weak)
        if now.why and not broken:
            self._problems.append(f"the base's tests gave no answer on the new code: {now.why}")
        if not broken:
            return
        before = self._trial.see("old", broken)
        for test in sorted(set(broken) - before.of("failed") - set(before.errors)):
            self._add(
                "oracle", Weight.REVIEW, test.partition("::")[0],
                f"{test}, as the base has it, fails on the new code; the change edits or deletes it.",
                "A person confirms that the behaviour was meant to change.", test,
            )  # fmt: skip

    def _held(self, what: Behaviour, seen: Seen, telling: set[str]) -> _Held:
        ran, proved = set(), False
        for line in what.lines:
            tests = seen.lines.get(what.path, {}).get(line, frozenset())
            if tests - self._weak:
                ran.add(line)
            # A file whose tests could not be collected on the old code (they import what is new) tells by all of them;
            # so does any test of a line that runs at import.
            proved = proved or any(test in telling or test.partition("::")[0] in telling for test in tests)
            proved = proved or ("" in tests and bool(telling))
        return _Held(what, frozenset(ran), proved)

    def _mutated(self, seen: Seen) -> dict[tuple[str, str], list[bool]]:
        """For each behaviour, of each of its mutants whether a test noticed it."""
        tried: dict[tuple[str, str], list[bool]] = {}
        work = list(self._mutants(seen))
        with ThreadPoolExecutor(2) as pool:
            noticed = list(pool.map(lambda one: self._kills(seen, *one), work))
        for (mutant, data, _), killed in zip(work, noticed, strict=True):
            if killed is None:
                continue
            tried.setdefault((mutant.path, mutant.function), []).append(killed)
            if not killed:
                said = mutant.said(data)
                self._add(
                    "mutant", Weight.NOTE, mutant.path, f"No test notices {said} in {mutant.function}.",
                    "Assert what this line decides.", f"{mutant.function} {said}", mutant.line,
                )  # fmt: skip
        answers = [killed for group in tried.values() for killed in group]
        self._facts |= {"mutants": str(len(answers)), "killed": str(sum(answers))}
        if len(answers) < len(work):
            self._notes.append(f"{len(work) - len(answers)} of {len(work)} mutants were not tried: no time was left")
        if answers and sum(answers) < self._settings.killed * len(answers):
            self._add(
                "weak", Weight.REVIEW, work[0][0].path,
                f"The tests notice {sum(answers)} of {len(answers)} faults put into the new lines.",
                "Assert what the new lines decide; the notes name the faults.", "weak",
            )  # fmt: skip
        return tried

    def _mutants(self, seen: Seen) -> Iterator[tuple[Mutant, bytes, list[str]]]:
        """Mutants of lines that some test runs, with those tests."""
        found = []
        for path in sorted({one.path for one in self._new}):
            data = self._change.read(path) or b""
            for mutant in mutants(data, [one for one in self._new if one.path == path], self._settings.mutants):
                tests = seen.lines.get(path, {}).get(mutant.line, frozenset()) - self._weak
                # A line that runs when its module is imported: the nearest tests notice it, or none does.
                found.append((mutant, data, sorted(tests - {""}) or (self._near if tests else [])))
        ran = [one for one in found if one[2]]
        ran.sort(key=lambda one: one[0].rank)
        yield from ran[: self._settings.mutants]

    def _kills(self, seen: Seen, mutant: Mutant, data: bytes, tests: list[str]) -> bool | None:
        """Whether its tests notice a mutant; one that hangs or takes everything is noticed. None: not tried."""
        most = _MUTANT + 4 * seen.seconds
        if self._trial.left < most:
            return None
        now = self._trial.see("new", tests, mutant=(mutant.path, mutant.applied(data)), seconds=most, stop=True)
        return bool(now.why or now.errors or now.of("failed"))

    def _unheld(self, held: list[_Held], mutated: dict[tuple[str, str], list[bool]]) -> None:
        lines = sum(len(one.what.lines) for one in held)
        self._facts |= {"changed lines": str(lines), "covered": str(sum(len(one.ran) for one in held))}
        for one in held:
            what, missing = one.what, sorted(one.what.lines - one.ran)
            noticed = mutated.get((what.path, what.name), [])
            name = what.name if what.name.startswith("<") else f"{what.name}()"
            if missing and not (what.only_less and one.ran):
                numbers = ", ".join(map(str, missing[:_NAMED])) + (" …" if len(missing) > _NAMED else "")
                title = f"No test runs {len(missing)} of {len(what.lines)} new lines of {name}: {numbers}."
                self._add(
                    "uncovered", Weight.REVIEW, what.path, title, "Add a test that does.", f"{what.name} uncovered",
                    missing[0],
                )  # fmt: skip
            elif not one.proved and not (noticed and all(noticed)):
                self._add(
                    "unheld", Weight.REVIEW, what.path, f"{name} does something else now, and no test tells it.",
                    "Add a test that fails without the change and runs these lines.", f"{what.name} unheld", what.line,
                )  # fmt: skip

    def _add(self, rule: str, weight: Weight, path: str, title: str, fix: str, anchor: str = "", line: int = 0) -> None:
        self._findings.append(_on(rule, weight, path, title, fix, anchor, line))


def _on(rule: str, weight: Weight, path: str, title: str, fix: str, anchor: str = "", line: int = 0) -> Finding:
    return Finding(rule=f"tests/{rule}", weight=weight, path=path, title=title, fix=fix, anchor=anchor, line=line)


def _unproved(change: Change) -> Finding:
    path = next(f.path for f in change.files if f.after and shapes.is_test(f.path))
    return _on(
        "unproved", Weight.REVIEW, path, "The tests of this change pass without it too.",
        "Add a test that fails on the code before the change.", "unproved",
    )  # fmt: skip


def _reads(change: Change) -> str:
    from interlock.changes.room import usable

    if change.config.tests is None:
        return ""
    try:
        found: Program | str = program(change.config.tests)
    except Missing as error:
        found = str(error)
    return f"{usable()} {found}"


STAGE = Plain("tests", run, version="2", budget=_BUDGET, reads=_reads)
