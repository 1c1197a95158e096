"""The stages in the order of the report. Each is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from interlock.changes.stage import Stage
from interlock.model.errors import UsageError

# name -> module with a `STAGE`. The names are an interface: configurations, waivers and attestations cite them.
STAGES: dict[str, str] = {
    "provenance": "interlock.changes.stages.provenance",
    "scope": "interlock.changes.stages.scope",
    "checks": "interlock.changes.stages.checks",
    "guards": "interlock.changes.stages.guards",
    "secrets": "interlock.changes.stages.secrets",
    "dependencies": "interlock.changes.stages.dependencies",
    "static": "interlock.changes.stages.static",
    "privilege": "interlock.changes.stages.privilege",
    "tests": "interlock.changes.stages.tests",
    "formal": "interlock.changes.stages.formal",
    "opinion": "interlock.changes.stages.opinion",
    "review": "interlock.changes.stages.review",
}


def stages(names: Iterable[str] = ()) -> list[Stage]:
    """The stages of these names, or all. Raises UsageError for a name that is none."""
    wanted = list(names) or list(STAGES)
    for name in wanted:
        if name not in STAGES:
            raise UsageError(f"there is no stage {name!r}. There are: {', '.join(STAGES)}.")
    found: list[Stage] = [importlib.import_module(module).STAGE for name, module in STAGES.items() if name in wanted]
    return found
