"""`interlock policy`: look at the rules in force, try and prove a set before it is used, and explain one rule."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from interlock.cli.policy_ask import ask
from interlock.cli.policy_diff import diff
from interlock.cli.policy_prove import prove
from interlock.cli.policy_replay import replay
from interlock.cli.policyset import candidate, here, layer_option
from interlock.cli.show import emit, heading
from interlock.model.counts import many
from interlock.model.errors import NotFound, PolicyError, Unproved
from interlock.model.visible import visible
from interlock.policy import receipt
from interlock.policy.engine import Engine
from interlock.policy.examples import problems
from interlock.policy.rules import Layer, Rule, digest_of, read


@click.group(
    "policy",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  interlock policy show\n  interlock policy explain production-destroyed",
)
def command() -> None:
    """Show, test, prove, compare and explain the rules."""


@command.command(
    "show", epilog="\b\nExamples:\n  interlock policy show\n  interlock policy show --layer project --json"
)
@click.option("--layer", "wanted", help="Only the rules of this layer.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(wanted: str | None, as_json: bool) -> None:
    """List the rules that hold here, with what they answer."""
    engine = _engine_here()
    rules = [rule for rule in engine.rules.values() if wanted in (None, rule.layer)]
    if as_json:
        emit({"digest": engine.digest, "rules": [_facts(rule) for rule in rules]})
        return
    place = ""
    for rule in rules:
        if place != (place := f"{rule.layer}/{rule.file}"):
            click.echo(click.style(visible(place), bold=True))
        click.echo(f"  {visible(rule.id):<24} {_answer(rule):<16} {visible(rule.why)}")
    click.echo(f"{many(len(rules), 'rule')}, {engine.digest}")


@command.command(
    "test",
    epilog="\b\nExamples:\n  interlock policy test\n  interlock policy test --layer organisation our.cedar\n"
    "\b\nExit status: 0 the set would be taken, 21 it would be refused.",
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=True, path_type=Path))
@layer_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(files: tuple[Path, ...], name: str, as_json: bool) -> None:
    """Check FILES (or, without any, the rules in force here): syntax, schema, words, every example, and the receipt."""
    layers = candidate(files, name) if files else here()
    rules = read(layers)
    tested = [rule for rule in rules if rule.layer == name] if files else list(rules)
    failed = {rule.id: found for rule in tested if (found := list(problems(rule)))}
    examples = sum(len(rule.matches) + len(rule.spares) for rule in tested)
    proof = _proof(layers, rules)
    if as_json:
        emit({
            "digest": digest_of(layers), "rules": len(tested), "examples": examples,
            "failed": failed, "proved": not proof, "proof": proof,
        })  # fmt: skip
        raise click.exceptions.Exit(PolicyError.exit if failed else 0)
    for rule in tested if files else ():
        _tried(rule, failed.get(rule.id, []))
    if failed:
        count = sum(map(len, failed.values()))
        raise PolicyError(
            f"{count} of {examples} examples fail, so the set would be refused. "
            "Mend the rule, or the example if that is what is wrong."
        )
    click.echo(
        f"{many(len(tested), 'rule')} and {many(examples, 'example')} hold. The set would be {digest_of(layers)}."
    )
    click.echo(visible(proof) if proof else "It is proved, and so may come into force.")


def _tried(rule: Rule, failed: list[str]) -> None:
    """One line of the report, and one for each example that fails."""
    mark = click.style("FAILS", fg="red") if failed else click.style("ok   ", fg="green")
    spared = f", {len(rule.spares)} it spares" if rule.spares else ""
    click.echo(f"{mark} {visible(rule.id):<24} {len(rule.matches)} it must apply to{spared}")
    for problem in failed:
        click.echo(f"        {visible(problem)}")


def _proof(layers: Sequence[Layer], rules: Sequence[Rule]) -> str:
    """Why the set would not come into force as far as proofs go; "" when it would."""
    try:
        for layer in layers:
            receipt.found(layers, rules, layer)
    except Unproved as error:
        return str(error)
    return ""


@command.command("explain", epilog="\b\nExample:\n  interlock policy explain production-destroyed")
@click.argument("rule_id", metavar="RULE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(rule_id: str, as_json: bool) -> None:
    """Explain one rule: why it is there, what it catches, what to do instead."""
    from interlock.policy.wording import OWN

    if rule_id in OWN:
        if as_json:
            emit({"id": rule_id, "why": OWN[rule_id]})
        else:
            click.echo(f"{click.style(rule_id, bold=True)}  is no policy but Interlock's own answer: {OWN[rule_id]}.")
        return
    rules = _engine_here().rules
    if rule_id not in rules:
        near = get_close_matches(rule_id, rules, n=1)
        hint = f"Did you mean {near[0]}?" if near else "interlock policy show lists them."
        raise NotFound(f"no rule is called {visible(rule_id)!r}. {hint}")
    rule = rules[rule_id]
    if as_json:
        emit(_facts(rule))
        return
    click.echo(
        f"{click.style(visible(rule.id), bold=True)}  {_answer(rule)}  ({visible(rule.layer)}/{visible(rule.file)})"
    )
    for label, values in (
        ("why", [rule.why]),
        ("instead", [rule.instead]),
        ("incident", [rule.incident]),
        ("controls", [", ".join(rule.controls)]),
        ("matches", rule.matches),
        ("spares", rule.spares),
    ):
        for value in values:
            if value:
                click.echo(f"  {heading(label.ljust(9))} {visible(value)}")
    click.echo()
    click.echo(visible(rule.written, lines=True))


def _answer(rule: Rule) -> str:
    if rule.effect == "permit":
        return f"allow, tier {rule.tier}"
    return f"{'ask' if rule.judges_approval else 'deny'}, tier {rule.tier}"


def _facts(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "answer": _answer(rule).split(",", maxsplit=1)[0],
        "effect": rule.effect,
        "tier": rule.tier,
        "why": rule.why,
        "instead": rule.instead,
        "incident": rule.incident,
        "controls": list(rule.controls),
        "matches": list(rule.matches),
        "spares": list(rule.spares),
        "verbs": sorted(rule.verbs),
        "layer": rule.layer,
        "file": rule.file,
        "policy": rule.written,
    }


def _engine_here() -> Engine:
    """The rules as the daemon would load them for the directory one stands in."""
    return Engine.load(here())


for _more in (prove, diff, replay, ask):
    command.add_command(_more)
