"""Readers for core utilities whose operands mean different things by flag: rm, dd, sort, tee and kin."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.model.effect import Verb


def rm(draft: Draft) -> None:
    """`rm`: with -r every operand is a directory that goes whole."""
    deep = draft.has("recursive")
    for operand in draft.values("file"):
        draft.file(Verb.DELETE, operand, directory=True if deep else None, everything=deep)
