"""`interlock act`: a verdict under a capability token, for jobs and agents without a hook."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, here
from interlock.model.errors import Refused, UsageError
from interlock.model.visible import visible

_MAX_INPUT = 8 << 20


@click.command(
    "act",
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  interlock act --token ci.token --key ci.key -- terraform plan\n"
    "  interlock act --token ci.token --key ci.key --run -- make test\n"
    '  echo \'{"tool": "Write", "input": {"file_path": "/srv/x", "content": ""}}\' |\n'
    "    interlock act --token ci.token --key ci.key --json\n"
    "\b\nExit status: 0 released (with --run: the command's own), 27 not released.",
)
@click.option("--token", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The token.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="Its key.")
@click.option("--run", is_flag=True, help="Run the command once it is released, and report how it came out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(token: Path, key: Path, run: bool, as_json: bool, words: tuple[str, ...]) -> None:
    """Ask whether a command (or a JSON action on standard input) may run, under a token.

    It is judged as any agent's action is: policy, a person's yes, the ledger. Beside that it must be inside of what the
    token allows. Between the answer and your own start of the command a file may change: that race is yours to close.
    """
    from interlock.daemon.acting import Holder

    holder = Holder.load(token, key)
    action = _action(words)
    if run and not words:
        raise UsageError("--run needs a command: interlock act … --run -- COMMAND.")
    answer = holder.act(action["tool"], action["input"], action["cwd"])
    if as_json and not run:
        emit(answer)
    if not answer["released"]:
        if as_json:
            sys.exit(Refused.exit)
        raise Refused(answer["message"])
    if not run:
        if not as_json:
            click.echo(f"Released (entry {answer['entry']}). {visible(answer['message'])}".rstrip())
        return
    # The very text that was judged is what runs: one shell, no second reading of the words.
    status = subprocess.run(["/bin/bash", "-c", action["input"]["command"]], check=False).returncode  # noqa: S603
    holder.done(answer["call"], ok=status == 0, cwd=action["cwd"])
    sys.exit(status if status >= 0 else 128 - status)


def _action(words: tuple[str, ...]) -> dict[str, Any]:
    if words:
        return {"tool": "Bash", "input": {"command": shlex.join(words)}, "cwd": here()}
    try:
        value = json.loads(sys.stdin.buffer.read(_MAX_INPUT))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"standard input is no JSON action: {error}. Or give a command after --.") from error
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("tool"), str)
        or not isinstance(value.get("input"), dict)
    ):
        raise UsageError('an action is {"tool": …, "input": {…}}, with its cwd if it is not this directory.')
    return {"tool": value["tool"], "input": value["input"], "cwd": str(value.get("cwd") or os.getcwd())}
