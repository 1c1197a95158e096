"""Receipts of proofs: what lets a policy set come into force where nothing can prove it.

`interlock policy prove` writes `proof.json` beside the policies it proved. It is bound by digest to these policies, to
their properties and, where the proof needs them, to the layers below; who changes a byte proves anew. A receipt is a
check against mistakes, not against whoever may write the folder: that person may write policy as well.

A layer that only forbids, and promises nothing of its own, needs nothing of the layers below: an added `forbid` can
permit nothing (decision 0006). Its receipt holds on any base, and so travels with a repository to other machines.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interlock.model.errors import Unproved
from interlock.policy import properties
from interlock.policy.rules import BASE_LAYERS, Layer, Rule, digest_of

FILE = "proof.json"
SCHEMA = "interlock/policy-proof/v1"
ANY = "any"
MAX_FILE = 1 << 20  # characters
KEPT = 16  # receipts in one file: machines of one team may differ in the layers below

_LAWS = ("no-policy-errs", "forbid-wins", "approval-only-helps")


class Receipt(msgspec.Struct, frozen=True):
    """One set of proofs: what was proved, of which bytes, and by what."""

    policy: str  # digest of this layer's policies
    base: str  # digest of the layers below that the proofs rest on, or `any`
    properties: str  # digest of every property that was proved
    proved: tuple[str, ...]
    by: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    receipts: tuple[Receipt, ...]


def due(layers: Sequence[Layer], rules: Sequence[Rule], layer: Layer, by: str = "") -> Receipt:
    """The receipt that this layer needs: everything that is to be proved of it. `rules` are those of all layers.

    Raises:
        PolicyError: a property file is refused.
    """
    base = [one for one in layers if one.name in BASE_LAYERS and one.name != layer.name]
    if layer.name == "default":
        base = []
    alone = stands_alone(layer, rules)
    promised = properties.promised([layer] if alone else [*base, layer])
    texts = [(one.name, one.properties) for one in ([] if alone else base)] + [(layer.name, layer.properties)]
    return Receipt(
        policy=digest_of([layer]),
        base=ANY if alone else digest_of(base),
        properties=properties.digest(texts),
        proved=(*_LAWS, *(one.id for one in promised)),
        by=by,
    )


def stands_alone(layer: Layer, rules: Sequence[Rule]) -> bool:
    """Whether the layer only forbids and promises nothing itself, so that its proofs hold on any base."""
    return not layer.properties.strip() and all(rule.effect == "forbid" for rule in rules if rule.layer == layer.name)


def read(text: str) -> tuple[Receipt, ...]:
    """The receipts in the text of a file; () for an empty one. Raises Unproved when it is no such file."""
    if not text.strip():
        return ()
    try:
        if len(text) > MAX_FILE:
            raise msgspec.ValidationError(f"{len(text)} characters; at most {MAX_FILE} are read")
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unproved(f"{FILE} cannot be read: {error}. Write it anew: interlock policy prove.") from None
    if file.schema != SCHEMA:
        raise Unproved(f"{FILE} is of another format ({file.schema[:80]!r}). Write it anew: interlock policy prove.")
    return file.receipts


def write(text: str, receipt: Receipt) -> str:
    """The text of a file with this receipt: others of the same policies on another base stay."""
    try:
        old = read(text)
    except Unproved:
        old = ()
    kept = [one for one in old if one.policy == receipt.policy and one.base != receipt.base][: KEPT - 1]
    raw = msgspec.json.encode(_File(SCHEMA, (receipt, *kept)))
    return msgspec.json.format(raw, indent=2).decode() + "\n"


def found(layers: Sequence[Layer], rules: Sequence[Rule], layer: Layer) -> Receipt:
    """The receipt that this layer has.

    Raises:
        Unproved: there is none for exactly these bytes; says what to do.
        PolicyError: a property file is refused.
    """
    wanted = due(layers, rules, layer)
    receipts = read(layer.receipts)
    for receipt in receipts:
        if msgspec.structs.replace(receipt, by="") == wanted:
            return receipt
    raise Unproved(_missing(layer, wanted, receipts))


def _missing(layer: Layer, wanted: Receipt, receipts: Sequence[Receipt]) -> str:
    if layer.name == "default":
        return "the packaged rules are not the ones that were proved: install Interlock anew (developers: make docs)."
    same = [one for one in receipts if one.policy == wanted.policy]
    if not receipts:
        why = "nobody has proved them"
    elif not same:
        why = "they have changed since they were proved"
    elif all(one.base != wanted.base for one in same):
        why = (
            "the layers below them (Interlock's own rules, or your organisation's) have changed since they were proved"
        )
    else:
        why = "what they promise has changed since they were proved"
    where = layer.folder or "DIRECTORY"
    return (
        f"the {layer.name} layer's policies ({where}) do not come into force: {why}. "
        f"Run: interlock policy prove --layer {layer.name} {where} "
        "(it needs z3: pip install 'interlock[prove]'; where it may not be installed, prove them elsewhere and bring "
        f"the {FILE} along)."
    )
