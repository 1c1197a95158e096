"""`interlock verify --gate`: a verdict of the change gate, checked offline against the commit that it is about."""

from __future__ import annotations

import click

from interlock.cli.show import emit, field, here
from interlock.model.visible import visible


def judged(envelope: bytes, key: str, revision: str, wanted: tuple[str, ...], *, as_json: bool) -> None:
    """Signature, commit, tree and result. Raises what does not hold.

    Without a revision it is not compared with any commit, and that is said.
    """
    from interlock.changes.repo import Repo
    from interlock.ledger.verify import check_verdict
    from interlock.model.errors import UsageError

    if not key:
        raise UsageError("--gate needs --key: the gate's key (state/keys/gate.vkey where it judged).")
    commit = None
    if revision:
        repo = Repo(here())
        commit = repo.call("cat-file", "commit", repo.commit(revision))
    found = check_verdict(envelope, key, commit=commit, wanted=wanted)
    if as_json:
        emit({"sound": True, "compared": commit is not None, "statement": found.statement})
        return
    click.echo(f"Sound: the gate's verdict on commit {visible(found.commit[:12])}, of {visible(found.time)}.")
    field("holds", visible(", ".join(found.properties) or "nothing"))
    field("rules of", visible(found.policy[:12]))
    if commit is None:
        click.echo("  It was compared with no commit: name the one that you mean with --commit.")
