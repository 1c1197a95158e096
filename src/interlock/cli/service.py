"""`interlock service`: the daemon as a systemd user service."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from interlock.cli.show import emit
from interlock.home import locate
from interlock.model.errors import StateError
from interlock.model.visible import visible

UNIT = "interlock.service"

# Starting again does not mend these: a refused configuration, policy or catalogue (20 to 22), a daemon that is there
# already (24), a state directory or ledger that a person must look at (25, 30 to 34).
_NO_RESTART = "20 21 22 24 25 30 31 32 33 34"
# What says where the installation lies; systemd starts user services without the variables of your shell.
_PLACES = ("INTERLOCK_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("service", epilog="\b\nExamples:\n  interlock service show\n  interlock service install")
def command() -> None:
    """Run the daemon as a systemd user service. (Without it, the first hook starts the daemon.)"""


@command.command("show", epilog="\b\nExample:\n  interlock service show")
@_json
def show(as_json: bool) -> None:
    """Print the unit."""
    if as_json:
        emit({"path": str(_target()), "unit": unit(os.environ)})
    else:
        click.echo(unit(os.environ), nl=False)


@command.command("install", epilog="\b\nExamples:\n  interlock service install\n  interlock service install --later")
@click.option("--now/--later", default=True, help="Also start it.")
@_json
def install(now: bool, as_json: bool) -> None:
    """Write the unit to your systemd user directory and enable it."""
    target, text = _target(), unit(os.environ)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StateError(f"cannot write {target}: {error.strerror}. Check the directory and its owner.") from error
    _systemctl("daemon-reload")
    _systemctl("enable", *(["--now"] if now else []), UNIT)
    if as_json:
        emit({"installed": str(target), "started": now})
    else:
        click.echo(f"Installed {visible(str(target))}. See it with: systemctl --user status interlock")


@command.command("uninstall", epilog="\b\nExample:\n  interlock service uninstall")
@_json
def uninstall(as_json: bool) -> None:
    """Stop and remove the unit."""
    target = _target()
    there = target.exists()
    if there:
        _systemctl("disable", "--now", UNIT)
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"cannot remove {target}: {error.strerror}. Remove it by hand.") from error
        _systemctl("daemon-reload")
    if as_json:
        emit({"removed": str(target) if there else None})
    else:
        click.echo(f"Removed {visible(str(target))}." if there else "There is no unit to remove.")


def unit(environ: Mapping[str, str]) -> str:
    """The unit's text, for the installation that `environ` names. Raises StateError where a unit cannot say it.

    Restarted on failure only: exit 24 means that a daemon is there already.
    """
    locate(environ)  # a place that the daemon would refuse is refused here
    places = [f"Environment={_quoted(f'{name}={environ[name]}')}\n" for name in _PLACES if environ.get(name)]
    return (
        "[Unit]\nDescription=Interlock, the safety interlock for AI coding agents\n\n"
        f"[Service]\nType=exec\nExecStart={_quoted(sys.executable)} -I -m interlock.daemon\n"
        f"{''.join(places)}"
        f"Restart=on-failure\nRestartSec=1\nRestartPreventExitStatus={_NO_RESTART}\n"
        "UMask=0077\nNoNewPrivileges=yes\nTimeoutStopSec=20\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _quoted(text: str) -> str:
    """One word of a unit file, quoted (systemd.syntax(7)); the `%` of a specifier is doubled (systemd.unit(5))."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise StateError(
            f"a systemd unit cannot name {text!r}: it holds a control character. Choose another directory."
        )
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _target() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if base.startswith("/") else Path(os.environ.get("HOME") or Path.home()) / ".config"
    return folder / "systemd" / "user" / UNIT


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise StateError(
            "there is no systemctl here. Use `interlock up --detach`, or let the hooks start the daemon."
        ) from error
    if done.returncode != 0:
        raise StateError(
            f"systemctl --user {' '.join(arguments)} failed: {done.stderr.strip()} "
            "Without a user session of systemd, use `interlock up --detach`."
        )
