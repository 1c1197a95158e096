"""What every known program does, as data: see `docs/catalogue.md`.

`interpret` is what the shell reader calls; `Catalogue.load` is how user and organisation families are layered on top.
"""

from __future__ import annotations

from interlock.effects.catalogue.catalogue import Catalogue
from interlock.effects.catalogue.packaged import layered, packaged, sources
from interlock.effects.invocation import Interpretation, Invocation
from interlock.model.world import Setting, World

__all__ = ["Catalogue", "interpret", "layered", "packaged", "sources"]


def interpret(invocation: Invocation, setting: Setting, world: World) -> Interpretation:
    """What one command would do, by the packaged families and those of the setting (see `Catalogue.interpret`)."""
    return layered(setting.families).interpret(invocation, setting, world)
