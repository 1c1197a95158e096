"""`interlock digest`: what agents did that nobody was asked about."""

from __future__ import annotations

import time

import click
import msgspec

from interlock.cli.show import emit, heading
from interlock.cli.span import seconds
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible


@click.command("digest", epilog="\b\nExamples:\n  interlock digest\n  interlock digest --since 1d --json")
@click.option("--since", default="8h", show_default=True, help="How far back: 8h, 7d.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(since: str, as_json: bool) -> None:
    """Show what agents changed without a question, by session, and how to take it back."""
    from interlock.cli.log import entries
    from interlock.watch.digest import KINDS, digest
    from interlock.watch.seen import seen

    sessions = digest(seen(entries(locate(), list(KINDS))), since=time.time() - seconds(since))
    if as_json:
        emit(msgspec.to_builtins(sessions))
        return
    if not sessions:
        click.echo(f"No agent did anything in the last {since}.")
    for session in sessions:
        click.echo(
            click.style(f"{visible(session.agent)} {visible(session.session)}", bold=True)
            + f" in {visible(session.workspace) or 'no project'}: "
            + f"{many(session.actions, 'action')}, {session.reads} only read"
            + (f", {session.failed} failed" if session.failed else "")
            + (f", {session.undone} taken back" if session.undone else "")
        )
        for change in session.changes:
            back = f"interlock undo {change.entry}" if change.undo != "no" else "no way back"
            granted = f", grant {', '.join(map(str, change.grants))}" if change.grants else ""
            click.echo(f"  #{change.entry} {visible(change.tool)}: {visible(change.text)}")
            click.echo(f"     {heading('; '.join(visible(line) for line in change.effects))}  [{back}{granted}]")
        if session.more:
            click.echo(f"  and {session.more} more")
        click.echo()
