"""`interlock verify --commit`: what stands behind a commit, and who reviewed it, checked offline against the commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from interlock.cli.show import emit, here
from interlock.model.counts import many
from interlock.model.visible import visible


def attested(revision: str, bundle: bytes | None, key: str, directory: Path, *, base: str, as_json: bool) -> None:
    """Of the attestation signature, the entry's digest, inclusion in the log, digests of commit and tree; of each
    review whether it holds. Raises what does not hold; a forged review and a missing attestation once all is shown.

    Without a bundle the attestation is taken from the ledger in `directory`, or from the repository's notes; without a
    key, the key in force of that ledger is trusted. The gate.toml of `base` says who reviews.
    """
    from interlock.changes.provenance.notes import read
    from interlock.changes.repo import Repo
    from interlock.changes.reviewed import told
    from interlock.cli.verify_reviews import held, problem, show
    from interlock.model.errors import InterlockError, NotFound, UsageError

    repo = Repo(here())
    commit = repo.commit(revision)
    found = held(repo, commit, directory)
    if bundle is None:
        bundle, key = found.attestation or read(repo, commit), key or found.key
    if bundle is not None and not key:
        raise UsageError("--bundle needs --key: the log's key (state/keys/daemon.vkey where it was made).")
    said = None if bundle is None else _checked(bundle, repo.call("cat-file", "commit", commit), key)
    reviews = told(repo, found.reviews, found.asked(commit, base, key))
    wrong: InterlockError | None = problem(reviews, commit)
    if said is None and wrong is None:
        wrong = NotFound(f"{commit[:12]} has no attestation here. `interlock attest {commit[:12]}` makes one.")
    if as_json and (said or reviews):
        rows = {"reviews": msgspec.to_builtins(reviews), **({"problem": str(wrong)} if wrong else {})}
        emit({"sound": wrong is None, "commit": commit, **(said or {}), **rows})
        raise click.exceptions.Exit(wrong.exit if wrong else 0)
    if said is not None:
        _tell(said, commit)
    show(reviews)
    if wrong is not None:
        raise wrong


def _checked(bundle: bytes, raw: bytes, key: str) -> dict[str, Any]:
    from interlock.changes.provenance.attest import unapproved
    from interlock.ledger.verify import check_attestation

    said = check_attestation(bundle, raw, key)
    return {"unapproved": unapproved(said), **said}


def _tell(said: dict[str, Any], commit: str) -> None:
    inside: dict[str, Any] = said["predicate"]["buildDefinition"]["internalParameters"]
    lines = ", ".join(f"{kind} {count}" for kind, count in inside["lines"].items()) or "no new lines"
    click.echo(
        f"Sound: commit {commit[:12]}, entry {said['entry']} of the log {visible(said['log'])}: {visible(lines)}."
    )
    if grave := said["unapproved"]:
        click.echo(
            f"  {many(len(grave), 'grave action')} behind it had no yes: {', '.join(f'#{entry}' for entry in grave)}"
        )
