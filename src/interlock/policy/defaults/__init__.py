"""The packaged policy set, with what it promises and the receipt of the proofs: what a team would really start with."""

from __future__ import annotations

from functools import cache
from importlib import resources

from interlock.policy import properties, receipt
from interlock.policy.rules import Layer


@cache
def layer() -> Layer:
    """The default layer, read once from the package."""
    folder = resources.files(__name__)
    texts = {
        entry.name: entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith((".cedar", ".toml", ".json"))
    }
    return Layer(
        "default",
        {name: text for name, text in texts.items() if name.endswith(".cedar")},
        properties=texts.get(properties.FILE, ""),
        receipts=texts.get(receipt.FILE, ""),
    )
