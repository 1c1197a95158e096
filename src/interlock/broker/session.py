"""What the broker remembers of each agent session. All of it is also in the ledger; this is the working copy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from interlock.approvals.patience import Patience
from interlock.broker.past import PLACE, Past
from interlock.containment.undo import Ref
from interlock.identity.names import segment
from interlock.identity.sessions import SessionIdentity
from interlock.model.action import Principal
from interlock.model.agent import NOTHING_KNOWN, AgentFacts

_CALLS = 500  # call ids remembered a session, for outcomes and heartbeats
_CHILDREN = 200  # sub-agents remembered a session
_OUTSIDE = 500  # commands of a session that were tried inside in vain
_WORKSPACES = 20_000  # remembered sessions, 200 bytes each; a person has some thousands a year
_PATIENCE = 2_000  # sessions of which it is remembered what they were denied
_SESSIONS = 200  # live at once; with the calls of each that is a few megabytes at most


class Child(msgspec.Struct):
    """A sub-agent of a session, by the agent's own id for it."""

    id: str
    type: str
    name: str  # its SPIFFE id
    live: bool = True


class Session(msgspec.Struct):
    """One session of one agent. `calls` maps the agent's call ids to the entry that answered them."""

    principal: Principal
    workspace: str
    opened: int
    counts: dict[str, int]
    calls: OrderedDict[str, int]
    approved: dict[str, int]  # call id -> request id, until its outcome is known
    alarmed: set[str]
    kept: dict[str, tuple[Ref, ...]]  # call id -> what was kept for undo, until its outcome is known
    patience: Patience
    identity: SessionIdentity
    past: Past  # what orders to halt may ask about it
    inside: str = ""  # the contained run that the agent as a whole is in
    process: str = ""  # the agent's, by a name that no later one of the same number has; "" where it was never seen
    rewrites: bool = True  # its commands can be started by Interlock in the agent's place: known from the first one on
    facts: AgentFacts = NOTHING_KNOWN
    children: OrderedDict[str, Child] = msgspec.field(default_factory=OrderedDict)
    outside: OrderedDict[tuple[str, str], None] = msgspec.field(default_factory=OrderedDict)  # tried inside in vain
    variables: tuple[tuple[str, str], ...] | None = None  # of the environment that its hooks were first started with
    doubted: bool = False  # a contained run did what nobody foresaw: what it asks for is believed less

    def count(self, what: str) -> None:
        """One more of `what`."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def child(self, principal: Principal, *, live: bool = True) -> None:
        """A sub-agent is at work, or has ended."""
        if not principal.subagent:
            return
        known = self.children.pop(principal.subagent, None)
        name = f"{self.identity.name}/sub/{segment(principal.subagent)}"
        kind = principal.subagent_type or (known.type if known else "")
        self.children[principal.subagent] = Child(principal.subagent, kind, name, live)
        while len(self.children) > _CHILDREN:
            self.children.popitem(last=False)

    def in_vain(self, command: str, cwd: str) -> None:
        """Inside was not enough for this command: called again, it is a question."""
        self.outside[command, cwd] = None
        while len(self.outside) > _OUTSIDE:
            self.outside.popitem(last=False)

    def remember(self, call_id: str, index: int) -> None:
        """Entry `index` answered this call."""
        if not call_id:
            return
        self.calls[call_id] = index
        while len(self.calls) > _CALLS:
            forgotten, _ = self.calls.popitem(last=False)
            self.kept.pop(forgotten, None)


class Sessions:
    """The live sessions, the least recently used forgotten first."""

    def __init__(self) -> None:
        self.origin = ""  # the log's name, which the sessions' names are made of
        self._live: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._workspaces: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._doubted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._patience: OrderedDict[tuple[str, str], Patience] = OrderedDict()

    def restore(self, opened: Iterable[dict[str, Any]]) -> None:
        """Remember the workspaces of sessions that earlier daemons opened: `session.open` bodies, in order."""
        for body in opened:
            principal = body.get("principal", {})
            self._decide((principal.get("agent", ""), principal.get("session", "")), body.get("workspace", ""))

    def workspace(self, principal: Principal) -> str | None:
        """The workspace of this session, if it was ever opened; None if it is new."""
        return self._workspaces.get((principal.agent, principal.session))

    def doubt(self, agent: str, session: str) -> None:
        """This session is believed less from now on. Its end, which an agent can say itself, changes nothing."""
        key = (agent, session)
        self._doubted[key] = None
        while len(self._doubted) > _WORKSPACES:
            self._doubted.popitem(last=False)
        if (live := self._live.get(key)) is not None:
            live.doubted = True

    def patience(self, agent: str, session: str) -> Patience:
        """What this session was denied so far. Its end, which an agent can say itself, changes nothing."""
        key = (agent, session)
        found = self._patience.setdefault(key, Patience())
        self._patience.move_to_end(key)
        while len(self._patience) > _PATIENCE:
            self._patience.popitem(last=False)
        return found

    def _decide(self, key: tuple[str, str], workspace: str) -> None:
        self._workspaces.setdefault(key, workspace)
        while len(self._workspaces) > _WORKSPACES:
            self._workspaces.popitem(last=False)

    def get(self, principal: Principal) -> Session | None:
        """The session of this principal, if it is known."""
        key = (principal.agent, principal.session)
        session = self._live.get(key)
        if session is not None:
            self._live.move_to_end(key)
        return session

    def add(self, session: Session) -> Session | None:
        """Keep a new session; returns the one that had to be forgotten for it, if any."""
        key = (session.principal.agent, session.principal.session)
        session.doubted = session.doubted or key in self._doubted
        session.patience = self.patience(*key)
        self._live[key] = session
        self._decide(key, session.workspace)
        if len(self._live) > _SESSIONS:
            return self._live.popitem(last=False)[1]
        return None

    def pop(self, principal: Principal) -> Session | None:
        """Forget a session."""
        return self._live.pop((principal.agent, principal.session), None)

    def all(self) -> tuple[Session, ...]:
        """Every live session, the most recently used last."""
        return tuple(self._live.values())


def new_session(
    principal: Principal,
    workspace: str,
    opened: int,
    identity: SessionIdentity | None = None,
    facts: AgentFacts = NOTHING_KNOWN,
    past: Past | None = None,
) -> Session:
    """A session first seen now; `opened` is the index of its `session.open` entry."""
    return Session(
        principal, workspace, opened,
        counts={}, calls=OrderedDict(), approved={}, alarmed=set(), kept={}, patience=Patience(),
        identity=identity or SessionIdentity("", principal), facts=facts,
        past=past or Past(dict.fromkeys(PLACE), facts, whole=False),
    )  # fmt: skip
