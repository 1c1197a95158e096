"""What somebody said of a commit that they looked at, or tested: a statement about whom the daemon saw say it. Pure.

Who it was is never the reviewer's own word: it is the session whose process called, or the person whose uid it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KIND = "review"  # of ledger entry, and of bundle
PREDICATE = "urn:interlock:review:v1"
ROLES = ("critic", "tester")
SAYS = ("ok", "no")
BECAUSE = 1_000  # characters of a reason
_RUNS = 20


def predicate(
    role: str, says: str, because: str, by: Mapping[str, str], *, runs: Sequence[Mapping[str, Any]], made: str
) -> dict[str, Any]:
    """What is said of the commit. `by` has a `person`, and for a session its `agent`, `session` and `name`; `runs` are
    those of tests that the ledger saw of it; `made` is an RFC 3339 time.
    """
    return {
        "role": role,
        "says": says,
        "because": because[:BECAUSE],
        "by": dict(by),
        "runs": [dict(run) for run in runs[-_RUNS:]],
        "timeCreated": made,
    }
