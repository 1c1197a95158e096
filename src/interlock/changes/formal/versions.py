"""Changed pure functions, old against new: run on examples, asked of the solver, and what is to be said of them."""

from __future__ import annotations

from interlock.changes import shapes, tools
from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal import differ, solving
from interlock.changes.formal.pure import Pair, pairs

_RUNNING = 12.0  # seconds of all functions on examples
_SOLVING = 6.0  # seconds of the solver; with those of its examples 20 together
_MOST = 60  # functions that are run


def judged(change: Change, findings: list[Finding], problems: list[str], facts: dict[str, str]) -> list[str]:
    """Old and new side by side, into `findings`, `problems` and `facts`; notes. What cannot be contained is not run."""
    asked: list[tuple[str, Pair]] = []
    for file in change.files:
        sides = _both(file)
        if sides and file.path.endswith(".py") and not shapes.is_test(file.path):
            asked += [(file.path, pair) for pair in pairs(*sides)]
    if not asked:
        return []
    if not tools.confined():
        return [differ.UNCONTAINED]
    chosen = asked[:_MOST]
    try:
        answers = _answers([pair for _, pair in chosen])
    except (tools.ToolMissing, tools.ToolFailed) as error:
        problems.append(f"functions could not be run side by side: {error}")
        return []
    for (path, pair), answer in zip(chosen, answers, strict=True):
        facts[f"{path}:{pair.name}"] = answer.label + (f" ({answer.reason})" if answer.reason else "")
        if answer.proof:
            facts[f"smt2 {path}:{pair.name}"] = answer.proof
        if answer.label in ("DIFFERS", "COUNTEREXAMPLE"):
            findings.append(_differs(path, pair, answer))
    left = len(asked) - len(chosen)
    notes = [f"{left} more functions were not run side by side"] * bool(left)
    return notes if solving.available() else [*notes, solving.MISSING]


def _answers(chosen: list[Pair]) -> list[differ.Answer]:
    answers = differ.run(chosen, seconds=_RUNNING)
    return solving.deepened(chosen, answers, seconds=_SOLVING) if solving.available() else answers


def _both(file: FileChange) -> tuple[str, str] | None:
    if file.before is None or file.after is None or {file.before.kind, file.after.kind} != {Kind.TEXT}:
        return None
    return file.before.text, file.after.text


def _differs(path: str, pair: Pair, answer: differ.Answer) -> Finding:
    title = f"{pair.name}({answer.given}) {answer.was} before, {answer.now} now."
    if answer.was and not answer.was.startswith("raises"):
        title = f"{pair.name}({answer.given}) gave {answer.was}, and now: {answer.now}."
    if answer.loosened:
        call = f"{pair.name}({answer.given})"
        title = f"{pair.name}() accepts what it refused: {call} {answer.was} before, gives {answer.now} now."
    return Finding(
        rule="formal/accepts-more" if answer.loosened else "formal/differs",
        weight=Weight.REVIEW if answer.loosened else Weight.NOTE, path=path, line=pair.line,
        anchor=f"{pair.name} {answer.given}", title=title,
        why="Both versions were run on the same arguments, in containment.", fix="See that this is what was asked for.",
    )  # fmt: skip
