"""Sets of the size that an organisation writes are compared within seconds."""

from __future__ import annotations

import time

import pytest

from interlock.model.decision import Rung
from interlock.policy.defaults import layer
from interlock.policy.rules import Layer, Rule, read
from interlock.prover.difference import Differ

KINDS = ("table", "host", "file", "database", "cloud_resource")


def rule(number: int, pattern: str, *, count: int = 1) -> str:
    """A rule about names, of which every third looks at other things too."""
    kind = f'resource.kind == "{KINDS[number % 2]}" && ' if number % 3 else ""
    more = ' && context.reversibility == "irreversible"' if number % 3 == 1 else ""
    verb = ("destroy", "change", "reach")[number % 3]
    return (
        f'@id("own-{number}") @tier("2") @why("w") @matches("delete table x @workspace")\n'
        f'forbid (principal, action in Interlock::Action::"{verb}", resource)\n'
        f'when {{ {kind}resource.name like "{pattern}"{more} }}\n'
        f"unless {{ context.approval.count >= {count} }};\n"
    )


def rules(*texts: str) -> list[Rule]:
    return list(read([layer(), Layer("organisation", {"a.cedar": "".join(texts)})]))


PATTERNS = ("shop.t{}.*", "*.t{}", "*-t{}-*", "t{}*old*", "*t{}*backup")
OLD = [rule(number, PATTERNS[number % 5].format(number)) for number in range(100)]


@pytest.mark.parametrize("changed", [1, 5, pytest.param(12, marks=pytest.mark.slow)])
def test_some_rules_of_a_hundred_change(changed: int) -> None:
    new = [*OLD[:-changed], *(rule(n, PATTERNS[n % 5].format(n) + "x") for n in range(100 - changed, 100))]
    start = time.process_time()
    changes = list(Differ(rules(*OLD), rules(*new), seconds=120).changes())
    assert time.process_time() - start < 12
    assert {(change.before, change.after) for change in changes} >= {(Rung.NONE, Rung.ONE)}
    assert all(change.complete for change in changes)


@pytest.mark.slow
def test_a_set_that_is_new_throughout_is_answered_in_time() -> None:
    """Too many kinds of requests for a person to read: what is found in the time is listed, and no more is claimed."""
    new = [rule(n, PATTERNS[n % 5].format(n) + "x") for n in range(100)]
    start = time.monotonic()
    changes = list(Differ(rules(*OLD), rules(*new), seconds=15).changes())
    assert time.monotonic() - start < 40
    assert any(change.regions for change in changes)
    assert not all(change.complete for change in changes)
