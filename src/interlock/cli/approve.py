"""`interlock approve`: one person's yes to exactly one action."""

from __future__ import annotations

import sys

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command(
    "approve",
    epilog="\b\nExamples:\n  interlock approve 42\n  interlock approve 57 --code 9f3c01aa    for tier 3 and 4",
)
@click.argument("request", type=int)
@click.option("--code", default="", help="The last part of the fingerprint: shows that you read this very request.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(request: int, code: str, as_json: bool) -> None:
    """Say yes to exactly one action.

    The yes is for this action alone (its digest: tool, input, directory, the files it would run, the policy), is used
    at most once, and lapses. An agent cannot give it.
    """
    from interlock.daemon.client import call

    home = locate()
    asked = call(home, "request", {"id": request})
    if not code and asked["rung"] != "one" and sys.stdin.isatty() and not as_json:
        from interlock.cli.inbox import card

        card(asked)
        code = click.prompt("Type the last part of the fingerprint to approve", default="", show_default=False)
    decided = call(home, "approve", {"id": request, "code": code})
    if as_json:
        emit(decided)
    elif decided["state"] == "approved":
        click.echo(f"Approved. The agent may run it once, until {decided['execute_by']}.")
    else:
        click.echo("Your yes is recorded; it needs another person's too.")
