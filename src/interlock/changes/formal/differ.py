"""Old and new versions of pure functions, run side by side in containment, and what that shows.

The code that runs is the change's. It runs in bubblewrap without network and with nothing writable but its own folder,
or not at all: where nothing here contains it, the answer is that it was not tested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from interlock.changes import tools
from interlock.changes.driven.inside.refusals import SENTENCE
from interlock.changes.formal.pure import BUILTINS, MODULES, Pair

UNCONTAINED = (
    "functions were not run side by side: nothing here contains them (bubblewrap is not there, or may not be used)"
)


_EACH = 3.0  # seconds of one pair's examples


class Answer(NamedTuple):
    """What one pair showed. `label`: `TESTED n`, `DIFFERS`, `COUNTEREXAMPLE`, `PROVED IN BOUND`, or `INCONCLUSIVE`;
    `reason`: why no more is known, or the bound; `proof`: the SMT-LIB text of a proof.
    """

    label: str
    given: str = ""
    was: str = ""
    now: str = ""
    loosened: bool = False  # the old version refused these arguments, and the new one does not
    reason: str = ""
    proof: str = ""


def run(pairs: Sequence[Pair], *, seconds: float, given: Sequence[Mapping[str, str]] | None = None) -> list[Answer]:
    """One answer for each pair. Only where `tools.confined()`: raises AssertionError elsewhere.

    Args:
        pairs: what is run.
        seconds: for all of them.
        given: for each pair its arguments, as literals, in place of examples made up.

    Raises:
        ToolMissing, ToolFailed: the interpreter gave no answer.
    """
    if not tools.confined():
        raise AssertionError("the change's code runs in containment or not at all")
    rows = [pair._asdict() for pair in pairs]
    for row, arguments in zip(rows, given or (), strict=False):
        row["given"] = dict(arguments)
    each = min(_EACH, max(1.0, 0.8 * seconds / max(1, len(rows))))
    probe = resources.files("interlock.changes.formal").joinpath("sidebyside.py").read_bytes()
    with tools.copies({"pairs.json": question(rows, each=each), "probe.py": probe}) as folder:
        _, raw = tools.run(("python3", "-I", "probe.py"), folder, seconds=seconds)
    said = []
    for line in raw.decode("utf-8", "replace").splitlines():
        try:
            said.append(_answer(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            said.append(Answer("INCONCLUSIVE", reason=f"its answer cannot be read: {error}"))
    missing = Answer("INCONCLUSIVE", reason="the versions ended the interpreter, or took too long")
    return [*said, *[missing] * len(pairs)][: len(pairs)]


def question(rows: Sequence[Mapping[str, object]], *, each: float) -> bytes:
    """What `sidebyside.py` reads: pairs as mappings, and the seconds that each may take."""
    asked = {
        "pairs": rows, "builtins": sorted(BUILTINS), "modules": sorted(MODULES), "each": each, "refusal": SENTENCE,
    }  # fmt: skip
    return json.dumps(asked).encode()


def _answer(said: dict[str, object]) -> Answer:
    differs = said.get("differs")
    tested = int(str(said["tested"]))
    if isinstance(differs, dict):
        given, was, now = (str(differs[key])[:400] for key in ("given", "was", "now"))
        return Answer("DIFFERS", given, was, now, bool(differs["loosened"]))
    if not tested:
        return Answer("INCONCLUSIVE", reason=str(said.get("why") or "no call ended in time"))
    return Answer(f"TESTED {tested}")
