"""Policy files as text, one `Rule` for each policy in them, and everything that makes a file refused.

Layers run organisation -> project -> user on top of the packaged defaults. Only the base (defaults, organisation) may
hold `permit`; every other layer holds `forbid` alone. That makes "a lower layer can only tighten" a fact of Cedar
(`forbid` always wins, and an added `forbid` can permit nothing) instead of a comparison that we would have to prove
for each set, and one set is evaluated once instead of once a layer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import cedarpy
import msgspec
from cedarpy import pst

from interlock.model.effect import Verb
from interlock.model.errors import PolicyError
from interlock.policy import schema
from interlock.policy.bodies import bodies, excess
from interlock.policy.lint import Lint
from interlock.policy.vocabulary import GROUPS

BASE_LAYERS = ("default", "organisation")

# Limits. A policy file is written by hand: the packaged set holds about 60 policies in 30 KB, and cost is linear in
# the policies of a slice (1.15 ms at 300, measured with cedarpy 4.12).
MAX_FILE = 262_144  # characters
MAX_LAYER = 524_288  # characters in all files of a layer
MAX_POLICIES = 1_000
MAX_EXAMPLES = 3_000  # in all policies: each is an evaluation or four, about 0.15 ms each, at every load
MAX_PROSE = 400  # characters of a @why or @instead: an agent and a person read them at every stop

DEFAULT_DENY = "default-deny"
INTERNAL = "internal"
GRANTED = "granted"
UNREADABLE_NAME = "unreadable-name"
RESERVED = frozenset({DEFAULT_DENY, INTERNAL, UNREADABLE_NAME, GRANTED})

REQUIRED = ("id", "tier", "why", "matches")
OPTIONAL = ("instead", "incident", "controls", "spares", "looks", "contains")
PROFILES = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")  # which there are is the matter of the room of containment
LOOKS = ("files", "history", "rows", "plan", "dry-run")  # what may be looked at before a person is asked
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")


class Layer(msgspec.Struct, frozen=True):
    """Policy files of one origin: `sources` maps a file name to its text.

    Beside them may lie what they promise (`interlock.policy.properties`) and the receipts of its proofs
    (`interlock.policy.receipt`); `folder` is where a person finds them all. `tried` is the receipt of the packaged
    set's examples (`interlock.policy.tried`).
    """

    name: str
    sources: Mapping[str, str]
    properties: str = ""
    receipts: str = ""
    folder: str = ""
    tried: str = ""


def digest_of(layers: Sequence[Layer]) -> str:
    """SHA-256 over every layer's name and files, each with its length, so that no two sets share bytes."""
    hasher = hashlib.sha256(b"interlock-policy-v1\n")
    for layer in layers:
        parts = [layer.name, *(part for file in sorted(layer.sources) for part in (file, layer.sources[file]))]
        hasher.update(f"{len(parts)}\n".encode())
        for part in parts:
            raw = part.encode("utf-8", "surrogatepass")
            hasher.update(f"{len(raw)}\n".encode() + raw)
    return f"sha256:{hasher.hexdigest()}"


