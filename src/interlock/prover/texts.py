"""What is asked of the texts of a request, decided without a theory of strings.

To z3 each question (`resource.name like "shop.*"`) is a plain truth value. What it makes of them is then held against
the patterns themselves: either there are texts that answer so, or some of the answers exclude each other, which z3 is
told, once and for good, and looks again. There are finitely many answers, so this ends, and it is exact both ways.
z3's own theory of strings takes minutes on patterns that begin with a star.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from interlock.prover import globs
from interlock.prover.globs import Pieces

_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


@dataclass(frozen=True)
class Like:
    """Whether a text matches a pattern; to be equal to a text is to match the pattern without a star."""

    path: str
    pieces: Pieces

    def __str__(self) -> str:
        if len(self.pieces) == 1:
            return f'{self.path} == "{_quoted(self.pieces[0])}"'
        return f'{self.path} like "{"*".join(_quoted(piece).replace("*", chr(92) + "*") for piece in self.pieces)}"'


@dataclass(frozen=True)
class Same:
    """Whether two texts are equal."""

    path: str
    other: str

    def __str__(self) -> str:
        return f"{self.path} == {self.other}"


Question = Like | Same
Answers = Mapping[Question, bool]


class Texts:
    """The questions that are asked of texts in one proof, and what has been learnt of their answers."""

    def __init__(self) -> None:
        self.questions: dict[Question, Any] = {}
        self.names: dict[str, Any] = {}
        self._declared: dict[Question, Any] = {}
        self.learnt: list[Any] = []  # true of every request

    def like(self, path: str, pieces: Sequence[str]) -> Any:
        """The truth value of a match."""
        pattern = globs.normal(pieces)
        return True if pattern == ("", "") else self._truth(Like(path, pattern))

    def equal(self, path: str, text: str) -> Any:
        """The truth value of an equality."""
        return self._truth(Like(path, (text,)))

    def same(self, path: str, other: str) -> Any:
        """The truth value of an equality of two texts of the request."""
        return True if path == other else self._truth(Same(*sorted((path, other))))

    def _truth(self, question: Question) -> Any:
        found = self.questions.get(question)
        if found is None:
            found = self.questions[question] = self.names[str(question)] = z3.Bool(str(question))
            self._declared[question] = found.decl()
        return found

    def read(self, model: Any) -> dict[str, str] | None:
        """Texts that answer as the model says; None where there are none, and why not is then learnt. Raises GaveUp.

        A question that the model leaves open may have either answer.
        """
        # As z3's own wrapper asks, without the objects that it makes: this is done thousands of times.
        context, answers = model.ctx.ref(), dict[Question, bool]()
        for question, declared in self._declared.items():
            value = z3.Z3_model_get_const_interp(context, model.model, declared.ast)
            if value.value is not None:
                answers[question] = z3.Z3_get_bool_value(context, value) == z3.Z3_L_TRUE
        found = solved(answers)
        if isinstance(found, dict):
            return found
        for clash in found:
            truths = [(self.questions[question], answers[question]) for question in clash]
            self.learnt.append(z3.Or(*(z3.Not(truth) if yes else truth for truth, yes in truths)))
        return None

    def answered(self, texts: Mapping[str, str]) -> list[Any]:
        """Of every question the answer that these texts give; a path that is not among them has no text."""
        found = []
        for question, truth in self.questions.items():
            text = texts.get(question.path, "")
            if isinstance(question, Same):
                yes = text == texts.get(question.other, "")
            else:
                yes = globs.automaton(question.pieces).matches(text)
            found.append(truth if yes else z3.Not(truth))
        return found


def solved(answers: Answers) -> dict[str, str] | list[list[Question]]:
    """A text for each path, or sets of answers that no texts give together. Raises GaveUp."""
    groups = _groups(answers)
    clashes = [clash for group in groups for clash in _clashes(group, answers)]
    if clashes:
        return clashes
    apart = [q for q, equal in answers.items() if isinstance(q, Same) and not equal]
    found = _chosen(groups, apart, answers, 1)
    if found is None and apart:
        found = _chosen(groups, apart, answers, len(groups))
    if found is not None:
        return found
    for group in groups:
        options = _options(group, answers, 1)
        if not options.texts:
            mattering = set(options.because)
            held = [q for q in answers if isinstance(q, Like) and q.path in group]
            return [_joined([q for q in held if answers[q] or q.pieces in mattering], group, answers)]
    return [_smallest(list(answers), answers)]


def _groups(answers: Answers) -> list[frozenset[str]]:
    """The paths, those together that are equal."""
    groups: dict[str, frozenset[str]] = {}
    for question, yes in answers.items():
        paths = (question.path, question.other) if isinstance(question, Same) else (question.path,)
        for path in paths:
            groups.setdefault(path, frozenset({path}))
        if isinstance(question, Same) and yes:
            joined = groups[question.path] | groups[question.other]
            groups |= dict.fromkeys(joined, joined)
    return sorted(set(groups.values()), key=sorted)


def _clashes(group: frozenset[str], answers: Answers) -> Iterator[list[Question]]:
    """Answers about the texts of a group that exclude each other two by two: nearly all that z3 has to be told."""
    mine = [q for q in answers if isinstance(q, Like) and q.path in group]
    held = [q for q in mine if answers[q]]
    for place, one in enumerate(held):
        clashing = [q for q in mine if not answers[q] and globs.within(one.pieces, q.pieces)]
        for other in (*clashing, *(q for q in held[:place] if globs.apart(one.pieces, q.pieces))):
            yield [one, other] if one.path == other.path else _joined([one, other], group, answers)
    for question, yes in answers.items():
        if isinstance(question, Same) and not yes and {question.path, question.other} <= group:
            yield _joined([question], group, answers)


def _joined(clash: list[Question], group: frozenset[str], answers: Answers) -> list[Question]:
    """A clash with the equalities of texts that it rests on."""
    equal = [q for q, yes in answers.items() if isinstance(q, Same) and yes and q.path in group]
    return _smallest([*clash, *equal], answers)


def _chosen(
    groups: Sequence[frozenset[str]], apart: Sequence[Same], answers: Answers, count: int
) -> dict[str, str] | None:
    """Texts for these groups; None where there are none among the first `count` of each."""
    return _distinct(groups, [_options(group, answers, count).texts for group in groups], apart, {})


def _options(group: frozenset[str], answers: Answers, count: int) -> globs.Found:
    likes = [(q.pieces, yes) for q, yes in answers.items() if isinstance(q, Like) and q.path in group]
    held = [pieces for pieces, yes in likes if yes]
    shunned = [pieces for pieces, yes in likes if not yes]
    return globs.texts(held, shunned, count)


def _distinct(
    groups: Sequence[frozenset[str]],
    options: Sequence[Sequence[str]],
    apart: Sequence[Same],
    chosen: dict[str, str],
) -> dict[str, str] | None:
    """One of its texts for each group, different ones where they must differ.

    A group has all of its texts here, or as many as there are groups: then one is always left for it.
    """
    if not groups:
        return chosen
    for text in options[0]:
        more = chosen | dict.fromkeys(groups[0], text)
        if any(q.other in more and more.get(q.path) == more[q.other] for q in apart):
            continue
        found = _distinct(groups[1:], options[1:], apart, more)
        if found is not None:
            return found
    return None


def _smallest(clash: list[Question], answers: Answers) -> list[Question]:
    """Without those that the clash does not need."""
    kept = list(clash)
    for question in clash if len(clash) > 2 else ():
        rest = [one for one in kept if one != question]
        if not _possible({one: answers[one] for one in rest}):
            kept = rest
    return kept


def _possible(answers: Answers) -> bool:
    groups = _groups(answers)
    apart = [q for q, equal in answers.items() if isinstance(q, Same) and not equal]
    if any({q.path, q.other} <= group for q in apart for group in groups):
        return False
    return _chosen(groups, apart, answers, len(groups) if apart else 1) is not None


def _quoted(text: str) -> str:
    """As a policy writes it."""
    return "".join(_ESCAPED.get(c) or (c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text)
