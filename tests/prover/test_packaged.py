"""The receipt that travels with the packaged set is of these very files, and everything in it is proved."""

from __future__ import annotations

from interlock.policy import receipt
from interlock.policy.defaults import layer
from interlock.policy.properties import promised
from interlock.policy.rules import read
from interlock.prover.layers import prove, receipted
from interlock.prover.prove import Outcome


def test_the_packaged_receipt_is_current() -> None:
    mine = layer()
    rules = read([mine])
    results = list(prove([mine], rules))
    assert {result.id: result.outcome for result in results if result.outcome is not Outcome.PROVED} == {}
    assert mine.receipts == receipt.write("", receipted([mine], rules, mine, results)), "run `make docs`"
    assert receipt.found([mine], rules, mine)


def test_the_named_properties_are_there() -> None:
    assert {"production-needs-two", "guard-stays", "work-goes-on"} <= {one.id for one in promised([layer()])}
