"""`interlock notify`: where messages to people go, how that has gone, and a trial."""

from __future__ import annotations

import sys
from typing import Any

import click

from interlock.cli.show import emit, field
from interlock.home import locate
from interlock.model.errors import OperatorError
from interlock.model.visible import visible

_SECONDS = 30.0  # for a trial: each target has ten


@click.command(
    "notify",
    epilog="\b\nExamples:\n  interlock notify\n  interlock notify --test\n  interlock notify --test --to phone --json",
)
@click.option("--test", is_flag=True, help="Send a trial message to every target and say what came of it.")
@click.option("--to", "name", default="", metavar="NAME", help="With --test: this target alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(test: bool, name: str, as_json: bool) -> None:
    """Show where messages about waiting questions go; with --test, try it.

    Targets stand under [notify] in interlock.toml. A message says that something waits and where to look; nobody can
    answer by it. Exit status 2 when a trial did not arrive.
    """
    from interlock.daemon.client import call

    home = locate()
    if not test:
        facts = call(home, "notify.status")
        if as_json:
            emit(facts)
        else:
            show(facts)
        return
    tried = call(home, "notify.test", {"to": name}, timeout=_SECONDS)
    if as_json:
        emit(tried)
    else:
        for one in tried:
            click.echo(f"{visible(one['name'])}: {'FAILED: ' + visible(one['problem']) if one['problem'] else 'sent'}")
    if not tried:
        raise OperatorError("no target is configured: write [[notify.to]] into interlock.toml (docs/notifications.md).")
    if any(one["problem"] for one in tried):
        sys.exit(OperatorError.exit)


def show(facts: dict[str, Any]) -> None:
    """Every target, and what is wrong."""
    if facts["problem"]:
        click.echo(click.style("REFUSED: ", fg="red") + visible(facts["problem"]))
    if not facts["targets"]:
        click.echo("Nobody is told: no [[notify.to]] stands in interlock.toml.")
    for target in facts["targets"]:
        click.echo(f"{visible(target['name'])}  {target['kind']}  {visible(target['where'])}")
        field("sent", f"{target['sent']}{', last ' + target['last'] if target['last'] else ''}")
        for label in ("waiting", "failed", "dropped"):
            if target[label]:
                field(label, str(target[label]))
        if target["problem"]:
            field("problem", f"{target['problem']} (since {target['since']})")


def troubles(facts: dict[str, Any]) -> list[str]:
    """What is wrong, a sentence each; for `status` and the doctor."""
    found = [facts["problem"]] if facts["problem"] else []
    return found + [
        f"{one['name']}: {one['problem']} (since {one['since']})" for one in facts["targets"] if one["problem"]
    ]
