"""Reads `pairs.json` in its folder and writes one JSON object for each pair; ends itself when its seconds are over.

A process of its own, because z3 does not always mind its time: what was decided until then has been written.
"""

from __future__ import annotations

import json
import resource
import signal
import time

from interlock.changes.formal.symbolic.decide import decide


def main() -> None:
    """Decide what there is time for."""
    with open("pairs.json", encoding="utf-8") as file:
        asked = json.load(file)
    seconds = float(asked["seconds"])
    # Both end the process where they come: nothing in it has to be set right.
    signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
    until = time.monotonic() + seconds - 0.2
    for pair in asked["pairs"]:
        left = min(float(asked["each"]), until - time.monotonic())
        if left <= 0:
            break
        found = decide(pair["name"], (pair["before"], pair["after"]), pair["kinds"], seconds=left,
                       loosened=pair["loosened"])  # fmt: skip
        print(json.dumps(found._asdict()), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
