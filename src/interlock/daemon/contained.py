"""What a person's commands ask about contained runs: start one, and look at, commit or drop what one left held."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker import records
from interlock.broker.config import Containment, End
from interlock.broker.contain import Wish
from interlock.broker.halting import Halting
from interlock.broker.past import place_of
from interlock.broker.workspace import workspace_of
from interlock.containment import agents
from interlock.containment.profiles import profile
from interlock.containment.standing import standing
from interlock.daemon.callers import Callers
from interlock.daemon.desk import Method
from interlock.daemon.params import integer, texts
from interlock.daemon.recorder import LedgerRecorder
from interlock.daemon.rules import RuleBook
from interlock.daemon.runs import Runs
from interlock.daemon.server import Peer
from interlock.daemon.settling import CHANGES, Settler
from interlock.effects.redact import redact
from interlock.ledger.store import Ledger
from interlock.model.action import Principal
from interlock.model.errors import AgentError, NotFound, Refused, StateError, UsageError
from interlock.model.provenance import Facts, compact

RUN = "run"
_WORDS = 100_000  # bytes of a person's command line


class Contained:
    """Runs that a person, or whoever calls, asks for."""

    def __init__(
        self,
        runs: Runs,
        settler: Settler,
        *,
        rules: RuleBook,
        callers: Callers,
        ledger: Ledger,
        recorder: LedgerRecorder,
        halting: Halting,
        socket: Path,
    ) -> None:
        self._runs = runs
        self._settler = settler
        self._rules = rules
        self._callers = callers
        self._ledger = ledger
        self._recorder = recorder
        self._halting = halting
        self._home = halting.person.home
        self._socket = socket

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"run": self._run, "tier": self._tier, "changes": self._changes, "settle": self._settle}

    async def _run(self, params: dict[str, Any], peer: Peer) -> Any:
        cwd, argv = params.get("cwd"), params.get("argv")
        if not isinstance(cwd, str) or not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            raise AgentError("a run has a cwd and the words of a command.")
        inside = self._rules.config("").containment
        if params.get("end") in set(End):
            inside = msgspec.structs.replace(inside, end=End(params["end"]))
        if params.get("agent") is True:
            hosts, keep = tuple(texts(params, "hosts")), tuple(texts(params, "keep"))
            return await self.agent(argv, cwd, hosts, keep, self._callers.whoever(peer))
        name = str(params.get("profile", "build"))
        return await self.start(argv, cwd, name, inside, self._callers.whoever(peer))

    async def _tier(self, params: dict[str, Any], peer: Peer) -> Any:
        del params, peer
        return self.means()

    async def _changes(self, params: dict[str, Any], peer: Peer) -> Any:
        del peer
        await self._recorder.settle()
        return await self.show(integer(params, "id"))

    async def _settle(self, params: dict[str, Any], peer: Peer) -> Any:
        person = self._callers.person(peer)
        await self._recorder.settle()
        return await self.decide(integer(params, "id"), str(params.get("word", "")), person.name)

    def asked(self, argv: list[str], cwd: str, profile: str, peer: Peer) -> Wish:
        """What the launcher asks for itself, not noted yet."""
        return self.meant(argv, cwd, profile, self._rules.config("").containment, self._callers.whoever(peer))

    @property
    def tier(self) -> str:
        """What holds a contained command here."""
        return self._runs.tier

    def means(self) -> Any:
        """What contains here, for whoever starts runs without the launcher."""
        return msgspec.to_builtins(self._runs.facts)

    def facts(self) -> dict[str, Any]:
        """What was found of this machine, and what runs."""
        found = self._runs.facts
        facts = {"why": list(found.why), "memory": found.memory, "group": found.group, "running": self._runs.running()}
        account: dict[str, Any] = msgspec.to_builtins(standing(found))
        return account | facts

    def running(self) -> list[dict[str, str]]:
        """The runs under way."""
        return self._runs.running()

    async def start(self, argv: list[str], cwd: str, name: str, inside: Containment, who: Principal) -> dict[str, Any]:
        """A ticket for this command of a person's. Raises UsageError, NotFound, StateError."""
        wish = await self.wish(argv, cwd, name, inside, who)
        return {"command": self._runs.prepare(wish), "entry": wish.intent}

    async def agent(
        self, argv: list[str], cwd: str, hosts: tuple[str, ...], keep: tuple[str, ...], who: Principal
    ) -> dict[str, Any]:
        """A ticket for a whole agent: its model's hosts, and those that the person names, are all that it reaches."""
        if not argv or not os.path.isabs(argv[0]) or not os.path.exists(argv[0]):
            raise UsageError(f"{argv[0] if argv else 'the agent'} is not there. Name an agent that is on your PATH.")
        reached = tuple(dict.fromkeys((*agents.hosts_of(argv[0]), *hosts)))
        if not reached:
            raise UsageError(
                f"where the model of {os.path.basename(argv[0])} answers is not known. Name it: --host api.example.com"
            )
        wish = await self.wish(argv, cwd, agents.PROFILE, Containment(hosts=reached), who)
        seen = agents.seen(argv[0], self._socket)
        whole = msgspec.structs.replace(wish, argv=agents.command(argv), show=seen, keep=keep)
        return {"command": self._runs.prepare(whole), "entry": wish.intent}

    async def wish(self, argv: list[str], cwd: str, name: str, inside: Containment, who: Principal) -> Wish:
        """This command of a person's, noted in the ledger. Raises UsageError, NotFound, StateError."""
        wish = self.meant(argv, cwd, name, inside, who)
        return msgspec.structs.replace(wish, intent=await self.note(wish))

    def meant(self, argv: list[str], cwd: str, name: str, inside: Containment, who: Principal) -> Wish:
        """The same, not noted yet."""
        if not argv or any("\0" in word for word in argv) or sum(map(len, argv)) > _WORDS:
            raise UsageError("a command is at least one word, without NULs, and not longer than 100 kB.")
        if self._runs.tier == "none":
            raise StateError(
                "nothing on this machine can contain a command, so it was not run. "
                "`interlock doctor` says what is missing."
            )
        workspace = workspace_of(cwd, self._home)
        if not workspace:
            raise UsageError(
                f"{cwd} is no project: a run is contained around one. Go to a repository, or to a directory of its own."
            )
        profile(name, inside.profiles)
        return Wish(
            tuple(argv), cwd, workspace, name, who, inside.hosts, inside.profiles, end=inside.end,
            provenance=self._provenance(workspace, name),
        )  # fmt: skip

    def _provenance(self, workspace: str, name: str) -> dict[str, Any]:
        """What orders may ask about a run that nobody's hook has judged: of a whole agent, most is not known."""
        effects = compact([("execute", "process", "workspace", None)])
        body = Facts(place_of(workspace, self._halting.person.name), effects).body()
        return body | (dict.fromkeys(("model", "prompt", "skill", "mcp")) if name == agents.PROFILE else {})

    async def note(self, wish: Wish) -> int:
        """Its entry, durable: nothing runs before it is. Raises LedgerUnavailable, and Refused under an order."""
        body = {
            "principal": records.principal_body(wish.principal),
            "text": records.cut(records.clean(redact(" ".join(wish.argv))), 2_000),
            "workspace": records.short(wish.workspace),
            "contained": {"tier": self._runs.tier, "profile": wish.profile},
            "epoch": self._halting.epoch,
            "provenance": wish.provenance,
        }
        if words := self._runs.halted(wish, ""):
            raise Refused(words)
        # INVARIANT: nothing is awaited between this look and the entry, so no entry of an order stands between them.
        return await self._recorder.record(RUN, body)

    def body(self, entry: int) -> dict[str, Any]:
        """The body of the `changes` entry that this index names, or that belongs to the action it names."""
        if not 0 <= entry < self._ledger.size:
            raise NotFound(f"the ledger has no entry {entry}. `interlock changes` lists the runs.")
        stored = self._ledger.entry(entry)
        found: dict[str, Any] = json.loads(stored.raw)["body"]
        if stored.kind == CHANGES:
            return found
        for later in self._ledger.entries(start=entry, stop=self._ledger.size, kinds=[CHANGES]):
            following: dict[str, Any] = json.loads(later.raw)["body"]
            if following.get("intent") == entry:
                return following
        raise NotFound(f"entry {entry} is no contained run. `interlock changes` lists them.")

    async def show(self, entry: int) -> dict[str, Any]:
        """What a run changed, and what of it is held."""
        body = self.body(entry)
        return body | await self._settler.held(str(body["run"]))

    async def decide(self, entry: int, word: str, person: str) -> dict[str, Any]:
        """Commit or discard what is held of a run; the decision is an entry."""
        body = self.body(entry)
        if word not in {"commit", "discard"}:
            raise AgentError("what is held is committed or discarded.")
        return await self._settler.decide(body, word == "commit", person)
