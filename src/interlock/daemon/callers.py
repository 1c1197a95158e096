"""Who calls the daemon: a person, or a process below an agent, or inside of what Interlock started.

The kernel says which process it is; its ancestry says the rest.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable

from interlock.approvals.request import Approver
from interlock.daemon.agents import AgentProcesses
from interlock.daemon.server import Peer
from interlock.identity.people import People, Person
from interlock.model.action import Principal
from interlock.model.errors import Refused


class Callers:
    """Tells people from agents. Every method that decides, halts or changes who may asks `person` first."""

    def __init__(self, agents: AgentProcesses, people: People) -> None:
        self._agents = agents
        self._people = people
        self.inside: Callable[[int], bool] = lambda _: False  # whether a process lives inside of a run of ours

    def person(self, peer: Peer) -> Approver:
        """The person behind a peer. INVARIANT: a process started by an agent is never a person. Raises Refused."""
        if peer.afar and not peer.pid:  # no process here: what they signed in with says who it is
            return Approver(uid=-1, name=self._people.get(peer.afar).name)
        if self.inside(peer.pid):
            raise Refused(
                "this command runs inside of a run that Interlock started; nothing in there decides. "
                "Use a terminal of your own."
            )
        agent = self._above(peer)
        if agent == "?":
            raise Refused(
                "it cannot be seen who started this command (it ended, or it runs in a container). "
                "Decide in a terminal of your own, and let the command run to its end."
            )
        if agent:
            raise Refused(
                f"this command was started by the agent {agent}; an agent cannot decide. Use a terminal of your own."
            )
        if peer.afar:
            return Approver(uid=-1, name=self._people.get(peer.afar).name)
        return Approver(uid=peer.uid, name=login(peer.uid))

    def known(self, peer: Peer) -> Person:
        """The person behind a peer, as the ledger knows them. Raises Refused, also for root where nobody added them."""
        caller = self.person(peer)
        uid = caller.uid
        person = self._people.find(caller.name) if peer.afar else self._people.by_uid(uid)
        if person is None:
            raise Refused(
                f"the user with uid {uid} is nobody whom this Interlock knows. `interlock people list` shows who is."
            )
        return person

    def _above(self, peer: Peer) -> str:
        """The agent above a peer, as `AgentProcesses.ancestor` says it."""
        agent = self._agents.ancestor(peer.pid)
        return agent if peer.lives() else "?"  # in this order: until now the number was its own

    def process(self, peer: Peer) -> str:
        """The agent process below which a peer runs, as `agents.process` names it; "" where none can be seen."""
        found = self._agents.nearest(peer.pid)
        return found if peer.lives() else ""

    def whoever(self, peer: Peer) -> Principal:
        """Who asks: a person, or the agent below which the asking process runs."""
        agent = self._above(peer)
        return Principal(agent=agent if agent not in {"", "?"} else "person", session="", person=login(peer.uid))


def login(uid: int) -> str:
    """The login name of a uid; of one that has none, its number in words."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
