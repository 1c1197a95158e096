"""A request in words, and as JSON: what a counterexample or a difference looks like to a person and to a program."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec

from interlock.model.decision import LADDER, Approval
from interlock.model.effect import Breadth, Effect, Known, Reversibility
from interlock.model.errors import PolicyError
from interlock.policy import notation, wording
from interlock.policy.notation import Situation


def sentence(situation: Situation) -> str:
    """`claude deleting all of table x (production), irreversible, labelled whole; one person said yes`."""
    effect, context = situation.effect, situation.context
    facts = [f"{situation.principal.agent or 'an agent'} {wording.doing(effect)}"]
    if effect.reversibility is not Reversibility.REVERSIBLE:
        facts.append(effect.reversibility.value)
    if effect.scale.breadth is Breadth.MANY:
        facts.append("many")
    if effect.scale.count is not None:
        facts.append(f"{'' if effect.scale.known is Known.COUNT else 'about '}{effect.scale.count} of them")
    if effect.resource.labels:
        facts.append(f"labelled {' '.join(effect.resource.labels)}")
    if situation.principal.roles:
        facts.append(f"with the role {' '.join(situation.principal.roles)}")
    if effect.taint:
        facts.append(f"carrying {' '.join(effect.taint)}")
    if effect.via:
        facts.append(f"by {wording.plain(effect.via)}")
    if context.containment != "none":
        facts.append("in the sandbox")
    if context.frozen:
        facts.append("under a freeze")
    for word, text in (("in session", situation.principal.session), ("as sub-agent", situation.principal.subagent),
                       ("of type", situation.principal.subagent_type), ("for", situation.principal.person),
                       ("with model", situation.principal.model)):  # fmt: skip
        if text and text != notation.EXAMPLE_SESSION:
            facts.append(f"{word} {wording.plain(text)}")
    return f"{', '.join(facts)}; {said(situation.approval)}"


def said(approval: Approval) -> str:
    """What people have said, in words."""
    if approval.count == 0:
        return "nobody said yes"
    people = "one person" if approval.count == 1 else f"{approval.count} people"
    manner = ["strong"] if approval.strong else []
    if approval.distinct_from_owner:
        manner.append("not the owner" if approval.count == 1 else "none of them the owner")
    return f"{people} said yes" + (f" ({', '.join(manner)})" if manner else "")


def line(situation: Situation) -> str | None:
    """The request in the notation of examples; None where the notation has no words for it."""
    text = notation.render(situation.effect, situation.context)
    if situation.principal.agent not in ("", "claude"):
        text += f" {shlex.quote(f'agent:{situation.principal.agent}')}"
    if situation.principal.person:
        text += f" {shlex.quote(f'person:{situation.principal.person}')}"
    text += "".join(f" role:{role}" for role in situation.principal.roles)
    rung = next((rung for rung, approval in LADDER if approval == situation.approval), None)
    if rung is None:
        return None
    if situation.approval != Approval():
        text += f" approved:{rung.value}"
    try:
        back = notation.parse(text)
    except PolicyError:
        return None
    mine, theirs = (_plain(one) for one in (situation, back))
    return text if mine == theirs else None


def _plain(situation: Situation) -> Situation:
    """Without what no policy looks at, and what the notation sets by itself."""
    counted = situation.effect.scale.count is not None and situation.effect.scale.known in (Known.COUNT, Known.DRY_RUN)
    known = Known.COUNT if counted else Known.UNKNOWN
    scale = msgspec.structs.replace(situation.effect.scale, known=known, unit="", question="")
    return msgspec.structs.replace(
        situation,
        principal=msgspec.structs.replace(situation.principal, session="", agent=situation.principal.agent or "claude"),
        effect=msgspec.structs.replace(situation.effect, scale=scale, notes=(), span=None),
        context=msgspec.structs.replace(situation.context, freeze_reason=""),
    )


def facts(situation: Situation) -> dict[str, Any]:
    """The request as JSON, without what is as by default; `read` takes it back."""
    return {
        "principal": _spare(situation.principal, agent=""),
        "effect": effect_facts(situation.effect),
        "context": _spare(situation.context),
        "approval": _spare(situation.approval),
    }


def effect_facts(effect: Effect) -> dict[str, Any]:
    """Everything of an effect that a policy may look at, without what is as by default."""
    made = {name: value for name, value in _spare(effect).items() if name not in ("notes", "span")}
    made["resource"] = _spare(effect.resource)
    if "scale" in made:
        made["scale"] = {k: v for k, v in _spare(effect.scale).items() if k in ("breadth", "count", "known")}
    return made


def read(raw: str | bytes) -> Situation:
    """A request from its JSON. Raises PolicyError."""
    try:
        return msgspec.json.decode(raw, type=Situation)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PolicyError(f"cannot read the request: {error}") from None


def _spare(value: msgspec.Struct, **defaults: Any) -> dict[str, Any]:
    """The fields that are not as by default."""
    made = msgspec.to_builtins(value)
    plain = dict(zip(value.__struct_fields__[len(value.__struct_fields__) - len(value.__struct_defaults__) :],
                     value.__struct_defaults__, strict=True))  # fmt: skip
    plain.update(defaults)
    return {
        name: made[name] for name in value.__struct_fields__ if name not in plain or getattr(value, name) != plain[name]
    }
