"""The document for outsiders cannot drift: its family loads, its examples hold, its tables name what the code takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.effects.catalogue import Catalogue
from interlock.effects.catalogue.examples import check
from interlock.effects.catalogue.family import (
    COMMAND_KEYS,
    FAMILY_KEYS,
    GIVEN,
    OTHERWISE,
    OUTPUTS,
    SEVERITIES,
    WRAP_KEYS,
)
from interlock.effects.catalogue.grammar import ROLES
from interlock.effects.catalogue.rules import CLAUSES, ENVIRONMENT_CLUES

TEXT = (Path(__file__).parents[3] / "docs/catalogue.md").read_text("utf-8")


def test_the_family_in_the_document_is_sound():
    block = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    catalogue = Catalogue.load({"rocketctl.toml": block.group(1)})
    assert [c for f in catalogue.families for c in check(catalogue, f)] == []


NAMES = {
    "a key of a family": FAMILY_KEYS,
    "a key of a command": COMMAND_KEYS,
    "a key of wraps": WRAP_KEYS,
    "a role": ROLES,
    "a clause of an effect line": CLAUSES,
    "a clue of an environment": ENVIRONMENT_CLUES,
    "a severity": SEVERITIES,
    "a word of otherwise": OTHERWISE,
    "a word of output": OUTPUTS - {"untrusted"},  # what only readers say
    "a name in templates": GIVEN,
}


@pytest.mark.parametrize("what", NAMES)
def test_every_word_that_the_engine_takes_is_in_the_document(what):
    quoted = {word for piece in re.findall(r"`([^`\n]+)`", TEXT) for word in re.findall(r"[\w-]+", piece)}
    assert set(NAMES[what]) <= quoted, f"{what}: {sorted(set(NAMES[what]) - quoted)}"
