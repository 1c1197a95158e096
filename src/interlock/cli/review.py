"""`interlock review`: say of a commit that you looked at it, or tested it."""

from __future__ import annotations

import click

from interlock.cli.show import emit, here
from interlock.home import locate
from interlock.model.visible import visible


@click.command(
    "review",
    epilog="\b\nExamples:\n  interlock review HEAD --as critic --says ok\n"
    "  interlock review HEAD --as tester --says no --because 'the new test passes without the change'\n"
    "  interlock attest HEAD --notes     put it into refs/notes/interlock-reviews, for the gate\n\n"
    "Exit status: 0 recorded, 23 no daemon, 26 no such commit or no repository, 27 refused.",
)
@click.argument("commit", default="HEAD")
@click.option("--as", "role", type=click.Choice(["critic", "tester"]), required=True, help="What you did.")
@click.option("--says", type=click.Choice(["ok", "no"]), required=True, help="What came of it.")
@click.option("--because", default="", help="Why.")
@click.option("--session", default="", help="For which session of this agent's, where its process has several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(commit: str, *, role: str, says: str, because: str, session: str, as_json: bool) -> None:
    """Say what you found in COMMIT. Agents may do this too.

    Who says it is not asked: the daemon sees which agent's process called, or which person's. An agent that tested has
    to have run tests since, which the ledger saw pass. The gate asks for reviews by `[[review]]` of its base.
    """
    from interlock.daemon.client import call

    asked = {"cwd": here(), "revision": commit, "role": role, "says": says, "because": because, "session": session}
    found = call(locate(), "review.say", asked)
    if as_json:
        emit(found)
        return
    by = found["by"]
    who = f"{by['agent']}, session {by['session']}" if "agent" in by else by["person"]
    click.echo(f"Recorded as entry {found['entry']}: {visible(who)}, {role}, says {says} to {found['commit'][:12]}.")
