"""Approved actions that Interlock starts itself: from a person's yes to the moment of the launch.

    approved --ticket--> the agent is told to run the launcher --open--> read, judged and sealed anew
        --equal--> launched
        \\--not equal--> refused, said, recorded

INVARIANT: what is launched has, at that moment, the digest that was approved; the yes is spent before anything starts.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from interlock.approvals.queue import Ticket
from interlock.broker.binding import bind
from interlock.broker.contain import Wish
from interlock.broker.judge import Judgement
from interlock.broker.sealing import Sealer
from interlock.containment.bound import BoundPlan
from interlock.model.action import Action


class Held(msgspec.Struct, frozen=True):
    """A yes in the hands of the launcher: the action as it was asked for, and the ticket for what was approved."""

    action: Action
    ticket: Ticket


class Launched(msgspec.Struct, frozen=True):
    """What may start now. `request` is the spent one; `wish` says whose it is, and what orders to halt ask about."""

    plan: BoundPlan
    request: int
    wish: Wish


class Launcher(Protocol):
    """What can start bound runs, as the broker needs it."""

    def able(self) -> str:
        """Why it can start none here, "" where it can."""

    def holds(self, workspace: str) -> bool:
        """Whether the names in this workspace can be kept from changing."""

    def prepare(self, held: Held) -> str:
        """Make ready, and give the shell command by which the agent starts the run, once."""


class Unable:
    """A machine that binds nothing."""

    def able(self) -> str:
        """Always the same reason."""
        return "nothing here can start it otherwise"

    def holds(self, workspace: str) -> bool:
        """Never."""
        del workspace
        return False

    def prepare(self, held: Held) -> str:
        """Never called: nothing is bound."""
        raise AssertionError(held)


class Launching:
    """Looks an asked action up, and says how it would be started."""

    def __init__(self, sealer: Sealer, launcher: Launcher) -> None:
        self._sealer = sealer
        self._launcher = launcher

    def look(self, action: Action, judged: Judgement, workspace: str, *, rewrites: bool) -> Judgement:
        """The judgement with what the action depends on, as it is now, and with how it would be started.

        `rewrites`: the agent can be told to run another command instead.
        """
        seen = self._sealer.look(action, judged, workspace)
        able = self._launcher.able() if rewrites else "it cannot be told to let Interlock do it"
        how = bind(action, seen, workspace, able=able, root=self._launcher.holds(workspace), user=self._sealer.user)
        return msgspec.structs.replace(seen, binding=how)

    def start(self, action: Action, ticket: Ticket) -> str:
        """The command by which the agent has this launched, once."""
        return self._launcher.prepare(Held(action, ticket))
