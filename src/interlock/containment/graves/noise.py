"""Whether bytes that had a form are noise now."""

from __future__ import annotations

import math
from collections import Counter

SAMPLE = 4096
_NOISE = 7.2  # bits a byte over a sample; text has 4.5, programs 6, archives and ciphers 7.9
_JUMP = 1.0
_SMALL = 512  # of fewer bytes, entropy says nothing


def entropy(sample: bytes) -> float:
    """Bits a byte."""
    total = len(sample)
    return -sum(n / total * math.log2(n / total) for n in Counter(sample).values()) if total else 0.0


def scrambled(old: bytes | None, new: bytes | None) -> bool:
    """Whether what had a form is noise now."""
    if not old or not new or len(new) < _SMALL or len(old) < _SMALL:
        return False
    # A short sample cannot reach 8 bits: its ceiling is the logarithm of its length.
    after = entropy(new)
    ceiling = min(8.0, math.log2(len(new)))
    return after > _NOISE * ceiling / 8.0 and after - entropy(old) > _JUMP
