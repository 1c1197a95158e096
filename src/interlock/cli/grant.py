"""`interlock grant`: a yes in advance, for what an action would do, within bounds."""

from __future__ import annotations

import sys
from typing import Any

import click

from interlock.cli.grants import card
from interlock.cli.show import emit, here
from interlock.cli.span import seconds
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.effect import Breadth, Environment, Kind, Reversibility, Verb
from interlock.model.errors import UsageError
from interlock.model.visible import visible


@click.command(
    "grant",
    epilog="\b\nExamples:\n"
    "  interlock grant 41 --for 8h                     what request 41 asks for, for this project\n"
    "  interlock grant 41 --name 'origin/feature-*'    the same for every feature branch\n"
    "  interlock grant --verb publish --kind git_ref --name 'origin/feature-*' --via 'git push' --for 7d\n"
    "  interlock grant 41 --show                       what it would have let pass; grants nothing",
)
@click.argument("request", type=int, required=False)
@click.option("--verb", "verbs", multiple=True, type=click.Choice([v.value for v in Verb]), help="What may happen.")
@click.option("--kind", type=click.Choice([k.value for k in Kind]), help="To what sort of thing.")
@click.option("--name", help="To which: * is anything but a slash, ** anything at all.")
@click.option(
    "--environment", "environments", multiple=True, type=click.Choice([e.value for e in Environment]), help="Where."
)
@click.option("--via", multiple=True, help="Only by this command, like 'git push'.")
@click.option("--label", "labels", multiple=True, help="Also where the thing carries this label, like protected.")
@click.option("--breadth", type=click.Choice([b.value for b in Breadth]), default="one", help="How many at once.")
@click.option("--loss", type=click.Choice([r.value for r in Reversibility]), default="recoverable", help="At worst.")
@click.option("--for", "span", default="", help="How long: 30m, 8h, 7d. [default: 8h]")
@click.option("--uses", type=click.IntRange(0), default=0, help="How often at most; 0 for as often as needed.")
@click.option("--session", default="", help="Only for this session of an agent.")
@click.option("--agent", default="", help="Only for this kind of agent.")
@click.option("--workspace", default="", help="Only in this project; the current directory's, without a request.")
@click.option("--strong", is_flag=True, help="Stands for a strong yes (tier 3): wants its code, ends within 8 hours.")
@click.option("--code", default="", help="The last part of the grant's fingerprint.")
@click.option("--why", default="", help="What it is for; it stands in the ledger.")
@click.option("--show", "only_show", is_flag=True, help="Show what it would be and would have let pass; grant nothing.")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(request: int | None, only_show: bool, yes: bool, as_json: bool, code: str, **options: Any) -> None:
    """Say yes in advance: to what request REQUEST asks for, or to what the options name.

    A grant is typed: it names what would happen to which things, never the text of a command. It holds for a session or
    a project, for a while, under the rules of today. It cannot stand for what needs two people, nor for what could not
    be read.
    """
    from interlock.daemon.client import call

    home = locate()
    params = _params(request, options)
    draft = call(home, "grant.draft", params)
    if only_show and as_json:
        emit(draft)
        return
    if not as_json:
        _show(draft)
    if only_show:
        return
    params["until"] = draft["grant"]["until"]
    params["code"] = _meant(draft, code, yes or as_json)
    given = call(home, "grant.give", params)
    if as_json:
        emit(given)
    else:
        click.echo(f"Granted as #{given['id']}. `interlock grants revoke {given['id']}` ends it.")


def _params(request: int | None, options: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {"seconds": seconds(options["span"])} if options["span"] else {}
    params |= {name: options[name] for name in ("uses", "session", "agent", "workspace", "strong", "why")}
    if request is not None:
        params["request"] = request
        if options["name"] is not None:
            params["name"] = options["name"]
        return params
    if not options["verbs"] or not options["kind"] or not options["name"]:
        raise UsageError("name a request, or --verb, --kind and --name. `interlock grant --help` has examples.")
    params["patterns"] = [
        {
            "verbs": options["verbs"],
            "kind": options["kind"],
            "name": options["name"],
            "environments": options["environments"] or ["unknown"],
            "labels": options["labels"],
            "via": options["via"],
            "breadth": options["breadth"],
            "loss": options["loss"],
        }
    ]
    if not params["session"] and not params["workspace"]:
        params["workspace"] = _project()
    return params


def _project() -> str:
    from interlock.broker.workspace import workspace_of

    found = workspace_of(here(), "")
    if not found:
        raise UsageError("this directory is no project. Go to one, or name --workspace or --session.")
    return found


def _show(draft: dict[str, Any]) -> None:
    card(draft["grant"])
    click.echo(f"  fingerprint  {draft['fingerprint']}")
    total = draft["would_total"]
    if not total:
        click.echo(f"  It would have let pass none of the questions of the last {many(draft['days'], 'day')}.")
        return
    click.echo(f"  It would have let pass {many(total, 'question')} of the last {many(draft['days'], 'day')}:")
    for passed in draft["would"]:
        click.echo(f"    #{passed['request']}  {visible(passed['tool'])}: {visible(passed['text'])}")
    if total > len(draft["would"]):
        click.echo(f"    and {total - len(draft['would'])} more")


def _meant(draft: dict[str, Any], code: str, yes: bool) -> str:
    strong = draft["grant"]["rung"] == "one_strong"
    if code or (yes and not strong):
        return code
    if not sys.stdin.isatty():
        raise UsageError("say --yes (or --code with the last part of the fingerprint) where nobody can be asked.")
    if strong:
        return str(click.prompt("Type the last part of the fingerprint to grant it", default="", show_default=False))
    if not click.confirm("Grant it?"):
        raise UsageError("nothing is granted.")
    return ""
