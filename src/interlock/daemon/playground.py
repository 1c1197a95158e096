"""What the panel's "Why?" asks: an action read and judged without being run, by the rules in force and by others.

Nothing is recorded, released or looked up beyond what reading needs. It runs beside the loop: a person who plays must
not slow down an agent's call.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker.judge import Judgement, Person
from interlock.daemon.checking import Checker, answer
from interlock.daemon.desk import Method
from interlock.daemon.params import text
from interlock.daemon.server import Peer
from interlock.effects.shell.outline import outline
from interlock.gates.hooks import registry
from interlock.gates.hooks.strict import decode_object
from interlock.ledger.store import Ledger
from interlock.model.action import Action, Principal
from interlock.model.errors import AgentError, PolicyError, UsageError
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer
from interlock.replay.again import Again, principals, recorded

_LONG = 64 << 10  # characters of what is pasted
_PAST = 2_000  # recorded actions that other rules are tried on, the newest
_CHANGED = 20  # of them that are shown
_SOMEBODY = Principal(agent="check", session="")
_FILE = "playground.cedar"


class PlaygroundDesk:
    """Reads, and changes nothing."""

    def __init__(self, ledger: Ledger, user: Path, person: Person) -> None:
        self._ledger = ledger
        self._user = user
        self._person = person
        self._one = asyncio.Lock()  # one question at a time: each may take a whole core for a moment

    def methods(self) -> Mapping[str, Method]:
        """What can be asked here."""
        return {"why.explain": self._explain, "why.rules": self._rules}

    async def _explain(self, params: dict[str, Any], peer: Peer) -> Any:
        """What a command, or an agent's event, would do and why; with `policy`, what those rules would change."""
        del peer
        given, cwd, policy = text(params, "text"), text(params, "cwd", ""), text(params, "policy", "")
        if len(given) > _LONG or len(policy) > _LONG:
            raise UsageError(f"that is longer than {_LONG} characters. Paste the part that matters.")
        agent, contained = text(params, "agent", ""), params.get("contained") is True
        candidate = (text(params, "rule", ""), policy)
        async with self._one:
            return await asyncio.to_thread(self._answer, given, cwd or self._person.home, agent, candidate, contained)

    async def _rules(self, params: dict[str, Any], peer: Peer) -> Any:
        """The rules in force in a directory, one by one."""
        del peer
        return await asyncio.to_thread(self._listed, text(params, "workspace", ""))

    def _listed(self, workspace: str) -> list[dict[str, Any]]:
        engine = Checker(self._user, self._person).engine(workspace)
        return [
            {
                "id": rule.id,
                "layer": rule.layer,
                "why": rule.why,
                "tier": rule.tier,
                "effect": rule.effect,
                "written": rule.written,
            }
            for rule in engine.rules.values()
        ]

    def _answer(self, given: str, cwd: str, agent: str, candidate: tuple[str, str], contained: bool) -> dict[str, Any]:
        action = _action(given, cwd, agent)
        containment = "sandbox" if contained else "none"
        now = Checker(self._user, self._person, containment=containment)
        judged = now.judge(action)
        command = action.input.get("command")
        found = {
            "tool": action.tool,
            "text": str(command) if isinstance(command, str) else json.dumps(action.input),
            "syntax": [msgspec.to_builtins(piece) for piece in outline(command)] if isinstance(command, str) else [],
            "summary": judged.reading.summary,
            "answer": _facts(judged),
            "other": None,
        }
        if candidate[1].strip():
            found["other"] = self._other(action, judged, candidate, containment, now.engine(judged.workspace))
        return found

    def _other(
        self, action: Action, judged: Judgement, candidate: tuple[str, str], containment: str, now: Engine
    ) -> dict[str, Any]:
        """The same action under other rules, and which recorded actions would come out otherwise. `candidate` is the
        name of a rule in force and another text for it, or "" and rules to stand beside those in force.
        """
        rule, policy = candidate
        extra = () if rule else (Layer("playground", {_FILE: policy}),)
        edits = {rule: policy} if rule else {}
        try:
            other = Checker(self._user, self._person, containment=containment, extra=extra, edits=edits)
            again = other.judge(action)
            engine = other.engine(judged.workspace)
        except PolicyError as error:
            return {"problem": str(error), "answer": None, "changed": [], "tried": 0, "changed_total": 0}
        changed, tried = self._replayed(now, engine)
        return {
            "problem": "",
            "answer": _facts(again),
            "changed": changed[:_CHANGED],
            "changed_total": len(changed),
            "tried": tried,
        }

    def _replayed(self, now: Engine, other: Engine) -> tuple[list[dict[str, Any]], int]:
        before, after = Again(now), Again(other)
        found, tried = [], 0
        start = max(0, self._ledger.size - 4 * _PAST)
        for stored in self._ledger.entries(start, kinds=["intent", "denial"]):
            body = json.loads(stored.raw)["body"]
            asked, inside = body.get("asked"), body.get("inside", ())
            if not asked or body.get("asked_left_out") or tried >= _PAST:
                continue
            tried += 1
            try:
                old = before.action(asked, inside, _who(body, now)).answer
                new = after.action(asked, inside, _who(body, other)).answer
            except PolicyError:
                continue
            if old != new:
                found.append({
                    "entry": stored.index, "tool": body["tool"], "text": body["text"],
                    "recorded": recorded(body["verdict"], body["tier"]).verdict.value,
                    "before": old.verdict.value, "after": new.verdict.value,
                })  # fmt: skip
        return found[::-1], tried


def _who(body: Mapping[str, Any], engine: Engine) -> tuple[str, ...]:
    principal = body.get("principal", {})
    return tuple(str(principal.get(name, "")) for name in principals(engine))


def _facts(judged: Judgement) -> dict[str, Any]:
    return {**answer(None, judged), "rung": judged.decision.rung.value, "workspace": judged.workspace}


def _action(given: str, cwd: str, agent: str) -> Action:
    """A command as it is typed; or an agent's event, or {"tool", "input"}, as JSON. Raises AgentError."""
    if agent:
        gate = registry.gate(agent)
        if gate is None:
            raise UsageError(f"no gate knows the agent {agent!r}. Known: {', '.join(registry.AGENTS)}.")
        event = gate.parse(given.encode("utf-8", "surrogatepass"))
        if event.action is None:
            raise AgentError(f"the event {event.name!r} is no tool call: there is nothing to judge.")
        return event.action
    if given.lstrip().startswith("{") and '"tool"' in given:
        fields = decode_object(given.encode("utf-8", "surrogatepass"))
        tool, said = fields.get("tool"), fields.get("input")
        if not isinstance(tool, str) or not isinstance(said, dict):
            raise AgentError('it needs "tool" (text) and "input" (object).')
        return Action(tool=tool, input=said, cwd=str(fields.get("cwd", cwd)), principal=_SOMEBODY, gate="check")
    return Action(tool="Bash", input={"command": given}, cwd=cwd, principal=_SOMEBODY, gate="check")
