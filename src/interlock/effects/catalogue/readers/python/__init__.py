"""python in all the ways it is called, and a small reader of its text."""

from interlock.effects.catalogue.readers.python.program import inline, python, read_file

__all__ = ["inline", "python", "read_file"]
