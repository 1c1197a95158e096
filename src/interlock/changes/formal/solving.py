"""What examples left open, before the solver: pairs of versions are proved the same within a bound, or told apart.

The solver reads the change's code and runs none of it; what it gives as an example is run on both versions, in
containment, before anybody is told.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from interlock.changes import tools
from interlock.changes.formal import differ
from interlock.changes.formal.differ import Answer
from interlock.changes.formal.pure import Pair

MISSING = "the prover (z3-solver, the extra `prove`) is not installed: functions were run on examples alone"
_EACH = 2.0  # seconds of one function
_AGAIN = 3.0  # seconds of running the solver's examples
_WORDS = ("python3", "-I", "-m", "interlock.changes.formal.symbolic")


class _Said(NamedTuple):
    answer: str
    reason: str = ""
    given: Mapping[str, str] = MappingProxyType({})
    bound: str = ""
    proof: str = ""


def available() -> bool:
    """Whether there is a solver."""
    return importlib.util.find_spec("z3") is not None


def deepened(pairs: Sequence[Pair], answers: Sequence[Answer], *, seconds: float) -> list[Answer]:
    """The answers with what the solver adds to those that examples did not settle.

    Raises:
        ToolMissing, ToolFailed: its examples could not be run.
    """
    open_ = [at for at, answer in enumerate(answers) if _unsettled(answer)]
    if not open_:
        return list(answers)
    said = _asked([pairs[at] for at in open_], [answers[at] for at in open_], seconds)
    found = list(answers)
    shown = [(at, one) for at, one in zip(open_, said, strict=True) if one.answer == "EXAMPLE"]
    seen = (
        differ.run([pairs[at] for at, _ in shown], seconds=_AGAIN, given=[one.given for _, one in shown])
        if shown
        else []
    )
    for at, one in zip(open_, said, strict=True):
        found[at] = _with(answers[at], one)
    for (at, _), answer in zip(shown, seen, strict=True):
        found[at] = _believed(answers[at], answer)
    return found


def _unsettled(answer: Answer) -> bool:
    return answer.label.startswith("TESTED") or (answer.label == "DIFFERS" and not answer.loosened)


def _asked(pairs: list[Pair], answers: list[Answer], seconds: float) -> list[_Said]:
    rows = [{**p._asdict(), "loosened": a.label == "DIFFERS"} for p, a in zip(pairs, answers, strict=True)]
    asked = {"pairs": rows, "seconds": seconds, "each": _EACH}
    try:
        with tools.copies({"pairs.json": json.dumps(asked).encode()}) as folder:
            _, raw = tools.run(_WORDS, folder, seconds=seconds + 2.0)
    except (tools.ToolMissing, tools.ToolFailed) as error:
        return [_Said("OPEN", str(error))] * len(pairs)
    said = []
    for line in raw.decode("utf-8", "replace").splitlines():
        try:
            said.append(_Said(**json.loads(line)))
        except (ValueError, TypeError):
            break  # it was ended while it wrote
    return [*said, *[_Said("OPEN", "there was no more time")] * len(pairs)][: len(pairs)]


def _with(answer: Answer, said: _Said) -> Answer:
    if said.answer == "PROVED":
        if answer.label == "DIFFERS":
            return answer._replace(
                reason=f"proved to accept nothing that was refused, for {said.bound}", proof=said.proof
            )
        return answer._replace(label=f"PROVED IN BOUND, {answer.label}", reason=said.bound, proof=said.proof)
    return answer._replace(reason=f"not decided: {said.reason or 'no example could be run'}")


def _believed(answer: Answer, seen: Answer) -> Answer:
    """An example that shows what it was to show, or nothing new."""
    if seen.label != "DIFFERS" or (answer.label == "DIFFERS" and not seen.loosened):
        return answer._replace(reason="not decided: the solver's example shows no difference when it is run")
    return seen._replace(label="COUNTEREXAMPLE")
