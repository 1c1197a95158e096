"""The text of an inclusion proof that travels with its evidence (c2sp.org/tlog-proof@v1)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

HEADER = "c2sp.org/tlog-proof@v1"


def format_proof(index: int, path: Sequence[bytes], checkpoint: str) -> str:
    """`index` and `path` against the tree that the signed note `checkpoint` speaks of."""
    hashes = "".join(f"{base64.b64encode(node).decode()}\n" for node in path)
    return f"{HEADER}\nindex {index}\n{hashes}\n{checkpoint}"
