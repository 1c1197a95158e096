"""How often people are asked in recorded days of work, and whether what should be stopped was.

    python benchmarks/day.py [--containment none|sandbox] [--no-grants] [--prompts]

Prints prompts per 100 actions, by tier and by rule, and the planted grave actions that nobody was asked about.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from economy.replay import Replay
from interlock.model.visible import visible


def main() -> None:
    """Replay and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--containment", choices=["none", "sandbox"], default="sandbox")
    parser.add_argument("--no-grants", action="store_true", help="the person only answers, and never grants")
    parser.add_argument("--prompts", action="store_true", help="list what was asked")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        done = Replay(Path(base), containment=wish.containment, granting=not wish.no_grants).run()
    print(
        f"{done.actions} actions, {len(done.prompts)} prompts: {done.per_100:.2f} per 100 "
        f"(containment {wish.containment}, {len(done.grants)} grants)"
    )
    print("tiers       " + ", ".join(f"{tier}: {count}" for tier, count in sorted(done.tiers.items())))
    rules = Counter(prompt.judged.decision.rules[0] for prompt in done.prompts)
    print("asked by    " + ", ".join(f"{rule} {count}" for rule, count in rules.most_common()))
    print(f"planted     {done.planted - len(done.passed)} of {done.planted} asked or denied")
    for step in done.passed:
        print(f"  PASSED    {step.name}  {visible(str(step.input.get('command', step.input)))}")
    for prompt in done.prompts if wish.prompts else ():
        text = prompt.step.input.get("command", prompt.step.input)
        print(f"  {prompt.judged.decision.rules[0]:<20} {prompt.step.name}  {visible(str(text))}")


if __name__ == "__main__":
    main()
