"""`interlock log`: the ledger, as lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from interlock.cli.show import emit, heading, verdict, visible
from interlock.home import Home, locate

_POLL_SECONDS = 0.2


@click.command(
    "log",
    epilog="\b\nExamples:\n  interlock log                       the last 50 entries\n"
    "  interlock log --follow              and go on\n"
    "  interlock log --kind denial --json  what was stopped, one JSON object a line\n"
    "  interlock log --session 3f2a --all",
)
@click.option("--follow", "-f", is_flag=True, help="Go on printing as entries arrive.")
@click.option("--kind", "kinds", multiple=True, help="Only entries of this kind (intent, denial, outcome, alarm …).")
@click.option("--session", default="", help="Only this agent session (a prefix will do).")
@click.option("--agent", default="", help="Only this agent (claude, codex …).")
@click.option("--last", "-n", default=50, show_default=True, help="How many entries to look back.")
@click.option("--all", "everything", is_flag=True, help="From the first entry on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    follow: bool, kinds: tuple[str, ...], session: str, agent: str, last: int, everything: bool, as_json: bool
) -> None:
    """Show the ledger: every action, decision and fact, in order."""
    home = locate()
    tail = None if everything else last
    for entry in _entries(home, list(kinds), tail, follow=follow):
        principal = entry["body"].get("principal", {})
        if not principal.get("session", "").startswith(session) or (agent and principal.get("agent") != agent):
            continue
        if as_json:
            emit(entry)
        else:
            click.echo(line(entry))


def _entries(home: Home, kinds: list[str], tail: int | None, *, follow: bool) -> Iterator[dict[str, Any]]:
    from interlock.daemon.client import call

    params: dict[str, Any] = {"kinds": kinds}
    params.update({"start": 0} if tail is None else {"tail": tail})
    while True:
        page = call(home, "log", params)
        yield from page["entries"]
        done = not page["entries"]
        params = {"kinds": kinds, "start": page["next"]}
        if done and not follow:
            return
        if done:
            time.sleep(_POLL_SECONDS)


def line(entry: dict[str, Any]) -> str:
    """One entry in one line."""
    body = entry["body"]
    kind = kind_of(entry)
    head = f"{entry['index']:>6} {heading(entry['time'][11:19])} {kind:<18}"
    return f"{head} {_story(kind, body)}"


def kind_of(entry: dict[str, Any]) -> str:
    """`intent` from the schema `interlock/intent/v1`."""
    return str(entry["schema"]).removeprefix("interlock/").rsplit("/", 1)[0]


def _story(kind: str, body: dict[str, Any]) -> str:
    who = visible(body.get("principal", {}).get("agent", ""))
    if kind in {"intent", "denial"}:
        rules = f"  {heading(', '.join(body['rules']))}" if body["rules"] else ""
        return f"{who} {verdict(body['verdict'])} {visible(body['tool'])}: {visible(body['text'])}{rules}"
    if kind == "outcome":
        return f"{who} of {body['intent']}: {'ok' if body['result'].get('ok', True) else 'failed'}"
    if kind == "alarm":
        return f"{who} {click.style(body['message'], fg='red', bold=True)} {visible(str(body.get('call', '')))}"
    if kind == "approval.request":
        return f"{visible(body['tool'])}: {visible(body['text'])}"
    if kind.startswith("approval."):
        change = body["change"]
        return f"request {body['request']}: {change.get('state', '')} {visible(change.get('decided_by', ''))}"
    if kind == "log.genesis":
        return f"the log {visible(body['origin'])} begins"
    rest = {name: value for name, value in body.items() if name != "principal"}
    return f"{who} {visible(' '.join(f'{name}={value}' for name, value in rest.items()))}".strip()
