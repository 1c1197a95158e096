"""The card that a person decides on: built from what the broker read itself, with the agent's own words apart.

Nothing on it is cut without saying so. What is longer than an entry is kept whole in the content store, and the entry
names it; what is longer than a person could ever read is not asked at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from interlock.approvals.machine import State
from interlock.approvals.needs import Needs, needed
from interlock.approvals.request import Request
from interlock.broker import records
from interlock.broker.config import Config
from interlock.broker.envelope import CLAIMS, Envelope, canonical, essential
from interlock.broker.granting import grantable
from interlock.broker.judge import Judgement
from interlock.effects.redact import redact
from interlock.ledger.blobs import BlobStore
from interlock.model.action import Action
from interlock.model.decision import Decision, Verdict
from interlock.model.effect import Effect
from interlock.model.visible import beware
from interlock.preview.look import Preview

LONGEST = 1 << 20  # characters of an action that is asked about; whoever needs more has it run from a file
MEDIA_TYPE = "application/vnd.interlock.card+json"
# Bytes in an entry, which has 16 KiB: together they leave room for names, rules and reasons.
_TEXT, _CLAIM, _EFFECTS, _PREVIEW, _WHY, _BEWARE = 4_000, 600, 3_600, 1_800, 1_500, 900


class Looked(msgspec.Struct, frozen=True):
    """What is known beside the judgement: what a look found, and what undo will be able to do."""

    found: Preview
    undo: str = ""


def too_long(action: Action) -> int:
    """How many characters the action has, where no person could read them; 0 where one could."""
    length = len(records.source(action))
    return length if length > LONGEST else 0


def claim(action: Action) -> str:
    """What the agent says of its action, redacted: never a reason for anything, and shown apart."""
    said = [action.input.get(name) for name in CLAIMS]
    return records.clean(redact("\n".join(text for text in said if isinstance(text, str) and text)[:LONGEST]))


def call(action: Action) -> str:
    """The digest of the call as the agent wrote it. What it stands for may change: a script, a link, the rules."""
    return hashlib.sha256(canonical([action.tool, essential(action), action.cwd])).hexdigest()


def needs(judged: Judgement, config: Config) -> Needs:
    """What it takes for a yes to this, now."""
    where = _environments(judged.decision, judged.effects)
    return needed(judged.decision.rung, judged.decision.tier, where, config.approvals.who)


def drafted(
    action: Action,
    judged: Judgement,
    envelope: Envelope,
    looked: Looked,
    config: Config,
    *,
    workspace: str,
    times: tuple[str, str],
    store: BlobStore | None,
) -> Request:
    """The question, whole. `times` are when it is asked, and until when it can be decided. Blocks on the store."""
    decision = judged.decision
    effects = looked.found.effects or judged.reading.effects
    text, words = records.clean(redact(records.source(action))), claim(action)
    whole = {
        "text": text,
        "claim": words,
        "effects": [records.effect_line(effect) for effect in effects],
        "preview": [records.clean(redact(line)) for line in looked.found.lines],
    }
    warned = [*beware(text), *(f"the agent's words: {line}" for line in beware(words))]
    warned += judged.binding.said() if judged.binding.plan is not None else []
    request = Request(
        id=-1,
        digest=envelope.digest,
        fingerprint=envelope.fingerprint,
        state=State.PROPOSED,
        rung=decision.rung,
        tier=decision.tier,
        principal=action.principal,
        tool=records.short(action.tool),
        text=_said(text, _TEXT),
        effects=_lines(whole["effects"], _EFFECTS),
        rules=tuple(records.short(rule) for rule in decision.rules[:20]),
        why=_said(records.clean(decision.why), _WHY),
        asked_at=times[0],
        decide_by=times[1],
        needs=needs(judged, config),
        policy=decision.policy_digest,
        workspace=records.cut(records.clean(workspace), 1_000),
        call=call(action),
        alike=_alike(action, decision, judged.effects),
        claim=_said(words, _CLAIM),
        beware=_lines(warned, _BEWARE),
        undo=records.cut(looked.undo, 500),
        preview=_lines(whole["preview"], _PREVIEW),
        agent_spawns=judged.binding.plan is None,
        bound=judged.binding.digest,
        grantable=grantable(judged.effects, decision),
    )
    fits = (request.text, request.claim, list(request.effects), list(request.preview)) == tuple(whole.values())
    if fits or store is None:
        return request
    return msgspec.structs.replace(request, whole=store.put(canonical(whole), MEDIA_TYPE))


def completed(request: Request, store: BlobStore | None) -> Request:
    """The request with the whole of its card. Raises LedgerIncomplete, LedgerTampered when that is not there."""
    if not request.whole or store is None:
        return request
    kept = msgspec.json.decode(store.get(request.whole["digest"]), type=dict[str, Any])
    return msgspec.structs.replace(
        request,
        text=kept["text"],
        claim=kept["claim"],
        effects=tuple(kept["effects"]),
        preview=tuple(kept["preview"]),
    )


def _said(text: str, limit: int) -> str:
    """At most `limit` bytes; where something is left out, that is what the text says."""
    shown = records.cut(text, limit)
    if shown == text:
        return text
    return f"{shown} [… and {len(text) - len(shown)} characters more: see all of it before you decide]"


def _lines(lines: Sequence[str], limit: int) -> tuple[str, ...]:
    """As many lines as have room, and how many have not."""
    kept: list[str] = []
    for line in lines:
        if len(line.encode()) > limit:
            break
        limit -= len(line.encode()) + 4
        kept.append(line)
    more = len(lines) - len(kept)
    return (*kept, f"… and {more} more") if more else tuple(kept)


def _environments(decision: Decision, effects: Sequence[Effect]) -> set[str]:
    """Where those effects would happen that people are asked about."""
    asked = {one.effect for one in decision.effects if one.verdict is not Verdict.ALLOW}
    return {effect.environment.value for number, effect in enumerate(effects) if number in asked}


def _alike(action: Action, decision: Decision, effects: Sequence[Effect]) -> str:
    """The shape of a question: who asks for what kind of thing where, whatever its names."""
    asked = {one.effect for one in decision.effects if one.verdict is not Verdict.ALLOW}
    kinds = sorted(
        {
            f"{effect.verb.value} {effect.resource.kind.value} {effect.environment.value}"
            for number, effect in enumerate(effects)
            if number in asked
        }
    )
    shape = [action.principal.agent, action.principal.session, action.tool, decision.rung.value, kinds]
    return hashlib.sha256(canonical(shape)).hexdigest()[:16]
