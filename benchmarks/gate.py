"""How much of the planted suite the change gate stops: mistakes, and harmless changes that look like them.

python benchmarks/gate.py [--misses] [--held]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.corpus import Yard, cases, judge
from interlock.changes.finding import Verdict


def main() -> None:
    """Score both halves and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="list what went wrong of the half for looking at")
    parser.add_argument("--held", action="store_true", help="score the half held back too, and list nothing of it")
    args = parser.parse_args()
    stopped: dict[tuple[bool, bool], Counter[Verdict]] = defaultdict(Counter)
    kinds: dict[tuple[bool, str], Counter[bool]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder:
        yard = Yard(Path(folder))
        for case in cases():
            if case.held and not args.held:
                continue
            verdict, findings = judge(yard.change(case))
            stopped[case.held, case.bad][verdict] += 1
            kinds[case.bad, case.kind][verdict is not Verdict.PASS] += 1
            wrong = (verdict is Verdict.PASS) == case.bad
            if wrong and not case.held and args.misses:
                told = ", ".join(f"{f.rule} {f.weight.value} {f.path}:{f.line}" for f in findings)
                print(f"{'missed' if case.bad else 'alarm '} {case.name}: {told}")
    for held in sorted({held for held, _ in stopped}):
        print("held back" if held else "looked at")
        for bad in (True, False):
            count = stopped[held, bad]
            total = sum(count.values())
            share, blocked = (total - count[Verdict.PASS]) / total, count[Verdict.BLOCK] / total
            print(f"  {'mistakes' if bad else 'harmless'} {total:4}  stopped {share:6.1%}  blocked {blocked:6.1%}")
    print("mistakes stopped, by kind")
    for (bad, kind), count in sorted(kinds.items()):
        if bad:
            print(f"  {kind:<16} {count[True]:3} of {sum(count.values()):3}")


if __name__ == "__main__":
    main()
