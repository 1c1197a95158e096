"""`interlock undo`: take actions back, after a look at what that means."""

from __future__ import annotations

import re
import sys
import time
from datetime import datetime
from typing import Any

import click

from interlock.cli.show import emit, heading
from interlock.home import locate
from interlock.model.errors import UsageError
from interlock.model.visible import visible

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_SHOWN = 40  # changes of one action that are listed
_WAIT_SECONDS = 600.0


@click.command(
    "undo",
    epilog="\b\nExamples:\n  interlock undo 42 --plan       what taking entry 42 back would do\n"
    "  interlock undo 42              do it, after a question\n"
    "  interlock undo 3f2a --yes      everything that the session 3f2a… changed\n"
    "  interlock undo --since 20m     everything of the last 20 minutes\n"
    "  interlock undo 57              57 is an undo: it is undone again",
)
@click.argument("what", required=False, metavar="[ACTION|SESSION]")
@click.option("--since", default="", metavar="WHEN", help="Everything since then: 20m, 2h, 14:30, 2026-01-31T09:00.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be done, and stop.")
@click.option("--force", is_flag=True, help="Also put back what changed since; that version is kept, for undo.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(what: str | None, since: str, only_plan: bool, force: bool, yes: bool, as_json: bool) -> None:
    """Take back what an action, or a whole session, changed: newest first, and only after the plan was shown.

    What changed since is left alone and named. An undo is an entry itself and can be undone.
    """
    from interlock.daemon.client import call

    home = locate()
    meant = {**_meant(what, since), "force": force}
    plan = call(home, "undo.plan", meant, timeout=_WAIT_SECONDS)
    if only_plan or not plan["changes"]:
        emit(plan) if as_json else show(plan)
        return
    if not as_json:
        show(plan)
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise UsageError("nothing was done: say --yes to do what the plan says.")
        click.confirm("Do it?", abort=True)
    done = call(home, "undo", {**meant, "plan": plan["plan"]}, timeout=_WAIT_SECONDS)
    if as_json:
        emit({**plan, **done})
        return
    for problem in done["left"]:
        _problem(problem)
    click.echo(f"Undone, as entry {done['entry']}. `interlock undo {done['entry']}` takes it back.")


def show(plan: dict[str, Any]) -> None:
    """The plan for a person."""
    for step in plan["steps"]:
        click.echo(click.style(f"#{step['entry']}", bold=True))
        for change in step["changes"][:_SHOWN]:
            click.echo(f"  {heading(change['does'].ljust(9))} {visible(change['what'])}")
        if len(step["changes"]) > _SHOWN:
            click.echo(f"  and {len(step['changes']) - _SHOWN} more")
        for problem in step["problems"]:
            _problem(problem)
    for problem in plan["problems"]:
        _problem(problem)
    if not plan["changes"]:
        click.echo("There is nothing to undo.")


def _problem(problem: dict[str, Any]) -> None:
    word = click.style("stays".ljust(9), fg="yellow")
    click.echo(f"  {word} {visible(problem['what'])}: {visible(problem['why'])}")


def _meant(what: str | None, since: str) -> dict[str, Any]:
    if bool(what) == bool(since):
        raise UsageError("name one thing: the number of an entry, a session, or --since.")
    if since:
        return {"since": moment(since, time.time())}
    assert what is not None  # noqa: S101 - one of them is there
    return {"entry": int(what)} if what.isdecimal() and len(what) < 16 else {"session": what}


def moment(text: str, now: float) -> float:
    """Seconds since the epoch for `20m`, `14:30` (today), or a date. Raises UsageError."""
    ago = re.fullmatch(r"(\d{1,6})\s*(s|m|min|h|d)", text.strip())
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hour, minute = map(int, text.split(":"))
            return datetime.fromtimestamp(now).astimezone().replace(hour=hour, minute=minute, second=0).timestamp()
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise UsageError(f"{text!r} is no moment. Write 20m, 2h, 14:30 or 2026-01-31T09:00.") from None
