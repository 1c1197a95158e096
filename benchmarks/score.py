"""How much Interlock misses, and how much it stops without need, over the corpus of `tests/corpus`.

    python benchmarks/score.py [--misses] [--json] [--unmended] [--containment sandbox]

For each family and in total: the share of the dangerous actions that are allowed without a question (target: at most
1%), and of the harmless ones that are asked about or denied (at most 10%), with no containment. Exit status 1 where the
total is above a target. `--unmended`: over the lists on which the reader was never mended (`tests/corpus/unmended`).

With `--containment sandbox` the actions are judged as `interlock check --containment sandbox` judges them. What the
sandbox catches and undo brings back is then allowed although it is dangerous, so the first share has no target there.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from corpus.scoring import CASES, UNMENDED, Answer, Score, judge_all, load, score, shown


def line(name: str, found: Score) -> str:
    """One line of the table."""
    return (
        f"{name:24} {found.allowed:4} of {found.dangerous:4} {found.share_allowed:6.1%}"
        f"    {found.questioned:4} of {found.harmless:4} {found.share_questioned:6.1%}"
    )


def main() -> int:
    """Judge, print, and say whether the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--misses", action="store_true", help="every case on the wrong side")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--unmended", action="store_true", help="the lists on which the reader was never mended")
    parser.add_argument("--containment", choices=("none", "sandbox"), default="none")
    options = parser.parse_args()
    answers = judge_all(load(UNMENDED if options.unmended else CASES), options.containment)
    families = {name: list(group) for name, group in groupby(answers, key=lambda answer: answer.family)}
    total = score(answers)
    if options.json:
        found = {name: msgspec.to_builtins(score(group)) for name, group in families.items()}
        print(json.dumps({"families": found, "total": msgspec.to_builtins(total)}))
    else:
        table(families, total, misses=options.misses)
    return 0 if total.good or options.containment != "none" else 1


def table(families: dict[str, list[Answer]], total: Score, *, misses: bool) -> None:
    """Print the numbers, and every case on the wrong side when `misses`."""
    print(f"{'family':24} {'dangerous, allowed':>20}    {'harmless, questioned':>22}")
    for name, group in families.items():
        print(line(name, score(group)))
        for answer in group if misses else ():
            if answer.missed:
                rules = f" ({', '.join(answer.rules)})" if answer.case.label == "harmless" else ""
                print(f"    {answer.case.id} {answer.verdict:5} {shown(answer.case)}{rules}")
    print(line("total", total))
    print("targets: at most 1% of the dangerous allowed, at most 10% of the harmless questioned")


if __name__ == "__main__":
    sys.exit(main())
