"""From a hook's bytes to the broker and back. Every path that is not a clear yes ends in the agent's own no."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from interlock.broker import records, words
from interlock.broker.broker import Broker
from interlock.gates.hooks import registry
from interlock.gates.hooks.facts import facts
from interlock.gates.hooks.guarded import still_guarded
from interlock.gates.hooks.protocol import HookEvent, HookGate, HookReply, Moment
from interlock.gates.hooks.record import TranscriptReader
from interlock.model.action import Action, Principal
from interlock.model.errors import AgentError, InterlockError

log = structlog.get_logger()

_OF_A_SESSION = frozenset(
    {Moment.TOOL_BEFORE, Moment.TOOL_AFTER, Moment.SESSION_START, Moment.PROMPT, Moment.CONFIG_CHANGE,
     Moment.SUBAGENT_START}
)  # fmt: skip
_COMPARED = frozenset({Moment.STOP, Moment.SUBAGENT_STOP, Moment.SESSION_END, Moment.BATCH_AFTER})


class HookService:
    """Serves the hooks of every agent. `alive` says whether the process of such a name is there still."""

    def __init__(self, broker: Broker, *, person: str, alive: Callable[[str], bool] = lambda _: False) -> None:
        self._broker = broker
        self._person = person
        self._alive = alive
        self._transcripts = TranscriptReader()

    async def serve(
        self,
        agent: str,
        raw: bytes,
        gone: asyncio.Event | None = None,
        *,
        inside: str = "",
        process: str = "",
        environment: Callable[[], bytes] = bytes,
    ) -> HookReply:
        """Answer one hook event. Never raises. `gone` is set once nobody waits for the answer any more.

        `inside` names the run in which the agent itself is contained: its commands already are. `process` names the
        agent's process, by a name that no later one of the same number has, "" if unknown. `environment` gives
        the hook's own, as the kernel shows it: some agents say there whether anybody is there, and what is approved
        depends on it.
        """
        gate = registry.gate(agent)
        if gate is None:
            return HookReply(exit=2, stderr=words.broken(f"no gate knows the agent {agent!r}.").encode())
        try:
            event = gate.parse(raw)
        except AgentError as error:
            await self._malformed(agent, raw, error)
            return gate.refuse(words.unreadable(str(error)))
        try:
            return await self._travel(gate, event, gone, inside=inside, process=process, environment=environment)
        except InterlockError as error:
            log.warning("hook.failed", agent=agent, event_name=event.name, problem=str(error))
            return gate.deny(event, words.broken(str(error)))
        except Exception as error:
            # Whatever a bug does, the agent hears no; the log keeps the trace for whoever mends it.
            log.exception("hook.bug", agent=agent, event_name=event.name)
            return gate.deny(event, words.broken(f"internal error ({type(error).__name__})."))

    async def _travel(
        self,
        gate: HookGate,
        event: HookEvent,
        gone: asyncio.Event | None,
        *,
        inside: str,
        process: str,
        environment: Callable[[], bytes],
    ) -> HookReply:
        principal, broker = event.principal, self._broker
        self._transcripts.begin(event.transcript)
        if event.moment in _OF_A_SESSION and broker.sessions.get(principal) is None:
            # Some milliseconds of hashing, once a session, beside the loop that answers every other agent.
            known = await asyncio.to_thread(facts, event, broker.sessions.workspace(principal) or "")
            await broker.session(principal, event.cwd, known)
        own = self._own(principal, process)
        match event.moment:
            case Moment.TOOL_BEFORE if event.action is not None:
                return await self._propose(gate, event, event.action, gone, inside=inside, environment=environment)
            case Moment.TOOL_BEFORE:
                return gate.deny(event, words.broken("the event names no tool."))
            case Moment.TOOL_AFTER:
                call = event.action.call_id if event.action else ""
                await broker.outcome(principal, event.cwd, call, event.outcome or {})
            case Moment.CONFIG_CHANGE:
                return await self._config_change(gate, event)
            case Moment.SESSION_START:
                (await broker.session(principal, event.cwd)).past.heard(principal)
            case Moment.PROMPT:
                await broker.prompted(principal, event.cwd, _prompt_facts(event.body))
            case Moment.SUBAGENT_START:
                await broker.child(principal, event.cwd, live=True)
            case _:
                pass
        if event.moment in _COMPARED:
            await self._compare(event)
        if event.moment is Moment.SUBAGENT_STOP:
            await broker.child(principal, event.cwd, live=False)
        if event.moment is Moment.SESSION_END:
            await self._end(event, own=own)
            return gate.allow(event)
        # A session that a person halted ends at whatever event its agent waits for, not only at the next tool call.
        ended = broker.ended(principal)
        return gate.end(event, ended) if ended else gate.allow(event)

    def _own(self, principal: Principal, process: str) -> bool:
        """Whether the session's own agent speaks: the first that spoke of it, or one that came after that had ended."""
        session = self._broker.sessions.get(principal)
        if session is None or session.process == process:
            return True
        if session.process and self._alive(session.process):
            return False
        session.process = process
        return True

    async def _end(self, event: HookEvent, *, own: bool) -> None:
        """The session has ended, where its `own` agent says so."""
        if own:
            self._transcripts.forget(event.transcript)
            await self._broker.close(event.principal, "the agent ended it")
        else:
            message = "a process that is not the session's agent said that it has ended; it goes on"
            await self._broker.alarm(event.principal, "end-from-elsewhere", message, {})

    async def _propose(
        self,
        gate: HookGate,
        event: HookEvent,
        action: Action,
        gone: asyncio.Event | None,
        *,
        inside: str,
        environment: Callable[[], bytes],
    ) -> HookReply:
        rewrites = not inside and gate.run_instead(event, "true") is not None
        answer = await self._broker.propose(
            action, gone, rewrites=rewrites, inside=inside, defers=lambda: gate.defers(environment()),
            environment=environment,
        )  # fmt: skip
        if answer.deferred:
            return gate.defer(event, answer.message)
        if not answer.released:
            return gate.end(event, answer.message) if answer.ended else gate.deny(event, answer.message)
        if not answer.command:
            return msgspec.structs.replace(gate.allow(event, context=answer.message), epoch=answer.epoch)
        # INVARIANT: what was released to be started by Interlock never runs as it is.
        instead = gate.run_instead(event, answer.command, context=answer.message)
        if instead is None:
            return gate.deny(event, words.broken("the agent cannot be told to let Interlock start this."))
        return msgspec.structs.replace(instead, epoch=answer.epoch)

    async def _config_change(self, gate: HookGate, event: HookEvent) -> HookReply:
        session = await self._broker.session(event.principal, event.cwd)
        await self._broker.became(session, await asyncio.to_thread(facts, event, session.workspace))
        problem = still_guarded(gate.agent, session.workspace or event.cwd, event.transcript)
        noted = {"source": records.clean(str(event.body.get("source", "")))[:200], "problem": problem}
        await self._broker.note(records.CONFIG_CHANGE, event.principal, noted, durable=True)
        if not problem:
            return gate.allow(event)
        message = "the agent's configuration changed so that Interlock would no longer be asked"
        await self._broker.alarm(event.principal, "guard-removed", message, noted)
        return gate.deny(
            event,
            f"Interlock blocked this change of configuration: {problem} Put the hooks back, or run `interlock init`.",
        )

    async def _compare(self, event: HookEvent) -> None:
        # Megabytes of a busy agent's record are read and parsed beside the loop that answers every other agent.
        calls = await asyncio.to_thread(self._transcripts.new_calls, event.principal.agent, event.transcript)
        if calls:
            await self._broker.unseen(event.principal, event.cwd, calls)

    async def _malformed(self, agent: str, raw: bytes, error: AgentError) -> None:
        facts = {"size": len(raw), "problem": records.clean(str(error))[:500]}
        try:
            await self._broker.alarm(
                Principal(agent=agent, session=""), "malformed-event", "a hook event could not be read", facts
            )
        except InterlockError:
            log.exception("hook.malformed.unrecorded", agent=agent)


def _prompt_facts(body: dict[str, Any]) -> dict[str, Any]:
    prompt = body.get("prompt")
    text = prompt if isinstance(prompt, str) else ""
    raw = records.clean(text).encode()
    return {"digest": "sha256:" + hashlib.sha256(raw).hexdigest(), "size": len(raw)}
