"""`interlock deny`: one person's no, with words for the agent."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli import deciding
from interlock.home import locate
from interlock.model.errors import UsageError


@click.command(
    "deny",
    epilog="\b\nExamples:\n  interlock deny 42 --because 'use the staging database'\n"
    "  interlock deny 42 --pause    and stop the session until you lift it\n"
    "  interlock deny --request question.json --sign ~/.ssh/id_ed25519 --out no.json",
)
@click.argument("requests", type=int, nargs=-1, metavar="REQUEST...")
@click.option("--because", default="", help="What the agent should know; it is told in your words.")
@click.option(
    "--pause", is_flag=True, help="Pause the agent's session too: nothing it asks for is done until you lift it."
)
@deciding.options
def command(requests: tuple[int, ...], because: str, pause: bool, as_json: bool, **options: Any) -> None:
    """Say no to an action, and tell the agent why. Also takes back a yes that was not used yet."""
    how = deciding.How(**options)
    if how.decision is not None:
        deciding.report(deciding.hand_in(how), as_json=as_json)
        return
    if how.elsewhere:
        verdict = "deny_and_pause" if pause else "deny"
        said = deciding.elsewhere(how, list(requests), verdict, because, as_json=as_json)
        deciding.report(said, as_json=as_json)
        return
    if not requests:
        raise UsageError("say which request: `interlock inbox` lists them.")
    params = {"because": because, "pause": pause}
    said = deciding.at_terminal(locate(), "deny", requests, params, ask_code=False)
    deciding.report(said, as_json=as_json)
