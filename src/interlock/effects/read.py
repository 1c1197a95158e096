"""The front door of the readers: any action in, a bounded `Reading` out, never an exception."""

from __future__ import annotations

import msgspec

from interlock.effects.budget import one_action
from interlock.effects.summary import summarise
from interlock.effects.tools import reader_of
from interlock.effects.tools.inputs import Malformed
from interlock.model.action import Action, Reading
from interlock.model.effect import Effect, opaque
from interlock.model.world import Setting, World

MAX_EFFECTS = 400  # nobody can judge more on one page; the rest is said by one opaque effect
MAX_OPERANDS = 256


def read_action(action: Action, setting: Setting, world: World) -> Reading:
    """What `action` would do. Total: a tool or an input that no reader knows becomes an `opaque` effect."""
    try:
        with one_action():
            return _finished(_read(action, setting, world), action.tool)
    except Malformed as error:
        return _unread(action, str(error))
    except Exception as error:  # noqa: BLE001 - a bug in a reader must stop the action, not the guard
        return msgspec.structs.replace(_unread(action, f"the reader failed ({type(error).__name__})"), failed=True)


def _finished(reading: Reading, via: str) -> Reading:
    effects = bounded(reading.effects, via)
    return msgspec.structs.replace(
        reading,
        effects=effects,
        operands=tuple(dict.fromkeys(reading.operands))[:MAX_OPERANDS],
        summary=reading.summary or summarise(effects),
    )


def bounded(effects: tuple[Effect, ...], via: str) -> tuple[Effect, ...]:
    """Without repetitions, and at most `MAX_EFFECTS`; what is beyond is one opaque effect."""
    unique = tuple(dict.fromkeys(effects))
    if len(unique) <= MAX_EFFECTS:
        return unique
    more = len(unique) - MAX_EFFECTS + 1
    rest = opaque(f"{more} more effects", "too many effects to be judged one by one", via=via)
    return (*unique[: MAX_EFFECTS - 1], rest)


def _read(action: Action, setting: Setting, world: World) -> Reading:
    reader = reader_of(action.tool)
    if reader is None:
        return _unread(action, "no reader knows this tool")
    found = reader(action, setting, world)
    reading = found if isinstance(found, Reading) else Reading(effects=found)
    if len(reading.operands) > MAX_OPERANDS:
        # A yes binds the content of the operands: one that is left out would be unbound.
        return msgspec.structs.replace(
            reading, effects=(opaque(action.tool, "it depends on too many files", via=action.tool), *reading.effects)
        )
    return reading


def _unread(action: Action, why: str) -> Reading:
    name = action.tool[:200]
    effect = opaque(name, why, via=name)
    return Reading(effects=(effect,), summary=f"Nobody could read what it does: {why}.")
