"""The hook client of this installation: where it is, and which daemon it is pinned to."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from interlock.gates.install.handlers import HOOK_NAME, Hook
from interlock.home import locate
from interlock.model.errors import OperatorError


def installed_hook(environ: Mapping[str, str]) -> Hook:
    """The client beside this Python, pinned to the daemon that this environment means.

    The pin stands in the agent's configuration, so that an environment which an agent can write (a project's settings
    may set variables for hooks) does not choose the daemon. Raises OperatorError: there is no client.
    """
    for directory in (Path(sys.executable).parent, Path(sys.argv[0]).absolute().parent):
        path = directory / HOOK_NAME
        if os.access(path, os.X_OK) and path.is_file():
            break
    else:
        raise OperatorError(f"{HOOK_NAME} is not beside {sys.executable}. Install Interlock again (pip install).")
    home = locate(environ)
    if environ.get("INTERLOCK_HOME"):
        return Hook(str(path), ("--home", str(home.run.parent)))
    return Hook(str(path), ("--run", str(home.run)))
