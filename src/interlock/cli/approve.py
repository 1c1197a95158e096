"""`interlock approve`: one person's yes to exactly one action, or to several in one decision."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli import deciding
from interlock.home import locate
from interlock.model.errors import UsageError


@click.command(
    "approve",
    epilog="\b\nExamples:\n  interlock approve 42\n  interlock approve 57 --code 9f3c01aa    for tier 3 and 4\n"
    "  interlock approve 41 42 43\n  interlock approve 41 --batch    all that are alike\n"
    "  interlock approve --plan 12\n"
    "  interlock approve 42 --but 'and tell me what you changed'\n"
    "  interlock approve --request question.json --sign ~/.ssh/id_ed25519 --out yes.json\n"
    "  interlock approve --decision yes.json",
)
@click.argument("requests", type=int, nargs=-1, metavar="REQUEST...")
@click.option("--code", default="", help="The last part of the fingerprint: shows that you read this very request.")
@click.option("--but", default="", help="What the agent should know with your yes; it is told in your words.")
@click.option("--batch", is_flag=True, help="With one number: all open requests of its shape, in one decision.")
@click.option("--plan", type=int, help="All open steps of a plan, in one decision.")
@deciding.options
def command(
    requests: tuple[int, ...], code: str, but: str, batch: bool, plan: int | None, as_json: bool, **options: Any
) -> None:
    """Say yes to exactly one action.

    The yes is for this action alone (its digest: tool, input, directory, the files it would run, the policy), is used
    at most once, and lapses. An agent cannot give it. Several numbers are one decision over all of them.

    From another machine: there, fetch what `interlock inbox 42 --export FILE` wrote, sign, and hand the file back.
    """
    how = deciding.How(**options)
    if how.decision is not None:
        deciding.report(deciding.hand_in(how), as_json=as_json)
        return
    ids = list(requests)
    if batch:
        ids = _alike(ids)
    if plan is not None:
        ids = _steps(plan)
    if how.elsewhere:
        deciding.report(deciding.elsewhere(how, ids, "approve", but, as_json=as_json), as_json=as_json)
        return
    if not ids:
        raise UsageError("say which request: `interlock inbox` lists them.")
    params = {"code": code, "but": but}
    said = deciding.at_terminal(locate(), "approve", ids, params, ask_code=not code and not as_json)
    deciding.report(said, as_json=as_json)


def _alike(ids: list[int]) -> list[int]:
    """Every open request of the shape of the one that is named. Raises UsageError."""
    from interlock.daemon.client import call

    if len(ids) != 1:
        raise UsageError("--batch takes one number: the other requests of its shape are found by it.")
    shape = call(locate(), "request", {"id": ids[0]})["alike"]
    found = call(locate(), "inbox", {"all": False})
    return [r["id"] for r in found if r["alike"] == shape and r["state"] in {"pending", "partial"}] or ids


def _steps(plan: int) -> list[int]:
    """The open steps of a plan; all of them where none is, so that it is said why they cannot be approved."""
    from interlock.daemon.client import call

    home = locate()
    steps: list[int] = call(home, "plan.show", {"id": plan})
    return [n for n in steps if call(home, "request", {"id": n})["state"] in {"pending", "partial"}] or steps
