"""`interlock freezes`: the orders to halt that are not lifted."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command("freezes", epilog="\b\nExamples:\n  interlock freezes\n  interlock freezes --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show the freezes, pauses and kills that are in force or planned.

    Freezes that stand in interlock.toml hold as well; they are shown where they stand.
    """
    from interlock.cli.orders import card
    from interlock.daemon.client import call

    found = call(locate(), "halt.list")
    if as_json:
        emit(found)
        return
    if not found["orders"]:
        click.echo("Nothing is frozen, paused or killed by an order.")
    for order in found["orders"]:
        card(order)
        kill = " --kill" if order["what"] == "kill" else ""
        code = f" --code {'_' * 8}" if order["lifters"] > 1 else ""
        click.echo(f"  interlock lift {order['id']}{kill}{code}    interlock halt certificate {order['id']}\n")
