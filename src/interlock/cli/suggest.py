"""`interlock suggest`: what people keep saying yes to, and the grant that would say it for them."""

from __future__ import annotations

import shlex
import time
from typing import Any

import click
import msgspec

from interlock.cli.grants import words
from interlock.cli.show import emit
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible


@click.command("suggest", epilog="\b\nExamples:\n  interlock suggest\n  interlock suggest --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Suggest grants, from the ledger alone.

    Five yeses and no no to requests of one shape within 14 days make a suggestion. It grants nothing: the command that
    it prints shows what else it would have let pass, and asks.
    """
    from interlock.cli.log import entries
    from interlock.daemon.client import call
    from interlock.model.grant import Pattern
    from interlock.watch.seen import seen
    from interlock.watch.suggestions import DAYS, KINDS, YESES, suggestions

    home = locate()
    held = [
        tuple(msgspec.convert(pattern, Pattern) for pattern in grant["patterns"]) for grant in call(home, "grants", {})
    ]
    found = suggestions(seen(entries(home, list(KINDS))), now=time.time(), covered=held)
    if as_json:
        emit([msgspec.to_builtins(one._asdict()) for one in found])
        return
    if not found:
        click.echo(f"Nothing to suggest: no question was answered yes {YESES} times in the last {DAYS} days.")
    for one in found:
        patterns: list[dict[str, Any]] = msgspec.to_builtins(one.patterns)
        click.echo(
            click.style(many(len(one.requests), "yes", "yeses"), bold=True)
            + f" in {visible(one.workspace) or 'no project'}"
        )
        for pattern in patterns:
            click.echo(f"  {words(pattern)}")
        for example in one.examples:
            click.echo(f"  said yes to: {visible(example)}")
        names = {pattern["name"] for pattern in patterns}
        name = f" --name {visible(shlex.quote(names.pop()))}" if len(names) == 1 else ""
        span = "7d" if one.rung == "one" else "8h"
        click.echo(f"  interlock grant {one.requests[-1]}{name} --for {span}")
        click.echo()
