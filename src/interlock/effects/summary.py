"""One sentence for people about what an action would do, worst first."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.effects.redact import redact
from interlock.model import labels
from interlock.model.effect import Breadth, Effect, Environment, Kind, Reversibility, Verb

MAX_CLAUSES = 3
MAX_NAME = 80
_VERB_WORDS = {
    Verb.READ: "reads",
    Verb.WRITE: "changes",
    Verb.CREATE: "creates",
    Verb.DELETE: "deletes",
    Verb.OVERWRITE: "changes",
    Verb.EXECUTE: "runs",
    Verb.SEND: "sends to",
    Verb.FETCH: "fetches from",
    Verb.INSTALL: "installs",
    Verb.PUBLISH: "publishes",
    Verb.DEPLOY: "deploys",
    Verb.GRANT: "grants rights on",
    Verb.SPEND: "spends on",
    Verb.CONFIGURE: "configures",
    Verb.OPAQUE: "does what nobody could read",
}
_WEIGHT = {
    Verb.DELETE: 60, Verb.GRANT: 55, Verb.DEPLOY: 55, Verb.SPEND: 55, Verb.PUBLISH: 52, Verb.OPAQUE: 50, Verb.SEND: 50,
    Verb.CONFIGURE: 40, Verb.OVERWRITE: 30, Verb.WRITE: 30, Verb.INSTALL: 30, Verb.EXECUTE: 25, Verb.CREATE: 20,
    Verb.FETCH: 15, Verb.READ: 5,
}  # fmt: skip
_KIND_WORDS = {
    Kind.GIT_REF: "the git ref",
    Kind.TABLE: "the table",
    Kind.DATABASE: "the database",
    Kind.PACKAGE: "the package",
    Kind.CONTAINER: "the container",
    Kind.CLUSTER_OBJECT: "the cluster object",
    Kind.CLOUD_RESOURCE: "the cloud resource",
    Kind.TERRAFORM_STATE: "the terraform state",
    Kind.PROCESS: "the process",
    Kind.SECRET: "the secret",
    Kind.TOOL: "the tool",
    Kind.AGENT_CONFIG: "the agent's guard configuration",
    Kind.INTERLOCK: "Interlock's own",
}


def summarise(effects: Sequence[Effect]) -> str:
    """A sentence such as "Deletes everything in the table shop.users (production, irreversible); and 2 more." """
    if not effects:
        return "Has no effect outside of the agent."
    ordered = sorted(effects, key=weight, reverse=True)
    clauses = list(dict.fromkeys(_clause(effect) for effect in ordered[: MAX_CLAUSES * 4]))
    text = "; ".join(clauses[:MAX_CLAUSES])
    rest = len(effects) - MAX_CLAUSES
    if len(clauses) > MAX_CLAUSES and rest > 0:
        text += f"; and {rest} more"
    return redact(text[:1].upper() + text[1:] + ".")


def weight(effect: Effect) -> int:
    """How far in front an effect stands in a summary; no verdict follows from it."""
    total = _WEIGHT[effect.verb]
    total += 40 if effect.resource.kind in (Kind.INTERLOCK, Kind.AGENT_CONFIG) else 0
    total += 30 if effect.environment is Environment.PRODUCTION else 0
    total += 30 if labels.FROM_SECRET in effect.taint or labels.SECRET in effect.resource.labels else 0
    total += 20 if labels.ROOT in effect.resource.labels else 0
    return total + (10 if effect.reversibility is Reversibility.IRREVERSIBLE else 0)


def _clause(effect: Effect) -> str:
    if effect.verb is Verb.OPAQUE:
        why = f": {effect.notes[0]}" if effect.notes else ""
        return f"{_VERB_WORDS[Verb.OPAQUE]}{why}"
    name = effect.resource.name
    if len(name) > MAX_NAME:
        name = name[: MAX_NAME - 1] + "…"
    name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    parts = [_VERB_WORDS[effect.verb]]
    if effect.scale.count is not None:
        parts.append(f"{effect.scale.count} {effect.scale.unit or 'things'} in")
    elif effect.scale.breadth is Breadth.ALL:
        parts.append("everything in")
    if effect.resource.kind in _KIND_WORDS:
        parts.append(_KIND_WORDS[effect.resource.kind])
    parts.append(name)
    facts = []
    if effect.environment in (Environment.PRODUCTION, Environment.STAGING):
        facts.append(effect.environment.value)
    if labels.FROM_SECRET in effect.taint:
        facts.append("carries a secret")
    if effect.reversibility is Reversibility.IRREVERSIBLE and effect.verb is not Verb.READ:
        facts.append("irreversible")
    return " ".join(parts) + (f" ({', '.join(facts)})" if facts else "")
