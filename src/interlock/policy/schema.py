"""The Cedar schema, written out from the vocabulary.

One `Resource` type for every kind, with `kind` as a checked word: a reader may pair any verb with any kind, and policy
must answer all of them, so "the schema does not know this pair" is not an answer we can use. What separate entity
types would have caught (a misspelt kind) the lint catches, for every closed vocabulary and not only for kinds.
"""

from __future__ import annotations

from functools import cache

import cedarpy

from interlock.model.effect import Verb
from interlock.policy.vocabulary import APPROVAL, ATTRIBUTES, GROUPS, Attribute

NAMESPACE = "Interlock"
AGENT = f"{NAMESPACE}::Agent"
ACTION = f"{NAMESPACE}::Action"
RESOURCE = f"{NAMESPACE}::Resource"


def _fields(variable: str) -> str:
    return "".join(f"    {a.name}: {a.type.value},  // {_gloss(a)}\n" for a in ATTRIBUTES if a.variable == variable)


def _gloss(attribute: Attribute) -> str:
    if attribute.words is None:
        return attribute.meaning
    return f"{attribute.meaning}: {' | '.join(sorted(attribute.words))}"


def _action(verb: Verb) -> str:
    groups = ", ".join(name for name, verbs in GROUPS.items() if verb in verbs)
    within = f" in [{groups}]" if groups else ""
    return (
        f'  action "{verb.value}"{within} appliesTo '
        "{ principal: Agent, resource: Resource, context: Circumstances };\n"
    )


@cache
def text() -> str:
    """The schema in Cedar's own syntax, with the vocabularies as comments."""
    approval = "".join(f"    {name}: {kind.value},  // {meaning}\n" for name, kind, meaning in APPROVAL)
    return (
        f"namespace {NAMESPACE} {{\n"
        f"  type Approval = {{\n{approval}  }};\n"
        f"  type Circumstances = {{\n    approval: Approval,\n{_fields('context')}  }};\n"
        f"  entity Agent = {{\n{_fields('principal')}  }};\n"
        f"  entity Resource = {{\n{_fields('resource')}  }};\n"
        + "".join(f"  action {name};\n" for name in GROUPS)
        + "".join(_action(verb) for verb in Verb)
        + "}\n"
    )


@cache
def handle() -> cedarpy.Schema:
    """The parsed schema, shared: handles are immutable."""
    return cedarpy.Schema.from_str(text())
