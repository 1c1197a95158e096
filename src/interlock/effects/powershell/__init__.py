"""PowerShell, read: text to syntax (`parse`), and a walk over it that says which commands would run (`walk`).

What a cmdlet does is not known here: the host of the walk says it (`effects/catalogue/readers/powershell/`).
"""

from __future__ import annotations

from interlock.effects.powershell.parse import Unreadable, read
from interlock.effects.powershell.walk import Argument, Call, Host, Value, Walker

__all__ = ["Argument", "Call", "Host", "Unreadable", "Value", "Walker", "read"]
