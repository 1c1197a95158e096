"""The packaged policy set, with what it promises and its receipts: what a team would really start with."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import cedarpy

from interlock.policy import properties, receipt, tried
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
        tried=_by_this_cedarpy(texts.get(tried.FILE, "")),
    )


def _by_this_cedarpy(text: str) -> str:
    """A receipt of examples that the installed cedarpy tried; "" for any other: then they are tried again.

    Its version stands in the name of its metadata's folder: `importlib.metadata` would say the same 15 ms later.
    """
    found = tried.read_receipt(text)
    here = [folder.name for folder in Path(cedarpy.__file__).parents[1].glob("cedarpy-*.dist-info")]
    return text if found is not None and here == [f"cedarpy-{found.cedarpy}.dist-info"] else ""
