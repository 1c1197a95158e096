"""`interlock freeze`: nothing that this is about may be changed, until somebody lifts it or its time is over."""

from __future__ import annotations

import click


@click.command(
    "freeze",
    epilog="\b\nExamples:\n"
    "  interlock freeze --where 'environment = \"production\"' --reason 'release week' --until 2026-12-24T00:00:00Z\n"
    '  interlock freeze --where \'repository like "*/shop" and verb in ["publish", "deploy"]\' --until 2h\n'
    '  interlock freeze --where \'environment = "production"\' --allow \'kind = "table" and name like "logs*"\'\n'
    "\b\nWhat a selector may say: docs/halt.md",
)
@click.option("--where", required=True, help="A selector: what is frozen.")
@click.option("--allow", default="", help="A selector: what of it may change all the same.")
@click.option("--reason", default="", help="Why; the agents are told.")
@click.option("--from", "start", default="", metavar="TIME", help="Since when (default: now).")
@click.option("--until", "end", default="", metavar="TIME", help="Until when (default: until somebody lifts it).")
@click.option(
    "--lifters",
    type=click.Choice(["1", "2"]),
    help="How many people it takes to lift it; 2 where it names production, else 1.",
)
@click.option("--yes-everything", "yes", is_flag=True, help="It is meant to be about everything.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    where: str, allow: str, reason: str, start: str, end: str, lifters: str | None, yes: bool, as_json: bool
) -> None:
    """Freeze: what the selector is about is read, but not changed, published, deployed or installed.

    It holds for every agent and every session, whatever rules, grants and people say to a single action. Runs under way
    that it is about are stopped, and go on when it ends.
    """
    from interlock.cli.orders import give, moment

    params = {
        "what": "freeze",
        "where": where,
        "allow": allow,
        "reason": reason,
        "start": moment(start, "--from"),
        "end": moment(end, "--until"),
    }
    give(params | ({"lifters": int(lifters)} if lifters else {}), yes=yes, as_json=as_json)
