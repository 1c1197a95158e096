"""Stage *review*: that others than its authors looked at the change, where the base asks for that.

Off unless the base's `gate.toml` has a `[[review]]`. Who wrote a commit is what its attestation says, who looked at the
change what `refs/notes/interlock-reviews` holds for its last commit: signed by logs that the base names, or by people
whom it names. Where either is missing a person has to look; a name in a commit's message is nobody's word here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from interlock.changes import chain, signedreview
from interlock.changes.chain import Hand, Word
from interlock.changes.change import Change, Commit
from interlock.changes.config import Review, matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.reviewwords import about, word
from interlock.changes.risk.score import Risk
from interlock.changes.stage import Found
from interlock.ledger.verify import check_attestation
from interlock.model.errors import LedgerTampered, LedgerUnverifiable, Refused

_WORDS = 200  # of one commit that are looked at
_DOES = {"critic": "looked at it", "tester": "tested it"}


class ReviewChain:
    """The stage; see `stage.Late`. Without a score every rule holds, whatever score it is from."""

    name, version, budget = "review", "3", 10.0

    def __init__(self, risk: Risk | None = None) -> None:
        self._risk = risk

    def knowing(self, risk: Risk | None) -> ReviewChain:
        """The stage with a score."""
        return ReviewChain(risk)

    @property
    def _frozen(self) -> bool:
        return bool(self._risk and self._risk.freezes)

    def _score(self) -> float | None:
        return None if self._risk is None else round(self._risk.probability, 6)

    def reads(self, change: Change) -> str:
        """The commits, what is noted of them, and the score."""
        subject = (about(change), change.today, sorted(change.withdrawn))
        digest = hashlib.sha256(repr((self._score(), self._frozen, *subject)).encode())
        for commit in change.commits:
            for part in (commit.raw, commit.note or b"", commit.reviews or b""):
                digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def run(self, change: Change) -> Found:
        """Judge who had a hand in it."""
        rules = [rule for rule in change.config.review if self._holds(rule, change)]
        if not change.config.review:
            return Found(notes=("nobody is asked for: the base's gate.toml has no [[review]]",), unasked=True)
        if not rules or not change.commits:
            return Found(notes=("no [[review]] of the base is about this change",), unasked=True)
        if not change.config.provenance.keys and not change.config.reviewer:
            problem = "the base asks for reviewers and names nobody to believe: [provenance] keys, or [[reviewer]]"
            return Found(problems=(problem,))
        hands, findings = _authors(change)
        words, more, notes = _words(change)
        findings += more
        for rule in rules:
            findings += _missing(rule, words, hands, change.head)
        facts = {"authors": ", ".join(sorted(hand.name for hand in hands))}
        facts |= {one.role: f"{one.hand.name} ({_where(one)})" for one in words if one.says == "ok"}
        return Found(findings=tuple(dict.fromkeys(findings)), notes=tuple(notes), facts=facts)

    def _holds(self, rule: Review, change: Change) -> bool:
        touched = {path for file in change.files for path in (file.path, file.old_path)}
        above = rule.above if rule.frozen is None or not self._frozen else min(rule.above, rule.frozen)
        risky = self._risk is None or self._risk.probability >= above
        return risky and (not rule.paths or any(matches(path, rule.paths) for path in touched))


def _authors(change: Change) -> tuple[set[Hand], list[Finding]]:
    """Every hand in every commit, and the commits of which not all hands are known."""
    hands: set[Hand] = set()
    findings = []
    for commit in change.commits:
        found, unknown = _of(commit, change.config.provenance.keys)
        hands |= found
        if unknown:
            findings.append(_unknown(commit, unknown))
    return hands, findings


def _of(commit: Commit, keys: Sequence[str]) -> tuple[set[Hand], str]:
    if commit.note is None:
        return set(), "no attestation"
    for key in keys:
        try:
            return chain.authors(check_attestation(commit.note, commit.raw, key))
        except (LedgerTampered, LedgerUnverifiable):
            continue
    return set(), "an attestation that does not hold"


def _where(word: Word) -> str:
    return "signed" if word.log == signedreview.LOG else f"#{word.entry}"


def _words(change: Change) -> tuple[list[Word], list[Finding], list[str]]:
    """What was said of the change's last commit, where the base's logs saw it or its reviewers signed it."""
    last = next(commit for commit in change.commits if commit.name == change.head)
    lines = (last.reviews or b"").splitlines()[:_WORDS]
    words: list[Word] = []
    findings: list[Finding] = []
    notes: list[str] = []
    for line in lines:
        try:
            said = word(line, last, change)
        except signedreview.Unknown as error:
            notes.append(f"a review does not count: {error}")
        except (Refused, LedgerTampered) as error:
            findings.append(_invalid(last, str(error)))
        else:
            words += [said] if said else []
    known = chain.latest(words)
    return known, findings + [_refused(one, last) for one in known if one.says == "no"], notes


def _missing(rule: Review, words: Sequence[Word], hands: set[Hand], head: str) -> Iterator[Finding]:
    """The roles of a rule that nobody fills who may."""
    given, same = chain.filled(rule.roles, words, hands, rule.apart)
    for role in rule.roles:
        if role in given:
            continue
        own = role in same
        spoke = ", ".join(one.hand.name for one in words if one.role == role and one.says == "ok")
        yield Finding(
            rule=f"review/{'same' if own else 'absent'}", weight=Weight.BLOCK if own else Weight.REVIEW, path="",
            anchor=f"{head} {role} {rule.apart}",
            title=f"The only {role} of this change had another part in it: {spoke}."
            if own
            else f"No {role} is proved: that somebody else {_DOES[role]} stands in no log that the base names.",
            why=f"The base asks for a {role} who is another {rule.apart} than its authors and other reviewers.",
            fix=f"Have another {rule.apart} run `interlock review {head[:12]} --as {role} --says ok`, then "
            "`interlock attest --reviews` there; or a person of the base's [[reviewer]] sign one, with a key or in the "
            "panel (docs/gate.md). Push refs/notes/interlock-reviews.",
        )  # fmt: skip


def _unknown(commit: Commit, what: str) -> Finding:
    return Finding(
        rule="review/author-unknown", weight=Weight.REVIEW, path="", anchor=commit.name,
        title=f"Not all authors of commit {commit.name[:12]} are known: {what}.",
        why="Whoever looked at it may have written it.",
        fix="Run interlock attest --notes where it was made and push refs/notes/interlock; or have a person look.",
    )  # fmt: skip


def _invalid(commit: Commit, wrong: str) -> Finding:
    return Finding(
        rule="review/invalid", weight=Weight.BLOCK, path="", anchor=f"{commit.name} {wrong}", text=wrong[:300],
        title=f"A review of commit {commit.name[:12]} does not hold.",
        why="It is of another commit, or was changed after it was signed.",
        fix="Have it made again (interlock review), or remove the note.",
    )  # fmt: skip


def _refused(one: Word, commit: Commit) -> Finding:
    return Finding(
        rule="review/refused", weight=Weight.REVIEW if one.hand.agent else Weight.BLOCK, path="",
        anchor=f"{commit.name} {one.role} {one.hand.name}", text=one.because[:300],
        title=f"The {one.role} {one.hand.name} says no to this change.",
        fix="Mend what they say, or have them look again.",
    )  # fmt: skip


STAGE = ReviewChain()
