"""Stage *opinion*: what a model sees in the change. It can raise findings, and nothing that it says lowers any.

Off unless the base's `gate.toml` has an `[opinion]` table. A model that does not answer, answers what is no list of
findings, or was not shown all of the change makes the stage inconclusive: it was asked for, and has not looked.
"""

from __future__ import annotations

import time

from interlock.changes import asking, opinion
from interlock.changes.change import Change
from interlock.changes.finding import Finding, Weight
from interlock.changes.stage import Found, Plain

_BUDGET = 150.0
_NAMED = 5


def run(change: Change) -> Found:
    """Ask, and take findings."""
    settings = change.config.opinion
    if settings is None:
        return Found(notes=("no model was asked: the base's gate.toml has no [opinion] table",), unasked=True)
    texts, left = opinion.parts(change, settings.size)
    problems = [f"{len(left)} files were not shown to the model: {', '.join(left[:_NAMED])}"] if left else []
    findings: list[Finding] = []
    until = time.monotonic() + settings.seconds
    for text in texts:
        try:
            raw = asking.ask(settings.url, opinion.question(settings, text), seconds=until - time.monotonic())
            found, wrong = opinion.findings(opinion.answered(raw), change, Weight(settings.weight))
            findings += found
            problems += [f"the model {settings.model}: {wrong}"] * bool(wrong)
        except (asking.Unanswered, opinion.Garbled) as error:
            problems.append(f"the model {settings.model}: {error}")
            break
    facts = {"model": settings.model, "questions": str(len(texts))}
    return Found(findings=tuple(dict.fromkeys(findings)), problems=tuple(problems), facts=facts)


STAGE = Plain("opinion", run, version="1", budget=_BUDGET)
