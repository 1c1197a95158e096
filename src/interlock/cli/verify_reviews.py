"""The reviews that `interlock verify --commit` shows: where they lie, and how they are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.changes.repo import Repo
    from interlock.changes.reviewed import Asked, Told
    from interlock.ledger.reader import Reader
    from interlock.model.errors import LedgerTampered


class Held(NamedTuple):
    """What lies here about a commit: its attestation and its reviews, the ledger's key, and keys that count no more."""

    attestation: bytes | None = None
    reviews: tuple[bytes, ...] = ()
    key: str = ""
    gone: frozenset[str] = frozenset()

    def asked(self, commit: str, base: str, key: str) -> Asked:
        """How its reviews are judged today."""
        from datetime import UTC, datetime

        from interlock.changes.reviewed import Asked

        keys = tuple(dict.fromkeys(one for one in (key, self.key) if one))
        return Asked(commit, base, keys, datetime.now(UTC).date().isoformat(), self.gone)


def held(repo: Repo, commit: str, directory: Path) -> Held:
    """From the ledger in `directory`, where there is one, and the repository's notes; a review in both counts once."""
    from interlock.changes.provenance.notes import REVIEWS, merged, read
    from interlock.ledger.reader import Reader
    from interlock.model.errors import NotFound

    noted = (read(repo, commit, REVIEWS) or b"").decode("utf-8", "replace").splitlines()
    try:
        reader = Reader.open(directory)
    except NotFound:
        return Held(reviews=tuple(line.encode() for line in merged(noted)))
    with reader:
        found = _from(reader, directory, commit)
    own = [line.decode() for line in found.reviews]
    return found._replace(reviews=tuple(line.encode() for line in merged([*noted, *own])))


def _from(reader: Reader, directory: Path, commit: str) -> Held:
    from interlock.changes.provenance import attest, review
    from interlock.ledger.blobs import BlobStore
    from interlock.ledger.writer import load_keys

    found: dict[str, list[bytes]] = {attest.KIND: [], review.KIND: []}
    for stored in reader.entries(kinds=[*found]):
        entry = json.loads(stored.raw)
        if entry["body"].get("commit") != commit:
            continue
        envelope = BlobStore(directory / "blobs").get(entry["body"]["statement"]["digest"])
        whole = attest.bundle(envelope, stored.raw, reader.proof(stored.index), stored.kind)
        found[stored.kind].append(json.dumps(json.loads(whole), sort_keys=True, separators=(",", ":")).encode())
    key = str(load_keys(reader, reader.origin).current)
    return Held(next(iter(found[attest.KIND]), None), tuple(found[review.KIND]), key, _gone(reader))


def _gone(reader: Reader) -> frozenset[str]:
    """The ids of people's keys that were taken out of use here. Raises LedgerTampered, LedgerPolicyFailed."""
    from interlock.identity import people
    from interlock.identity.audit import Audit

    audit = Audit()
    for stored in reader.entries(kinds=["log.genesis", *people.KINDS]):
        entry = json.loads(stored.raw)
        audit.hear(stored.index, stored.kind, entry["time"], entry["body"])
    audit.judge()
    known = audit.people()
    return frozenset(known.withdrawn()) if known else frozenset()


def show(reviews: Sequence[Told]) -> None:
    """A line for each, and one for why it was said."""
    if not reviews:
        click.echo("  no review of it is here")
    for one in reviews:
        means = {"ssh": "SSH key", "passkey": "passkey", "log": "log"}[one.signed]
        where = f" entry {one.entry}" if one.entry is not None else ""
        by = f"{means} {visible(one.key)}{where}" if one.key else means
        if one.says:
            who = visible(one.by) or "somebody whom the base does not name"
            since = f" of what changed since {one.since[:12]}" if one.since else ""
            said = f"{who}, {one.role}, says {one.says}{since}, {visible(one.at)}, by {by}"
        else:
            said = f"a review by {by}"
        holds = "holds" + (f" until {one.until}" if one.until else "")
        verdict = click.style(holds, fg="green") if one.holds else click.style("does not hold", fg="red")
        click.echo(f"  {said}: {verdict}{f': {visible(one.why)}' if one.why else ''}")
        if one.because:
            click.echo(f"    because {visible(one.because)}")


def problem(reviews: Sequence[Told], commit: str) -> LedgerTampered | None:
    """What is wrong with one of them; one that only counts no more is no problem."""
    from interlock.model.errors import LedgerTampered

    wrong = next((one for one in reviews if one.forged), None)
    if wrong is None:
        return None
    return LedgerTampered(
        f"a review of {commit[:12]} is not what was signed: {wrong.why}. Have it made again, or remove the note."
    )
