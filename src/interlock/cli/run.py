"""`interlock run`: run one command contained."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, here
from interlock.home import locate
from interlock.model.errors import StateError, UsageError


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="\b\nExamples:\n  interlock run -- make test\n  interlock run --profile network -- npm ci\n"
    "  interlock run --agent -- claude\n  interlock run --profiles\n"
    "\b\nExit status: the command's own; 124 out of time, 125 the sandbox could not be built and nothing ran,\n"
    "126 and 127 as shells have them, 128 and the signal's number when it was killed.",
)
@click.argument("words", nargs=-1, required=False)
@click.option("--profile", default="build", show_default=True, help="What it may see, write and reach.")
@click.option("--agent", is_flag=True, help="The command is a coding agent: its model is all that it reaches.")
@click.option("--host", "hosts", multiple=True, help="With --agent: a further host (`name`, `name:port`).")
@click.option("--keep", multiple=True, help="With --agent: a further variable of the environment that passes.")
@click.option("--hold", "end", flag_value="hold", help="Commit nothing: look at the changes first.")
@click.option("--discard", "end", flag_value="discard", help="Commit nothing: show what would have changed.")
@click.option("--profiles", "listing", is_flag=True, help="List the profiles.")
@click.option("--json", "as_json", is_flag=True, help="With --profiles: print one JSON object.")
def command(
    words: tuple[str, ...],
    profile: str,
    agent: bool,
    hosts: tuple[str, ...],
    keep: tuple[str, ...],
    end: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Run a command contained: no network, no credential, and what it changes can be undone.

    It works on a copy-on-write layer of the workspace. Afterwards its changes are committed, but for those that
    something outside would execute or obey later: they are held (`interlock changes`).
    """
    if listing:
        _list(as_json)
        return
    if not words:
        raise UsageError("give the command: interlock run -- COMMAND…. See interlock run --help.")
    from interlock.daemon.client import call

    home = locate()
    asked: dict[str, Any] = {"argv": list(words), "cwd": here(), "profile": profile, "end": end or ""}
    if agent:
        # The daemon does not know this terminal's PATH.
        asked |= {
            "agent": True,
            "hosts": list(hosts),
            "keep": list(keep),
            "argv": [shutil.which(words[0]) or words[0], *words[1:]],
        }
    answer = call(home, "run", asked)
    starting = shlex.split(str(answer["command"]))
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execv(starting[0], starting)  # noqa: S606 - our own launcher, by its full path; it becomes the command
    except OSError as error:
        raise StateError(
            f"{Path(starting[0])} cannot be started: {error.strerror}. "
            "Install Interlock again where there is a C compiler."
        ) from error


def _list(as_json: bool) -> None:
    from interlock.containment.profiles import profiles

    if as_json:
        emit({name: found.about for name, found in profiles().items()})
        return
    for name, found in profiles().items():
        click.echo(f"{name:10} {found.about}")
