"""All the looks that a policy wants, within one time limit, and the effects made exact by what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from interlock.model.effect import Effect
from interlock.preview import cluster, files, history, plan, rows
from interlock.preview.finding import Asked, Finding, Look, Tools, Unseen

LOOKS: Mapping[str, Look] = {
    "files": files.look,
    "history": history.look,
    "rows": rows.look,
    "plan": plan.look,
    "dry-run": cluster.look,
}
PREFIX = "look:"  # of an obligation


class Preview(msgspec.Struct, frozen=True):
    """What was found: lines for people, and the effects with what is now known of their scale."""

    lines: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()


def preview(obligations: Sequence[str], asked: Asked, tools: Tools) -> Preview:
    """Make the looks among `obligations`. Total: a look that fails becomes a line that says so."""
    findings: list[Finding] = []
    for name, make in LOOKS.items():
        if PREFIX + name not in obligations:
            continue
        try:
            findings += make(asked, tools)
        except Unseen as error:
            findings.append(Finding(f"{name}: could not be looked at: {error}"))
        except (OSError, ValueError, RecursionError) as error:
            findings.append(Finding(f"{name}: could not be looked at ({type(error).__name__})"))
    return Preview(tuple(finding.line for finding in findings), _exact(asked.effects, findings))


def _exact(effects: tuple[Effect, ...], findings: Sequence[Finding]) -> tuple[Effect, ...]:
    """The effects with the scale and the reversibility that were found."""
    known = list(effects)
    for finding in findings:
        if finding.effect is None:
            continue
        effect = known[finding.effect]
        known[finding.effect] = msgspec.structs.replace(
            effect,
            scale=finding.scale or effect.scale,
            reversibility=finding.undo or effect.reversibility,
        )
    return tuple(known)
