"""Fewer walks than the gate takes: what these tests look for shows in the first of them. The slow ones take all."""

from __future__ import annotations

import pytest

from interlock.changes.driven import driver


@pytest.fixture(autouse=True)
def few_walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(driver, "WALKS", 250)
