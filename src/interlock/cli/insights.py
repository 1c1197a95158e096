"""`interlock insights`: prompts per 100 actions, and how people answer them."""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.cli.show import emit, heading
from interlock.cli.span import seconds
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible


@click.command(
    "insights",
    epilog="\b\nExamples:\n  interlock insights\n  interlock insights --since 30d --json",
)
@click.option("--since", default="7d", show_default=True, help="How far back: 8h, 7d, 4w.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(since: str, as_json: bool) -> None:
    """Show how much people are asked, and how they answer.

    Prompts per 100 actions by tier, agent and person; what became of the questions; how fast and how often each
    reviewer says yes, and whether that changed. Who approves everything faster than one can read is named.
    """
    from interlock.cli.log import entries
    from interlock.daemon.client import call
    from interlock.watch.insights import KINDS, insights
    from interlock.watch.seen import seen

    home = locate()
    owner = call(home, "people.list", {})["owner"]
    report = insights(seen(entries(home, list(KINDS))), since=time.time() - seconds(since), owner=owner).facts()
    if as_json:
        emit({"since": since, **report})
        return
    total = report["total"]
    if not total["actions"]:
        click.echo(f"No agent did anything in the last {since}.")
        return
    click.echo(
        f"{many(total['actions'], 'action')} in the last {since}: {many(total['prompts'], 'prompt')} "
        f"({total['prompts_per_100']:.2f} per 100), {total['stopped']} stopped by a rule."
    )
    for name, title in (("by_tier", "tier"), ("by_agent", "agent"), ("by_person", "person")):
        _table(title, report[name])
    if report["ended"]:
        click.echo(heading("questions  ") + ", ".join(f"{count} {state}" for state, count in report["ended"].items()))
    if report["rules"]:
        asked = ", ".join(f"{visible(rule)} {count}" for rule, count in report["rules"].items())
        click.echo(heading("asked by   ") + asked)
    for name, facts in report["reviewers"].items():
        _reviewer(name, facts)


def _table(title: str, rows: dict[str, Any]) -> None:
    width = max(len(title), *(len(visible(key)) for key in rows)) if rows else 0
    click.echo(heading(f"{title.ljust(width)}  actions  prompts  per 100  stopped"))
    for key, row in rows.items():
        click.echo(
            f"{visible(key).ljust(width)}  {row['actions']:>7}  {row['prompts']:>7}  {row['prompts_per_100']:>7.2f}"
            f"  {row['stopped']:>7}"
        )


def _reviewer(name: str, facts: dict[str, Any]) -> None:
    decisions = many(facts["decisions"], "decision")
    line = f"{decisions}, {facts['approval_rate']:.0%} yes, half within {facts['seconds_p50']:.0f} s"
    if facts["drills"]:
        line += f"; {facts['drills'] - facts['drills_missed']} of {facts['drills']} drills seen through"
    click.echo(heading("reviewer   ") + f"{visible(name)}: {line}")
    for warning in facts["warnings"]:
        click.echo("           " + click.style(f"! {visible(warning)}", fg="yellow"))
