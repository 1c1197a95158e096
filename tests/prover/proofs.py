"""Receipts for the policies that tests write: really proved, by what `interlock policy prove` uses."""

from __future__ import annotations

from pathlib import Path

from interlock.daemon.rules import layers
from interlock.policy import receipt
from interlock.policy.engine import Engine
from interlock.prover.layers import prove, receipted


def prove_folder(folder: Path, layer: str, organisation: Path | None = None) -> None:
    """Write the receipt of the policies in `folder`, on the packaged rules and the organisation's."""
    base = [("organisation", organisation)] if organisation is not None and layer != "organisation" else []
    found = layers([*base, (layer, folder)])
    rules = list(Engine.load(found).rules.values())
    made = receipted(found, rules, found[-1], list(prove(found, rules)))
    (folder / receipt.FILE).write_text(receipt.write(found[-1].receipts, made))
