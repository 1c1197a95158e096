"""The packaged policy set: what a team would really start with."""

from __future__ import annotations

from functools import cache
from importlib import resources

from interlock.policy.rules import Layer


@cache
def layer() -> Layer:
    """The default layer, read once from the package."""
    folder = resources.files(__name__)
    return Layer(
        "default",
        {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".cedar")},
    )
