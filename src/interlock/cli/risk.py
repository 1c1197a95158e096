"""`interlock risk`: fits the gate's risk score to what became of this repository's own commits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.show import emit, here
from interlock.model.counts import many

if TYPE_CHECKING:
    from interlock.changes.repo import Repo
    from interlock.changes.risk.calibration import Calibration

_SHOWN = 5  # bins: a repository's newer third is small


@click.command(
    "risk",
    epilog="\b\nExamples:\n  interlock risk                            bad is what a fix took lines out of\n"
    "  interlock risk --incidents incidents.txt  bad is what your own list says\n"
    "  interlock risk --ledger                   bad is what people took back, and recorded as incidents\n"
    "  interlock risk --diagram risk.svg         the reliability diagram too\n\n"
    "Exit status: 0 fitted, 2 too few bad commits or a list that cannot be used, 23 no daemon (--ledger), "
    "26 no repository.",
)
@click.option(
    "--incidents",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Commits that caused an incident, one a line; `fix COMMIT` where only the one that ended it is known.",
)
@click.option(
    "--ledger",
    is_flag=True,
    help="Commits that incidents came from, or of which a person took something back (`undo`, `git revert`).",
)
@click.option(
    "--days", type=click.FloatRange(min=1), default=90.0, show_default=True, help="How soon a fix has to come."
)
@click.option(
    "--commits", "most", type=click.IntRange(min=20), default=3_000, show_default=True, help="At most so many."
)
@click.option("--diagram", type=click.Path(dir_okay=False, path_type=Path), help="Write the reliability diagram (SVG).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    incidents: Path | None, *, ledger: bool, days: float, most: int, diagram: Path | None, as_json: bool
) -> int:
    """Fit the gate's risk score to what became of this repository's own commits.

    The older two thirds are fitted to, the newer third says how good that is; then come the lines for
    `.interlock/gate.toml`. Nothing is written: the rules of the gate are a person's.
    """
    from interlock.changes.repo import Repo
    from interlock.changes.risk import calibration
    from interlock.changes.risk.diagram import diagram as drawn

    repo = Repo(here())
    text = incidents.read_text("utf-8") if incidents is not None else None
    if ledger:
        text = f"{text or ''}\n{_taken_back(repo, most)}"
    found = calibration.calibrate(repo, text, days=days, most=most)
    if diagram is not None:
        diagram.write_text(drawn(found.bins(_SHOWN), "Newer third of this repository's commits"), "utf-8")
    if as_json:
        emit(found.facts(_SHOWN))
    else:
        _show(found)
    return 0


def _taken_back(repo: Repo, most: int) -> str:
    """What the ledger and git know to have gone wrong, as a list of incidents. Raises DaemonUnreachable."""
    from interlock.changes.risk import outcomes
    from interlock.daemon.client import call
    from interlock.home import locate

    asked = {"cwd": repo.directory}
    undone = call(locate(), "provenance.undone", asked, timeout=120.0)["commits"]
    blamed = call(locate(), "incident.commits", asked, timeout=120.0)["commits"]
    known = {one.name for one in outcomes.commits(repo, most)}  # an attested commit may be of a branch that is gone
    why = {name: f"reverted by {by[:12]}" for name, by in outcomes.reverted(repo, most).items()}
    why |= {name: f"undone, entry {entry}" for name, entry in undone.items()}
    why |= {name: f"incident, entry {entry}" for name, entry in blamed.items()}
    return "\n".join(f"{name}  {said}" for name, said in why.items() if name in known)


def _show(found: Calibration) -> None:
    what = "named as incidents" if found.told else f"mended within {many(round(found.days), 'day')}"
    click.echo(f"{many(found.commits, 'commit')} whose outcome is known, {found.bad} of them {what}.")
    area = f"{found.area:.2f}" if any(found.truth) else "unknown"
    click.echo(
        f"On the newer third ({many(len(found.truth), 'commit')}, {sum(found.truth)} bad): AUC {area}, "
        f"Brier score {found.brier:.4f}; saying the older share of everything has {found.constant:.4f}, "
        f"the score as it comes {found.before:.4f}."
    )
    if not found.worth:
        click.echo("It is not better than both: leave the score as it is, and come back with more history.")
    click.echo("\npredicted          commits   mean predicted   bad")
    for one in found.bins(_SHOWN):
        click.echo(f"{one.low:6.1%} to {one.high:6.1%}   {one.size:7}   {one.predicted:14.1%}   {one.bad:4.1%}")
    click.echo(f"\n{found.table()}", nl=False)
