"""`interlock drift`: what contained runs did that their reading did not foresee."""

from __future__ import annotations

import click

from interlock.cli.show import emit, heading
from interlock.home import locate
from interlock.model.visible import visible


@click.command("drift", epilog="\b\nExamples:\n  interlock drift\n  interlock drift --json")
@click.option("--last", "-n", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(last: int, as_json: bool) -> None:
    """Show what contained runs did that their reading did not foresee.

    Each is an alarm, and a lesson for the catalogue: `interlock catalogue` teaches what the command really does. The
    session in which it happened is believed less from then on: everything runs contained that can.
    """
    from interlock.cli.log import entries

    found = [entry for entry in entries(locate(), ["alarm"]) if entry["body"].get("alarm") == "drift"]
    for entry in found[-last:]:
        if as_json:
            emit(entry)
            continue
        body = entry["body"]
        who = visible(f"{body['principal'].get('agent', '')} {body['principal'].get('session', '')[:8]}")
        click.echo(f"{entry['index']:>6} {heading(entry['time'][11:19])} {who}, action {body['intent']}")
        for line in body["differences"]:
            click.echo(f"         {visible(line)}")
    if not found and not as_json:
        click.echo("No contained run did anything that was not foreseen.")
