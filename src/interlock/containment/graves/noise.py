"""Whether bytes that had a form are noise now."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

SAMPLE = 4096
_NOISE = 7.2  # bits a byte over a sample; text has 4.5, programs 6, archives and ciphers 7.9
_JUMP = 1.0
_SMALL = 512  # of fewer bytes, entropy says nothing


def entropy(sample: bytes) -> float:
    """Bits a byte."""
    total = len(sample)
    return -sum(n / total * math.log2(n / total) for n in Counter(sample).values()) if total else 0.0


def scrambled(read_old: Callable[[], bytes | None], new: bytes | None) -> bool:
    """Whether what had a form is noise now. The old content is asked for only where the new one is noise."""
    if not new or len(new) < _SMALL:
        return False
    # A short sample cannot reach 8 bits: its ceiling is the logarithm of its length.
    after = entropy(new)
    if after <= _NOISE * min(8.0, math.log2(len(new))) / 8.0:
        return False
    old = read_old()
    return old is not None and len(old) >= _SMALL and after - entropy(old) > _JUMP
