"""`interlock plan`: several actions, named in advance and approved as one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, heading, here
from interlock.home import locate
from interlock.model.errors import OperatorError, UsageError
from interlock.model.visible import visible

_MAX_FILE = 1 << 20


@click.group("plan", epilog="\b\nExamples:\n  interlock plan submit steps.jsonl\n  interlock plan show 41")
def command() -> None:
    """Submit a list of actions, so that a person can approve them as one; look at such a list.

    Each step is judged, and each that needs a yes is a request of its own: used once, by exactly that call.
    """


@command.command(
    "submit",
    epilog="\b\nExamples:\n  interlock plan submit steps.txt           one command a line\n"
    '  interlock plan submit steps.jsonl         {"tool": "Write", "input": {…}} a line\n'
    "  interlock plan submit - --ordered < steps.txt",
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--ordered", is_flag=True, help="A step can only be run after the one before it.")
@click.option("--session", default="", help="For which session; needed where several could be meant.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def submit(file: Path, ordered: bool, session: str, as_json: bool) -> None:
    """Hand in a plan. Agents may do this too; only a person approves it."""
    from interlock.daemon.client import call

    params = {"steps": _steps(file), "ordered": ordered, "session": session, "cwd": here()}
    plan = call(locate(), "plan.submit", params)
    if as_json:
        emit(plan)
        return
    for number, step in enumerate(plan["steps"], start=1):
        waits = f"  #{step['request']}" if step["request"] >= 0 else ""
        click.echo(f"  {number:>2}. {heading(step['verdict'].ljust(9))} {visible(step['text'])}{waits}")
    if any(step["request"] >= 0 for step in plan["steps"]):
        click.echo(f"A person approves it as one: interlock approve --plan {plan['id']}")
    else:
        click.echo("Nothing in it needs a person's yes.")


@command.command("show", epilog="\b\nExample:\n  interlock plan show 12")
@click.argument("plan", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(plan: int, as_json: bool) -> None:
    """Show every step of a plan that needed a yes, as its card."""
    from interlock.cli.inbox import card
    from interlock.daemon.client import call

    home = locate()
    found = [call(home, "request", {"id": number}) for number in call(home, "plan.show", {"id": plan})]
    if as_json:
        emit(found)
        return
    for request in found:
        card(request)


def _steps(file: Path) -> list[dict[str, Any]]:
    """A step a line: JSON objects, or else shell commands; blank lines and comments are left out."""
    try:
        text = sys.stdin.read(_MAX_FILE + 1) if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"cannot read {file}: {error}.") from error
    if len(text) > _MAX_FILE:
        raise UsageError("a plan of more than 1 MiB is for no person to read.")
    steps: list[dict[str, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line.lstrip().startswith("{"):
            steps.append({"tool": "Bash", "input": {"command": line.strip()}})
            continue
        try:
            steps.append(json.loads(line))
        except ValueError as error:
            raise UsageError(f"line {number} of {file} begins like JSON and is none: {error}.") from error
    return steps
