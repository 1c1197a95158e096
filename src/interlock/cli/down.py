"""`interlock down`: stop the daemon."""

from __future__ import annotations

import time
from pathlib import Path

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

    pid = call(home, "ping")["pid"]
    call(home, "stop")
    deadline = time.monotonic() + _WAIT_SECONDS
    # Not the socket, which goes first: "down" means that the ledger is closed and the home is free.
    while _lives(pid):
        if time.monotonic() > deadline:
            raise StateError(
                f"the daemon (pid {pid}) has not ended after {_WAIT_SECONDS:g} s. See {home.run / 'daemon.log'}; "
                f"`kill -9 {pid}` loses nothing that was acknowledged."
            )
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    """Whether the process is still at work; one that nobody has waited for yet (a zombie) is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rfind(b")") + 2 :][:1] not in {b"Z", b"X", b""}
