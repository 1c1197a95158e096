"""`interlock log`: the ledger, as lines."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import click

from interlock.cli.show import emit, heading, verdict
from interlock.home import Home, locate
from interlock.model.counts import many
from interlock.model.given import given
from interlock.model.visible import visible

# Of no use in one line: `interlock why` and `--json` show them.
_UNSHOWN = frozenset({"principal", "name", "key", "signature", "facts", "scope", "holder"})
_POLL_SECONDS = 0.2


@click.command(
    "log",
    epilog="\b\nExamples:\n  interlock log                       the last 50 entries\n"
    "  interlock log --follow              and go on\n"
    "  interlock log --kind denial --json  what was stopped, one JSON object a line\n"
    "  interlock log --session 3f2a --all  a whole session",
)
@click.option("--follow", "-f", is_flag=True, help="Go on printing as entries arrive.")
@click.option("--kind", "kinds", multiple=True, help="Only entries of this kind (intent, denial, outcome, alarm …).")
@click.option("--session", default="", help="Only this agent session (a prefix will do).")
@click.option("--agent", default="", help="Only this agent (claude, codex …).")
@click.option(
    "--last",
    "-n",
    default=50,
    show_default=True,
    type=click.IntRange(min=0, max=1_000_000),
    help="How many entries to show of what is there, after the other options have chosen.",
)
@click.option("--all", "everything", is_flag=True, help="From the first entry on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    follow: bool, kinds: tuple[str, ...], session: str, agent: str, last: int, everything: bool, as_json: bool
) -> None:
    """Show the ledger: every action, decision and fact, in order."""

    def wanted(entry: dict[str, Any]) -> bool:
        principal = entry["body"].get("principal", {})
        return principal.get("session", "").startswith(session) and agent in {"", principal.get("agent")}

    def show(entries: Iterable[dict[str, Any]]) -> None:
        for entry in filter(wanted, entries):
            if as_json:
                emit(entry)
            else:
                click.echo(line(entry))

    # Without a filter the daemon counts back by itself; with one, the last entries are those that pass it.
    look_back = not (everything or kinds or session or agent)
    pages = _pages(locate(), list(kinds), {"tail": last} if look_back else {"start": 0})
    kept: deque[dict[str, Any]] = deque(maxlen=last)
    for page in iter(pages.__next__, []):
        if everything:
            show(page)
        else:
            kept.extend(filter(wanted, page))
    show(kept)
    while follow:
        page = next(pages)
        show(page)
        if not page:
            time.sleep(_POLL_SECONDS)


def _pages(home: Home, kinds: list[str], start: dict[str, int]) -> Iterator[list[dict[str, Any]]]:
    """The entries from `start` on, page by page, for ever; an empty page says that there are no more for now."""
    from interlock.daemon.client import call

    params = start
    while True:
        found = call(home, "log", {"kinds": kinds, **params})
        yield found["entries"]
        params = {"start": found["next"]}


def entries(home: Home, kinds: list[str], start: int = 0) -> list[dict[str, Any]]:
    """Every entry of these kinds, from `start` on."""
    return [entry for page in iter(_pages(home, kinds, {"start": start}).__next__, []) for entry in page]


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
    if kind == "undo":
        entries = ", ".join(map(str, body["of"][:8])) + (" …" if len(body["of"]) > 8 else "")
        return (
            f"{visible(body['by'])} takes back {entries}: {many(body['changes'], 'change')}, {body['left']} left alone"
        )
    if kind == "undo.outcome":
        return f"of {body['undo']}: {'ok' if body['result']['ok'] else 'not all of it'}"
    if kind == "alarm":
        return (
            f"{who} {click.style(visible(body['message']), fg='red', bold=True)} {visible(str(body.get('call', '')))}"
        )
    if kind == "approval.request":
        return f"{visible(body['tool'])}: {visible(body['text'])}"
    if kind == "approval.batch":
        items = ", ".join(str(item["request"]) for item in body["decision"]["items"])
        return f"{visible(body['decision']['approver'])}: {visible(body['decision']['verdict'])} of {items}"
    if kind.startswith("approval."):
        change = body["change"]
        state = change.get("state", "") or f"asks {body.get('to', '')} too"
        by, how = visible(change.get("decided_by", "")), visible(given(change.get("decided_how", "")))
        return f"request {body['request']}: {visible(state)} {by}{f', {how}' if how else ''}".rstrip()
    if kind.startswith("person.") and "change" in body:
        by = visible(", ".join(consent["person"] for consent in body["by"]))
        return f"{visible(body['change']['name'])}, by {by}{' alone' if body.get('alone') else ''}"
    if kind in {"policy.loaded", "halt.standing"}:
        return _files(kind, body)
    if kind == "log.genesis":
        return f"the log {visible(body['origin'])} begins"
    rest = {name: value for name, value in body.items() if name not in _UNSHOWN}
    return f"{who} {visible(' '.join(f'{name}={value}' for name, value in rest.items()))}".strip()


def _files(kind: str, body: dict[str, Any]) -> str:
    """What came into force from files."""
    where = visible(body["workspace"]) or "everywhere"
    if kind == "halt.standing":
        return f"{where}: {visible(body['source'])} freezes {visible(body['where'])}"
    proved = sum(proof["proved"] for proof in body.get("proofs", ()))
    return f"{where}: {body['mode']}, {body['policy']}, {many(proved, 'property', 'properties')} proved"
