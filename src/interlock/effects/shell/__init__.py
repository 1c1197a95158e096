"""Shell texts, read as bash would run them: every command, where it runs, and what flows between them."""

from __future__ import annotations

from interlock.effects.shell.reader import read_shell

__all__ = ["read_shell"]
