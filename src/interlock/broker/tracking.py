"""Told of every action that may change files, right before and right after it, so that each line has its author.

Given to the broker, which knows nothing of lines. None of it decides anything, and none of it may stop an action.
"""

from __future__ import annotations

from typing import Protocol

from interlock.model.action import Action, Principal, Reading


class Tracking(Protocol):
    """What the broker tells. Never raises. What runs `contained` is seen when its changes come into the workspace."""

    async def before(self, action: Action, workspace: str, reading: Reading, *, contained: bool) -> None:
        """It is about to be released: what is there now is not its work."""

    def released(self, action: Action, reading: Reading, intent: int) -> None:
        """It was released, and is under way until `after`."""

    async def after(self, principal: Principal, call_id: str) -> None:
        """Its outcome is known."""

    async def idle(self, principal: Principal, *, over: bool = False) -> None:
        """No call of the session is under way any more: a person speaks; with `over` nothing else of it is either."""


class Untracked:
    """Where nobody keeps authors."""

    async def before(self, action: Action, workspace: str, reading: Reading, *, contained: bool) -> None:
        """Nothing."""

    def released(self, action: Action, reading: Reading, intent: int) -> None:
        """Nothing."""

    async def after(self, principal: Principal, call_id: str) -> None:
        """Nothing."""

    async def idle(self, principal: Principal, *, over: bool = False) -> None:
        """Nothing."""
