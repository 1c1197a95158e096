"""PowerShell: what its cmdlets, types and programs do; `interlock.effects.powershell` reads the text."""

from interlock.effects.catalogue.readers.powershell.program import powershell

__all__ = ["powershell"]
