"""`interlock down`: stop the daemon."""

from __future__ import annotations

import time

import click

from interlock.cli.show import emit
from interlock.home import Home, locate
from interlock.model.errors import StateError

_WAIT_SECONDS = 20.0


@click.command("down", epilog="\b\nExample:\n  interlock down")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Stop the daemon, letting what is under way finish.

    Guarded agents stay guarded: their next call starts the daemon again. To stop guarding, use `interlock uninstall`.
    """
    stop(locate())
    if as_json:
        emit({"stopped": True})
    else:
        click.echo("Interlock is down. Guarded agents will start it again with their next call.")


def stop(home: Home) -> None:
    """Stop the daemon and wait for its end. Raises DaemonUnreachable (there is none), StateError (it takes long)."""
    from interlock.daemon.client import call

    call(home, "stop")
    deadline = time.monotonic() + _WAIT_SECONDS
    while home.socket.exists():
        if time.monotonic() > deadline:
            raise StateError(
                f"the daemon is still draining after {_WAIT_SECONDS:g} s. `interlock status` shows what it waits for."
            )
        time.sleep(0.02)
