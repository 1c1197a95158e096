"""Properties: what a policy set must promise for every possible request, written beside its policies.

A file `properties.toml` holds tables of two forms, and both use the expressions of policies:

    [[never]]                                   # no request that meets this is permitted, whatever people say
    id = "orders-survive"
    why = "the orders are the memory of the shop"
    verbs = ["destroy"]                         # verbs or groups of them; left out: every verb
    when = 'resource.kind == "table" && resource.name like "shop.orders*"'
    unless = 'context.approval.count >= 2 && context.approval.strong'

    [[always]]                                  # every request that meets this is permitted, by this layer on its base
    id = "tests-run"
    why = "a guard that asks about tests is switched off"
    verbs = ["execute"]
    when = 'resource.kind == "process" && resource.labels.contains("project") && !context.frozen'

A property is a policy that is compared instead of enforced: `never` is a `forbid` that the set must imply, `always` a
`permit` that it must not fall short of. So both are read, validated and linted by what reads policies.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import cedarpy
import msgspec
from cedarpy import pst

from interlock.model.effect import Verb
from interlock.model.errors import PolicyError
from interlock.policy import schema
from interlock.policy.bodies import excess
from interlock.policy.lint import Lint
from interlock.policy.rules import Layer
from interlock.policy.vocabulary import GROUPS

FILE = "properties.toml"
MAX_FILE = 131_072  # characters
MAX_PROPERTIES = 200  # in one file; each is a proof
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_EXPRESSION = 4_000  # characters; the longest packaged condition has about 500

# What is proved of every set, whatever its properties say (`interlock.prover.laws`). A property may not take the names.
LAWS = {
    "no-policy-errs": "no policy of the set can fail to be evaluated, on any request",
    "forbid-wins": "a request that a forbid applies to, or cannot be evaluated on, is not permitted",
    "approval-only-helps": "what is permitted under an approval is permitted under every greater one",
    "layers-only-tighten": "the layers below the base permit nothing that the base alone does not",
    "nothing-more": "the set permits nothing that the older set does not",
}

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=_EXPRESSION)]


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    why: str
    when: _Text
    unless: _Text | None = None
    verbs: list[str] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    never: list[_Written] = []
    always: list[_Written] = []


class Property(msgspec.Struct, frozen=True):
    """`policy` applies to the requests that the property is about."""

    id: str
    form: str  # never | always
    why: str
    verbs: frozenset[Verb]
    policy: pst.Template
    layer: str
    mentions: frozenset[str]


@lru_cache(maxsize=64)
def read(text: str, layer: str) -> tuple[Property, ...]:
    """The properties in the text of one file; () for an empty one.

    Raises:
        PolicyError: not TOML, an unknown key, or an expression that no policy could hold; names the property.
    """
    where = f"{layer}/{FILE}"
    if len(text) > MAX_FILE:
        raise PolicyError(f"{where}: {len(text)} characters; at most {MAX_FILE} are read")
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, RecursionError, msgspec.ValidationError) as error:
        raise PolicyError(f"{where}: {error}") from None
    found = [_property(w, "never", layer) for w in file.never] + [_property(w, "always", layer) for w in file.always]
    if len(found) > MAX_PROPERTIES:
        raise PolicyError(f"{where}: {len(found)} properties; at most {MAX_PROPERTIES} are proved")
    names = [one.id for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PolicyError(f"{where}: {twice[0]} stands there twice; ids name one property for good")
    return tuple(found)


def _property(written: _Written, form: str, layer: str) -> Property:
    where = f"{layer}/{FILE}: {written.id}"
    if not _ID.match(written.id) or len(written.id) > 64:
        raise PolicyError(f"{where}: an id is lower-case words joined by hyphens, at most 64 characters")
    if written.id in LAWS:
        raise PolicyError(f"{where}: this id is Interlock's own: {LAWS[written.id]}. Choose another.")
    if not written.why.strip() or not written.why.isprintable() or len(written.why) > 400:
        raise PolicyError(f"{where}: `why` is one sentence of at most 400 printable characters")
    text = _cedar(written, form, where)
    if too_much := excess(text):
        raise PolicyError(f"{where}: {too_much}")
    try:
        tree = cedarpy.policies_to_pst(text)
    except ValueError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise PolicyError(f"{where}: cannot be read as Cedar: {lines[0] if lines else error}") from None
    # An expression that closes its own brace would smuggle in a second policy, or a clause of another form.
    shape = [type(clause) for clause in tree.static_policies["policy0"].clauses] if tree.static_policies else []
    if len(tree.static_policies) != 1 or tree.templates or len(shape) != 1 + (written.unless is not None):
        raise PolicyError(f"{where}: `when` and `unless` hold one expression each")
    policy = tree.static_policies["policy0"]
    problems = [error.error for error in cedarpy.validate_policies(text, schema.handle()).errors]
    lint = Lint(policy)
    problems += lint.problems
    if problems:
        raise PolicyError(f"{where}: refused\n  " + "\n  ".join(" ".join(problem.split()) for problem in problems))
    return Property(
        written.id, form, " ".join(written.why.split()), _verbs(written, where), policy, layer, frozenset(lint.mentions)
    )


def _cedar(written: _Written, form: str, where: str) -> str:
    verbs = sorted(_verbs(written, where))
    scope = "action" if written.verbs is None else f"action in [{', '.join(map(_uid, verbs))}]"
    unless = "" if written.unless is None else f"\nunless {{ {written.unless}\n}}"
    effect = {"never": "forbid", "always": "permit"}[form]
    return f"{effect} (principal, {scope}, resource)\nwhen {{ {written.when}\n}}{unless};"


def _uid(verb: Verb) -> str:
    return f'Interlock::Action::"{verb.value}"'


def _verbs(written: _Written, where: str) -> frozenset[Verb]:
    if written.verbs is None:
        return frozenset(Verb)
    found: set[Verb] = set()
    for word in written.verbs:
        if word in GROUPS:
            found |= GROUPS[word]
        elif word in set(Verb):
            found.add(Verb(word))
        else:
            known = ", ".join([*GROUPS, *(verb.value for verb in Verb)])
            raise PolicyError(f"{where}: {word!r} is no verb and no group of verbs. Known: {known}")
    if not found:
        raise PolicyError(f"{where}: `verbs` is empty; leave it out for every verb")
    return frozenset(found)


def promised(layers: Sequence[Layer]) -> tuple[Property, ...]:
    """What these layers promise together, base first.

    A layer may tighten what lies below it, so `always` is promised by the uppermost for itself, and for nobody else.
    Raises PolicyError.
    """
    found = [one for layer in layers for one in read(layer.properties, layer.name)]
    taken: dict[str, str] = {}
    for one in found:
        if one.id in taken:
            raise PolicyError(f"{one.layer}/{FILE}: the id {one.id!r} is already taken by the {taken[one.id]} layer")
        taken[one.id] = one.layer
    top = layers[-1].name if layers else ""
    return tuple(one for one in found if one.form == "never" or one.layer == top)


def digest(texts: Sequence[tuple[str, str]]) -> str:
    """SHA-256 over (layer, text of its property file) pairs and the names of the laws."""
    hasher = hashlib.sha256(b"interlock-properties-v1\n")
    for part in [*LAWS, *(part for layer, text in texts if text for part in (layer, text))]:
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(f"{len(raw)}\n".encode() + raw)
    return f"sha256:{hasher.hexdigest()}"
