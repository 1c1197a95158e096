"""The golden matrix of roles: verdict, tier and rules for each role, verb, kind and environment.

A change of a role, or of a rule that it meets, is reviewed as a diff of this text (`tests/policy/roles.txt`):

    python -m interlock.policy.rolematrix > tests/policy/roles.txt

The thing is called `x`, the role was given for it, and the effect is an ordinary one: recoverable, one thing, the
labels that make another thing of it. Environments and verbs with the same answer share a line. What a role does not
change is not repeated: the lines of a role are those that differ from `developer`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from interlock.model.action import Principal
from interlock.model.decision import Context
from interlock.model.effect import Effect, Environment, Kind, Resource, Reversibility, Scale, Verb
from interlock.model.grant import Grant
from interlock.policy.engine import Engine
from interlock.policy.roles import DEFAULT, Role, Roles, packaged, patterns

Cell = tuple[Verb, Kind, Environment, tuple[str, ...]]

_LABELS = {Kind.GIT_REF: ((), ("protected",))}  # labels that make another thing of it


def cells() -> Iterator[Cell]:
    """Every verb on every kind in every environment."""
    for kind in Kind:
        for labels in _LABELS.get(kind, ((),)):
            for verb in Verb:
                for environment in Environment:
                    yield verb, kind, environment, labels


def answer(engine: Engine, title: str, role: Role, cell: Cell) -> str:
    """`ask 3 production-change` for one cell."""
    verb, kind, environment, labels = cell
    effect = Effect(verb, Resource(kind, "x", labels), environment, Reversibility.RECOVERABLE, Scale())
    principal = Principal("claude", "s", roles=(title,) if role.restricts else ())
    grants: tuple[Grant, ...] = ()
    if role.grants:
        grant = Grant(1, patterns(role, ["x"]), role.rung, "9999-12-31T00:00:00Z", engine.digest, "olga", role=title)
        grants = (grant,)
    decision = engine.decide(principal, [effect], Context(grants=grants))
    return f"{decision.verdict.value} {decision.tier} {', '.join(decision.rules)}"


def rows(engine: Engine, title: str, roles: Roles) -> Iterator[str]:
    """The lines of one role."""
    found: dict[tuple[Kind, tuple[str, ...], str], dict[Verb, list[Environment]]] = {}
    for cell in cells():
        said = answer(engine, title, roles[title], cell)
        if title == DEFAULT or said != answer(engine, DEFAULT, roles[DEFAULT], cell):
            verb, kind, environment, labels = cell
            found.setdefault((kind, labels, said), {}).setdefault(verb, []).append(environment)
    for (kind, labels, said), verbs in found.items():
        places: dict[tuple[Environment, ...], list[Verb]] = {}
        for verb, environments in verbs.items():
            places.setdefault(tuple(environments), []).append(verb)
        for there, same in places.items():
            where = "anywhere" if len(there) == len(Environment) else " ".join(f"@{one.value}" for one in there)
            thing = " ".join([kind.value, *(f"+{label}" for label in labels)])
            yield f"{title}  {'|'.join(verb.value for verb in same)} {thing}  [{where}]  {said}"


def text(engine: Engine, roles: Roles) -> str:
    """The whole file, `developer` first."""
    head = (
        "# Golden matrix of the packaged roles. Generated: python -m interlock.policy.rolematrix\n"
        "# ROLE  VERBS KIND  [environments]  verdict tier rules; other roles: only what differs from developer\n"
    )
    order = [DEFAULT, *sorted(title for title in roles if title != DEFAULT)]
    return head + "".join(f"{line}\n" for title in order for line in rows(engine, title, roles))


def main() -> None:
    """Write the matrix of the packaged set and roles to standard output."""
    from interlock.policy.defaults import layer

    sys.stdout.write(text(Engine.load([layer()]), packaged()))


if __name__ == "__main__":
    main()
