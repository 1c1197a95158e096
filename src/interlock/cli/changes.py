"""`interlock changes`: what contained commands changed, and what of it waits for a person."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli.show import emit, heading
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_PROGRAMS = 12  # of a run that are named


@click.group(
    "changes",
    invoke_without_command=True,
    epilog="\b\nExamples:\n  interlock changes                the last runs\n"
    "  interlock changes --held         those with something held\n"
    "  interlock changes show 812       what it changed, and what is held\n"
    "  interlock changes commit 812     let what is held into the workspace\n"
    "  interlock changes discard 812    drop it",
)
@click.option("--held", "only_held", is_flag=True, help="Only runs with something held.")
@click.option("--last", "-n", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def command(context: click.Context, only_held: bool, last: int, as_json: bool) -> None:
    """Show what contained commands changed; let through or drop what is held."""
    if context.invoked_subcommand is not None:
        return
    from interlock.cli.log import entries

    found = [entry for entry in entries(locate(), ["changes"]) if entry["body"]["held_total"] or not only_held]
    for entry in found[-last:]:
        if as_json:
            emit(entry)
        else:
            click.echo(f"{entry['index']:>6} {heading(entry['time'][11:19])} {summary(entry['body'])}")
    if not found and not as_json:
        click.echo("Nothing is held." if only_held else "No command ran contained yet.")


def summary(body: dict[str, Any]) -> str:
    """One run in one line."""
    totals = body["totals"]
    counts = ", ".join(
        f"{totals[word]} {word}" for word in ("created", "changed", "deleted", "renamed") if totals[word]
    )
    held = click.style(f"  {body['held_total']} held", fg="yellow") if body["held_total"] else ""
    lost = click.style("  its launcher was killed", fg="red") if body.get("lost") else ""
    return f"{visible(body['workspace'])}: {counts or 'nothing changed'} (exit {body['status']}){held}{lost}"


@command.command("show", epilog="\b\nExample:\n  interlock changes show 812")
@click.argument("entry", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(entry: int, as_json: bool) -> None:
    """What one run changed; ENTRY is its number, or that of the action that it was."""
    from interlock.daemon.client import call

    found = call(locate(), "changes", {"id": entry})
    if as_json:
        emit(found)
        return
    click.echo(summary(found))
    for path in found["committed"]["first"]:
        click.echo(f"  committed  {visible(path)}")
    for held in found["held"]:
        click.echo(f"  {click.style('held', fg='yellow')}       {visible(held['path'])}: {visible(held['why'])}")
    _ran(found)
    for one in found["waiting"]:
        for line in one["diff"]:
            colour = {"+": "green", "-": "red"}.get(line[:1])
            click.echo(f"    {click.style(visible(line), fg=colour)}")
    waiting = len(found["waiting"])
    if waiting:
        wait = many(waiting, "change waits", "changes wait")
        click.echo(f"{wait}: `interlock changes commit {entry}`, or `interlock changes discard {entry}`.")


def _ran(found: dict[str, Any]) -> None:
    """Which programs ran, the most frequent first, and what held the bound on memory where that ended the run."""
    if ran := found.get("ran"):
        names = sorted(ran["first"], key=lambda one: -one["times"])[:_PROGRAMS]
        listed = ", ".join(f"{visible(one['name'].rpartition('/')[2])} {one['times']}" for one in names)
        click.echo(f"  ran        {many(ran['programs'], 'program')}, {many(ran['calls'], 'start')}: {listed}")
    for line in (*found.get("drift", ()), *found.get("lessons", ())):
        click.echo(f"  {click.style('unforeseen', fg='yellow')} {visible(line)}")
    if found.get("memory", {}).get("over"):
        click.echo("  it was ended because it used more memory than its profile allows")


@command.command("commit", epilog="\b\nExample:\n  interlock changes commit 812")
@click.argument("entry", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def commit(entry: int, as_json: bool) -> None:
    """Let what is held of a run into the workspace."""
    _decide(entry, "commit", as_json)


@command.command("discard", epilog="\b\nExample:\n  interlock changes discard 812")
@click.argument("entry", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def discard(entry: int, as_json: bool) -> None:
    """Drop what is held of a run."""
    _decide(entry, "discard", as_json)


def _decide(entry: int, word: str, as_json: bool) -> None:
    from interlock.daemon.client import call

    done = call(locate(), "settle", {"id": entry, "word": word})
    if as_json:
        emit(done)
        return
    for problem in done["left"]:
        click.echo(f"  {visible(problem['path'])}: {visible(problem['why'])}")
    click.echo(
        f"{many(done['settled'], 'change')} {'committed' if word == 'commit' else 'dropped'}, {len(done['left'])} left."
    )
