"""`interlock trace`: from a line or a commit to the prompt behind it, and from an action to what is left of it."""

from __future__ import annotations

import re
from typing import Any

import click

from interlock.cli.show import emit, field, here
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

_ACTION = re.compile(r"#?(\d{1,6})")
_LINE = re.compile(r"(.+):(\d+)")
_SHOWN = 20
_ASKED = 200  # entries whose incidents are asked for at once
_COMMITS = 32  # and commits beside them
_THROUGH = {"commit": "names the commit", "action": "traced to the action", "session": "names the whole session"}


@click.command(
    "trace",
    epilog="\b\nExamples:\n  interlock trace src/app.py:42      line → action → prompt → session\n"
    "  interlock trace '#417'             action → lines and commits that are left of it\n"
    "  interlock trace '#431'             incident → the actions, models and prompts behind it\n"
    "  interlock trace HEAD~2             commit → the actions, sessions and prompts behind it\n\n"
    "A number of at most six digits is an entry of the ledger. `interlock why N` shows an action whole.\n\n"
    "Exit status: 0 found, 23 no daemon, 26 no such line, commit or action.",
)
@click.argument("what", metavar="COMMIT|FILE:LINE|ACTION")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(what: str, *, as_json: bool) -> None:
    """Follow a line or a commit back to its prompt, or an action to the lines and commits that are left of it.

    Incidents that were traced to what it finds are named too, open or closed.
    """
    if (match := _ACTION.fullmatch(what)) is not None:
        found = _action(int(match[1]))
    elif (match := _LINE.fullmatch(what)) is not None:
        found = _line(match[1], int(match[2]))
    else:
        found = _commit(what)
    if as_json:
        emit(found)
        return
    for act in found["actions"][:_SHOWN]:
        _tell(act)
    for path, lines in found.get("files", {}).items():
        field("left", f"{path}: lines {', '.join(str(line['line']) for line in lines[:_SHOWN])}")
    for commit in found.get("commits", ()):
        field("commit", commit)
    if "author" in found:
        field("author", found["author"])
    if not found["actions"]:
        field("action", "none is known: nobody recorded it, or a person wrote it")
    for one in found["incidents"][:_SHOWN]:
        _went_wrong(one)
    if (left := len(found["incidents"]) - _SHOWN) > 0:
        field("", f"and {many(left, 'more incident')}: --json, or interlock incident list --all")


def _action(entry: int) -> dict[str, Any]:
    from interlock.daemon.client import call

    found = call(locate(), "provenance.trace", {"cwd": here(), "action": entry}, timeout=120.0)
    if "actions" in found:  # of an incident
        known = _incidents([act["entry"] for act in found["actions"]], found["commits"])
        return {"actions": found["actions"], "commits": found["commits"], "incidents": known}
    commits = found["commits"] or found["made"]
    known = _incidents([entry], commits)
    return {"actions": [found["action"]], "files": found["files"], "commits": commits, "incidents": known}


def _line(file: str, line: int) -> dict[str, Any]:
    from interlock.daemon.client import call
    from interlock.model.errors import NotFound

    found = call(locate(), "provenance.blame", {"cwd": here(), "path": file, "revision": ""}, timeout=120.0)
    if not 1 <= line <= len(found["lines"]):
        raise NotFound(f"{file} has {many(len(found['lines']), 'line')}, and no line {line}.")
    said = found["lines"][line - 1]
    acts = [found["actions"][str(entry)] for entry in said["actions"] if str(entry) in found["actions"]]
    commits = [said["commit"]] if said["commit"] else []
    known = _incidents([act["entry"] for act in acts], commits)
    return {"author": said["author"], "actions": acts, "commits": commits, "incidents": known}


def _commit(revision: str) -> dict[str, Any]:
    from interlock.daemon.client import call

    asked = {"cwd": here(), "revision": revision, "lines": True}
    found = call(locate(), "provenance.attest", asked, timeout=120.0)
    acts = {entry: act for file in found["files"].values() for entry, act in file["actions"].items()}
    files = {path: [line for line in file["lines"] if line["actions"]] for path, file in found["files"].items()}
    return {
        "actions": [acts[entry] for entry in sorted(acts, key=int)],
        "files": {path: lines for path, lines in files.items() if lines},
        "commits": [found["commit"]],
        "incidents": _incidents([found["entry"]], []),
    }


def _incidents(entries: list[int], commits: list[str]) -> list[dict[str, Any]]:
    """The incidents that were traced to what these entries are of, or that name one of these commits."""
    from interlock.daemon.client import call

    asked = {"cwd": here(), "entries": entries[:_ASKED], "commits": commits[:_COMMITS]}
    known: list[dict[str, Any]] = call(locate(), "incident.touching", asked, timeout=120.0)["incidents"]
    return known


def _went_wrong(one: dict[str, Any]) -> None:
    """What went wrong, how bad it was, whether it is over, and where more of it stands."""
    through = _THROUGH[one["through"]]
    field("incident", f"#{one['entry']} {one['severity']}, {one['state']}: {one['what']} ({through})")
    field("", f"interlock incident show {one['entry']}")


def _tell(act: dict[str, Any]) -> None:
    click.echo(
        f"{click.style('#' + str(act['entry']), bold=True)}  {visible(act.get('tool', ''))}  {act.get('time', '')}"
    )
    if act.get("text"):
        field("asked", act["text"])
    field("prompt", act.get("prompt") or "not told")
    field("session", " ".join(filter(None, (act.get("agent", ""), act.get("session", ""), act.get("subagent", "")))))
    field("model", act.get("model") or "not told")
    said = f"approval {act['approval']}" if "approval" in act else "granted" if act.get("grants") else "not needed"
    field("yes", f"{said} (tier {act.get('tier', '?')}, {act.get('verdict', '')})")
