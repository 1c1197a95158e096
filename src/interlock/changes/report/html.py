"""The report as one page of HTML: no script, no style from elsewhere, every text of the change escaped. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from interlock.changes.decide import Report
from interlock.changes.finding import Finding, Result
from interlock.changes.risk.score import BASIS
from interlock.model.counts import many
from interlock.model.visible import visible

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--block:#c0392b;--review:#b9770e;--note:#7f8c8d;--pass:#1e8449}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}code{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line)}
li{margin:.6rem 0}.b{color:var(--block)}.r{color:var(--review)}.n{color:var(--note)}.p{color:var(--pass)}
pre{border-left:3px solid var(--line);padding:.2rem .8rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}
"""
_CLASS = {"BLOCK": "b", "INCONCLUSIVE": "r", "PASS": "p", "block": "b", "review": "r", "note": "n"}
# What a page with no script needs; a browser refuses everything else even if a text got through.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(report: Report) -> str:
    """The page."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    verdict = report.verdict.value
    part = " (only some stages)" if report.partial else ""
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield f"<title>Interlock gate: {verdict}</title><style>{_STYLE}</style>"
    yield f'<h1>Interlock gate: <span class="{_CLASS[verdict]}">{verdict}</span>{part}</h1>'
    added, removed = sum(f.added for f in report.files), sum(f.removed for f in report.files)
    yield f"<p><code>{report.fork[:12]}..{report.head[:12]}</code>, {many(len(report.files), 'file')}, "
    yield f"+{added} &#8722;{removed}, {report.seconds:.1f} s</p>"
    if report.risk is not None:
        said = "; ".join(escape(visible(reason)) for reason in report.risk.reasons[:6])
        caveat = BASIS[report.risk.basis]
        note = f" <small>({escape(caveat)})</small>" if caveat else ""
        yield f"<p>Risk {report.risk.probability:.0%}: {said}{note}</p>"
    yield from (f'<p class="r">Could not be judged: {_text(problem)}</p>' for problem in report.problems)
    if report.findings:
        yield "<h2>Found</h2><ul>"
        yield from map(_finding, report.findings)
        yield "</ul>"
    yield "<h2>Stages</h2><table><tr><th>stage<th>verdict<th>findings<th>time<th>budget</tr>"
    yield from map(_stage, report.stages)
    yield "</table>"
    for stage in report.stages:
        yield from (
            f'<p class="r">{_text(stage.stage)} could not judge: {_text(problem)}</p>' for problem in stage.problems
        )
        yield from (f"<p>{_text(stage.stage)}: {_text(note)}</p>" for note in stage.notes)
    waived = [f for stage in report.stages for f in stage.findings if f.waived]
    if waived:
        yield "<h2>Waived</h2><ul>"
        yield from (f"<li><code>{_text(f.place)}</code> {f.rule}: {_text(f.waived)}" for f in waived)
        yield "</ul>"


def _finding(found: Finding) -> str:
    said = " ".join(_text(part) for part in (found.why, found.fix) if part)
    line = f"<pre><code>{_text(found.text.strip()[:200])}</code></pre>" if found.text else ""
    return (
        f'<li><b class="{_CLASS[found.weight.value]}">{found.weight.value}</b> <code>{_text(found.place)}</code> '
        f'{_text(found.title)}{line}<div>{said}</div><small class="n">{_text(found.rule)} {found.fingerprint}</small>'
    )


def _stage(stage: Result) -> str:
    verdict = "not run" if stage.skipped else stage.verdict.value
    time = "cached" if stage.cached else f"{stage.seconds:.2f} s"
    mark = _CLASS.get(verdict, "n")
    cells = (f'<span class="{mark}">{verdict}</span>', str(len(stage.findings)), time, f"{stage.budget:g} s")
    return f"<tr><td>{_text(stage.stage)}" + "".join(f"<td>{cell}" for cell in cells) + "</tr>"


def _text(text: str) -> str:
    return escape(visible(text))
