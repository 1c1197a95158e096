"""How well and how quickly the taint reader tells labelled programs apart.

python benchmarks/taint.py [--held] [--misses]     --held scores the half held back as well; --misses lists what went
wrong of the half for looking at. The last line reads 1,200 files of the set at once and gives the CPU time.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.taintcases import Program, others, programs
from interlock.changes.taint.reader import read


def found(program: Program) -> bool:
    """Whether the reader sees the category that the program is about."""
    return any(flow.category == program.category for flow in read(program.files).flows)


def main() -> None:
    """Score each half by category, then the time."""
    for style, cases in (("put together", programs()), ("another style", others())):
        judge(style, [case for case in cases if "--held" in sys.argv or not case.held])
    files = {}
    for number, program in enumerate([p for p in programs() if len(p.files) == 1][:1200]):
        files |= {f"c{number}/{path}": text for path, text in program.files.items()}
    start = time.process_time()
    flows = read(files).flows
    lines = sum(text.count("\n") for text in files.values())
    print(f"{len(files)} files, {lines:,} lines: {time.process_time() - start:.2f} CPU-s, {len(flows)} flows")


def judge(style: str, cases: list[Program]) -> None:
    """Score the halves of one set."""
    tables: dict[bool, dict[str, Counter[tuple[bool, bool]]]] = {
        False: defaultdict(Counter),
        True: defaultdict(Counter),
    }
    for program in cases:
        said = found(program)
        tables[program.held][program.category][program.bad, said] += 1
        if said is not program.bad and not program.held and "--misses" in sys.argv:
            print(f"{'missed' if program.bad else 'alarm '} {program.category:9} {program.name}")
    for half, table in tables.items():
        if table:
            print(f"{style}, {'held back' if half else 'looked at'}")
            score(table)


def score(table: dict[str, Counter[tuple[bool, bool]]]) -> None:
    """Rates by category, and their mean."""
    rates = []
    totals: Counter[tuple[bool, bool]] = Counter()
    for category, count in sorted(table.items()):
        bad, good = (count[side, True] + count[side, False] for side in (True, False))
        hit = count[True, True] / bad if bad else 1.0
        alarm = count[False, True] / good if good else 0.0
        rates.append(hit - alarm)
        totals += count
        print(f"  {category:9} bad {bad:4}  found {hit:6.1%}   harmless {good:4}  alarms {alarm:6.1%}")
    found, all_bad = totals[True, True], totals[True, True] + totals[True, False]
    alarms, all_good = totals[False, True], totals[False, True] + totals[False, False]
    print(
        f"  all       bad {all_bad:4}  found {found / all_bad:6.1%}   harmless {all_good:4}  "
        f"alarms {alarms / all_good:6.1%}"
    )
    print(f"  TPR - FPR, mean over {len(rates)} categories: {sum(rates) / len(rates):.3f}")


if __name__ == "__main__":
    main()
