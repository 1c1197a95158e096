"""`interlock inbox`: what waits for a person."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import age, emit, field
from interlock.home import locate
from interlock.model.errors import OperatorError, UsageError
from interlock.model.given import given
from interlock.model.visible import visible

_OPEN = frozenset({"pending", "partial"})


@click.command(
    "inbox",
    epilog="\b\nExamples:\n  interlock inbox\n  interlock inbox 42\n  interlock inbox --all --json\n"
    "  interlock inbox 42 --export question.json    for somebody who decides on another machine",
)
@click.argument("requests", type=int, nargs=-1, metavar="[REQUEST]...")
@click.option("--all", "everything", is_flag=True, help="Also what is decided, used or expired.")
@click.option("--export", type=click.Path(dir_okay=False, path_type=Path),
              help="Write these requests, signed by this Interlock, into a file.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(requests: tuple[int, ...], everything: bool, export: Path | None, as_json: bool) -> None:
    """Show what waits for a person; with a request's number, all of it."""
    from interlock.daemon.client import call

    home = locate()
    if export is not None:
        if not requests:
            raise UsageError("say which requests to export: interlock inbox 42 --export FILE")
        write(export, call(home, "request.export", {"ids": list(requests)})["bundle"].encode())
        click.echo(f"Wrote {visible(str(export))}. There: interlock approve --request FILE --sign KEY --out DECISION")
        return
    if requests:
        found = [call(home, "request", {"id": number}) for number in requests]
    else:
        found = call(home, "inbox", {"all": everything})
    if as_json:
        emit(found)
        return
    if not found:
        click.echo("Nothing waits for you.")
    for request in found:
        card(request)
    alike(found)


def alike(requests: Sequence[dict[str, Any]]) -> None:
    """Which of these are of one shape, and can be answered together."""
    groups: dict[str, list[int]] = {}
    plans = {request["plan"]["plan"] for request in requests if request["state"] in _OPEN and request["plan"]}
    for plan in sorted(plans):
        click.echo(f"Plan {plan}, in one decision: interlock approve --plan {plan}")
    for request in requests:
        if request["state"] in _OPEN and request["alike"] and not request["plan"]:
            groups.setdefault(request["alike"], []).append(request["id"])
    for numbers in groups.values():
        if len(numbers) > 1:
            named = " ".join(str(number) for number in numbers)
            click.echo(f"{len(numbers)} alike, in one decision: interlock approve {named}")


def card(request: dict[str, Any]) -> None:
    """One request, whole: nothing is cut."""
    click.echo(
        click.style(f"#{request['id']}", bold=True)
        + f"  tier {request['tier']}  {request['state']}  asked {age(request['asked_at'], time.time())}"
        + f", decide {age(request['decide_by'], time.time())}"
    )
    who = request["principal"]
    subagent = f" (sub-agent {who['subagent']})" if who.get("subagent") else ""
    _line("agent", f"{who['agent']} session {who['session']}{subagent}")
    _plan(request)
    _line("wants", f"{request['tool']}: {request['text']}")
    if request["claim"]:
        _line("it says", f"(unverified) {request['claim']}")
    for line in request["beware"]:
        _line("beware", line)
    for effect in request["effects"]:
        _line("would", effect)
    for line in request["preview"]:
        _line("looked", line)
    if request["undo"]:
        _line("undo", request["undo"])
    _line("why", request["why"])
    _line("rule", ", ".join(request["rules"]))
    _needs(request)
    if request["agent_spawns"]:
        _line("race", "the agent starts it itself: between your yes and the start, what it uses could still change")
    _line("fingerprint", request["fingerprint"])
    if request["decided_by"]:
        how = given(request["decided_how"])
        _line("decided", f"by {request['decided_by']}" + (f", {how}" if how else ""))
    if request["because"]:
        _line("answer", request["because"])
    if request["state"] in _OPEN:
        code = " --code <last part of the fingerprint>" if request["needs"].get("strong") else ""
        click.echo(f"  interlock approve {request['id']}{code}    interlock deny {request['id']} --because '…'")
    click.echo()


def _plan(request: dict[str, Any]) -> None:
    step = request["plan"]
    if step:
        order = ", in this order" if step.get("ordered") else ""
        _line("plan", f"step {step['number']} of {step['of']} of plan {step['plan']}{order}")
    if request["replaces"] >= 0:
        _line("replaces", f"#{request['replaces']}: the same call, and what it stands for has changed")


def _needs(request: dict[str, Any]) -> None:
    """Who must say yes, where that is not simply one person; and who has."""
    needs, level = request["needs"], request["level"]
    said = [f"{vote['name']} ({_given(vote)})" for vote in request["votes"]]
    people, groups = needs.get("people", 1), needs.get("groups", ())
    parts = [f"{people} people" if people > 1 else "one person"]
    if not needs.get("owner", True):
        parts.append("not the agent's owner")
    if groups:
        parts.append(f"of {' or '.join(groups[: level + 1])}" + (", escalated" if level else ""))
    if needs.get("exclude"):
        parts.append(f"not {', '.join(needs['exclude'])}")
    if said:
        parts.append(f"yes so far: {', '.join(said)}")
    if len(parts) > 1 or people > 1:
        _line("needs", "; ".join(parts))


def _given(vote: Mapping[str, Any]) -> str:
    return given(vote.get("how", "uid"), typed=vote.get("strong", False))


def write(file: Path, data: bytes) -> None:
    """Write a new file, readable by its owner alone. Raises OperatorError."""
    import os

    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as opened:
            opened.write(data)
    except OSError as error:
        raise OperatorError(f"cannot write {file}: {error.strerror}. Name a file in a folder of yours.") from error


def _line(label: str, text: str) -> None:
    field(label, text, width=11)
