"""A new policy set takes force whole, or the old one stays."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.model.errors import PolicyError
from interlock.policy.engine import Engine, digest_of
from interlock.policy.rules import Layer


def reload(engine: Engine, layers: Sequence[Layer]) -> tuple[Engine, PolicyError | None]:
    """The engine in force after an attempt to load `layers`, and why it is the old one if it is.

    Unchanged sources keep the engine, and with it what it remembers. A new engine starts with an empty memory, so an
    answer of the old set can never be given by the new one.
    """
    if digest_of(layers) == engine.digest:
        return engine, None
    try:
        return Engine.load(layers), None
    except PolicyError as error:
        return engine, error
