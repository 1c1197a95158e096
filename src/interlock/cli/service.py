"""`interlock service`: the daemon as a systemd user service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from interlock.model.errors import StateError

UNIT = "interlock.service"


@click.group("service", epilog="\b\nExamples:\n  interlock service show\n  interlock service install")
def command() -> None:
    """Run the daemon as a systemd user service. (Without it, the first hook starts the daemon.)"""


@command.command("show")
def show() -> None:
    """Print the unit."""
    click.echo(unit(), nl=False)


@command.command("install")
@click.option("--now/--later", default=True, help="Also start it.")
def install(now: bool) -> None:
    """Write the unit to your systemd user directory and enable it."""
    target = _target()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(unit(), encoding="utf-8")
    _systemctl("daemon-reload")
    _systemctl("enable", *(["--now"] if now else []), UNIT)
    click.echo(f"Installed {target}. See it with: systemctl --user status interlock")


@command.command("uninstall")
def uninstall() -> None:
    """Stop and remove the unit."""
    target = _target()
    if not target.exists():
        click.echo("There is no unit to remove.")
        return
    _systemctl("disable", "--now", UNIT)
    target.unlink()
    _systemctl("daemon-reload")
    click.echo(f"Removed {target}.")


def unit() -> str:
    """The unit's text. Restarted on failure only: exit 24 means that a daemon is there already."""
    moved = os.environ.get("INTERLOCK_HOME")
    environment = f"Environment=INTERLOCK_HOME={moved}\n" if moved else ""
    return (
        "[Unit]\nDescription=Interlock, the safety interlock for AI coding agents\n\n"
        f"[Service]\nType=exec\nExecStart={sys.executable} -I -m interlock.daemon\n{environment}"
        "Restart=on-failure\nRestartSec=1\nRestartPreventExitStatus=20 21 24 25 30 31 32 33 34\n"
        "UMask=0077\nNoNewPrivileges=yes\nTimeoutStopSec=20\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _target() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or str(locate_home() / ".config")
    return Path(base) / "systemd" / "user" / UNIT


def locate_home() -> Path:
    """The user's home directory."""
    return Path(os.environ.get("HOME") or Path.home())


def _systemctl(*arguments: str) -> None:
    try:
        done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except FileNotFoundError as error:
        raise StateError(
            "there is no systemctl here. Use `interlock up --detach`, or let the hooks start the daemon."
        ) from error
    if done.returncode != 0:
        raise StateError(f"systemctl --user {' '.join(arguments)} failed: {done.stderr.strip()}")
