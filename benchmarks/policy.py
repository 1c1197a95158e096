"""The decision alone, against the floor of Cedar itself.

    python benchmarks/policy.py [--json]

The floor is one bare `cedarpy.is_authorized` of one permit with ready-made handles. Ratios to it, in one run, are what
to compare: absolute times move with the machine.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence

import cedarpy

from interlock.model.action import Principal
from interlock.model.decision import Context
from interlock.model.effect import Effect
from interlock.policy import notation
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

ACTIONS: dict[str, tuple[str, ...]] = {
    "read one file": ("read file /code/app/main.py @workspace +workspace",),
    "edit one file": ("overwrite file /code/app/main.py @workspace +workspace recoverable",),
    "run the tests": (
        "execute process pytest @workspace +project",
        "read directory /code/app/tests @workspace +workspace",
    ),
    "fetch, then write": (
        "fetch host pypi.org +registry",
        "write file /code/app/x.whl @workspace +workspace taint:network",
    ),
    "four effects": (
        "read file /code/app/a @workspace +workspace",
        "create file /code/app/b @workspace +workspace",
        "execute process make @workspace +project",
        "delete file /tmp/c @machine +scratch irreversible",
    ),
    "ask: a new host": ("fetch host blog.example.org",),
    "deny: drop under freeze": ("delete database shop @production irreversible all frozen",),
}
ROUNDS = 400


def timed(call: Callable[[], object], before: Callable[[], object] = lambda: None) -> tuple[float, float]:
    """p50 and p99 of `call` in microseconds; `before` runs outside the clock."""
    times = []
    for _ in range(ROUNDS):
        before()
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    times.sort()
    return times[ROUNDS // 2] * 1e6, times[ROUNDS * 99 // 100] * 1e6


def floor() -> Callable[[], object]:
    """One bare evaluation."""
    policies = cedarpy.PolicySet.from_str("permit (principal, action, resource);")
    entities = cedarpy.Entities.from_json_str("[]")
    uid = {"type": "T", "id": "x"}
    request = {"principal": uid, "action": {"type": "Action", "id": "x"}, "resource": uid, "context": {}}
    return lambda: cedarpy.is_authorized(request, policies, entities)


def decide(engine: Engine, lines: Sequence[str]) -> Callable[[], object]:
    """One decision over the effects of `lines`."""
    situations = [notation.parse(line) for line in lines]
    effects: list[Effect] = [situation.effect for situation in situations]
    principal: Principal = situations[0].principal
    context: Context = situations[-1].context
    return lambda: engine.decide(principal, effects, context)


def main() -> None:
    """Print one row a case."""
    start = time.perf_counter()
    engine = Engine.load([layer()])
    load = (time.perf_counter() - start) * 1e3
    base, base99 = timed(floor())
    rows = [{"case": "floor: bare is_authorized", "p50_us": base, "p99_us": base99, "ratio": 1.0}]
    for name, lines in ACTIONS.items():
        call = decide(engine, lines)
        for kind, before in (("new", engine.forget), ("remembered", lambda: None)):
            p50, p99 = timed(call, before)
            rows.append({"case": f"{name} ({kind})", "p50_us": p50, "p99_us": p99, "ratio": p50 / base})
    if "--json" in sys.argv:
        facts = {"machine": platform.machine(), "python": platform.python_version(), "load_ms": load}
        print(json.dumps({"facts": facts, "rows": rows}, indent=2))
        return
    print(f"{len(engine.rules)} rules, loaded with their examples in {load:.0f} ms")
    for row in rows:
        print(f"{row['case']:<40} p50 {row['p50_us']:8.1f} us   p99 {row['p99_us']:8.1f} us   {row['ratio']:5.2f} x")


if __name__ == "__main__":
    main()
