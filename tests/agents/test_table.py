"""The document says what the cells say, for every agent and situation that the issue names."""

from __future__ import annotations

import json
from importlib import resources

from agents.bench import Agent
from agents.situation import Outcome
from agents.situations import SITUATIONS
from agents.table import DOCUMENT, render

NAMED = {
    "deny",
    "ask",
    "dead",
    "hung",
    "missing",
    "garbage",
    "timeout",
    "switched-off",
    "edited",
    "edited-outside",
    "subagent",
    "parallel",
}


def test_the_document_is_written_from_the_cells() -> None:
    assert DOCUMENT.read_text() == render(), "run: PYTHONPATH=tests python -m agents.table"


def test_every_situation_of_the_contract_is_a_cell_of_both_agents() -> None:
    by_name = {situation.name: situation for situation in SITUATIONS}
    assert by_name.keys() >= NAMED
    for name in NAMED:
        assert set(by_name[name].expected) == set(Agent)


def test_names_are_unique_and_open_cells_are_explained() -> None:
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS)
    for situation in SITUATIONS:
        if Outcome.RUNS in situation.expected.values():
            assert situation.note, situation.name
        if Outcome.STOPPED in situation.expected.values():
            assert situation.words, situation.name


def test_the_lock_of_the_agents_names_no_host_and_every_package_has_a_hash() -> None:
    lock = json.loads((resources.files("interlock.drills") / "agents" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name
