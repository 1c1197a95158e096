"""`interlock contained`: start a released run with the system's bubblewrap, where the launcher cannot."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
import msgspec

from interlock.home import locate

_SECONDS = 60.0


@click.command(
    "contained",
    epilog="\b\nExample:\n  interlock contained --ticket 0f3c\n"
    "\b\nExit status: the command's own; 125 when it did not run.",
)
@click.option("--ticket", required=True, help="What Interlock gave for this one run.")
def command(ticket: str) -> None:
    """Start a run that Interlock released, contained by the system's bubblewrap.

    Interlock writes this command itself where its own launcher cannot make namespaces; a ticket works once.
    """
    from interlock.containment import bwrap
    from interlock.containment.plan import Plan
    from interlock.containment.tiers import Tier
    from interlock.daemon.client import call, exchange
    from interlock.daemon.wire import Door
    from interlock.halt.lease import Reader

    home = locate()
    opened = exchange(home.socket, Door.RUN, "-", f"open {ticket}\n".encode(), timeout=_SECONDS)
    if opened.exit:
        click.echo(f"interlock: {opened.stderr.decode('utf-8', 'replace')}", err=True)
        raise click.exceptions.Exit(bwrap.UNBUILT)
    terms = Reader(home.run / "lease").fresh()
    if terms is None or terms.of(Plan.decode(opened.stdout).id):
        click.echo("interlock: a person has halted this, or its daemon's lease has lapsed: nothing ran.", err=True)
        raise click.exceptions.Exit(bwrap.UNBUILT)
    tier = msgspec.convert(call(home, "tier"), Tier)
    with tempfile.NamedTemporaryFile(prefix="interlock-empty-") as empty:
        status = bwrap.run(Plan.decode(opened.stdout), tier.bubblewrap(Path(empty.name)), dict(os.environ))
    said = exchange(home.socket, Door.RUN, "-", f"close {ticket} {status}\n".encode(), timeout=_SECONDS)
    click.echo(said.stderr.decode("utf-8", "replace"), err=True, nl=False)
    raise click.exceptions.Exit(status)
