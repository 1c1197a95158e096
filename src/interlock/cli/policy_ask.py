"""`interlock policy ask`: the verdict on a request that is written down, such as a counterexample."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from interlock.cli.policyset import candidate, here, layer_option, policy_option
from interlock.cli.show import emit, field, verdict
from interlock.model.visible import visible

_EXIT = {"allow": 0, "ask": 10, "deny": 11}


@click.command(
    "ask",
    epilog="\b\nExamples:\n  interlock policy ask 'delete table shop.users @production irreversible all'\n"
    "  interlock policy ask --policy new.d - < request.json\n"
    "\b\nExit status: 0 allow, 10 ask, 11 deny; 21 a request that cannot be read.",
)
@click.argument("request")
@policy_option
@layer_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ask(request: str, folder: Path | None, name: str, as_json: bool) -> None:
    """Judge REQUEST: a line as in a policy's examples, or JSON as `policy prove` gives it (- for standard input)."""
    from interlock.policy import describe, notation
    from interlock.policy.engine import Engine

    text = sys.stdin.read() if request == "-" else request
    scene = describe.read(text) if text.lstrip().startswith("{") else notation.parse(text)
    engine = Engine.load(candidate([folder], name) if folder is not None else here())
    decision = engine.decide(scene.principal, [scene.effect], scene.context)
    if as_json:
        emit({
            "verdict": decision.verdict.value, "tier": decision.tier, "rung": decision.rung.value,
            "rules": list(decision.rules), "why": decision.why, "instead": decision.instead,
            "request": describe.facts(scene),
        })  # fmt: skip
    else:
        click.echo(f"{verdict(decision.verdict)}  tier {decision.tier}  {visible(describe.sentence(scene))}")
        if decision.why:
            field("why", decision.why)
        field("rule", ", ".join(decision.rules))
        if decision.instead:
            field("instead", decision.instead)
    raise click.exceptions.Exit(_EXIT[decision.verdict])
