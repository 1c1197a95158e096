"""`interlock pause`: a session does nothing at all until a person resumes it."""

from __future__ import annotations

import click


@click.command(
    "pause",
    epilog="\b\nExamples:\n  interlock pause 3f2a9c1e --reason 'let me look first'\n"
    '  interlock pause --where \'agent = "codex" and workspace like "*/shop"\'',
)
@click.argument("session", required=False)
@click.option("--where", default="", help="A selector, in place of one session.")
@click.option("--reason", default="", help="Why; the agent is told.")
@click.option("--yes-everything", "yes", is_flag=True, help="It is meant to be about everything.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session: str | None, where: str, reason: str, yes: bool, as_json: bool) -> None:
    """Pause sessions: no call of theirs is run, their questions are taken back, what runs for them stops where it is.

    A session may be named by the first letters of its id. `interlock resume` lets it go on.
    """
    from interlock.cli.orders import give, whole

    give({"what": "pause", "where": whole(session, where), "reason": reason}, yes=yes, as_json=as_json)
