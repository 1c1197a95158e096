"""Which commits hold what a person took back later (`interlock undo`): the ledger's word on what went wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from interlock.changes.provenance import attest
from interlock.containment.undo import UNDO
from interlock.ledger.dsse import statement
from interlock.ledger.store import Ledger
from interlock.model.errors import InterlockError


def undone(undos: Iterable[tuple[int, Iterable[int]]]) -> dict[int, int]:
    """Entry that was taken back -> the undo that did, of (entry of an undo, entries that it took back).

    An undo that was undone itself took nothing back. Pure.
    """
    found: dict[int, int] = {}
    for index, of in sorted(undos, reverse=True):
        if index not in found:
            found |= {entry: index for entry in of if entry not in found}
    return found


def taken_back(ledger: Ledger, repository: str) -> dict[str, int]:
    """Commit of this repository (as `journal.named` calls it) -> the undo that took part of it back.

    A commit is known by its attestation, which names the actions that wrote its lines.
    """
    return holding(ledger, repository, {action(ledger, entry): undo for entry, undo in undone(_undos(ledger)).items()})


def holding(ledger: Ledger, repository: str, actions: Mapping[int, int]) -> dict[str, int]:
    """Commit of this repository -> the least of what `actions` says of those that wrote its lines."""
    found: dict[str, int] = {}
    for (where, commit), entries in attested(ledger) if actions else ():
        said = [actions[entry] for entry in entries if entry in actions]
        if where == repository and said:
            found[commit] = min(said)
    return found


def attested(
    ledger: Ledger, wanted: Collection[tuple[str, str]] | None = None
) -> Iterator[tuple[tuple[str, str], list[int]]]:
    """Of each attestation its repository and commit, and the actions behind that. `wanted`: of these commits alone."""
    for stored in ledger.entries(kinds=[attest.KIND]):
        body = json.loads(stored.raw)["body"]
        name = (str(body["repository"]), str(body["commit"]))
        if wanted is None or name in wanted:
            yield name, _behind(ledger, body)


def _undos(ledger: Ledger) -> Iterable[tuple[int, list[int]]]:
    for stored in ledger.entries(kinds=[UNDO]):
        yield stored.index, [int(entry) for entry in json.loads(stored.raw)["body"].get("of", ())]


def action(ledger: Ledger, entry: int) -> int:
    """The action whose changes an entry tells of: what a contained run changed is an entry of its own."""
    intent = json.loads(ledger.entry(entry).raw)["body"].get("intent") if 0 <= entry < ledger.size else None
    return intent if isinstance(intent, int) and intent >= 0 else entry


def _behind(ledger: Ledger, body: Mapping[str, Any]) -> list[int]:
    try:
        said = statement(ledger.blobs.get(body["statement"]["digest"]))
        return [int(act["entry"]) for act in said["predicate"]["buildDefinition"]["internalParameters"]["actions"]]
    except (InterlockError, ValueError, KeyError, TypeError):
        return []  # a statement that is not kept any more names nobody
