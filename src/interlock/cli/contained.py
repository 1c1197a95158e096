"""`interlock contained`: start a released run with the system's bubblewrap, where the launcher cannot."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from interlock.home import locate

if TYPE_CHECKING:
    from interlock.containment.minding import Word

_SECONDS = 60.0
_OVER = (
    "Interlock ended this: its processes used more than {} MiB of memory together, which is the bound of its profile. "
    "Let it do less at once, or raise `memory` in the `limits` of the profile in interlock.toml."
)


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
    from interlock.containment.minding import Word
    from interlock.containment.plan import Plan
    from interlock.containment.tiers import Tier
    from interlock.daemon.client import call, exchange
    from interlock.daemon.wire import Door

    home = locate()
    opened = exchange(home.socket, Door.RUN, "-", f"open {ticket}\n".encode(), timeout=_SECONDS)
    if opened.exit:
        click.echo(f"interlock: {opened.stderr.decode('utf-8', 'replace')}", err=True)
        raise click.exceptions.Exit(bwrap.UNBUILT)
    plan = Plan.decode(opened.stdout)
    word = _lease(home.run / "lease", plan.id)
    if word() is not Word.GO:
        click.echo("interlock: a person has halted this, or its daemon's lease has lapsed: nothing ran.", err=True)
        raise click.exceptions.Exit(bwrap.UNBUILT)
    tier = msgspec.convert(call(home, "tier"), Tier)
    with tempfile.NamedTemporaryFile(prefix="interlock-empty-") as empty:
        ended = bwrap.run(plan, tier.bubblewrap(Path(empty.name)), dict(os.environ), word)
    memory = dict(plan.limits).get("memory", 0)
    if ended.over:
        click.echo(_OVER.format(memory >> 20), err=True)
    # As the launcher tells it: see containment/sight.py.
    seen = f"memory\0{ended.over:d}\0watch\0\0\0" if memory else ""
    told = f"close {ticket} {ended.status}\n{seen}".encode()
    said = exchange(home.socket, Door.RUN, "-", told, timeout=_SECONDS)
    click.echo(said.stderr.decode("utf-8", "replace"), err=True, nl=False)
    raise click.exceptions.Exit(ended.status)


def _lease(path: Path, run: str) -> Callable[[], Word]:
    """What the daemon's lease says of this run, whenever it is asked."""
    from interlock.containment.minding import Word
    from interlock.halt.lease import KILLED, Reader
    from interlock.model.errors import StateError

    readers: list[Reader] = []

    def word() -> Word:
        terms = readers[0].fresh() if readers else None
        if terms is None:  # a daemon that found it spoilt has made another one
            while readers:
                readers.pop().close()
            try:
                readers.append(Reader(path))
            except StateError:
                return Word.STAND
            terms = readers[0].fresh()
        halt = terms.of(run) if terms is not None else 0
        return Word.END if halt == KILLED else Word.STAND if terms is None or halt else Word.GO

    return word
