"""A million recorded actions under other rules: how long `interlock policy replay` takes.

    python benchmarks/replay.py [--actions N] [--json]

Makes a ledger of N actions (1,000,000) whose bodies are written by what writes them in the daemon: situations of the
golden matrix and of the rules' examples, one to four effects each, over 40,000 different names, the common ones often.
Then replays them twice under a set that stops some of them: from nothing, and with the Parquet files there. The floor,
in the same run, is Cedar alone: one bare decision of the engine without its memory, for each distinct request.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker import records
from interlock.identity.keys import Ed25519Key
from interlock.ledger.reader import Reader
from interlock.ledger.store import Ledger
from interlock.model.action import Action, Principal, Reading
from interlock.model.decision import Verdict
from interlock.model.effect import Effect
from interlock.policy import notation
from interlock.policy.compare import lines
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer
from interlock.replay.again import Again, principals
from interlock.replay.parquet import Past
from interlock.replay.report import replay

TARGET_SECONDS = 600.0
DISTINCT = 40_000  # different actions
BATCH = 5_000
STRICTER = """
@id("no-shop") @tier("4") @why("a benchmark") @matches("read table shop.users @staging")
forbid (principal, action, resource) when { resource.name like "*shop*" };
"""


def bodies(engine: Engine, rng: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Kind and body of every different action."""
    scenes = [notation.parse(line) for line in lines(engine)]
    # Most of what agents do is allowed; a fourth of these is not, and of a day's work far less.
    plain = [s for s in scenes if engine.decide(s.principal, [s.effect], s.context).verdict is Verdict.ALLOW]
    return [_body(engine, rng.sample(plain if rng.random() < 0.95 else scenes, rng.randint(1, 4)), n)
            for n in range(DISTINCT)]  # fmt: skip


def _body(engine: Engine, scenes: list[notation.Situation], number: int) -> tuple[str, dict[str, Any]]:
    context = scenes[0].context
    effects = tuple(_renamed(scene.effect, number) for scene in scenes)
    principal = Principal("claude", f"session-{number % 200}", person="ana", model="m")
    action = Action("Bash", {"command": f"work --on {effects[0].resource.name}"}, "/code/app", principal)
    decision = engine.decide(principal, effects, context)
    body = records.action_body(action) | records.decision_body(decision, Reading(effects), context)
    return (records.INTENT if decision.verdict is Verdict.ALLOW else records.DENIAL), body


def _renamed(effect: Effect, number: int) -> Effect:
    resource = msgspec.structs.replace(effect.resource, name=f"{effect.resource.name}{number}")
    return msgspec.structs.replace(effect, resource=resource)


def record(directory: Path, actions: list[tuple[str, dict[str, Any]]], count: int, rng: random.Random) -> None:
    """A ledger with `count` of them, the first ones often."""
    with Ledger.open(directory, Ed25519Key.generate("bench/replay"), "bench/replay") as ledger:
        for at in range(0, count, BATCH):
            stamp = f"2026-11-{1 + at * 27 // count:02}T12:00:00.000000Z"
            waiting = [ledger.submit(kind, body, time=stamp, durable=False)
                       for kind, body in _drawn(actions, min(BATCH, count - at), rng)]  # fmt: skip
            ledger.submit(*actions[0], time=stamp).result()  # durable: the disk keeps up before more comes
            for one in waiting:
                one.result()


def _drawn(
    actions: list[tuple[str, dict[str, Any]]], count: int, rng: random.Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    for _ in range(count):
        yield actions[min(int(rng.paretovariate(0.35)) - 1, len(actions) * 9) % len(actions)]


def timed(directory: Path, folder: Path, engine: Engine) -> tuple[float, float, Any]:
    """Seconds to take the ledger over, seconds to judge it, and the sums."""
    start = time.perf_counter()
    with Reader.open(directory) as reader:
        past = Past(folder)
        past.follow(reader)
        taken = time.perf_counter() - start
        total = replay(past.groups("2026-01-01", principals(engine)), Again(engine))
        past.close()
    return taken, time.perf_counter() - start - taken, total


def floor(engine: Engine, rng: random.Random) -> float:
    """Seconds of one decision without memory."""
    scenes = [notation.parse(line) for line in rng.sample(lines(engine), 300)]
    start = time.perf_counter()
    for scene in scenes:
        engine.forget()
        engine.decide(scene.principal, [scene.effect], scene.context)
    return (time.perf_counter() - start) / len(scenes)


def main() -> None:
    """Run and print."""
    count = int(sys.argv[sys.argv.index("--actions") + 1]) if "--actions" in sys.argv else 1_000_000
    rng = random.Random(7)
    place = Path(tempfile.mkdtemp(prefix="interlock-replay-"))
    try:
        old = Engine.load([layer()])
        new = Engine.load([layer(), Layer("project", {"shop.cedar": STRICTER})])
        start = time.perf_counter()
        record(place / "ledger", bodies(old, rng), count, rng)
        made = time.perf_counter() - start
        cold = timed(place / "ledger", place / "parquet", new)
        warm = timed(place / "ledger", place / "parquet", new)
        bare = floor(new, rng)
        size = sum(file.stat().st_size for file in (place / "parquet").iterdir())
    finally:
        shutil.rmtree(place)
    total = cold[2]
    facts = {
        "actions": total.replayed, "distinct_requests": total.distinct, "recorded_seconds": round(made, 1),
        "cold_seconds": round(cold[0] + cold[1], 1), "taken_over_seconds": round(cold[0], 1),
        "judged_seconds": round(cold[1], 1), "warm_seconds": round(warm[0] + warm[1], 1),
        "parquet_mib": round(size / 2**20, 1), "prompts_gained": total.prompts_gained,
        "changed": sum(moved.count for moved in total.moved.values()),
        "floor_seconds": round(bare * total.distinct, 1), "target_seconds": TARGET_SECONDS * count / 1_000_000,
    }  # fmt: skip
    if "--json" in sys.argv:
        print(json.dumps(facts))
        return
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<20} {value}")
    print("the target is met" if facts["cold_seconds"] <= facts["target_seconds"] else "THE TARGET IS MISSED")


if __name__ == "__main__":
    main()
