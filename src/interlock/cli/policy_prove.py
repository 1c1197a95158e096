"""`interlock policy prove`: what a set promises, proved for every possible request, or a request that breaks it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.policyset import candidate, here, layer_option
from interlock.cli.show import emit
from interlock.model.counts import many
from interlock.model.errors import Unproved, UsageError
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.policy.rules import Layer, Rule
    from interlock.prover.prove import Result

_COLOURS = {"proved": "green", "refuted": "red", "unknown": "yellow", "vacuous": "yellow"}


@click.command(
    "prove",
    epilog="\b\nExamples:\n  interlock policy prove                              the rules in force here\n"
    "  interlock policy prove .interlock/policy            a candidate; writes its proof.json\n"
    "  interlock policy prove --against old.d new.d        also: permits nothing more than old.d\n"
    "\b\nExit status: 0 everything is proved, 28 something is not, 21 the set would be refused.",
)
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@layer_option
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="An older set: also prove that the new one permits nothing more.",
)
@click.option("--no-receipt", is_flag=True, help="Do not write the receipt (proof.json) beside the policies.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def prove(folder: Path | None, name: str, against: Path | None, no_receipt: bool, as_json: bool) -> None:
    """Prove for every possible request what the rules here, or those in FOLDER, promise.

    Promised are the laws of every set, and what properties.toml beside the policies says. A set of one's own comes into
    force only with its receipt, which this writes when everything is proved.
    """
    needed("interlock policy prove")
    from interlock.policy.engine import Engine
    from interlock.policy.rules import digest_of
    from interlock.prover.layers import prove as prove_all

    if against is not None and folder is None:
        raise UsageError("--against compares two folders: interlock policy prove --against OLD NEW.")
    layers = candidate([folder], name) if folder is not None else here()
    rules = list(Engine.load(layers).rules.values())
    older = (
        list(Engine.load(candidate([against], name, may_be_empty=True)).rules.values()) if against is not None else None
    )
    results = []
    for result in prove_all(layers, rules, older):
        results.append(result)
        if not as_json:
            _show(result)
    open_ = [result for result in results if result.outcome.value != "proved"]
    spent = sum(result.milliseconds for result in results)
    written = "" if open_ or folder is None or no_receipt else _receipt(layers, rules, results, folder)
    if as_json:
        emit({
            "digest": digest_of(layers), "proved": not open_, "milliseconds": spent, "receipt": written or None,
            "results": [facts(result) for result in results],
        })  # fmt: skip
    else:
        all_ = many(len(results), "property", "properties")
        count = f"{len(results) - len(open_)} of {all_}" if open_ else all_
        click.echo(f"{count} proved for every possible request in {spent / 1000:.1f} s: {digest_of(layers)}")
        if written:
            click.echo(f"The receipt is {visible(written)}: with it the set comes into force.")
        if open_ and folder is not None:
            click.echo("There is no receipt for this: mend the policies, or the property, and prove again.")
    if open_:
        raise click.exceptions.Exit(Unproved.exit)


def needed(command: str) -> None:
    """Raise UsageError where z3 is not installed."""
    from importlib.util import find_spec

    if find_spec("z3") is None:
        raise UsageError(f"{command} needs z3, which is not installed. Run: pip install 'interlock[prove]'.")


def _receipt(layers: Sequence[Layer], rules: Sequence[Rule], results: Sequence[Result], folder: Path) -> str:
    from interlock.ledger.files import write_atomic
    from interlock.policy import receipt
    from interlock.prover.layers import receipted

    mine = layers[-1]
    text = receipt.write(mine.receipts, receipted(layers, rules, mine, results))
    target = folder / receipt.FILE
    if text != mine.receipts:
        try:
            # As a whole, and never through a link: the folder may be a stranger's repository.
            write_atomic(target, text.encode(), sync=False, mode=0o644)
        except OSError as error:
            raise UsageError(
                f"everything is proved, but {target} cannot be written: {error.strerror}. Prove as its owner."
            ) from error
    return str(target)


def _show(result: Result) -> None:
    from interlock.policy import describe

    mark = result.outcome.value
    word = click.style(f"{mark if mark == 'proved' else mark.upper():<8}", fg=_COLOURS[mark])
    click.echo(f"{word} {visible(result.id):<28} {visible(result.why)}")
    if result.reason:
        click.echo(f"  because   {visible(result.reason)}")
    if result.request is None:
        return
    click.echo(f"  request   {visible(describe.sentence(result.request))}")
    click.echo(f"  decided   {', '.join(map(visible, result.rules)) or 'default-deny'}")
    line = describe.line(result.request)
    as_text = json.dumps(describe.facts(result.request), ensure_ascii=True)
    click.echo(f"  {'example ' if line else 'as JSON '}  {visible(line or as_text)}")


def facts(result: Result) -> dict[str, Any]:
    """One result as JSON."""
    from interlock.policy import describe

    made: dict[str, Any] = {
        "id": result.id, "why": result.why, "outcome": result.outcome.value, "milliseconds": result.milliseconds,
    }  # fmt: skip
    if result.reason:
        made["reason"] = result.reason
    if result.request is not None:
        made["request"] = describe.facts(result.request)
        made["words"] = describe.sentence(result.request)
        made["example"] = describe.line(result.request)
        made["rules"] = list(result.rules)
    return made
