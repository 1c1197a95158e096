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

_LISTED = 40  # situations shown where nothing is proved

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
    "With z3 (pip install 'interlock[prove]') the answer is exact; without, the golden matrix and both sets' examples "
    "are compared, and it says so. What changes for past actions: interlock policy replay.",
)
@click.argument("old", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, file_okay=False, path_type=Path))
@layer_option
@click.option("--matrix", is_flag=True, help="Compare the golden matrix and the examples only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff(old: Path, new: Path, name: str, matrix: bool, as_json: bool) -> None:
    """Show which requests change their verdict between the policies of two folders."""
    from importlib.util import find_spec

    from interlock.policy.engine import Engine

    engines = Engine.load(candidate([old], name)), Engine.load(candidate([new], name))
    if matrix or find_spec("z3") is None:
        _by_matrix(*engines, as_json=as_json)
    else:
        _by_proof(*engines, as_json=as_json)


def _by_proof(old: Engine, new: Engine, *, as_json: bool) -> None:
    from interlock.prover.difference import Differ

    changes = list(Differ(list(old.rules.values()), list(new.rules.values())).changes())
    exact = all(change.complete for change in changes)
    if as_json:
        emit({"old": old.digest, "new": new.digest, "how": "proof", "exact": exact,
              "changes": [_facts(change) for change in changes]})  # fmt: skip
        return
    for change in changes:
        click.echo(click.style(f"{answer(change.before)}  →  {answer(change.after)}", bold=True))
        for region in change.regions:
            click.echo(f"  {visible(words(region))}")
            before, after = [", ".join(map(visible, rules)) or "-" for rules in region.rules]
            click.echo(f"    decided by {before}; now by {after}")
            click.echo(f"    like       {visible(_example(region))}")
        if not change.complete:
            click.echo(f"  and more: not all of them are listed ({change.reason})")
    if not changes:
        click.echo("The two sets give the same answer to every possible request: proved.")
    elif exact:
        click.echo("Every other request gets the same answer from both sets: proved.")


def _by_matrix(old: Engine, new: Engine, *, as_json: bool) -> None:
    from interlock.policy.compare import differences, lines

    situations = lines(old, new)
    found = list(differences(old, new, situations))
    if as_json:
        changes = [
            {"example": line, "before": _verdict(a), "after": _verdict(b), "rules": [list(a.rules), list(b.rules)]}
            for line, a, b in found
        ]
        facts = {"how": "matrix", "exact": False, "compared": len(situations), "changes": changes}
        emit({"old": old.digest, "new": new.digest, **facts})
        return
    for line, before, after in found[:_LISTED]:
        click.echo(f"{_verdict(before)}  →  {_verdict(after)}  {visible(line)}")
    if len(found) > _LISTED:
        click.echo(f"and {len(found) - _LISTED} more: --json lists them all.")
    click.echo(
        f"{len(found)} of {len(situations)} situations of the golden matrix and the examples change. This is no proof: "
        "what nobody wrote down was not compared (pip install 'interlock[prove]')."
    )


def _verdict(decision: Any) -> str:
    return "deny" if decision.verdict.value == "deny" else _ASKS[decision.rung.value]


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
