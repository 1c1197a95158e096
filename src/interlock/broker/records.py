"""The bodies of the ledger entries that the broker writes: redacted first, bounded always."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from interlock.broker.envelope import canonical
from interlock.effects.redact import redact
from interlock.model.action import Action, Principal, Reading
from interlock.model.decision import Context, Decision
from interlock.model.effect import Breadth, Effect, Environment, Verb
from interlock.policy import notation
from interlock.policy.vocabulary import is_frozen

INTENT = "intent"
DENIAL = "denial"
OUTCOME = "outcome"
SESSION_OPEN = "session.open"
SESSION_FACTS = "session.facts"
SESSION_CLOSE = "session.close"
ALARM = "alarm"
TRAIL = "trail"
PROMPT = "prompt"
CONFIG_CHANGE = "config.change"

_TEXT = 2_000  # bytes of the action kept in an entry; the digest covers all of it
_READ = 32_768  # characters of an input that are searched for secrets
_EFFECTS = 24
_NAME = 200
_LINES = 8  # of a preview
_ASKED = 3_000  # bytes of what policy was asked
_UNDERSTOOD = 6_000  # bytes of what was understood, as people read it
_SPOKEN = 8_500  # bytes of a decision in all: the action beside it takes as many again at most
_LINE = 300  # bytes of one effect


def principal_body(principal: Principal) -> dict[str, Any]:
    """The principal without its empty fields."""
    fields = {name: getattr(principal, name) for name in principal.__struct_fields__}
    return {name: value for name, value in fields.items() if value}


def action_text(action: Action) -> str:
    """The action as a person would read it: the command, the path, or the input as JSON. Redacted.

    Read up to a bound well beyond what is shown, so that a secret which the bound cuts in two is never shown.
    """
    return redact(source(action)[:_READ])


def source(action: Action) -> str:
    """The action's own text, as the agent gave it."""
    for key in ("command", "file_path", "notebook_path", "path", "url", "pattern", "query"):
        value = action.input.get(key)
        if isinstance(value, str):
            return value
    return canonical(action.input).decode()


def action_body(action: Action) -> dict[str, Any]:
    """What was asked for.

    The text is cut at a bound, and its length is then stated; the digest covers the whole input. It is left out where
    the text holds something redacted: the digest of a known text with one short secret could be guessed back.
    """
    length = len(source(action))
    body: dict[str, Any] = {
        "principal": principal_body(action.principal),
        "gate": action.gate,
        "tool": cut(clean(action.tool), _NAME),
        "text": cut(clean(action_text(action)), _TEXT),
        "cwd": cut(clean(action.cwd), _NAME * 5),
    }
    if length > _TEXT:
        body["text_length"] = length
    raw = canonical(action.input)
    body["input"] = {"size": len(raw)}
    if len(raw) <= _READ and redact(raw.decode()) == raw.decode():
        body["input"]["digest"] = "sha256:" + hashlib.sha256(raw).hexdigest()
    if action.warrant is not None:
        body["token"] = {"id": action.warrant.token, "links": list(action.warrant.links), "epoch": action.warrant.epoch}
    if action.call_id:
        body["call"] = clean(action.call_id[:_NAME])
    return body


def result_body(result: dict[str, Any]) -> dict[str, Any]:
    """What an outcome says: `ok`, and `size`, the bytes of what came out (as JSON).

    INVARIANT: the output itself never enters an entry: it holds file contents and secrets, and may have any size.
    """
    body: dict[str, Any] = {"ok": result.get("ok") is not False}
    if result.get("interrupted") is True:
        body["interrupted"] = True
    came = next((result[name] for name in ("response", "error") if result.get(name) is not None), None)
    if came is not None:
        body["size"] = len(came.encode("utf-8", "replace") if isinstance(came, str) else canonical(came))
    return body


