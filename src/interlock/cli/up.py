"""`interlock up`: start the daemon."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from interlock.cli.show import emit
from interlock.home import Home, locate
from interlock.model.errors import DaemonRunning, InterlockError, StateError
from interlock.model.visible import visible

_WAIT_SECONDS = 15.0
_LOG_LIMIT = 8 << 20  # bytes; a longer log is set aside at the next start, and the one before it is gone
_TAIL = 64 << 10  # bytes of the log that are looked at


@click.command(
    "up",
    epilog="\b\nExamples:\n  interlock up              run here, in the foreground (Ctrl-C stops it)\n"
    "  interlock up --detach     run in the background",
)
@click.option("--detach", is_flag=True, help="Run in the background; return once it answers.")
@click.option(
    "--accept-lost-head", is_flag=True, help="The ledger's head file is gone and you know why: go on without it."
)
@click.option("--replace-lost-key", is_flag=True, help="The daemon's key is gone: the root key names a new one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(detach: bool, accept_lost_head: bool, replace_lost_key: bool, as_json: bool) -> None:
    """Start the daemon.

    Hooks start it themselves when it is not running. Its log is <run directory>/daemon.log. The two ways out of a loss
    are entries in the ledger, for everybody to see.
    """
    home = locate()
    recovery = ["--accept-lost-head"] * accept_lost_head + ["--replace-lost-key"] * replace_lost_key
    if not detach:
        from interlock.daemon.__main__ import main

        raise click.exceptions.Exit(main(recovery))
    started = start(home, recovery)
    from interlock.daemon.client import call

    facts = call(home, "ping")
    if as_json:
        emit({"started": started, **facts, "socket": str(home.socket)})
    else:
        fresh = f"Interlock is up (pid {facts['pid']}). Stop it with `interlock down`."
        click.echo(fresh if started else f"Interlock was up already (pid {facts['pid']}).")
        _say_where(home)


def _say_where(home: Home) -> None:
    """A link to the panel, for a person; where there is none, why."""
    from interlock.daemon.client import call

    try:
        found = call(home, "panel.link")
        click.echo(f"The panel, once and within two minutes: {found['link']}")
    except InterlockError as error:
        click.echo(visible(f"No link to the panel: {error}"))


def start(home: Home, arguments: Sequence[str] = ()) -> bool:
    """Start a background daemon unless one answers; True when this call started it.

    Raises StateError with the end of the log when it does not come up.
    """
    from interlock.daemon.client import alive

    if alive(home):
        return False
    home.make()
    log = home.run / "daemon.log"
    try:
        if log.is_file() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_name("daemon.log.1"))
        output = log.open("ab")
    except OSError as error:
        raise StateError(f"cannot write {log}: {error.strerror}. Check its owner, or remove it.") from error
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with output:
        os.fchmod(output.fileno(), 0o600)
        process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-I", "-m", "interlock.daemon", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
            cwd="/",
            env=environment,
        )
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if alive(home):
            return True
        if process.poll() is not None:
            # Another `up` may have won the race for the lock: then its daemon is there, or will be in a moment.
            if alive(home):
                return False
            if process.returncode == DaemonRunning.exit:
                time.sleep(0.02)
                continue
            raise StateError(f"the daemon ended at once (status {process.returncode}). Its log says:\n{_tail(log)}")
        time.sleep(0.02)
    raise StateError(f"the daemon does not answer after {_WAIT_SECONDS:g} s. Its log is {log}:\n{_tail(log)}")


def _tail(log: Path) -> str:
    """The end of the log, of its JSON lines what they say to a person."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError as error:
        return f"(cannot be read: {error.strerror})"
    return "\n".join(_said(line) for line in lines[-5:])


def _said(line: str) -> str:
    try:
        event = json.loads(line)
        return str(event.get("message") or event.get("problem") or event["event"])
    except (ValueError, AttributeError, KeyError):
        return line
