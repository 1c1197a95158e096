"""`interlock init`: hooks into the agents' own configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.show import emit
from interlock.home import locate
from interlock.model.errors import InterlockError, UsageError

if TYPE_CHECKING:
    from interlock.gates.install.files import Receipts
    from interlock.gates.install.plan import Plan

AGENTS = ("claude", "codex")


@click.command("init", epilog="\b\nExamples:\n  interlock init\n  interlock init --agent claude --scope managed")
@click.option("--agent", type=click.Choice([*AGENTS, "all"]), default="all", help="Which agent (default: those here).")
@click.option("--scope", type=click.Choice(["user", "project", "managed"]), default="user", show_default=True)
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The project's directory, for --scope project (default: this one).",
)
@click.option("--trust", is_flag=True, help="Also mark the hooks as trusted in Codex, which otherwise skips them.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(agent: str, scope: str, project: Path, trust: bool, dry_run: bool, as_json: bool) -> None:
    """Put Interlock's hooks into your agents' configuration.

    What is there stays as it is; `interlock uninstall` brings the files back byte for byte.
    """
    from interlock.gates.install import files
    from interlock.gates.install.client import installed_hook
    from interlock.gates.install.places import Scope, hooks_file, places
    from interlock.gates.install.plan import plan_install

    at = places(os.environ, Path.home(), project.resolve())
    chosen = present(at.claude, at.codex) if agent == "all" else [agent]
    if not chosen:
        raise UsageError("neither Claude Code nor Codex is here. Install one, or name it with --agent.")
    home = locate()
    store = files.Receipts(home.state / "install")
    hook = installed_hook(os.environ)
    plans = []
    for name in chosen:
        path = hooks_file(name, Scope(scope), at)
        snapshot = files.snapshot(path, at.project if scope == "project" else None)
        receipt = store.find(name, snapshot.target)
        plans.append(plan_install(name, scope, snapshot, receipt, hook, version_of(name)))
    told = []
    for plan in plans:  # all plans are made before the first is carried out: one bad file changes none
        hashes = 0
        if not dry_run:
            home.make()
            files.apply(plan, store)
        notes = list(plan.notes)
        if trust and plan.agent == "codex" and scope != "managed" and not dry_run:
            hashes, problem = _trust(at.codex, at.project, store)
            notes = [problem] if problem else [note for note in notes if "trust them" not in note]
        told.append(_told(plan, notes, hashes, dry_run=dry_run))
    if as_json:
        emit({"agents": told, "dry_run": dry_run})
        return
    for one in told:
        _tell(one, dry_run=dry_run)
    if not dry_run:
        click.echo("Now: interlock doctor")


def _told(plan: Plan, notes: list[str], hashes: int, *, dry_run: bool) -> dict[str, Any]:
    """What was done for one agent, as data."""
    files = [
        {"path": str(edit.path)} | ({"after": (edit.after or b"").decode("utf-8", "replace")} if dry_run else {})
        for edit in plan.edits
    ]
    return {"agent": plan.agent, "files": files, "notes": notes, "trusted": hashes}


def _tell(one: dict[str, Any], *, dry_run: bool) -> None:
    for file in one["files"]:
        click.echo(f"{one['agent']}: {'would write' if dry_run else 'hooks in'} {file['path']}")
        click.echo(file.get("after", ""), nl=False)
    if not one["files"]:
        click.echo(f"{one['agent']}: the hooks are in place already.")
    if one["trusted"]:
        click.echo(f"  {one['trusted']} hooks are trusted in Codex.")
    for note in one["notes"]:
        click.echo(f"  note: {note}")


def present(claude: Path, codex: Path) -> list[str]:
    """The agents that are on this machine: on the PATH, or with a folder of their own."""
    folders = {"claude": claude, "codex": codex}
    return [name for name in AGENTS if shutil.which(name) or folders[name].is_dir()]


def version_of(agent: str) -> tuple[int, ...] | None:
    """The version that `agent --version` tells, None when it is not here or says nothing we understand."""
    program = shutil.which(agent)
    if program is None:
        return None
    command_line = [program, "--version"]
    try:
        ran = subprocess.run(command_line, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)  # noqa: S603 - the agent
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", ran.stdout.decode(errors="replace"))
    return tuple(map(int, found.groups())) if found else None


def _trust(codex_home: Path, project: Path, store: Receipts) -> tuple[int, str]:
    """How many hooks Codex now trusts, or why it took none."""
    from interlock.cli import codex_trust

    try:
        return codex_trust.trust(codex_home, project, store), ""
    except InterlockError as error:
        return 0, f"Codex did not take the trust: {error}"