class Rule(msgspec.Struct, frozen=True):
    """One policy, with what its annotations say."""

    id: str
    effect: str  # permit | forbid
    tier: int
    why: str
    instead: str
    incident: str
    controls: tuple[str, ...]
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    looks: tuple[str, ...]
    contains: str  # the profile under which what this permits in the sandbox runs
    verbs: frozenset[Verb]
    mentions: frozenset[str]
    judges_approval: bool
    layer: str
    file: str
    written: str  # the policy as its author wrote it, without the annotations
    policy: pst.Template

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that `@instead` offers, between backticks. Each must itself be allowed: a test checks it."""
        return tuple(re.findall(r"`([^`]+)`", self.instead))


def alone(policy: pst.Template) -> cedarpy.PolicySet:
    """A set that holds just this policy."""
    tree = pst.PolicySet(templates={}, static_policies={policy.id: policy}, template_links=())
    return cedarpy.PolicySet.from_pst(tree)


def read(layers: Sequence[Layer]) -> tuple[Rule, ...]:
    """All rules of all layers, base first, in order of file name and place.

    Raises:
        PolicyError: syntax, schema, lint, annotations, duplicate ids, limits, or a `permit` below the base. The message
            names the file and the policy, and holds every problem found in the file.
    """
    rules: list[Rule] = []
    seen: dict[str, str] = {}
    for layer in layers:
        size = sum(map(len, layer.sources.values()))
        if size > MAX_LAYER:
            raise PolicyError(f"the {layer.name} layer holds {size} characters; at most {MAX_LAYER} are read")
        for file in sorted(layer.sources):
            if file.endswith(".toml"):
                raise PolicyError(
                    f"{layer.name}/{file}: policies are .cedar files, and carry their examples themselves"
                )
            for rule in _read_file(layer.name, file, layer.sources[file]):
                if rule.id in seen:
                    raise PolicyError(
                        f"{layer.name}/{file}: the id {rule.id!r} is already taken by {seen[rule.id]}; "
                        "ids name one rule for good, choose another"
                    )
                seen[rule.id] = f"{layer.name}/{file}"
                rules.append(rule)
    if len(rules) > MAX_POLICIES:
        raise PolicyError(f"{len(rules)} policies; at most {MAX_POLICIES} can be judged in time")
    examples = sum(len(rule.matches) + len(rule.spares) for rule in rules)
    if examples > MAX_EXAMPLES:
        raise PolicyError(f"{examples} examples; at most {MAX_EXAMPLES} can be tried at every load")
    return tuple(rules)


@lru_cache(maxsize=32)
def _read_file(layer: str, file: str, text: str) -> tuple[Rule, ...]:
    """The rules of one file. Remembered: each workspace of a daemon loads the same defaults."""
    where = f"{layer}/{file}"
    if len(text) > MAX_FILE:
        raise PolicyError(f"{where}: {len(text)} characters; a policy file holds at most {MAX_FILE}")
    if too_much := excess(text):
        raise PolicyError(f"{where}: {too_much}; split the policy")
    try:
        tree = cedarpy.policies_to_pst(text)
    except ValueError as error:
        raise PolicyError(f"{where}: cannot be read as Cedar: {_first_line(error)}") from None
    if tree.templates:
        raise PolicyError(f"{where}: slots (?principal, ?resource) are for grants, which Interlock makes itself")
    policies = list(tree.static_policies.values())
    names = {policy.id: policy.annotations.get("id") or f"{policy.id} (no @id)" for policy in policies}
    problems = [
        f"{names.get(error.policy_id, error.policy_id)}: {_readable(error.error, names)}"
        for error in cedarpy.validate_policies(text, schema.handle()).errors
    ]
    # Cedar numbers policies by their place in the file.
    written = {f"policy{place}": body for place, body in enumerate(bodies(text))}
    rules = []
    for policy in policies:
        lint = Lint(policy)
        complaints = lint.problems + list(_annotation_problems(policy)) + list(_layer_problems(layer, policy))
        problems += [f"{names[policy.id]}: {complaint}" for complaint in complaints]
        if not problems:
            rules.append(_rule(layer, file, policy, lint, written[policy.id]))
    if problems:
        raise PolicyError(f"{where}: refused\n  " + "\n  ".join(problems))
    return tuple(rules)


def _layer_problems(layer: str, policy: pst.Template) -> Iterator[str]:
    if policy.effect == "permit" and layer not in BASE_LAYERS:
        yield (
            f"the {layer} layer can only tighten: it may hold `forbid`, not `permit` "
            f"(permits belong to {' or '.join(BASE_LAYERS)})"
        )


def _annotation_problems(policy: pst.Template) -> Iterator[str]:
    notes = policy.annotations
    for name in REQUIRED:
        if not notes.get(name, "").strip():
            yield f"@{name} is missing or empty"
    for name in sorted(set(notes) - set(REQUIRED) - set(OPTIONAL)):
        yield f"@{name} means nothing here (known: {', '.join((*REQUIRED, *OPTIONAL))})"
    identity = notes.get("id", "")
    if identity and (not _ID.match(identity) or len(identity) > 64):
        yield "an @id is lower-case words joined by hyphens, at most 64 characters"
    if identity in RESERVED:
        yield "this @id is reserved for Interlock's own answers"
    if notes.get("tier", "0") not in {"0", "1", "2", "3", "4"}:
        yield "@tier is a number from 0 to 4"
    for name in notes.get("looks", "").split():
        if name not in LOOKS:
            yield f"@looks {name} is nothing that can be looked at (known: {', '.join(LOOKS)})"
    if notes.get("contains") and not PROFILES.match(notes["contains"]):
        yield "@contains is the name of a profile: lower-case words joined by hyphens"
    for name in ("why", "instead"):
        if len(notes.get(name, "")) > MAX_PROSE or not _prose(notes.get(name, "")).isprintable():
            yield f"@{name} is at most {MAX_PROSE} printable characters"


def _rule(layer: str, file: str, policy: pst.Template, lint: Lint, written: str) -> Rule:
    notes = policy.annotations
    identity = notes["id"]
    return Rule(
        id=identity,
        effect=policy.effect,
        tier=int(notes["tier"]),
        why=_prose(notes["why"]),
        instead=_prose(notes.get("instead", "")),
        incident=_prose(notes.get("incident", "")),
        controls=tuple(notes.get("controls", "").replace(",", " ").split()),
        matches=_lines(notes["matches"]),
        spares=_lines(notes.get("spares", "")),
        looks=tuple(notes.get("looks", "").split()),
        contains=notes.get("contains", ""),
        verbs=_verbs(policy.action),
        mentions=frozenset(lint.mentions),
        judges_approval=lint.judges_approval,
        layer=layer,
        file=file,
        written=written,
        # A slice is cut by verb before Cedar sees it, so the scope's action constraint has done its work.
        policy=replace(policy, id=identity, action=pst.ScopeAny()),
    )


def _verbs(constraint: pst.ActionConstraint) -> frozenset[Verb]:
    if isinstance(constraint, pst.ScopeAny):
        return frozenset(Verb)
    uids = (constraint.entity,) if isinstance(constraint, pst.ActionEq) else constraint.entities
    verbs: set[Verb] = set()
    for uid in uids:
        # INVARIANT: the validator has refused every action that the schema does not name. `==` a group names no verb.
        if uid.id not in GROUPS:
            verbs.add(Verb(uid.id))
        elif isinstance(constraint, pst.ActionIn):
            verbs |= GROUPS[uid.id]
    return frozenset(verbs)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _prose(text: str) -> str:
    return " ".join(text.split())


def _first_line(error: ValueError) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "syntax error")


def _readable(message: str, names: Mapping[str, str]) -> str:
    for positional, name in names.items():
        message = re.sub(rf"\b{re.escape(positional)}\b", name, message)
    return _prose(message)
