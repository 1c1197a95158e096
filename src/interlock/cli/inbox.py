"""`interlock inbox`: what waits for a person."""

from __future__ import annotations

import time
from typing import Any

import click

from interlock.cli.show import age, emit, field
from interlock.home import locate


@click.command("inbox", epilog="\b\nExamples:\n  interlock inbox\n  interlock inbox 42\n  interlock inbox --all --json")
@click.argument("request", type=int, required=False)
@click.option("--all", "everything", is_flag=True, help="Also what is decided, used or expired.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(request: int | None, everything: bool, as_json: bool) -> None:
    """Show what waits for a person; with a request's number, all of it."""
    from interlock.daemon.client import call

    home = locate()
    if request is not None:
        requests = [call(home, "request", {"id": request})]
    else:
        requests = call(home, "inbox", {"all": everything})
    if as_json:
        emit(requests)
        return
    if not requests:
        click.echo("Nothing waits for you.")
    for found in requests:
        card(found)


def card(request: dict[str, Any]) -> None:
    """One request, whole: nothing is cut."""
    who = request["principal"]
    subagent = f" (sub-agent {who['subagent']})" if who.get("subagent") else ""
    click.echo(
        click.style(f"#{request['id']}", bold=True)
        + f"  tier {request['tier']}  {request['state']}  asked {age(request['asked_at'], time.time())}"
        + f", decide {age(request['decide_by'], time.time())}"
    )
    _line("agent", f"{who['agent']} session {who['session']}{subagent}")
    _line("wants", f"{request['tool']}: {request['text']}")
    for effect in request["effects"]:
        _line("would", effect)
    for line in request.get("preview", ()):
        _line("looked", line)
    if request.get("undo"):
        _line("undo", request["undo"])
    _line("why", request["why"])
    _line("rule", ", ".join(request["rules"]))
    _line("fingerprint", request["fingerprint"])
    if request["because"]:
        _line("answer", request["because"])
    if request["state"] in {"pending", "partial"}:
        code = "" if request["rung"] == "one" else " --code <last part of the fingerprint>"
        click.echo(f"  interlock approve {request['id']}{code}    interlock deny {request['id']} --because '…'")
    click.echo()


def _line(label: str, text: str) -> None:
    field(label, text, width=11)
