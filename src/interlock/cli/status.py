"""`interlock status`: the daemon at a glance."""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.cli.notify import troubles
from interlock.cli.show import age, emit, heading
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_LACKS = 4  # that are named; the doctor names all


@click.command("status", epilog="\b\nExamples:\n  interlock status\n  interlock status --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Show the daemon, its sessions and what waits for you. Exit status 23 when no daemon answers."""
    from interlock.daemon.client import call

    home = locate()
    facts = call(home, "status") | {"notify": call(home, "notify.status")}
    if as_json:
        emit(facts)
        return
    click.echo(f"Interlock {facts['version']} is up since {age(facts['started'], time.time())} (pid {facts['pid']}).")
    click.echo(f"{heading('mode')}     {facts['mode']}")
    click.echo(f"{heading('policy')}   {facts['policy'][:16] or 'refused: every agent is stopped'}")
    click.echo(f"{heading('ledger')}   {many(facts['entries'], 'entry', 'entries')} in {home.state / 'ledger'}")
    if not facts["ledger_healthy"]:
        click.echo(click.style("the ledger takes no entries: ", fg="red", bold=True) + visible(facts["ledger_problem"]))
    click.echo(f"{heading('memory')}   {facts['memory_mb']} MB")
    for workspace, problem in facts["rule_problems"].items():
        click.echo(
            click.style(f"REFUSED rules{' of ' + visible(workspace) if workspace else ''}: ", fg="red")
            + visible(problem)
        )
    _told(facts["notify"])
    inside = facts["contained"]
    held = f"{inside['tier']}, layers in {inside['place']}" if inside["place"] else "nothing can contain a command here"
    click.echo(f"{heading('contain')}  {held}")
    for line in inside["holds"][1:]:
        click.echo(f"  {visible(line)}")
    for lack in inside["lacks"][:_LACKS]:
        click.echo(f"  {click.style('missing', fg='yellow')}: {visible(lack['what'])}")
    if inside["lacks"]:
        click.echo("  `interlock doctor` says what brings it")
    click.echo("  never inside:")
    for line in inside["outside"]:
        click.echo(f"    {visible(line)}")
    _sessions(facts["sessions"])
    waiting = facts["waiting"]
    if waiting:
        click.echo(click.style(f"{waiting} waiting for a person: interlock inbox", fg="yellow", bold=True))


def _told(facts: dict[str, Any]) -> None:
    """Who is told that something waits; a person who relies on it must see that it fails."""
    if facts["targets"]:
        click.echo(f"{heading('notify')}   {', '.join(visible(target['name']) for target in facts['targets'])}")
    for trouble in troubles(facts):
        click.echo(f"  {click.style('failing', fg='red')}: {visible(trouble)}")


def _sessions(sessions: list[dict[str, Any]]) -> None:
    click.echo(f"{heading('sessions')} {len(sessions) or 'none yet'}")
    for session in sessions[-20:]:
        counts = ", ".join(f"{number} {what}" for what, number in sorted(session["counts"].items()))
        name = f"{session['agent']} {session['session'][:8]}"
        click.echo(f"  {visible(name)}  {visible(session['workspace'] or 'no workspace')}  {counts}")
