"""`interlock gate --attest`: the verdict as a signed document."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.home import locate
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.changes.decide import Report
    from interlock.changes.repo import Repo
    from interlock.ledger.note import Signer

_NAME = "interlock-gate"


def signed(report: Report, repo: Repo, key: Signer) -> tuple[bytes, bytes]:
    """The verdict as a verification summary, and the stages that passed as a verification result."""
    from interlock import __version__
    from interlock.changes.report.result import result
    from interlock.changes.report.summary import summary

    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    commit, resource = repo.call("cat-file", "commit", report.head), f"urn:interlock:commit:{report.head}"
    return (
        summary(report, key, commit=commit, resource=resource, time=time, version=__version__),
        result(report, key, commit=commit, time=time, version=__version__),
    )


def record(report: Report, repo: Repo) -> None:
    """Hand the signed verdict to this installation's daemon, which keeps it; where none runs, nobody does.

    What goes wrong is said and changes no verdict.
    """
    from interlock.changes.report.facts import kept
    from interlock.daemon.client import alive, call
    from interlock.identity.keys import load_or_create
    from interlock.model.errors import InterlockError

    home = locate()
    if not alive(home):
        return
    try:
        key = load_or_create(home.state / "keys", "gate", _NAME, environ=os.environ)
        summary, result = (envelope.decode() for envelope in signed(report, repo, key))
        told = {"cwd": repo.directory, "summary": summary, "result": result, "report": kept(report).decode()}
        call(home, "gate.record", told)
    except InterlockError as error:
        click.echo(f"interlock: the daemon did not record this verdict: {visible(str(error))}", err=True)


def write(report: Report, repo: Repo, path: Path) -> None:
    """Sign the verdict with this installation's gate key, made at first use, and write its two documents.

    Raises StateError where it cannot be written, or others could read the key.
    """
    from interlock.identity.keys import load_or_create
    from interlock.ledger.files import write_atomic
    from interlock.model.errors import StateError

    home = locate()
    key = load_or_create(home.state / "keys", "gate", _NAME, environ=os.environ)
    beside = path.with_suffix(".svr.json")
    try:
        for where, envelope in zip((path, beside), signed(report, repo, key), strict=True):
            write_atomic(where, envelope + b"\n", sync=False)
        write_atomic(home.state / "keys" / "gate.public.pem", key.public_pem, sync=False, mode=0o644)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"The stages that passed, as properties: {beside}", err=True)
    click.echo(f"Signed with {key.vkey} ({home.state / 'keys' / 'gate.vkey'}).", err=True)
