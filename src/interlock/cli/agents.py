"""`interlock agents`: the agents at work, by kind, with what each kind is made of here."""

from __future__ import annotations

from typing import Any

import click

from interlock.cli.sessions import live
from interlock.cli.show import emit, heading
from interlock.model.counts import many
from interlock.model.visible import visible


@click.command("agents", epilog="\b\nExamples:\n  interlock agents\n  interlock agents --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show the agents at work: versions, models, skills and MCP servers seen in their live sessions."""
    kinds = _kinds(live())
    if as_json:
        emit(kinds)
        return
    for kind in kinds:
        sessions, children = kind["sessions"], kind["children"]
        below = f", {many(children, 'sub-agent')}" if children else ""
        click.echo(f"{visible(kind['agent'])}  {many(sessions, 'session')}{below}")
        for label in ("versions", "models", "skills", "servers"):
            click.echo(f"  {heading(label.ljust(9))} {visible(', '.join(kind[label])) or 'none seen'}")
    if not kinds:
        click.echo("No agent is at work.")


def _kinds(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for agent in sorted({session["agent"] for session in sessions}):
        own = [session for session in sessions if session["agent"] == agent]
        facts = [session["facts"] for session in own]
        found.append(
            {
                "agent": agent,
                "sessions": len(own),
                "children": sum(child["live"] for session in own for child in session["children"]),
                "versions": sorted({fact["version"] for fact in facts if fact.get("version")}),
                "models": sorted({fact["model"] for fact in facts if fact.get("model")}),
                "skills": sorted({piece["name"] for fact in facts for piece in fact.get("skills", ())}),
                "servers": sorted({piece["name"] for fact in facts for piece in fact.get("servers", ())}),
            }
        )
    return found
