"""`interlock lift`: an order to halt holds no more."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command(
    "lift",
    epilog="\b\nExamples:\n  interlock lift 42 --because 'the release is out'\n  interlock lift 42 --code 3fa94c01",
)
@click.argument("order", type=int)
@click.option("--code", default="", help="The order's code, where it takes more than a word (interlock freezes).")
@click.option("--kill", is_flag=True, help="It is a kill: let the same start anew.")
@click.option("--because", default="", help="Why; it stands in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(order: int, code: str, kill: bool, because: str, as_json: bool) -> None:
    """Lift a freeze, a pause or a kill. What was stopped by it goes on; what was killed stays ended.

    Orders that say so take two people, as those about production do. No agent can lift anything.
    """
    from interlock.daemon.client import call

    done = call(locate(), "halt.lift", {"id": order, "code": code, "kill": kill, "because": because}, timeout=60.0)
    if as_json:
        emit(done)
    elif done["lifted"]:
        click.echo(f"Order {order} is lifted.")
    else:
        click.echo(f"{', '.join(done['votes'])} wants order {order} lifted; it takes {done['needed']} people.")
