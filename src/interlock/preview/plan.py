"""What `terraform apply` or `destroy` would do to resources, by a plan made now.

A plan runs providers and whatever the configuration in the project names, which an agent may have written: this look is
made only where a person's own configuration allows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from interlock.model.action import Ran
from interlock.model.counts import many
from interlock.model.effect import Breadth, Effect, Kind, Known, Scale, Verb
from interlock.preview.finding import Asked, Finding, Tools, Unseen

_PROGRAMS = frozenset({"terraform", "tofu"})
_KEPT = ("-var", "-var-file", "-target", "-replace", "-destroy", "-refresh", "-parallelism", "-refresh-only")
_VALUED = frozenset({"-var", "-var-file", "-target", "-replace"})
_NAMED = 6


def look(asked: Asked, tools: Tools) -> Iterator[Finding]:
    """One finding for each apply or destroy among the commands."""
    for ran in asked.here:
        words = _plan(ran)
        if words is None:
            continue
        if not asked.runs:
            raise Unseen("a plan runs the project's code: `[preview] run = true` in interlock.toml allows it")
        found = tools.run(words, ran.cwd)
        if found.status not in (0, 2):
            raise Unseen("the plan failed")
        yield _told(ran, found.text, asked.effects)


def _plan(ran: Ran) -> tuple[str, ...] | None:
    """The argv of the plan that tells what this one would do; None when it is no apply or destroy."""
    program = ran.argv[0].rpartition("/")[2]
    if program not in _PROGRAMS:
        return None
    leading = [word for word in ran.argv[1:] if word.startswith("-chdir=")]
    rest = [word for word in ran.argv[1:] if not word.startswith("-chdir=")]
    if not rest or rest[0] not in ("apply", "destroy"):
        return None
    kept = ["-destroy"] if rest[0] == "destroy" else []
    words = iter(rest[1:])
    for word in words:
        name = "-" + word.lstrip("-").partition("=")[0]
        if not word.startswith("-"):
            raise Unseen(f"{word} is a plan that was saved before: `{program} show {word}` tells what is in it")
        if name in _KEPT:
            kept.append(word)
            if name in _VALUED and "=" not in word:
                kept.append(next(words, ""))
    return (program, *leading, "plan", "-input=false", "-lock=false", "-no-color", "-json", *kept)


def _told(ran: Ran, text: str, effects: tuple[Effect, ...]) -> Finding:
    going: list[str] = []
    others: dict[str, int] = {}
    for line in text.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        change = (
            message.get("change") if isinstance(message, dict) and message.get("type") == "planned_change" else None
        )
        if not isinstance(change, dict):
            continue
        action = str(change.get("action"))
        if action in ("delete", "replace"):
            going.append(f"{change.get('resource', {}).get('addr', '?')}{' (replaced)' if action == 'replace' else ''}")
        else:
            others[action] = others.get(action, 0) + 1
    shown = ", ".join(going[:_NAMED]) + (f" and {len(going) - _NAMED} more" if len(going) > _NAMED else "")
    rest = "".join(f", {count} to {action}" for action, count in sorted(others.items()))
    said = f"the plan would destroy {many(len(going), 'resource')}{f' ({shown})' if shown else ''}{rest}"
    place = next((number for number, effect in enumerate(effects) if _about(effect, ran)), None)
    return Finding(said, place, Scale(Breadth.MANY, len(going), "resources", Known.DRY_RUN))


def _about(effect: Effect, ran: Ran) -> bool:
    return (
        effect.resource.kind is Kind.CLOUD_RESOURCE
        and effect.verb in (Verb.DELETE, Verb.CONFIGURE, Verb.DEPLOY)
        and effect.via.startswith(ran.argv[0].rpartition("/")[2])
    )
