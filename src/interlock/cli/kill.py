"""`interlock kill`: sessions end, with all that Interlock started for them."""

from __future__ import annotations

import click


@click.command(
    "kill",
    epilog="\b\nExamples:\n  interlock kill 3f2a9c1e --reason 'it loops'\n"
    "  interlock kill --where 'model = \"x-large-9\"' --reason 'recalled by its vendor'\n"
    "  interlock kill --where 'prompt = \"sha256:…\"'\n"
    "\b\nWhat a selector may say: docs/halt.md",
)
@click.argument("session", required=False)
@click.option("--where", default="", help="A selector, in place of one session.")
@click.option("--reason", default="", help="Why; the agent is told.")
@click.option("--yes-everything", "yes", is_flag=True, help="It is meant to be about everything.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session: str | None, where: str, reason: str, yes: bool, as_json: bool) -> None:
    """Kill: the agent's loop is ended in its own protocol, its runs are killed, what they changed is held for a person.

    The order stands: a session of the same kind that starts later is ended too, until `interlock lift`.
    """
    from interlock.cli.orders import give, whole

    give({"what": "kill", "where": whole(session, where), "reason": reason}, yes=yes, as_json=as_json)
