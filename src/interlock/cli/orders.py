"""What the commands that halt share: asking twice, times, and how an order and what became of it look."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import click

from interlock.cli.show import age, emit, field
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.errors import UsageError
from interlock.model.selector import Comparison
from interlock.model.visible import visible

_MINUTE = 60.0
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PATIENCE = 60.0  # seconds for an order to be carried out


def give(params: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    """Give an order, after saying how far it reaches; what is about everything is asked about twice."""
    from interlock.daemon.client import call

    home = locate()
    if not as_json and not yes:
        reach = call(home, "halt.reach", params)
        if reach["everything"]:
            click.echo(f"`{params['where']}` is about EVERYTHING: {_sessions(reach)} and all to come.")
            click.confirm("Is that meant?", abort=True)
            click.confirm(f"Really {params['what']} everything?", abort=True)
            yes = True
    done = call(home, "halt.order", {**params, "everything": yes}, timeout=_PATIENCE)
    if as_json:
        emit(done)
    else:
        tell(done)


def tell(done: dict[str, Any]) -> None:
    """What an order came to."""
    order, reach = done["order"], done["reach"]
    click.echo(f"Order {order['id']} is in force." if order["active"] else f"Order {order['id']} is planned.")
    card(order)
    if not reach["sessions"]:
        click.echo("  No session that is live now is about this; it stands for those to come.")
    else:
        field("reaches", _sessions(reach))
    if reach["unsure"]:
        unknown = ", ".join(reach["unknown"]) or "what they touched"
        field("unsure", f"{len(reach['unsure'])} of them are halted because {unknown} is not known of them.")
    if done.get("failed"):
        field("but", f"what runs is not certified as stopped: {done['failed']} It is tried again each second.")
    elif not done["planned"]:
        stopped = many(done["processes"], "process", "processes")
        also = f"{many(done['held'], 'held call')}, {many(len(done['revoked']), 'request')} taken back"
        field("stopped", f"{stopped} confirmed by the kernel in {done['took_us'] / 1000:.0f} ms, {also}")
        if done["silent"]:
            field(
                "silent",
                f"{many(done['silent'], 'run was', 'runs were')} not confirmed: without a lease it ends within 5 s",
            )
        click.echo(f"  The proof: interlock halt certificate {order['id']}")


def card(order: dict[str, Any]) -> None:
    """One order, whole."""
    now = time.time()
    state = "in force" if order["active"] else "planned"
    click.echo(
        click.style(f"#{order['id']}", bold=True)
        + f"  {order['what']}  {state}  by {order['by'] or 'Interlock itself'}"
    )
    field("where", order["where"])
    if order.get("allow"):
        field("allowed", order["allow"])
    if order.get("reason"):
        field("reason", order["reason"])
    if order.get("failed"):
        field("but", f"not certified yet: {order['failed']} It is tried again each second.")
    for label, name in (("from", "start"), ("until", "end")):
        if order.get(name):
            field(label, f"{order[name]} ({age(order[name], now)})")
    if order["lifters"] > 1:
        votes = f"; so far: {', '.join(order['votes'])}" if order["votes"] else ""
        field("lifting", f"takes two people where there are two, and the code {order['code']}{votes}")


def moment(text: str, option: str) -> float | None:
    """A time: RFC 3339 with a zone, or a span from now (`30m`, `2h`, `3d`). Seconds since 1970. Raises UsageError."""
    if not text:
        return None
    number = text.rstrip("smindhw")
    unit = text[len(number) :]
    if unit in _UNITS and number.isdecimal():
        return time.time() + int(number) * _UNITS[unit]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageError(f"{option} is no time: {text!r}. Write 2026-12-20T00:00:00Z, or 2h for two hours from now.")
    return found.astimezone(UTC).timestamp()


def whole(session: str | None, where: str) -> str:
    """The selector for one live session, named by its id or the start of it, or the one that was given.

    Raises UsageError, NotFound.
    """
    from interlock.daemon.client import call
    from interlock.model.errors import NotFound

    if bool(session) == bool(where):
        raise UsageError("name one session, or say which with --where.")
    if session is None:
        return where
    live = {one["session"] for one in call(locate(), "status")["sessions"]}
    found = [session] if session in live else sorted(one for one in live if one.startswith(session))
    if len(found) != 1:
        said = "is the start of several sessions" if found else "is no live session"
        raise NotFound(f"{session} {said}. `interlock status` lists them; --where 'session = \"…\"' names any.")
    return str(Comparison("session", (found[0],)))


def _sessions(reach: dict[str, Any]) -> str:
    named = ", ".join(visible(f"{agent} {session[:12]}") for agent, session in reach["sessions"][:6])
    more = len(reach["sessions"]) - 6
    return f"{many(len(reach['sessions']), 'live session')} ({named}{f' and {more} more' if more > 0 else ''})"
