"""`interlock resume`: a paused session goes on."""

from __future__ import annotations

import click

from interlock.cli.show import emit
from interlock.home import locate


@click.command("resume", epilog="\b\nExample:\n  interlock resume 3f2a9c1e")
@click.argument("session")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session: str, as_json: bool) -> None:
    """Let a paused session go on, with what runs for it. No agent can resume anything.

    A pause that was given by a selector is lifted by its number: `interlock lift`.
    """
    from interlock.daemon.client import call

    done = call(locate(), "halt.resume", {"session": session}, timeout=60.0)
    if as_json:
        emit(done)
    else:
        click.echo("Resumed." if done["order"] is None else f"Resumed: order {done['order']} is lifted.")
