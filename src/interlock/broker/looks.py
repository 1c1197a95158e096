"""The looks that a question deserves, made off the loop that serves hooks, within the time that a person allows."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from interlock.broker.config import Config
from interlock.broker.judge import Judgement, decide_again
from interlock.model.action import Action
from interlock.policy.engine import Engine
from interlock.preview.finding import Asked, Deadline
from interlock.preview.look import Preview, preview
from interlock.preview.process import Machine

NOTHING = Preview()


async def looked(
    judged: Judgement, *, workspace: str, home: str, config: Config, started: Callable[[int], None]
) -> Preview:
    """What was found, or nothing where the policy wants no look or the person allows none."""
    if not judged.decision.obligations or config.preview.seconds <= 0:
        return NOTHING
    import asyncio  # `interlock check` looks without a loop, and starts without it

    return await asyncio.to_thread(look_now, judged, workspace=workspace, home=home, config=config, started=started)


def look_now(
    judged: Judgement, *, workspace: str, home: str, config: Config, started: Callable[[int], None]
) -> Preview:
    """The same, here and now: for `interlock check`."""
    wish = config.preview
    asked = Asked(
        effects=judged.reading.effects,
        here=judged.reading.here,
        workspace=workspace,
        home=home,
        databases=wish.databases,
        runs=wish.run,
    )
    machine = Machine(Deadline(wish.seconds), never_from=(workspace,), started=started)
    return preview(judged.decision.obligations, asked, machine)


def informed(judged: Judgement, action: Action, engine: Engine, found: Preview) -> Judgement:
    """The judgement with what the look made exact: what turns out to be recoverable may need no question any more."""
    reading = msgspec.structs.replace(judged.reading, effects=found.effects)
    return msgspec.structs.replace(
        judged, reading=reading, effects=found.effects, decision=decide_again(judged, action, engine, found.effects)
    )
