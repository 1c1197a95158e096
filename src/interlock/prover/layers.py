"""Proving one layer on what lies below it, and the receipt that it then gets.

    python -m interlock.prover.layers > src/interlock/policy/defaults/proof.json

writes the receipt that travels with the packaged set.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import z3

from interlock import __version__
from interlock.model.errors import Unproved
from interlock.policy import properties, receipt
from interlock.policy.receipt import Receipt
from interlock.policy.rules import Layer, Rule
from interlock.prover.prove import Outcome, Prover, Result


def prove(layers: Sequence[Layer], rules: Sequence[Rule], older: Sequence[Rule] | None = None) -> Iterator[Result]:
    """Everything that these layers promise, of all of them together."""
    yield from Prover().prove(rules, properties.promised(layers), older)


def receipted(layers: Sequence[Layer], rules: Sequence[Rule], layer: Layer, results: Sequence[Result]) -> Receipt:
    """The receipt of `layer` for these results, of a proof over it and the base alone.

    Raises:
        Unproved: something that is due was not proved.
    """
    due = receipt.due(layers, rules, layer, by())
    held = {result.id for result in results if result.outcome is Outcome.PROVED}
    if missing := [name for name in due.proved if name not in held]:
        raise Unproved(f"{layer.name}: not proved: {', '.join(missing)}. There is no receipt for this.")
    return due


def by() -> str:
    """What proves here."""
    return f"interlock {__version__}, z3 {z3.get_version_string()}"


def main() -> None:
    """Prove the packaged set and write its receipt to standard output."""
    from interlock.policy.defaults import layer
    from interlock.policy.rules import read

    mine = layer()
    rules = read([mine])
    results = list(prove([mine], rules))
    for result in results:
        if result.outcome is not Outcome.PROVED:
            sys.stderr.write(f"{result.outcome.value} {result.id}: {result.why}\n")
    sys.stdout.write(receipt.write("", receipted([mine], rules, mine, results)))


if __name__ == "__main__":
    main()
