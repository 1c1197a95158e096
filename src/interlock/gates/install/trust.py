"""Trust in hooks as Codex keeps it: `[hooks.state."<file>:<event>:<group>:<handler>"] trusted_hash` in config.toml.

Text edits only: the file is the person's, and Codex itself writes to it too. Pure.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

from interlock.model.errors import OperatorError

_BLOCK = r'\n?\[hooks\.state\.{name}\]\ntrusted_hash = "sha256:[0-9a-f]{{64}}"\n'


def with_trust(content: bytes, hashes: Mapping[str, str], name: str) -> bytes:
    """The file with trust for each key of `hashes`. Raises OperatorError: it is no TOML, or cannot be edited safely."""
    text = _text(content, name)
    for key, value in hashes.items():
        text = re.sub(_BLOCK.format(name=re.escape(json.dumps(key))), "", text)
        if text and not text.endswith("\n"):
            text += "\n"
        text += f"\n[hooks.state.{json.dumps(key)}]\ntrusted_hash = {json.dumps(value)}\n"
    _text(text.encode(), name)  # a key that is there in another form makes the TOML invalid: then nothing is written
    return text.encode()


def without_trust(content: bytes, hooks_file: str, name: str) -> bytes:
    """The file without trust in handlers of `hooks_file`, as far as it stands in the form we write."""
    text = _text(content, name)
    stem = re.escape(json.dumps(hooks_file)[:-1]) + r':[a-z_]+:\d+:\d+"'
    return re.sub(_BLOCK.format(name=stem), "", text).encode()


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode()
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OperatorError(
            f"{name} cannot be edited safely ({error}). Trust the hooks with /hooks in codex."
        ) from None
    return text
