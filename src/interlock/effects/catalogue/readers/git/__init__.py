"""git: its commands, what its configuration would run, refs, the working tree, and what a push changes elsewhere."""

from interlock.effects.catalogue.readers.git.program import git

__all__ = ["git"]
