"""`interlock uninstall`: the hooks come out, the files are as they were."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.show import emit
from interlock.home import Home, locate

if TYPE_CHECKING:
    from interlock.gates.install.files import Receipts
    from interlock.gates.install.places import Places
    from interlock.gates.install.plan import Plan, Receipt


@click.command(
    "uninstall", epilog="\b\nExamples:\n  interlock uninstall\n  interlock uninstall --agent codex --scope user"
)
@click.option("--agent", type=click.Choice(["claude", "codex", "all"]), default="all", show_default=True)
@click.option("--scope", type=click.Choice(["user", "project", "managed", "all"]), default="all", show_default=True)
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The project's directory (default: this one).",
)
@click.option("--dry-run", is_flag=True, help="Show what would be changed, and change nothing.")
@click.option("--purge", is_flag=True, help="Also stop the daemon and delete the ledger, the keys and your rules.")
@click.option("--yes", is_flag=True, help="With --purge: do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(agent: str, scope: str, project: Path, dry_run: bool, purge: bool, yes: bool, as_json: bool) -> None:
    """Take the hooks out again; the files are left as they were.

    A file that nobody changed since `interlock init` gets its old bytes back. In a file that was changed since,
    only Interlock's entries are removed. The ledger, the keys and your policies stay, unless you say --purge.
    """
    from interlock.gates.install import files
    from interlock.gates.install.places import places

    home = locate()
    if purge and not (yes or dry_run):
        click.confirm(
            f"Delete the ledger, which proves what happened, and everything else in {home.state}?", abort=True
        )
    store = files.Receipts(home.state / "install")
    work = _recorded(store, agent, scope)
    known = {Path(receipt.target) for _, receipt in work if receipt is not None}
    work += _unrecorded(places(os.environ, Path.home(), project.resolve()), agent, scope, known)
    said: list[dict[str, str]] = []
    for plan, receipt in work:
        for edit in plan.edits:
            what = "deleted" if edit.after is None else "cleaned" if plan.notes else "restored"
            said.append({"agent": plan.agent, "path": str(edit.path), "what": what})
        said += [{"agent": plan.agent, "note": note} for note in plan.notes]
        if not dry_run:
            files.revert(plan, receipt, store)
    purged = _purge(home) if purge and not dry_run else []
    if as_json:
        emit({"changed": said, "purged": purged, "dry_run": dry_run})
    else:
        _tell(said, purged, home, dry_run=dry_run)


def _tell(said: list[dict[str, str]], purged: list[str], home: Home, *, dry_run: bool) -> None:
    for line in said:
        if "note" in line:
            click.echo(f"  note: {line['note']}")
        else:
            click.echo(f"{line['agent']}: {line['path']} {'would be ' if dry_run else ''}{line['what']}")
    if not said:
        click.echo("No hooks of Interlock were found.")
    for path in purged:
        click.echo(f"deleted {path}")
    if not purged and home.state.exists():
        click.echo(f"The ledger and the keys stay in {home.state}; `interlock uninstall --purge` deletes them too.")


def _purge(home: Home) -> list[str]:
    """Stop the daemon and delete the directories that are Interlock's alone, and their empty parents of our making."""
    from interlock.cli.down import stop
    from interlock.model.errors import DaemonUnreachable

    with contextlib.suppress(DaemonUnreachable):
        stop(home)
    gone = []
    for directory in (home.run, home.state, home.config):
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory)
            gone.append(str(directory))
    return gone


def _recorded(store: Receipts, agent: str, scope: str) -> list[tuple[Plan, Receipt | None]]:
    from interlock.gates.install.files import snapshot
    from interlock.gates.install.plan import Plan, plan_uninstall

    work: list[tuple[Plan, Receipt | None]] = []
    for receipt in store.all():
        if agent not in ("all", receipt.agent) or scope not in ("all", receipt.scope):
            continue
        at = snapshot(Path(receipt.path))
        if str(at.target) == receipt.target:
            work.append((plan_uninstall(receipt, at), receipt))
        else:  # a symlink leads elsewhere now; what it led to is somebody's else
            work.append((Plan(receipt.agent, receipt.scope, (), (f"{receipt.target} is reached no more.",)), receipt))
    return work


def _unrecorded(at: Places, agent: str, scope: str, known: set[Path]) -> list[tuple[Plan, Receipt | None]]:
    """Files that hold our hooks although no receipt is left of them."""
    from interlock.gates.install.files import snapshot
    from interlock.gates.install.places import hooks_files
    from interlock.gates.install.plan import plan_removal

    return [
        (plan_removal(name, where, snapshot(path)), None)
        for name in ("claude", "codex")
        if agent in ("all", name)
        for where, path in hooks_files(name, at).items()
        if scope in ("all", where) and path.exists() and path.resolve() not in known
    ]
