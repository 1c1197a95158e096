"""`interlock policy diff`: exactly which requests get another answer from another set of rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.policyset import candidate, layer_option
from interlock.cli.show import emit
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.policy.engine import Engine
    from interlock.prover.difference import Answer, Change, Region

_ASKS = {
    "none": "allow",
    "one": "ask one person",
    "one_strong": "ask one person, strong",
    "two_strong": "ask two people, strong",
}
_STOP = {
    "none": "no other rule stops it",
    "one": "the other rules want one yes",
    "one_strong": "the other rules want one strong yes",
    "two_strong": "the other rules want two strong yeses",
    "never": "another rule denies it",
}
_PERMIT = {
    "none": "another rule permits it",
    "one": "a yes permits it",
    "one_strong": "a strong yes permits it",
    "two_strong": "two strong yeses permit it",
    "never": "no other rule permits it",
}


@click.command(
    "diff",
    epilog="\b\nExamples:\n  interlock policy diff old.d new.d\n"
    "  interlock policy diff --layer organisation old.d new.d --json\n\n"
    "With z3 (pip install 'interlock[prove]') the answer is exact; without, or where no proof is found in time, the "
    "golden matrix, both sets' examples and the recorded actions of 30 days are compared, and it says so.",
)
@click.argument("old", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, file_okay=False, path_type=Path))
@layer_option
@click.option(
    "--matrix", is_flag=True, help="Prove nothing: compare the golden matrix, the examples and what is recorded."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff(old: Path, new: Path, name: str, matrix: bool, as_json: bool) -> None:
    """Show which requests change their verdict between the policies of two folders."""
    from importlib.util import find_spec

    from interlock.policy.engine import Engine

    # An empty folder stands for no rules of one's own: what the first ones change is worth knowing.
    sets = [candidate([folder], name, may_be_empty=True) for folder in (old, new)]
    engines = Engine.load(sets[0]), Engine.load(sets[1])
    if matrix or find_spec("z3") is None:
        facts = {"how": "matrix", "exact": False, **_by_what_is_written(*engines, as_json=as_json)}
    else:
        facts = _by_proof(*engines, as_json=as_json)
    if as_json:
        emit({"old": engines[0].digest, "new": engines[1].digest, **facts})


def _by_proof(old: Engine, new: Engine, *, as_json: bool) -> dict[str, Any]:
    from interlock.prover.difference import Differ
    from interlock.prover.terms import Untranslated

    try:
        changes = list(Differ(list(old.rules.values()), list(new.rules.values())).changes())
        reason = "; ".join(dict.fromkeys(change.reason for change in changes if not change.complete))
    except Untranslated as error:
        changes, reason = [], str(error)
    if not as_json:
        _show(changes, reason)
    facts = {"how": "proof", "exact": not reason, "changes": [_facts(change) for change in changes]}
    if reason:
        facts |= {"reason": reason, "instead": _by_what_is_written(old, new, as_json=as_json)}
    return facts


def _by_what_is_written(old: Engine, new: Engine, *, as_json: bool) -> dict[str, Any]:
    from interlock.cli import policy_written

    found = policy_written.compared(old, new)
    if not as_json:
        policy_written.show(found)
    return policy_written.facts(found)


def _show(changes: list[Change], reason: str) -> None:
    for change in changes:
        click.echo(click.style(f"{answer(change.before)}  →  {answer(change.after)}", bold=True))
        for region in change.regions:
            click.echo(f"  {visible(words(region))}")
            before, after = [", ".join(map(visible, rules)) or "-" for rules in region.rules]
            click.echo(f"    decided by {before}; now by {after}")
            click.echo(f"    like       {visible(_example(region))}")
        if not change.complete:
            click.echo(f"  {'and more' if change.regions else 'perhaps some'}: {change.reason}")
    if reason:
        click.echo(
            f"INCONCLUSIVE: what is listed is so, but there may be more ({visible(reason)}). What is written down:"
        )
    elif not changes:
        click.echo("The two sets give the same answer to every possible request: proved.")
    else:
        click.echo("Every other request gets the same answer from both sets: proved.")


def answer(one: Answer) -> str:
    """`allow`, `ask two people, strong`, `deny`."""
    return "deny" if one is None else _ASKS[one.value]


def words(region: Region) -> str:
    """A region in words: `delete, overwrite; environment production; irreversible; no other rule stops it`."""
    from interlock.prover.difference import OTHERS_PERMIT, OTHERS_STOP

    parts = []
    for path, mine in sorted(region.words, key=lambda pair: (pair[0] != "action", pair[0].startswith("others"))):
        if path == OTHERS_STOP:
            parts.append(" or ".join(_STOP[word] for word in _STOP if word in mine))
        elif path == OTHERS_PERMIT:
            parts.append(" or ".join(_PERMIT[word] for word in _PERMIT if word in mine))
        elif path == "action":
            parts.append(_listed(path, mine))
        else:
            parts.append(f"{path.partition('.')[2]} {_listed(path, mine)}")
    for fact, so in region.facts:
        path, _, word = fact.partition(" ")
        if path in ("resource.labels", "context.taint"):
            parts.append(f"{'' if so else 'not '}{'labelled' if path == 'resource.labels' else 'carrying'} {word}")
        else:
            parts.append(fact if so else f"not {fact}")
    return "; ".join(parts) or "every request"


def _listed(path: str, mine: tuple[str, ...]) -> str:
    """The words; where most are meant, those that are not."""
    from interlock.model.effect import Verb
    from interlock.policy.vocabulary import BY_PATH

    every = {verb.value for verb in Verb} if path == "action" else set(BY_PATH[path].words or ())
    others = sorted(every - set(mine))
    if 0 < len(others) < len(mine) / 2:
        return f"any but {', '.join(others)}"
    return ", ".join(mine)


def _example(region: Region) -> str:
    from interlock.policy import describe

    return describe.line(region.example) or describe.sentence(region.example)


def _facts(change: Change) -> dict[str, Any]:
    from interlock.policy import describe

    return {
        "before": answer(change.before), "after": answer(change.after), "complete": change.complete,
        "regions": [
            {
                "words": words(region), "is": {path: list(mine) for path, mine in region.words},
                "facts": dict(region.facts), "rules": [list(rules) for rules in region.rules],
                "request": describe.facts(region.example), "example": describe.line(region.example),
            }
            for region in change.regions
        ],
    }  # fmt: skip
