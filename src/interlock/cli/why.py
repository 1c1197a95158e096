"""`interlock why`: one entry, explained."""

from __future__ import annotations

import json
from typing import Any

import click

from interlock.cli.log import kind_of
from interlock.cli.show import emit, field, heading, verdict
from interlock.home import locate
from interlock.model.visible import visible


@click.command(
    "why", epilog="\b\nExamples:\n  interlock why 42\n  interlock why 42 --json     with its inclusion proof"
)
@click.argument("entry", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the entry and its inclusion proof.")
def command(entry: int, as_json: bool) -> None:
    """Explain one entry: what was asked, what was understood, which rules decided, and what to do instead."""
    from interlock.daemon.client import call

    found = call(locate(), "entry", {"id": entry})
    if as_json:
        emit(found)
        return
    body = found["body"]
    click.echo(f"{click.style('#' + str(entry), bold=True)}  {kind_of(found)}  {found['time']}")
    if "verdict" in body:
        _decision(body)
    else:
        for name, value in body.items():
            field(name, _plain(value))


def _plain(value: Any) -> str:
    """A value as a person reads it: a principal as words, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values()):
        return " ".join(value.values())
    return json.dumps(value, ensure_ascii=False)


def _decision(body: dict[str, Any]) -> None:
    who = body["principal"]
    field("agent", " ".join(str(value) for value in who.values()))
    field("asked", f"{body['tool']}: {body['text']}")
    field("in", body["cwd"])
    for effect in body["effects"]:
        field("would", effect)
    click.echo(f"  {heading('verdict'.ljust(9))} {verdict(body['verdict'])} (tier {body['tier']})")
    if "undo" in body:
        field("undo", "; ".join([body["undo"]["undoable"], *body["undo"].get("why", ())]))
    field("rules", ", ".join(body["rules"]) or "none spoke against it")
    field("why", body["why"])
    if body["rules"]:
        click.echo(f"  {heading('more'.ljust(9))} interlock policy explain {visible(body['rules'][0])}")
