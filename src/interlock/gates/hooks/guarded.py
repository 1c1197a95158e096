"""Whether an agent's configuration still asks Interlock, read from the files as the agent reads them."""

from __future__ import annotations

import os
from pathlib import Path

from interlock.gates.hooks import registry
from interlock.gates.install.client import installed_hook
from interlock.gates.install.inspect import look, read_file
from interlock.gates.install.places import Places, places
from interlock.model.errors import OperatorError


def still_guarded(agent: str, cwd: str, transcript: str = "") -> str:
    """What is wrong with the agent's configuration; "" when it still asks Interlock.

    `cwd` finds the project's files. `transcript` (the path of the agent's own record) finds the user's: the agent may
    run with another home than the daemon.
    """
    if registry.gate(agent) is None:
        return ""
    try:
        guard = look(agent, places_of(agent, cwd, transcript), read_file, installed_hook(os.environ))
    except OperatorError as error:
        return str(error)
    return " ".join(guard.problems + guard.notes if guard.problems else ())


def places_of(agent: str, cwd: str, transcript: str) -> Places:
    """Where the agent behind this record keeps its configuration, which may not be where the daemon's user does."""
    found = places(os.environ, Path.home(), Path(cwd or "/"))
    parts = Path(transcript).parts
    if agent == "claude" and transcript.startswith("/") and "projects" in parts:
        # <configuration>/projects/<project>/<session>.jsonl, and deeper for subagents
        last = len(parts) - 1 - parts[::-1].index("projects")
        return Places(found.home, found.project, Path(*parts[:last]), found.codex)
    return found