def decision_body(
    decision: Decision, reading: Reading, context: Context, judged: tuple[Effect, ...] | None = None
) -> dict[str, Any]:
    """What was understood and decided; `judged` are the effects as they are in the sandbox, where it runs there.

    `asked` is what policy was asked, in the notation of examples, so that other rules can be tried on it later
    (`interlock.replay`); `inside` the same as it is in the sandbox.
    """
    understood = reading.effects if judged is None else judged
    body: dict[str, Any] = {
        "verdict": decision.verdict.value,
        "tier": decision.tier,
        "rules": [cut(rule, _NAME) for rule in decision.rules[:20]],
        "why": cut(clean(decision.why), _TEXT),
        "policy": decision.policy_digest,
    }
    room = _SPOKEN - written(body)
    effects = fitting([effect_line(effect) for effect in understood[:_EFFECTS]], min(room, _UNDERSTOOD))
    body["effects"] = effects
    if decision.grants:
        body["grants"] = list(decision.grants)
    if len(understood) > len(effects):
        body["effects_total"] = len(understood)
    room = min(_ASKED, room - written(effects))
    plain = asked_lines(reading.effects, msgspec.structs.replace(context, containment="none"))
    body["asked"] = fitting(plain, room)
    left_out = len(plain) - len(body["asked"])
    if judged is not None:
        held = asked_lines(judged, context)
        body["inside"] = fitting(held, room - written(body["asked"]))
        left_out += len(held) - len(body["inside"])
    if left_out:
        body["asked_left_out"] = left_out
    return body


def asked_lines(effects: Sequence[Effect], context: Context) -> list[str]:
    """What policy was asked, each line once.

    Names are redacted and bounded as everywhere in an entry: rules that look at names see no more of them than people.
    """
    found: dict[str, None] = {}
    for effect in effects:
        frozen = context.frozen if is_frozen(effect, context) else ()
        name = redact(effect.resource.name[:_NAME])
        shown = msgspec.structs.replace(
            effect,
            resource=msgspec.structs.replace(effect.resource, name=name, labels=tuple(sorted(effect.resource.labels))),
            via=redact(effect.via[:_NAME]),
        )
        found[clean(notation.render(shown, msgspec.structs.replace(context, frozen=frozen)))] = None
    return list(found)


def fitting(lines: Sequence[str], room: int) -> list[str]:
    """The first of these lines that take at most `room` bytes in an entry, where quotes and controls take more."""
    kept: list[str] = []
    for line in lines:
        room -= written(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def written(value: object) -> int:
    """How many bytes a value takes in an entry."""
    return len(msgspec.json.encode(value))


def effect_line(effect: Effect) -> str:
    """One effect in one line: `delete directory /srv/data (all, irreversible, production) [whole] <- secret`."""
    facts = [] if effect.scale.breadth is Breadth.ONE else [effect.scale.breadth.value]
    if effect.scale.count is not None:
        unit = effect.scale.unit if effect.scale.count != 1 else effect.scale.unit.removesuffix("s")
        facts.append(f"{effect.scale.count} {unit}".strip())
    if effect.verb is not Verb.READ:
        facts.append(effect.reversibility.value)
    if effect.environment is not Environment.UNKNOWN:
        facts.append(effect.environment.value)
    line = f"{effect.verb.value} {effect.resource.kind.value} {redact(effect.resource.name[:_NAME])}"
    if facts:
        line += f" ({', '.join(facts)})"
    if effect.resource.labels:
        line += f" [{' '.join(effect.resource.labels)}]"
    if effect.taint:
        line += f" <- {', '.join(effect.taint)}"
    return cut(clean(line), _LINE)


def lines(found: Sequence[str]) -> list[str]:
    """What a look found, as an entry may hold it: redacted, clean, and at most so many lines of so many bytes."""
    shown = [cut(clean(redact(line)), _LINE) for line in found[:_LINES]]
    return shown if len(found) <= _LINES else [*shown, f"and {len(found) - _LINES} more"]


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, at a character's end: entries are bounded in bytes."""
    raw = text.encode()
    return text if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")


def short(text: str) -> str:
    """A name that came from outside, cleaned and at most 200 bytes long."""
    return cut(clean(text[:_NAME]), _NAME)


def clean(text: str) -> str:
    """Text that any JSON reader takes back as it is: lone surrogates become visible."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_side_effect(reading: Reading) -> bool:
    """Whether the intent must be durable before the action is released: anything but reading does."""
    return any(effect.verb is not Verb.READ for effect in reading.effects)
