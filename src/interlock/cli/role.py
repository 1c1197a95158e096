"""`interlock role`: roles, for a session, for minutes, for named things."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from interlock.cli.show import age, emit, heading
from interlock.home import locate
from interlock.model.errors import UsageError
from interlock.model.visible import visible

_SPAN = re.compile(r"([0-9]{1,6})(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3_600}


@click.group(
    "role",
    epilog="\b\nExamples:\n  interlock role list\n"
    "  interlock role grant deployer --session s-1 --for 10m --resource shop/web",
)
def command() -> None:
    """Show roles, give one to a session, take it back.

    Nobody has a role for good. A role that gives (operator, deployer) is handed to one session, for minutes, for the
    things that you name, and is a grant from then on. A role that takes away (reader) lasts until you end it.
    """


@command.command("list", epilog="\b\nExamples:\n  interlock role list\n  interlock role list --json")
@click.option("--workspace", default="", help="As a project's own file narrows them.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_roles(workspace: str, as_json: bool) -> None:
    """Show which roles there are, and which sessions have one."""
    import time

    found = _call("role.list", {"workspace": workspace})
    if as_json:
        emit(found)
        return
    for name, role in found["roles"].items():
        click.echo(f"{visible(name)}  {visible(role['about'])}")
        if role["off"]:
            click.echo("  switched off here")
        if role["who"]:
            limits = "" if role["restricts"] else f", for at most {role['minutes']} min"
            strong = ", strongly" if role["strong"] else ""
            click.echo(f"  {heading('given by')} {visible(', '.join(role['who']))}{limits}{strong}")
        if role["agents"]:
            click.echo(f"  {heading('always')} {visible(', '.join(role['agents']))}")
    for one in found["restricting"]:
        until = f", {age(one['until'], time.time())}" if one["until"] else ""
        click.echo(f"session {visible(one['session'])} is {visible(one['role'])}{until}, by {visible(one['by'])}")
    for grant in found["grants"]:
        things = ", ".join(sorted({pattern["name"] for pattern in grant["patterns"]}))
        click.echo(
            f"session {visible(grant['session'])} is {visible(grant['role'])} for {visible(things)}, ends "
            f"{age(grant['until'], time.time())}, by {visible(grant['given_by'])} (grant {grant['id']})"
        )


@command.command(
    "grant",
    epilog="\b\nExamples:\n  interlock role grant reader --session 0b2f\n"
    "  interlock role grant operator --session 0b2f --for 30m --resource 'staging/web*'\n"
    "  interlock role grant deployer --session 0b2f --for 10m --resource shop/web --code 1f3a9c02",
)
@click.argument("role")
@click.option("--session", required=True, help="The agent's session; its beginning will do (interlock sessions).")
@click.option("--for", "span", default="", help="How long: 90s, 10m, 1h. [default: as long as the role allows]")
@click.option("--resource", "resources", multiple=True, help="For which things: * is any text without a slash, ** any.")
@click.option("--code", default="", help="For a strong role: the last part of the fingerprint of what you give.")
@click.option("--because", "why", default="", help="What it is for; stays in the ledger.")
@click.option("--show", "only_show", is_flag=True, help="Show what it would give; give nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def grant(
    role: str, session: str, span: str, resources: tuple[str, ...], code: str, why: str, only_show: bool, as_json: bool
) -> None:
    """Give a role to one session of an agent."""
    params: dict[str, Any] = {"role": role, "session": session, "resources": list(resources), "why": why}
    if span:
        params["seconds"] = _seconds(span)
    if resources or only_show:
        draft = _call("role.draft", params)
        if only_show:
            emit(draft) if as_json else _show(draft)
            return
        if draft["grant"]["rung"] == "one_strong" and not code and sys.stdin.isatty() and not as_json:
            _show(draft)
            code = click.prompt("Type the last part of the fingerprint", default="", show_default=False)
    made = _call("role.give", {**params, "code": code})
    if as_json:
        emit(made)
    elif "grant" in made:
        given = made["grant"]
        whom = visible(given["session"])
        click.echo(f"Session {whom} is {visible(role)} until {given['until']} (grant {given['id']}).")
    else:
        given = made["restriction"]
        until = f"until {given['until']}" if given["until"] else "until you end it (interlock role revoke)"
        click.echo(f"Session {visible(given['session'])} is {visible(role)} {until}.")


@command.command("revoke", epilog="\b\nExample:\n  interlock role revoke deployer --session 0b2f --because 'it is out'")
@click.argument("role")
@click.option("--session", required=True, help="The session that has it.")
@click.option("--because", "why", default="", help="Why; stays in the ledger.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke(role: str, session: str, why: str, as_json: bool) -> None:
    """Take a role back at once."""
    ended = _call("role.end", {"role": role, "session": session, "why": why})
    if as_json:
        emit(ended)
    else:
        click.echo(f"Session {visible(session)} has the role {visible(role)} no longer.")


@command.command("matrix", epilog="\b\nExamples:\n  interlock role matrix\n  interlock role matrix deployer")
@click.argument("role", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the lines.")
def matrix(role: str, as_json: bool) -> None:
    """Print what each packaged role may do: role, verb, kind and environment, with verdict, tier and rules."""
    from interlock.policy.defaults import layer
    from interlock.policy.engine import Engine
    from interlock.policy.rolematrix import rows, text
    from interlock.policy.roles import packaged

    engine, roles = Engine.load([layer()]), packaged()
    if role and role not in roles:
        raise UsageError(f"there is no packaged role {role!r}: {', '.join(roles)}.")
    lines = list(rows(engine, role, roles)) if role else text(engine, roles).splitlines()
    if as_json:
        emit(lines)
        return
    for line in lines:
        click.echo(line)


def _show(draft: dict[str, Any]) -> None:
    given = draft["grant"]
    click.echo(f"{visible(given['role'])} for session {visible(given['session'])} until {given['until']}")
    for pattern in given["patterns"]:
        where = ", ".join(pattern["environments"])
        click.echo(f"  may {', '.join(pattern['verbs'])} {pattern['kind']} {visible(pattern['name'])} in {where}")
    click.echo(f"  {heading('fingerprint')} {draft['fingerprint']}")


def _seconds(span: str) -> int:
    parts = _SPAN.fullmatch(span)
    if parts is None or int(parts[1]) == 0:
        raise UsageError(f"{span!r} is no duration: write 90s, 10m or 1h.")
    return int(parts[1]) * _UNITS[parts[2]]


def _call(method: str, params: dict[str, Any]) -> Any:
    from interlock.daemon.client import call

    return call(locate(), method, params)
