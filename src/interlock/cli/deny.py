"""`interlock deny`: one person's no, with words for the agent."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command("deny", epilog="\b\nExample:\n  interlock deny 42 --because 'use the staging database'")
@click.argument("request", type=int)
@click.option("--because", default="", help="What the agent should know; it is told in your words.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(request: int, because: str, as_json: bool) -> None:
    """Say no to one action, and tell the agent why. Also takes back a yes that was not used yet."""
    from interlock.daemon.client import call

    decided = call(locate(), "deny", {"id": request, "because": because})
    if as_json:
        emit(decided)
    else:
        click.echo("Denied. The agent is told that a person said no.")
