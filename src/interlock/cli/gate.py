"""`interlock gate`: may this change be merged?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.gatehook import STATUS, called, install
from interlock.cli.show import emit, heading, here
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.changes.decide import Report
    from interlock.changes.risk.score import Risk

_COLOURS = {"PASS": "green", "INCONCLUSIVE": "yellow", "BLOCK": "red"}


@click.command(
    "gate",
    epilog="\b\nExamples:\n  interlock gate                          this branch against the one it goes to\n"
    "  interlock gate origin/main..HEAD        a range\n"
    "  interlock gate --markdown > report.md   a page for the pull request\n"
    "  interlock gate --sarif > gate.sarif     for a code host\n"
    "  interlock gate --attest gate.json       the verdict as a signed document too\n"
    "  interlock gate --stage secrets          one stage only\n"
    "  interlock gate --install pre-push       judge every push from this clone\n"
    "  interlock gate --iteration              what an agent has made worse since its best state\n\n"
    "Exit status: 0 PASS, 10 INCONCLUSIVE (a person has to look), 11 BLOCK.",
)
@click.argument("span", metavar="[BASE..HEAD]", required=False)
@click.option("--json", "form", flag_value="json", help="Print one JSON object.")
@click.option("--sarif", "form", flag_value="sarif", help="Print SARIF 2.1.0.")
@click.option("--markdown", "form", flag_value="markdown", help="Print one page of Markdown.")
@click.option("--html", "form", flag_value="html", help="Print a page of HTML.")
@click.option("--stage", "names", multiple=True, help="Only this stage (repeatable); no verdict on the whole.")
@click.option("--all", "-a", "everything", is_flag=True, help="Show notes too, from which no verdict follows.")
@click.option(
    "--attest",
    "attested",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the verdict as a signed SLSA VSA, and beside it what passed as an in-toto SVR (.svr.json).",
)
@click.option("--no-cache", is_flag=True, help="Judge everything anew, and keep nothing.")
@click.option(
    "--install", "install_as", type=click.Choice(["pre-push", "pre-receive"]), help="Write this hook of the repository."
)
@click.option("--pre-push", "hook", flag_value="pre-push", help="Be git's pre-push hook.")
@click.option("--pre-receive", "hook", flag_value="pre-receive", help="Be git's pre-receive hook, on a server.")
@click.option("--iteration", "hook", flag_value="iteration", help="The working tree against the best state so far.")
@click.option("--stop-hook", "hook", flag_value="stop-hook", help="The same as an agent's Stop hook, which is told.")
@click.option("--seen", "hook", flag_value="seen", help="The same, and a person has looked at it (at a terminal).")
def command(
    span: str | None,
    form: str | None,
    names: tuple[str, ...],
    everything: bool,
    attested: Path | None,
    no_cache: bool,
    install_as: str | None,
    hook: str | None,
) -> int:
    """May this change be merged? Judges the commits of BASE..HEAD in stages, by the rules of BASE."""
    from datetime import UTC, datetime

    from interlock.changes.gate import Known, judge
    from interlock.changes.intake import parse
    from interlock.changes.repo import Repo

    today = datetime.now(UTC).date().isoformat()
    if install_as:
        install(install_as, here())
        return 0
    if hook in ("iteration", "stop-hook", "seen"):
        from interlock.cli.gateiteration import iterate

        return iterate(hook, span, here(), locate(), today)
    if hook:
        return called(hook, here(), today)
    from interlock.cli.gatefreeze import freezes
    from interlock.cli.gatepeople import withdrawn
    from interlock.cli.gatesummary import record

    repo = Repo(here())
    base, head = parse(span, repo)
    cache = None if no_cache else locate().state / "gate" / "cache"
    known = Known(freezes(repo, base, locate()), withdrawn(locate()))
    report = judge(repo, base, head, names=names, cache=cache, today=today, known=known)
    show(report, form, everything=everything)
    record(report, repo)
    if attested is not None:
        from interlock.cli.gatesummary import write

        write(report, repo, attested)
    return STATUS[report.verdict.value]


def show(report: Report, form: str | None, *, everything: bool = False) -> None:
    """Print the report: for a terminal, or in the form that was asked for."""
    if form == "json":
        from interlock.changes.report.facts import facts

        emit(facts(report))
    elif form == "sarif":
        from interlock.changes.report.sarif import sarif

        click.echo(json.dumps(sarif(report), indent=1))
    elif form == "markdown":
        from interlock.changes.report.markdown import markdown

        click.echo(markdown(report), nl=False)
    elif form == "html":
        from interlock.changes.report.html import html

        click.echo(html(report), nl=False)
    else:
        _terminal(report, everything=everything)


def _terminal(report: Report, *, everything: bool) -> None:
    for stage in report.stages:
        said = "not run" if stage.skipped else stage.verdict.value
        time = "cached" if stage.cached else f"{stage.seconds:.2f} s"
        click.echo(f"{stage.stage:<14}{click.style(f'{said:<14}', fg=_COLOURS.get(said))}{heading(time)}")
        if stage.skipped:
            click.echo(f"    {visible(stage.skipped)}")
        for problem in stage.problems:
            click.echo(f"    could not judge: {visible(problem)}")
        for note in stage.notes:
            click.echo(f"    {visible(note)}")
    for problem in report.problems:
        click.echo(f"could not judge: {visible(problem)}")
    notes = [found for found in report.findings if found.weight.value == "note"]
    for found in report.findings if everything else report.findings[: len(report.findings) - len(notes)]:
        mark = heading(f"{found.rule} {found.fingerprint[:12]}")
        click.echo(f"\n{click.style(found.weight.value, bold=True)} {visible(found.place)}  {mark}")
        for line in (found.title, found.text.strip()[:200], found.why, found.fix):
            if line:
                click.echo(f"    {visible(line)}")
    if notes and not everything:
        click.echo(f"\nand {many(len(notes), 'note')}: --all shows all of them")
    if report.risk is not None:
        _risk(report.risk)
    verdict = report.verdict.value
    part = " (of these stages only)" if report.partial else ""
    click.echo(f"\n{click.style(verdict, fg=_COLOURS[verdict], bold=True)}{part} in {report.seconds:.1f} s")


def _risk(risk: Risk) -> None:
    from interlock.changes.risk.score import BASIS

    wants = (
        f", which wants {many(risk.people, 'person', 'people')} to look{f' ({visible(risk.who)})' if risk.who else ''}"
        if risk.people
        else ""
    )
    click.echo(f"\nrisk {risk.probability:.0%}{wants}: {visible('; '.join(risk.reasons[:6]))}")
    if caveat := BASIS[risk.basis]:
        click.echo(heading(f"    {caveat}"))
