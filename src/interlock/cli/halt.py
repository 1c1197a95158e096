"""`interlock halt certificate`: the proof that an order was carried out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, field
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_SHOWN = 20


@click.group("halt", epilog="\b\nExample:\n  interlock halt certificate 42 --output halt-42.json")
def command() -> None:
    """The proof of orders to halt. They are given by freeze, pause and kill."""


@command.command(
    "certificate",
    epilog="\b\nExamples:\n  interlock halt certificate 42\n"
    "  interlock halt certificate 42 --output halt-42.json     the signed file, for somebody else\n"
    "  interlock verify --certificate halt-42.json --key VKEY   how they check it",
)
@click.argument("order", type=int)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the signed envelope (DSSE).")
@click.option("--json", "as_json", is_flag=True, help="Print the signed envelope.")
def certificate(order: int, output: Path | None, as_json: bool) -> None:
    """What an order stopped, with the kernel's word for each process, signed by the daemon's key."""
    from interlock.daemon.client import call
    from interlock.model.errors import StateError

    found = call(locate(), "halt.certificate", {"id": order})
    envelope = found["envelope"]
    if output is not None:
        try:
            output.write_text(json.dumps(envelope, sort_keys=True) + "\n")
        except OSError as error:
            raise StateError(f"{output} cannot be written: {error.strerror}") from error
    if as_json:
        emit(envelope)
    elif output is not None:
        click.echo(f"Written to {visible(str(output))}. It is entry {found['entry']} of the ledger.")
    else:
        show(json.loads(base64.b64decode(envelope["payload"])), found["entry"])


def show(statement: dict[str, Any], entry: int) -> None:
    """A certificate for a person."""
    said = statement["predicate"]
    order = said["order"]
    click.echo(click.style(f"Order {order['id']}", bold=True) + f"  {order['what']} by {visible(order['by'])}")
    field("where", order["where"])
    if order.get("reason"):
        field("reason", order["reason"])
    took = (said["confirmed"]["boottime"] - said["issued"]["boottime"]) / 1e6
    field("issued", said["issued"]["time"])
    field("confirmed", f"{said['confirmed']['time']} ({took:.0f} ms later), epoch {said['epoch']}")
    field("sessions", f"{len(said['sessions'])}")
    field("held", f"{many(said['held'], 'held call')}, {many(len(said['revoked']), 'request')} taken back")
    field("stopped", many(len(said["processes"]), "process", "processes"))
    for one in said["processes"][:_SHOWN]:
        click.echo(f"    {one['pid']} of {one['run']}: {one['state']}")
    if len(said["processes"]) > _SHOWN:
        click.echo(f"    and {len(said['processes']) - _SHOWN} more (--json)")
    for one in said["silent"]:
        field("silent", f"{one['run']}: {one['why']}; nothing of it is released later than its lease")
    click.echo(f"  Entry {entry} of the ledger. Statement: {statement['predicateType']}")
