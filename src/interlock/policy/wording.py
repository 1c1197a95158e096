"""What reaches the agent and the person: what was stopped, which rule, what to do instead, whether to retry.

An agent that cannot tell "a person said no" from "a rule said no" tries variants, so the last sentence always says
which of the two it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.model.decision import Context, Rung, Verdict
from interlock.model.effect import Breadth, Effect, Environment, Verb
from interlock.policy.rules import DEFAULT_DENY, GRANTED, INTERNAL, UNREADABLE_NAME, Rule

_NAME = 120  # characters of a name in a sentence
_SHOWN = 3  # effects and rules named before "and N more"

OWN = {
    DEFAULT_DENY: "no rule allows this, and what no rule allows a person must",
    INTERNAL: "Interlock could not judge this, and what it cannot judge does not run",
    GRANTED: "a person said yes to this in advance, within bounds (interlock grants)",
    UNREADABLE_NAME: "the name is too long or not valid text, so the rules about names cannot be relied on",
}

_DOING = {
    Verb.READ: "reading",
    Verb.WRITE: "writing",
    Verb.CREATE: "creating",
    Verb.DELETE: "deleting",
    Verb.OVERWRITE: "overwriting",
    Verb.EXECUTE: "running",
    Verb.SEND: "sending to",
    Verb.FETCH: "fetching from",
    Verb.INSTALL: "installing",
    Verb.PUBLISH: "publishing",
    Verb.DEPLOY: "deploying",
    Verb.GRANT: "granting rights on",
    Verb.SPEND: "spending on",
    Verb.CONFIGURE: "configuring",
    Verb.OPAQUE: "running unread",
}

_WHO = {
    Rung.NONE: "nobody",
    Rung.ONE: "one person",
    Rung.ONE_STRONG: "one person, with a passkey or a typed code",
    Rung.TWO_STRONG: "two people other than the agent's owner, each with a passkey or a typed code",
}


def why(
    verdict: Verdict,
    rung: Rung,
    stopped: Sequence[Effect],
    rules: Sequence[str],
    known: Mapping[str, Rule],
    context: Context,
) -> str:
    """One short paragraph; empty for an allow."""
    if verdict is Verdict.ALLOW:
        return ""
    sentences = [f"{'Held' if verdict is Verdict.ASK else 'Stopped'}: {_listed([doing(e) for e in stopped])}."]
    grave = gravest(rules, known)[:_SHOWN]
    sentences += [f"Rule {rule}: {_sentence(known[rule].why if rule in known else OWN[rule])}" for rule in grave]
    others = [rule for rule in rules if rule not in grave]
    if others:
        sentences.append(f"Also: {', '.join(others[:8])}.")
    if context.freeze_reason and any("freeze" in rule or "frozen" in rule for rule in rules):
        sentences.append(f"A freeze is in force: {_sentence(plain(context.freeze_reason, 200))}")
    if verdict is Verdict.ASK:
        sentences.append(f"It needs a yes from {_WHO[rung]}. Do not retry or rephrase it before there is an answer.")
    else:
        sentences.append("A rule said no, not a person: no approval lifts it. Do not retry it or try a variant.")
    return " ".join(sentences)


def gravest(rules: Sequence[str], known: Mapping[str, Rule]) -> list[str]:
    """The rules of the highest tier: a page of reasons hides the one that counts."""
    tiers = {rule: known[rule].tier if rule in known else 4 for rule in rules}
    return [rule for rule in rules if tiers[rule] == max(tiers.values())]


def instead(rules: Sequence[str], known: Mapping[str, Rule]) -> str:
    """The alternatives that the gravest rules offer, or else the others', each once."""
    grave = [rule for rule in gravest(rules, known) if rule in known and known[rule].instead]
    offered = grave or [rule for rule in rules if rule in known and known[rule].instead]
    found = dict.fromkeys(known[rule].instead for rule in offered[:_SHOWN])
    return _sentence("; or ".join(text.rstrip(".") for text in found)) if found else ""


def plain(text: str, limit: int = _NAME) -> str:
    """Text of foreign origin, made safe to show: no control, format or bidi characters, bounded length."""
    head = text if len(text) <= limit else text[: limit - 40] + "\N{HORIZONTAL ELLIPSIS}" + text[-39:]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in head)


def doing(effect: Effect) -> str:
    """What an effect does, as part of a sentence: `deleting all of table shop (production)`."""
    breadth = "all of " if effect.scale.breadth is Breadth.ALL else ""
    where = "" if effect.environment is Environment.UNKNOWN else f" ({effect.environment.value})"
    kind = effect.resource.kind.value.replace("_", " ")
    return f"{_DOING[effect.verb]} {breadth}{kind} {plain(effect.resource.name)}{where}"


def _listed(parts: Sequence[str]) -> str:
    unique = list(dict.fromkeys(parts))
    more = len(unique) - _SHOWN
    return "; ".join(unique[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
