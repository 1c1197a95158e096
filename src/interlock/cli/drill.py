"""`interlock drill`: real incidents against this guard, in a place made for them."""

from __future__ import annotations

import shutil
import sys

import click


@click.command(
    "drill",
    epilog="\b\nExamples:\n  interlock drill                    with Claude Code where it can be had\n"
    "  interlock drill --agent scripted   offline, with the built-in agent\n"
    "  interlock drill --json             one JSON object a line\n\n"
    "Exit status: 0 all work passed, all incidents stopped, nothing lost; 1 otherwise.",
)
@click.option(
    "--agent",
    type=click.Choice(["claude", "scripted"]),
    help="Which agent (default: Claude Code from npm, else the built-in one).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--keep", is_flag=True, help="Leave the drill's folder behind, with its ledger.")
def command(agent: str | None, as_json: bool, keep: bool) -> None:
    """Replay the incidents of record against this guard.

    A coding agent works in a temporary project with a temporary home, daemon and ledger; your own are not touched.
    """
    import signal

    from interlock.drills import drill
    from interlock.drills.screen import JsonLines, Screen, Terminal

    screen: Screen
    if as_json:
        screen = JsonLines(click.echo)
    else:
        colour = sys.stdout.isatty()
        screen = Terminal(click.echo, width=shutil.get_terminal_size((100, 24)).columns, colour=colour)
    signal.signal(signal.SIGTERM, _ended)
    if not drill.run(screen, agent=drill.Agent(agent) if agent else None, keep=keep):
        raise click.exceptions.Exit(1)


def _ended(number: int, frame: object) -> None:
    """Being told to end is no reason to leave a daemon and a folder behind."""
    del frame
    sys.exit(128 + number)
