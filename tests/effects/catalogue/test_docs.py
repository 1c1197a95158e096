"""The document for outsiders cannot drift: its family loads, its examples hold, its tables name what the code takes."""

from __future__ import annotations

import re
from pathlib import Path

from interlock.effects.catalogue import Catalogue
from interlock.effects.catalogue.examples import check
from interlock.effects.catalogue.family import _COMMAND_KEYS, _FAMILY_KEYS, OUTPUTS
from interlock.effects.catalogue.grammar import ROLES

TEXT = (Path(__file__).parents[3] / "docs/catalogue.md").read_text("utf-8")


def test_the_family_in_the_document_is_sound():
    block = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    catalogue = Catalogue.load({"rocketctl.toml": block.group(1)})
    assert [c for f in catalogue.families for c in check(catalogue, f)] == []


def test_every_key_and_role_is_in_the_document():
    missing = [w for w in (*_COMMAND_KEYS, *_FAMILY_KEYS, *ROLES) if f"`{w}" not in TEXT and f"[{w}" not in TEXT]
    assert missing == []
    assert [o for o in OUTPUTS - {"untrusted"} if o not in TEXT] == []
