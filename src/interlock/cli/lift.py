"""`interlock lift`: an order to halt holds no more."""

from __future__ import annotations

from pathlib import Path

import click

from interlock.cli.show import emit
from interlock.home import locate
from interlock.model.errors import StateError


@click.command(
    "lift",
    epilog="\b\nExamples:\n  interlock lift 42 --because 'the release is out'\n  interlock lift 42 --code 3fa94c01",
)
@click.argument("order", type=int)
@click.option("--code", default="", help="The order's code, where it takes more than a word (interlock freezes).")
@click.option("--kill", is_flag=True, help="It is a kill: let the same start anew.")
@click.option("--because", default="", help="Why; it stands in the ledger.")
@click.option(
    "--signature", "signatures", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
    help="Another person's signature over the statement (a file).",
)  # fmt: skip
@click.option("--statement", is_flag=True, help="Lift nothing: print what another person has to sign.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    order: int, *, code: str, kill: bool, because: str, signatures: tuple[Path, ...], statement: bool, as_json: bool
) -> None:
    """Lift a freeze, a pause or a kill. What was stopped by it goes on; what was killed stays ended.

    Orders that say so take two people, as those about production do. No agent can lift anything.
    """
    from interlock.daemon.client import call

    if statement:
        found = call(locate(), "halt.statement", {"id": order})
        if as_json:
            emit(found)
        else:
            click.echo(found["statement"], nl=False)
        return
    params = {"id": order, "code": code, "kill": kill, "because": because, "signatures": [_text(f) for f in signatures]}
    done = call(locate(), "halt.lift", params, timeout=60.0)
    if as_json:
        emit(done)
    elif done["lifted"]:
        click.echo(f"Order {order} is lifted.")
    else:
        click.echo(f"{', '.join(done['votes'])} wants order {order} lifted; it takes {done['needed']} people.")
        click.echo("Another one signs the statement, and you pass the signature on:")
        click.echo(f"  interlock lift {order} --statement > lift.txt")
        click.echo("  ssh-keygen -Y sign -n interlock-halt@v1 -f KEY lift.txt")
        click.echo(f"  interlock lift {order} --code {code or '________'} --signature lift.txt.sig")


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError as error:
        raise StateError(f"{file} cannot be read: {error.strerror}") from error
