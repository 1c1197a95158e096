"""`interlock uninstall`: the hooks come out, the files are as they were."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.home import locate

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
def command(agent: str, scope: str, project: Path, dry_run: bool) -> None:
    """Take the hooks out again; the files are left as they were.

    A file that nobody changed since `interlock init` gets its old bytes back. In a file that was changed since,
    only Interlock's entries are removed. The ledger, the keys and your policies stay.
    """
    from interlock.gates.install import files
    from interlock.gates.install.places import places

    store = files.Receipts(locate().state / "install")
    work = _recorded(store, agent, scope)
    known = {Path(receipt.target) for _, receipt in work if receipt is not None}
    work += _unrecorded(places(os.environ, Path.home(), project.resolve()), agent, scope, known)
    done = False
    for plan, receipt in work:
        for edit in plan.edits:
            done = True
            what = "deleted" if edit.after is None else "cleaned" if plan.notes else "restored"
            click.echo(f"{plan.agent}: {edit.path} {'would be ' if dry_run else ''}{what}")
        for note in plan.notes:
            click.echo(f"  note: {note}")
        if not dry_run:
            files.revert(plan, receipt, store)
    if not done:
        click.echo("No hooks of Interlock were found.")


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
