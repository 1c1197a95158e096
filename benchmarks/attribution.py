"""How many lines are known after random histories in real git: edits of a person and of agents, scripts, formatters,
commits, amends, renames, merges, rebases, squashes, cherry-picks, reverts, stashes and commits from elsewhere.

python benchmarks/attribution.py [SEEDS] [STEPS]     of each history, 16 of 40 steps unless told
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from changes.provenance.history import Score, run


def main() -> None:
    """Play the histories of the first seeds and print what was said of their lines."""
    seeds, steps = (int(word) for word in (sys.argv[1:] + ["16", "40"][len(sys.argv) - 1 :])[:2])
    total = Score()
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            total += run(Path(folder), seed, steps)[0]
    print(f"{seeds} histories of {steps} steps: {total['right']} lines right, {total['wrong']} wrong,")
    share = f"{100 * total.unknown():.1f}%"
    print(f"{total['unknown']} unknown ({share}), {total['old']} from before or elsewhere and so unknown")


if __name__ == "__main__":
    main()
