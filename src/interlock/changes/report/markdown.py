"""The report as one page of Markdown, for a pull request: verdict, where to look first, what each stage found. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Result, Verdict, Weight
from interlock.changes.risk.score import BASIS
from interlock.model.counts import many
from interlock.model.visible import visible

_SAYS = {
    Verdict.PASS: "The gate found nothing that speaks against this change.",
    Verdict.INCONCLUSIVE: "A person has to look: something was found, or could not be judged.",
    Verdict.BLOCK: "This change is stopped.",
}
_SHOWN = 25  # findings on the page; SARIF and JSON have all
_FILES = 12
_MARK = "<!-- interlock-gate -->"  # by which the one comment of a pull request is found and replaced
_HEAVY = {Weight.BLOCK: 10, Weight.REVIEW: 3, Weight.NOTE: 1}


def markdown(report: Report) -> str:
    """The page. Whatever the change says is shown as code, and cannot become markup."""
    return "\n".join(_page(report)).rstrip("\n") + "\n"


def _page(report: Report) -> Iterator[str]:
    part = " (only some stages)" if report.partial else ""
    yield f"{_MARK}\n## Interlock gate: {report.verdict.value}{part}\n"
    span = f"`{report.fork[:12]}..{report.head[:12]}`"
    yield f"{_SAYS[report.verdict]} {span}, {_size(report)}, {report.seconds:.1f} s.\n"
    for problem in report.problems:
        yield f"- **not judged**: {_code(problem)}"
    yield from _risk(report)
    yield from _look_first(report)
    yield from _found(report.findings)
    yield from _stages(report)
    waived = [f for stage in report.stages for f in stage.findings if f.waived]
    if waived:
        yield "\n### Waived\n"
        yield from (f"- {_code(f.path)} {f.rule}: {_code(f.waived)}" for f in waived)


def _size(report: Report) -> str:
    added, removed = sum(f.added for f in report.files), sum(f.removed for f in report.files)
    return f"{many(len(report.files), 'file')}, +{added} −{removed}"  # noqa: RUF001 - a minus sign


def _risk(report: Report) -> Iterator[str]:
    risk = report.risk
    if risk is None:
        return
    wants = (
        f"; it wants {many(risk.people, 'person', 'people')} to look{f' ({_plain(risk.who)})' if risk.who else ''}"
        if risk.people
        else ""
    )
    yield f"\n**Risk {risk.probability:.0%}**{wants}. {'; '.join(_plain(reason) for reason in risk.reasons[:6])}."
    if caveat := BASIS[risk.basis]:
        yield f"<sub>{caveat}</sub>"


def _look_first(report: Report) -> Iterator[str]:
    weight: dict[str, int] = defaultdict(int)
    for found in report.findings:
        if found.path:
            weight[found.path] += _HEAVY[found.weight]
    lines = {f.path: f.added + f.removed for f in report.files}
    first = {path: place for place, path in enumerate(report.risk.files)} if report.risk else {}
    ranked = sorted(weight, key=lambda path: (first.get(path, len(first)), -weight[path], -lines.get(path, 0), path))
    if ranked:
        yield "\n### Where to look first\n"
        for path in ranked[:_FILES]:
            rules = dict.fromkeys(f.rule for f in report.findings if f.path == path)
            yield f"1. {_code(path)}: {', '.join(rules)}"


def _found(findings: list[Finding]) -> Iterator[str]:
    if findings:
        yield "\n### Found\n"
    for found in findings[:_SHOWN]:
        mark = f"<sub>{found.rule} {found.fingerprint[:12]}</sub>"
        yield f"- **{found.weight.value}** {_code(found.place)} {_plain(found.title)} {mark}"
        if found.text:
            yield f"  - {_code(found.text.strip()[:200])}"
        said = " ".join(_plain(part) for part in (found.why, found.fix) if part)
        if said:
            yield f"  - {said}"
    if len(findings) > _SHOWN:
        yield f"- and {len(findings) - _SHOWN} more, in the SARIF and JSON reports"


def _stages(report: Report) -> Iterator[str]:
    yield "\n### Stages\n"
    yield "| stage | verdict | findings | time | budget |"
    yield "|---|---|---|---|---|"
    for stage in report.stages:
        yield f"| {stage.stage} | {_verdict(stage)} | {len(stage.findings)} | {_time(stage)} | {stage.budget:g} s |"
    for stage in report.stages:
        yield from (f"\n- {stage.stage} could not judge: {_code(problem)}" for problem in stage.problems)
        yield from (f"\n- {stage.stage}: {_plain(note)}" for note in stage.notes)


def _verdict(stage: Result) -> str:
    return f"not run: {_plain(stage.skipped)}" if stage.skipped else stage.verdict.value


def _time(stage: Result) -> str:
    return "cached" if stage.cached else f"{stage.seconds:.2f} s"


def _code(text: str) -> str:
    """Foreign text as inline code: more backticks around it than any run within (CommonMark 6.1)."""
    shown = visible(text).replace("|", "\\|") or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _plain(text: str) -> str:
    """A sentence of ours, which may quote the change: what Markdown and HTML would obey is escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", visible(text))
