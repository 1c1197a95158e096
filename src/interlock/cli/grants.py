"""`interlock grants`: what people have said yes to in advance, and an end to it."""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.cli.show import age, emit, field
from interlock.home import locate
from interlock.model.visible import visible


@click.group("grants", invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also what is spent, expired, lapsed or revoked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, everything: bool, as_json: bool) -> None:
    """Show what was granted in advance.

    \b
    Examples:
      interlock grants
      interlock grants --all --json
      interlock grants revoke 42 --because "the release is out"
    """
    if context.invoked_subcommand is not None:
        return
    from interlock.daemon.client import call

    grants = call(locate(), "grants", {"all": everything})
    if as_json:
        emit(grants)
        return
    if not grants:
        click.echo("Nothing is granted in advance. `interlock grant --help` says how.")
    for grant in grants:
        card(grant)


@command.command("revoke", epilog="\b\nExamples:\n  interlock grants revoke 42 --because 'the release is out'")
@click.argument("number", type=int)
@click.option("--because", default="", help="Why; it stands in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def revoke(number: int, because: str, as_json: bool) -> None:
    """End a grant: from now on a person is asked again."""
    from interlock.daemon.client import call

    ended = call(locate(), "grant.revoke", {"id": number, "because": because})
    if as_json:
        emit(ended)
    else:
        click.echo(f"Grant {number} is revoked. From now on a person is asked again.")


def card(grant: dict[str, Any]) -> None:
    """One grant, whole."""
    number = "new grant" if grant["id"] < 0 else f"#{grant['id']}"
    uses = f", used {grant.get('used', 0)} of {grant['uses']}" if grant["uses"] else ""
    weight = "strong" if grant["rung"] == "one_strong" else "ordinary"
    click.echo(
        click.style(number, bold=True) + f"  {grant.get('standing', 'draft')}  {weight}, until "
        f"{grant['until'][:19]}Z ({age(grant['until'], time.time())}){uses}"
    )
    for pattern in grant["patterns"]:
        field("may", words(pattern), width=6)
    field("for", _bounds(grant), width=6)
    field("by", grant["given_by"] + (f", {grant['why']}" if grant["why"] else ""), width=6)
    if grant.get("revoked"):
        field("ended", grant["revoked"], width=6)
    click.echo()


def words(pattern: dict[str, Any]) -> str:
    """One pattern in a line."""
    line = (
        f"{' or '.join(pattern['verbs'])} {pattern['kind']} {pattern['name']} in {', '.join(pattern['environments'])}"
    )
    if pattern["via"]:
        line += f" by {', '.join(pattern['via'])}"
    extra = [*(f"+{label}" for label in pattern["labels"]), *(f"from {taint}" for taint in pattern["taint"])]
    extra += [word for word in (pattern["breadth"], pattern["loss"]) if word not in {"one", "recoverable"}]
    return visible(line + (f" ({', '.join(extra)})" if extra else ""))


def _bounds(grant: dict[str, Any]) -> str:
    parts = [f"agent {grant['agent']}" if grant["agent"] else "any agent"]
    parts += [f"{name} {grant[name]}" for name in ("session", "workspace", "role") if grant[name]]
    return ", ".join(parts)
