"""Modules are loaded without a search for garbage: they become none, and the search was a sixth of a start."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import inside of this. What is there afterwards stays to the end, and is never looked through again."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()
        gc.freeze()
