"""`interlock show`: one question whole, and what became of it: the panel's receipt, in a terminal."""

from __future__ import annotations

import click

from interlock.cli.inbox import card
from interlock.cli.log import entries, line
from interlock.cli.show import emit
from interlock.home import locate

_KINDS = ("approval.decision", "approval.ticket", "approval.use", "approval.end", "approval.escalate")


@click.command("show", epilog="\b\nExamples:\n  interlock show 42\n  interlock show 42 --json")
@click.argument("request", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the question and the ledger's entries about it.")
def command(request: int, as_json: bool) -> None:
    """Show one question whole: its exact action and fingerprint, who answered and how, and what became of it."""
    from interlock.daemon.client import call

    home = locate()
    asked = call(home, "request", {"id": request})
    about = [entry for entry in entries(home, list(_KINDS), request) if entry["body"].get("request") == request]
    if as_json:
        emit({"request": asked, "entries": about})
        return
    card(asked)
    for entry in about:
        click.echo(line(entry))
