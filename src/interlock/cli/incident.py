"""`interlock incident`: what went wrong, as an entry of the ledger, and what stood behind it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from interlock.cli.show import emit, field, here
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_SHOWN = 20  # actions that are told one by one
_SEVERITIES = ("low", "medium", "high", "critical")
_COLOURS = {"open": "red", "mended": "green", "mistaken": "yellow"}


@click.group(
    "incident",
    epilog="\b\nExamples:\n  interlock incident record --what 'orders charged twice' --severity high --commit 3fa94c0\n"
    "  interlock incident list\n"
    "  interlock incident show 431\n"
    "  interlock incident close 431 --as mended --because 'charged back, test added'",
)
def command() -> None:
    """Record what went wrong, and which commits, actions or sessions it came from.

    An incident is a person's word, and an entry of the ledger: no agent records or closes one. What stood behind it
    (agent, session, model, prompt digest, tool) is found in the ledger. `interlock risk --ledger` learns from it.
    """


@command.command(
    "record",
    epilog="\b\nExamples:\n  interlock incident record --what 'orders charged twice' --severity high --commit HEAD~2\n"
    "  interlock incident record --what 'table emptied' --severity critical --action 417 --at 2026-11-29T10:00\n"
    "  interlock incident record --what 'it mailed customers' --severity medium --session 3f2a1b9c --json\n\n"
    "Exit status: 0 recorded, 2 nothing to trace it to, or a time or a text that is none, 23 no daemon, "
    "26 no such commit, action or session, 27 refused: an agent asked.",
)
@click.option("--what", required=True, help="What happened, in a sentence or two.")
@click.option("--severity", required=True, type=click.Choice(_SEVERITIES), help="How bad it was.")
@click.option("--at", default="", metavar="TIME", help="When (default: now); without a zone, by this clock.")
@click.option("--commit", "commits", multiple=True, help="A commit of this repository that it came from (repeatable).")
@click.option("--action", "actions", multiple=True, type=int, help="The entry of an action (repeatable).")
@click.option("--session", "sessions", multiple=True, help="A session of an agent, by its whole name (repeatable).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def record(
    what: str, *, severity: str, at: str, commits: tuple[str, ...], actions: tuple[int, ...],
    sessions: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Record an incident. A person's command."""
    from interlock.daemon.client import call
    from interlock.model.errors import UsageError

    if not (commits or actions or sessions):
        raise UsageError("say what it came from: --commit, --action or --session. `interlock log` shows them.")
    asked = {
        "what": what, "severity": severity, "at": _when(at), "cwd": here(), "commits": list(commits),
        "actions": list(actions), "sessions": list(sessions),
    }  # fmt: skip
    made = call(locate(), "incident.record", asked, timeout=120.0)
    if as_json:
        emit(made)
        return
    behind = made["behind"]
    click.echo(f"Recorded as incident {made['entry']}, with {many(behind['actions'], 'action')} behind it.")
    _named(behind)


def _when(given: str) -> str:
    """A time of this clock with its zone; what is none is left to the daemon to refuse."""
    if not given:
        return ""
    try:
        return datetime.fromisoformat(given).astimezone().isoformat()
    except (ValueError, OverflowError):
        return given


@command.command(
    "list", epilog="\b\nExamples:\n  interlock incident list\n  interlock incident list --all --json\n\n"
    "Exit status: 0 shown, 23 no daemon.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def listing(*, everything: bool, as_json: bool) -> None:
    """Show the incidents, the newest first."""
    from interlock.daemon.client import call

    found = call(locate(), "incident.list", {})["incidents"]
    shown = [one for one in found if everything or one["state"] == "open"]
    if as_json:
        emit(shown)
        return
    for one in shown:
        _line(one)
    if not shown:
        closed = f" {len(found)} closed: --all shows them." if found else ""
        click.echo(f"No incident is open.{closed}")


@command.command(
    "show", epilog="\b\nExamples:\n  interlock incident show 431\n  interlock incident show 431 --json\n\n"
    "Exit status: 0 shown, 23 no daemon, 26 no such incident.",
)  # fmt: skip
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(number: int, *, as_json: bool) -> None:
    """Show one incident, and the actions behind it with model, prompt and tool."""
    from interlock.daemon.client import call

    found = call(locate(), "incident.show", {"id": number}, timeout=120.0)
    if as_json:
        emit(found)
        return
    _line(found)
    for row in found["commits"]:
        field("commit", row["commit"])
    for session in found["sessions"]:
        field("session", session)
    _named(found["behind"])
    for act in found["traced"][:_SHOWN]:
        who = " ".join(filter(None, (act.get("agent", ""), act.get("session", ""))))
        made = f"model {act.get('model') or 'not told'}, prompt {act.get('prompt') or 'not told'}"
        field(f"#{act['entry']}", f"{act.get('tool', '')}, {who}, {made}")
    left = len(found["traced"]) - _SHOWN + found["more"]
    if left > 0:
        click.echo(f"  and {many(left, 'more action')}: --json, or `interlock trace '#{number}'`")
    if "closed" in found:
        closed = found["closed"]
        because = f": {closed['because']}" if closed["because"] else ""
        field("closed", f"{closed['as']}, by {closed['by']}, entry {closed['entry']}{because}")


@command.command(
    "close", epilog="\b\nExamples:\n  interlock incident close 431 --as mended --because 'a test holds it now'\n"
    "  interlock incident close 431 --as mistaken --because 'it was the network'\n\n"
    "Exit status: 0 closed, 23 no daemon, 26 no such incident, 27 refused: closed already, or an agent asked.",
)  # fmt: skip
@click.argument("number", type=int)
@click.option(
    "--as", "how", required=True, type=click.Choice(["mended", "mistaken"]),
    help="Mistaken: it was none, or came from something else; nothing learns from it any more.",
)  # fmt: skip
@click.option("--because", default="", help="Why; it stands in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def close(number: int, *, how: str, because: str, as_json: bool) -> None:
    """Close an incident. A person's command."""
    from interlock.daemon.client import call

    done = call(locate(), "incident.close", {"id": number, "as": how, "because": because})
    if as_json:
        emit(done)
    else:
        click.echo(f"Incident {number} is closed as {how}, by entry {done['entry']}.")


def _line(one: dict[str, Any]) -> None:
    state = click.style(one["state"], fg=_COLOURS[one["state"]])
    number = click.style(f"#{one['entry']}", bold=True)
    click.echo(f"{number}  {state}  {one['severity']}  {one['at']}  {visible(one['what'])}, by {visible(one['by'])}")


def _named(behind: dict[str, Any]) -> None:
    for label in ("agents", "models", "prompts", "tools"):
        if behind[label]:
            field(label, ", ".join(behind[label]))
