"""`interlock reviewers`: drills for those who approve."""

from __future__ import annotations

import click

from interlock.cli.show import emit, here
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible


@click.group("reviewers")
def command() -> None:
    """Try how carefully questions are read.

    A drill puts bad questions among the real ones. They look like any other, and nothing can ever run because of them:
    their digests are random. The ledger commits to them before they are asked. Denying them is right.

    \b
    Examples:
      interlock reviewers drill --count 3
      interlock reviewers end
    """


@command.command("drill", epilog="\b\nExamples:\n  interlock reviewers drill --count 3")
@click.option("--count", default=3, show_default=True, type=click.IntRange(1, 10), help="How many bad questions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def drill(count: int, as_json: bool) -> None:
    """Ask bad questions among the real ones."""
    from interlock.daemon.client import call

    begun = call(locate(), "drill.begin", {"count": count, "workspace": here()})
    if as_json:
        emit(begun)
    else:
        click.echo(f"The drill is under way (entry {begun['entry']}). `interlock reviewers end` ends and scores it.")


@command.command("end", epilog="\b\nExamples:\n  interlock reviewers end --json")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def end(as_json: bool) -> None:
    """End the drill, say which questions it was, and how they were answered."""
    from interlock.daemon.client import call

    score = call(locate(), "drill.end", {})
    if as_json:
        emit(score)
        return
    for name, (met, missed) in score["reviewers"].items():
        said = "denied all of them" if not missed else f"approved {missed}"
        click.echo(f"{visible(name)} met {many(met, 'bad question')} and {said}.")
    if score["unanswered"]:
        click.echo(f"{many(score['unanswered'], 'was', 'were')} answered by nobody.")
