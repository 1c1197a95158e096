"""`interlock verify --commit`: the attestation of a commit, checked offline against the commit itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, here
from interlock.model.counts import many
from interlock.model.visible import visible


def attested(revision: str, bundle: bytes | None, key: str, directory: Path, *, as_json: bool) -> None:
    """Signature, the entry's digest, inclusion in the log, digests of commit and tree. Raises what does not hold.

    Without a bundle it is taken from the ledger in `directory`, or from the repository's notes; without a key, the key
    in force of that ledger is trusted.
    """
    from interlock.changes.provenance.attest import unapproved
    from interlock.changes.provenance.notes import read
    from interlock.changes.repo import Repo
    from interlock.ledger.verify import check_attestation
    from interlock.model.errors import NotFound

    repo = Repo(here())
    commit = repo.commit(revision)
    if bundle is None:
        bundle, own = _from_ledger(directory, commit)
        key = key or own
        bundle = bundle or read(repo, commit)
    if bundle is None:
        raise NotFound(f"{commit[:12]} has no attestation here. `interlock attest {commit[:12]}` makes one.")
    if not key:
        from interlock.model.errors import UsageError

        raise UsageError("--bundle needs --key: the log's key (state/keys/daemon.vkey where it was made).")
    said = check_attestation(bundle, repo.call("cat-file", "commit", commit), key)
    grave = unapproved(said)
    if as_json:
        emit({"sound": True, "commit": commit, "unapproved": grave, **said})
        return
    inside: dict[str, Any] = said["predicate"]["buildDefinition"]["internalParameters"]
    lines = ", ".join(f"{kind} {count}" for kind, count in inside["lines"].items()) or "no new lines"
    click.echo(
        f"Sound: commit {commit[:12]}, entry {said['entry']} of the log {visible(said['log'])}: {visible(lines)}."
    )
    if grave:
        click.echo(
            f"  {many(len(grave), 'grave action')} behind it had no yes: {', '.join(f'#{entry}' for entry in grave)}"
        )


def _from_ledger(directory: Path, commit: str) -> tuple[bytes | None, str]:
    """The bundle of the first attestation of a commit in a ledger, and the key in force there; (None, "") without."""
    from interlock.changes.provenance.attest import KIND, bundle
    from interlock.ledger.blobs import BlobStore
    from interlock.ledger.reader import Reader
    from interlock.ledger.writer import load_keys
    from interlock.model.errors import NotFound

    try:
        reader = Reader.open(directory)
    except NotFound:
        return None, ""
    with reader:
        own = str(load_keys(reader, reader.origin).current)
        for stored in reader.entries(kinds=[KIND]):
            body = json.loads(stored.raw)["body"]
            if body.get("commit") == commit:
                envelope = BlobStore(directory / "blobs").get(body["statement"]["digest"])
                return bundle(envelope, stored.raw, reader.proof(stored.index)), own
    return None, own
