"""The receipt of the packaged policies' examples: what was tried before, on the same bytes, no start tries again.

    python -m interlock.policy.tried > src/interlock/policy/defaults/tried.json

tries every example of the packaged set and writes the receipt that travels with it: trying them took 0.15 s of each
command that judges and of each start of a daemon. Only the packaged set has one. Who could write another receipt into
the package could write another engine there as well; what a person wrote is tried at every load.
"""

from __future__ import annotations

import hashlib
import sys

import msgspec

from interlock import __version__
from interlock.policy import schema
from interlock.policy.examples import check
from interlock.policy.rules import Layer, digest_of, read

FILE = "tried.json"


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was tried, and by what. All of it must be as it is here, or the examples are tried again."""

    policy: str  # digest of the layer's policies, their examples among them
    schema: str  # digest of the schema that they were tried under
    interlock: str
    cedarpy: str


def holds(layer: Layer) -> bool:
    """Whether all examples of exactly this layer were tried, by this Interlock."""
    found = read_receipt(layer.tried)
    return found is not None and found == _due(layer, found.cedarpy)


def read_receipt(text: str) -> Receipt | None:
    """The receipt in the text of a file; None for what is none: then everything is tried."""
    try:
        return msgspec.json.decode(text, type=Receipt)
    except (msgspec.DecodeError, RecursionError):
        return None


def write(layer: Layer, cedarpy: str) -> str:
    """The text of the receipt, once every example of the layer is tried. `cedarpy` is the version that is here.

    Raises:
        PolicyError: an example fails, or the layer is refused.
    """
    for rule in read([layer]):
        check(rule)
    return msgspec.json.format(msgspec.json.encode(_due(layer, cedarpy)), indent=2).decode() + "\n"


def _due(layer: Layer, cedarpy: str) -> Receipt:
    under = f"sha256:{hashlib.sha256(schema.text().encode()).hexdigest()}"
    return Receipt(digest_of([layer]), under, __version__, cedarpy)


def main() -> None:
    """Try the packaged examples and write their receipt to standard output."""
    from importlib.metadata import version

    from interlock.policy.defaults import layer

    sys.stdout.write(write(layer(), version("cedarpy")))


if __name__ == "__main__":
    main()
