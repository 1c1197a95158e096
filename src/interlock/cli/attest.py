"""`interlock attest`: what stands behind commits, signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from interlock.cli.show import emit, field, here
from interlock.home import locate
from interlock.model.visible import visible


@click.command(
    "attest",
    epilog="\b\nExamples:\n  interlock attest                      what stands behind HEAD\n"
    "  interlock attest HEAD~3 HEAD --json   the signed documents\n"
    "  interlock attest --output evidence    one bundle a commit, for `interlock verify --commit`\n"
    "  interlock attest --notes              as git notes, for colleagues and for the gate in CI\n"
    "  interlock attest --reviews            what others said of it (interlock review), as a git note\n"
    "  interlock attest --trailers           name them in the message of HEAD, which becomes another commit\n"
    "  interlock attest --agent-trace        lines by author, as agent-trace has them\n\n"
    "Attestations are made when the daemon sees a commit, and kept with the ledger: nothing is written into your "
    "repository unless you say --notes or --trailers. Push them with `git push origin 'refs/notes/*'`.\n\n"
    "Exit status: 0 attested, 23 no daemon, 26 no such commit or no repository.",
)
@click.argument("commits", nargs=-1)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Write COMMIT.json files there.")
@click.option("--notes", is_flag=True, help="Add git notes: refs/notes/interlock, and refs/notes/ai (git-ai 3.0.0).")
@click.option("--reviews", is_flag=True, help="Add the reviews alone, to refs/notes/interlock-reviews.")
@click.option("--trailers", is_flag=True, help="Amend HEAD's message: session, log entry and attestation, as claims.")
@click.option("--agent-trace", "trace", is_flag=True, help="Print an agent-trace record a line.")
@click.option("--json", "as_json", is_flag=True, help="Print the bundles, one JSON document a line.")
def command(
    commits: tuple[str, ...],
    *,
    output: Path | None,
    notes: bool,
    reviews: bool,
    trailers: bool,
    trace: bool,
    as_json: bool,
) -> None:
    """Show and write out what stands behind COMMITS: sessions, models, actions, approvals and tests, signed."""
    from interlock.daemon.client import call

    for revision in commits or ("HEAD",):
        if notes or reviews:
            _gather(revision)
        if reviews:
            continue
        asked = {"cwd": here(), "revision": revision, "lines": notes or trace}
        found = call(locate(), "provenance.attest", asked, timeout=120.0)
        if output is not None:
            _write(output, found)
        if notes:
            _note(found)
        if trailers:
            _amend(found)
        if trace:
            _trace(found)
        elif as_json:
            emit(json.loads(found["bundle"]))
        else:
            _tell(found)


def _tell(found: dict[str, Any]) -> None:
    from interlock.changes.provenance.attest import unapproved
    from interlock.ledger.dsse import statement

    said = statement(json.dumps(json.loads(found["bundle"])["envelope"]).encode())
    definition = said["predicate"]["buildDefinition"]
    outside, inside = definition["externalParameters"], definition["internalParameters"]
    click.echo(click.style(found["commit"], bold=True))
    field("lines", ", ".join(f"{kind} {count}" for kind, count in inside["lines"].items()) or "none new")
    field("sessions", ", ".join(outside["sessions"]) or "none")
    field("models", ", ".join(outside["models"]) or "not told")
    field("prompts", ", ".join(prompt[:19] for prompt in outside["prompts"]) or "none")
    field("actions", ", ".join(f"#{act['entry']} {act.get('tool', '')}" for act in inside["actions"][:20]) or "none")
    field("approvals", ", ".join(f"{number}" for number in inside["approvals"]) or "none was needed")
    tests = [f"#{run['entry']} {run['runner']} {_ended(run['passed'])}" for run in inside["tests"]]
    field("tests", ", ".join(tests) or "none seen")
    if grave := unapproved(said):
        field("grave", f"without a yes: {', '.join(f'#{entry}' for entry in grave)}")
    field("entry", f"#{found['entry']}")


def _ended(passed: bool | None) -> str:
    return "not told" if passed is None else "passed" if passed else "failed"


def _write(folder: Path, found: dict[str, Any]) -> None:
    from interlock.model.errors import StateError

    path = folder / f"{found['commit']}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(found["bundle"])
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
    click.echo(
        f"Wrote {visible(str(path))}. Check it with: interlock verify --commit {found['commit'][:12]} --bundle …",
        err=True,
    )


def _note(found: dict[str, Any]) -> None:
    from interlock import __version__
    from interlock.changes.provenance.exports import NOTES, git_ai
    from interlock.changes.provenance.notes import REF, add

    add(here(), REF, found["commit"], found["bundle"])
    if found["files"]:
        add(here(), NOTES, found["commit"], git_ai(found["commit"], found["files"], __version__), merge=True)
    click.echo(f"Noted {found['commit'][:12]} in {REF} and {NOTES}.", err=True)


def _amend(found: dict[str, Any]) -> None:
    from interlock.changes.provenance.trailers import trailers, write

    new = write(here(), found["commit"], trailers(found["bundle"]))
    if new == found["commit"]:
        click.echo(f"{new[:12]} names what stands behind it already.", err=True)
    else:
        click.echo(f"{found['commit'][:12]} is now {new[:12]}: its message names what stands behind it.", err=True)


def _gather(revision: str) -> None:
    """Note the reviews that this ledger has, beside those that others have noted."""
    from interlock.changes.provenance.notes import REVIEWS, gather
    from interlock.daemon.client import call

    found = call(locate(), "review.of", {"cwd": here(), "revision": revision})
    if found["reviews"]:
        gather(here(), found["commit"], found["reviews"])
        click.echo(f"Noted {len(found['reviews'])} reviews of {found['commit'][:12]} in {REVIEWS}.", err=True)


def _trace(found: dict[str, Any]) -> None:
    from interlock import __version__
    from interlock.changes.provenance.exports import agent_trace
    from interlock.ledger.dsse import statement

    said = statement(json.dumps(json.loads(found["bundle"])["envelope"]).encode())
    time = said["predicate"]["runDetails"]["metadata"]["finishedOn"]
    emit(agent_trace(found["commit"], found["files"], time, __version__))
