"""PowerShell: what its cmdlets, types and programs do; `interlock.effects.powershell` reads the text.

Its grammar is a seventh of all that the catalogue loads, and few need it: it is imported with the first PowerShell.
"""

from __future__ import annotations

import importlib

from interlock.effects.catalogue.draft import Draft

__all__ = ["powershell", "warm"]


def powershell(draft: Draft) -> None:
    """What `pwsh` would do: see `interlock.effects.catalogue.readers.powershell.program.powershell`."""
    from interlock.effects.catalogue.readers.powershell import program

    program.powershell(draft)


def warm() -> None:
    """Import it now, not with somebody's first script."""
    importlib.import_module("interlock.effects.catalogue.readers.powershell.program")
