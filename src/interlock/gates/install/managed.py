"""Codex's managed hooks: a block of TOML in /etc/codex/requirements.toml, between two marks. Pure.

Hooks that stand there are trusted without a person's review, and no user can switch them off (measured: 0.169 lists
them as `managed`).
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from interlock.gates.install.handlers import Hook
from interlock.model.errors import OperatorError

_BEGIN, _END = "# >>> interlock (written by `interlock init`; `interlock uninstall` removes it)", "# <<< interlock"
_BLOCK = re.compile(r"\n?" + re.escape(_BEGIN) + r"\n.*?\n" + re.escape(_END) + r"\n", re.DOTALL)


def with_block(content: bytes, entries: dict[str, dict[str, Any]], hook: Hook, name: str) -> bytes:
    """The file with our hooks. Raises OperatorError: it is no TOML, or has hooks of its own."""
    text = without_block(content, name).decode()
    theirs = tomllib.loads(text)
    if "hooks" in theirs:
        raise OperatorError(f"{name} has [hooks] of its own. Add Interlock's by hand, or use --scope user.")
    # Without this pin `features.hooks = false` in a user's configuration drops managed hooks too (measured: 0.169).
    pin = [] if "features" in theirs else ["[features]", "hooks = true", ""]
    lines = [_BEGIN, *pin, "[hooks]", f"managed_dir = {json.dumps(str(Path(hook.path).parent))}"]
    for event, entry in entries.items():
        lines += ["", f"[[hooks.{event}]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items() if key != "hooks"]
        for handler in entry["hooks"]:
            lines += [
                "",
                f"[[hooks.{event}.hooks]]",
                *(f"{key} = {json.dumps(value)}" for key, value in handler.items()),
            ]
    separator = "\n" if text and not text.endswith("\n") else ""
    text += separator + ("\n" if text else "") + "\n".join([*lines, _END]) + "\n"
    tomllib.loads(text)
    return text.encode()


def without_block(content: bytes, name: str) -> bytes:
    """The file without what stands between our marks. Raises OperatorError: it is no TOML."""
    try:
        text = content.decode()
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{name} is not valid TOML ({error}). Mend it, then try again.") from None
    return _BLOCK.sub("", text).encode()
