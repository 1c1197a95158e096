"""Stage *guards*: protections that the change takes away, and those that siblings of new code have and it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from interlock.changes.change import Change, Kind, Version
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.formal import discharge
from interlock.changes.guards import files, verbs
from interlock.changes.guards.guard import Function, Unreadable
from interlock.changes.guards.losing import losses
from interlock.changes.guards.loss import Loss, Sign
from interlock.changes.guards.peers import Missing, missing
from interlock.changes.guards.weight import Weight as Form
from interlock.changes.guards.weight import decided, formed
from interlock.changes.stage import Found, Plain

_MOST_PROOFS = 60  # guards that the prover is asked about, some tens of milliseconds each
_MOST_BESIDE = 40  # files beside the change that are read for siblings
_MOST_SEARCHED = 4_000  # files that are searched for a name

_ORDINARY = "Nobody is asked: functions of which so much becomes another lose such a guard in ordinary changes, too."

_SENTENCES: dict[Sign, str] = {
    Sign.EXIT: "{where} no longer refuses when {text}.",
    Sign.ANSWER: "{where} no longer leaves early when {text}.",
    Sign.CONDITION: "{where} no longer tests {text}.",
    Sign.BARE: "{where} no longer tests {text}.",
    Sign.CALL: "{where} has lost {title}: {text}.",
    Sign.COMMON: "{where} has lost {title}: {text}.",
    Sign.DECORATOR: "{where} has lost the decorator {text}.",
    Sign.HOLD: "{where} no longer holds {text}.",
    Sign.KEYWORD: "{where} no longer sets {text}.",
    Sign.TURNED: "{where} now sets {text}.",
    Sign.LITERAL: "{where} no longer looks for {text}.",
    Sign.EVERYDAY: "{where} no longer looks for {text}.",
    Sign.PATTERN: "{where} has a weaker pattern: {reason}.",
    Sign.SLOW: "{where} has a new pattern, {text}: {reason}.",
    Sign.OTHER_PATTERN: "{where} has lost the pattern {text}.",
    Sign.DENIED: "{where} no longer keeps out {text}.",
    Sign.ALLOWED: "{where} now lets in {text}.",
    Sign.UNSAFE: "{where} now calls {text}, which is the unsafe one of two.",
    Sign.WEAKER: "{where} refuses less than before: {text}.",
    Sign.REPLACED: "{where} has a weaker condition in place of {text}.",
    Sign.CHANGED: "{where} has another condition in place of {text}, and nobody can say whether it is as strong.",
    Sign.NARROWER: "{where} asks for {text} behind another condition now.",
    Sign.HANDLER: "{where} no longer catches {text}.",
    Sign.DELETED: "{text}, which guards, is gone.",
    Sign.UNWRAPPED: "{where} uses as it comes what went through {text}.",
    Sign.UNBOUNDED: "{where} has lost the bound in {text}.",
    Sign.RAISED: "{where} has a bound that lets in more than {text}.",
    Sign.NUDGED: "{where} has a bound that lets in a little more than {text}.",
    Sign.UNUSED: "{where} no longer looks at what it is given as {text}.",
    Sign.UNREAD: "{where} no longer reads {text}.",
    Sign.SHARED: "{where} keeps under one key what {text} kept apart.",
    Sign.OPENED: "{where} goes on after an error that ended it: {text}.",
    Sign.SWALLOWED: "{where} goes on where {text} fails.",
    Sign.CAUGHT: "{where} catches every error where it caught {text}.",
    Sign.REPEATED: "{where} counts twice in {text} what comes twice.",
    Sign.PUBLISHED: "{where} has a field for everybody in place of the private {text}.",
    Sign.OVERRIDDEN: "{where} takes {text} only where nothing else is given.",
    Sign.UNCOUNTED: "{where} goes by {text} and no longer writes it.",
    Sign.UNAWAITED: "{where} no longer waits for {text}.",
    Sign.PARTED: "{where} checks and changes {text} in two steps: another may come between.",
    Sign.ANYWAY: "{where} calls {text} only where all goes well.",
    Sign.HALF: "{where} no longer takes back what it wrote where the rest of it fails.",
    Sign.UNMASKED: "{where} no longer hides what {text} stood for.",
    Sign.CONSTRAINT: "{where} makes a table without {text}.",
    Sign.OVERWRITABLE: "{where} lets what it is given write over {text}.",
    Sign.LATE: "{where} makes a text plain by {text} after it was checked.",
    Sign.TWICE: "{where} checks one answer of {text} and uses another.",
    Sign.FORMAT: "{where} takes {text}, a text that it is given, for a format: its fields may name any attribute.",
    Sign.LENIENT: "{where} takes {text} for yes where nothing is said.",
    Sign.ONE_SIDED: "{where} compares in one direction what {text} compared in both.",
    Sign.MISSING: "{where} refuses no more where {reason} is missing: {text}.",
    Sign.BYPASSED: "{where} reads {text} without what kept some of it back.",
    Sign.IN_TEXT: "{where} looks for a part of {text}, a text, where it looked for one of a list.",
    Sign.KEPT_ON: "{where} takes nothing out of {text} any more.",
    Sign.UNROUTED: "{where} no longer has {text}.",
    Sign.KIND: "{where} no longer asks of which kind {reason} is.",
}


def run(change: Change) -> Found:
    """Compare the guards on both sides of every changed source file."""
    problems: list[str] = []
    before, after = _sides(change, problems)
    lost = losses(before, after, change.renamed, lambda name: _used(change, name))
    proofs: dict[str, str] = {}
    findings = [*_of_losses(lost, change, proofs), *_of_peers(change, before, after)]
    asked = any(loss.conditions for loss in lost)
    facts = {"lost": str(sum(f.weight is not Weight.NOTE for f in findings)), "functions": str(len(after)), **proofs}
    notes = (discharge.MISSING,) if asked and not discharge.available() else ()
    return Found(findings=tuple(findings), problems=tuple(problems), facts=facts, notes=notes)


def _sides(change: Change, problems: list[str]) -> tuple[list[Function], list[Function]]:
    before: list[Function] = []
    after: list[Function] = []
    for file in change.files:
        if file.before and file.after and file.before.oid == file.after.oid:
            continue
        before += _functions(file.before, problems)
        after += _functions(file.after, problems)
    return before, after


def _functions(side: Version | None, problems: list[str]) -> list[Function]:
    if side is None or not files.readable(side.path) or side.kind in (Kind.LINK, Kind.SUBMODULE):
        return []
    if side.kind is not Kind.TEXT:
        problems.append(f"{side.path} is no text that could be read for guards")
        return []
    try:
        return files.functions(side.path, side.text)
    except Unreadable as error:
        problems.append(str(error))
        return []


def _used(change: Change, name: str) -> bool:
    """Whether a file that the change leaves alone names it; true as well where there are too many to look."""
    touched = {file.path for file in change.files}
    paths = [p for p in change.paths() if files.readable(p) and p not in touched]
    if len(paths) > _MOST_SEARCHED:
        return True
    word = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])".encode())
    return any(word.search(content or b"") for content in change.reads(paths).values())


def _of_losses(lost: list[Loss], change: Change, proofs: dict[str, str]) -> Iterator[Finding]:
    for number, one in enumerate(lost):
        found = discharge.judged(one) if number < _MOST_PROOFS else discharge.Judged(one)
        loss = found.loss
        critical = bool(matches(loss.path, change.config.scope.critical))
        weight = Weight(decided(loss, critical=critical, looser=found.looser).value)
        hints = [f"It stood in line {loss.was} of the base."]
        if loss.instead:
            hints.append(f"There stands now: {loss.instead}.")
        if loss.moved:
            hints.append(f"The same guard came to {loss.moved}, which is not seen to lead here.")
        if weight is Weight.NOTE and formed(loss, critical=critical, looser=found.looser) is not Form.NOTE:
            hints.append(_ORDINARY)
        hints += [found.said] * bool(found.said)
        if found.answer == "PROVED":
            weight = Weight.NOTE
        finding = _of_loss(loss, weight, " ".join(hints))
        if found.proof:
            proofs[f"smt2 {finding.fingerprint}"] = found.proof
        yield finding


def _of_loss(loss: Loss, weight: Weight, why: str) -> Finding:
    where = f"{loss.function}()" if loss.function and not loss.function.endswith(".") else loss.path
    title = _SENTENCES[loss.sign].format(
        where=where, text=loss.text, title=verbs.title(loss.family), reason=loss.reason
    )
    return Finding(
        rule=f"guards/{loss.sign.value}", weight=weight, path=loss.path, line=loss.line,
        anchor=f"{loss.function} {loss.text}", title=title, why=why, text=loss.text,
        fix="Put it back, or show that what stands there now refuses as much.",
    )  # fmt: skip


def _of_peers(change: Change, before: list[Function], after: list[Function]) -> Iterator[Finding]:
    known = {(f.path, f.name) for f in before}
    moved = {new: old for old, new in change.renamed.items()}
    new = [f for f in after if (moved.get(f.path, f.path), f.name) not in known]
    if not new:
        return
    around = [*after, *_beside(change, {f.path for f in new})]
    for one in missing(new, around):
        yield _of_missing(one)


def _of_missing(one: Missing) -> Finding:
    return Finding(
        rule="guards/peers", weight=Weight.BLOCK if one.critical and one.family == "authorise" else Weight.REVIEW,
        path=one.path, line=one.line, anchor=f"{one.function} {one.guard}", text=one.guard,
        title=f"{one.function}() lacks {verbs.title(one.family)} that {one.carriers} of its {one.siblings} siblings "
        f"have: {one.guard}.",
        why=f"One of them stands at {one.example}.", fix="Guard it as its siblings are, or say why it needs none.",
    )  # fmt: skip


def _beside(change: Change, paths: set[str]) -> list[Function]:
    """The functions of unchanged files in the same folders; what cannot be read there is no reason to stop."""
    touched = {file.path for file in change.files}
    folders = {path.rpartition("/")[0] for path in paths}
    found: list[Function] = []
    beside = [p for p in change.paths() if p not in touched and files.readable(p) and p.rpartition("/")[0] in folders]
    for path, content in change.reads(beside[:_MOST_BESIDE]).items():
        try:
            found += files.functions(path, (content or b"").decode("utf-8", "replace"))
        except Unreadable:
            continue
    return found


STAGE = Plain("guards", run, version="21", budget=20.0)
