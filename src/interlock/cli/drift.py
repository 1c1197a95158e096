"""`interlock drift`: what contained runs did that their reading did not foresee."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli.show import emit, heading
from interlock.home import locate
from interlock.model.visible import visible


@click.command(
    "drift",
    epilog="\b\nExamples:\n  interlock drift\n  interlock drift --lessons\n  interlock drift --json",
)
@click.option("--lessons", is_flag=True, help="Also what is no alarm, and still was not foreseen.")
@click.option("--last", "-n", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(lessons: bool, last: int, as_json: bool) -> None:
    """Show what contained runs did that their reading did not foresee.

    Each is an alarm, and a lesson for the catalogue: `interlock catalogue` teaches what the command really does. The
    session in which it happened is believed less from then on: everything runs contained that can.
    """
    from interlock.cli.log import entries

    wanted = ["alarm", "changes"] if lessons else ["alarm"]
    found = [(entry, lines) for entry in entries(locate(), wanted) if (lines := _lines(entry))]
    for entry, lines in found[-last:]:
        if as_json:
            emit(entry)
            continue
        body = entry["body"]
        who = visible(f"{body['principal'].get('agent', '')} {body['principal'].get('session', '')[:8]}")
        what = "  a lesson" if _is_lesson(entry) else ""
        click.echo(f"{entry['index']:>6} {heading(entry['time'][11:19])} {who}, action {body.get('intent', '-')}{what}")
        for line in lines:
            click.echo(f"         {visible(line)}")
    if not found and not as_json:
        click.echo("No contained run did anything that was not foreseen.")


def _lines(entry: dict[str, Any]) -> list[str]:
    """What of an entry was not foreseen; nothing for other alarms, and for runs that did what they were read to do."""
    body = entry["body"]
    if _is_lesson(entry):
        return list(body.get("lessons", ()))
    return list(body["differences"]) if body.get("alarm") == "drift" else []


def _is_lesson(entry: dict[str, Any]) -> bool:
    return "alarm" not in entry["body"]
