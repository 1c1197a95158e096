"""`interlock sessions`: the sessions of agents as a tree."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli.show import emit, heading
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible


@click.command(
    "sessions", epilog="\b\nExamples:\n  interlock sessions\n  interlock sessions --facts\n  interlock sessions --json"
)
@click.option("--facts", is_flag=True, help="Also the digests of what each agent is made of.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(facts: bool, as_json: bool) -> None:
    """Show the live sessions of agents with their sub-agents.

    Each session has a name (a SPIFFE id) and a key of its own, made when it was opened and gone when it closes.
    """
    found = live()
    if as_json:
        emit(found)
        return
    for session in found:
        click.echo(
            f"{visible(session['agent'])} {visible(session['session'])}  {heading(visible(session['workspace']))}"
        )
        click.echo(f"  {heading('name')}     {session['name']}")
        click.echo(f"  {heading('made of')}  {made_of(session['facts'])}")
        if facts:
            _pieces(session["facts"])
        for child in session["children"]:
            state = "" if child["live"] else "  ended"
            click.echo(f"  └ {visible(child['id'])}  {visible(child['type'] or 'sub-agent')}{state}")
    if not found:
        click.echo("No agent is at work.")


def live() -> list[dict[str, Any]]:
    """The live sessions."""
    from interlock.daemon.client import call

    found: list[dict[str, Any]] = call(locate(), "sessions.list")
    return found


def made_of(facts: dict[str, Any]) -> str:
    """What an agent is made of, in one line; what could not be seen is said."""
    unknown = set(facts.get("unknown", ()))
    parts = [
        f"{label} {visible(facts[name]) if facts.get(name) else 'unknown'}"
        for name, label in (("version", "version"), ("model", "model"))
    ]
    for name, one, more in (
        ("prompts", "file of instructions", "files of instructions"),
        ("skills", "skill", "skills"),
        ("servers", "MCP server", "MCP servers"),
        ("settings", "settings file", "settings files"),
    ):
        number = len(facts.get(name, ()))
        parts.append(f"{more} unknown" if name in unknown else many(number, one, more))
    return ", ".join(parts)


def _pieces(facts: dict[str, Any]) -> None:
    for name in ("prompts", "skills", "servers", "settings"):
        for piece in facts.get(name, ()):
            click.echo(f"    {name:<9}{piece['digest'][:16]} {visible(piece['name'])}")
    if facts.get("more"):
        click.echo(f"    and {facts['more']} more that had no room")
