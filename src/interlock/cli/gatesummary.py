"""`interlock gate --attest`: the verdict as a signed document."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.home import locate

if TYPE_CHECKING:
    from interlock.changes.decide import Report

_NAME = "interlock-gate"


def write(report: Report, path: Path) -> None:
    """Sign a verification summary with this installation's gate key, made at first use, and write it.

    Raises StateError where it cannot be written, or others could read the key.
    """
    from interlock import __version__
    from interlock.changes.report.summary import summary
    from interlock.identity.keys import load_or_create
    from interlock.ledger.files import write_atomic
    from interlock.model.errors import StateError

    home = locate()
    key = load_or_create(home.state / "keys", "gate", _NAME, environ=os.environ)
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        write_atomic(
            path,
            summary(report, key, resource=f"urn:interlock:commit:{report.head}", time=time, version=__version__)
            + b"\n",
            sync=False,
        )
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(f"Signed with {key.vkey} ({home.state / 'keys' / 'gate.vkey'}).", err=True)
