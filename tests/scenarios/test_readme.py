"""The README's tour shows real output: its console blocks are a story like the others."""

from __future__ import annotations

from test_scenarios import HERE, tell

README = HERE.parents[1] / "README.md"


def test_the_readmes_tour_is_true() -> None:
    tell(README, xdg=True)
