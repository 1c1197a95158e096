"""What changed policies of Interlock decide otherwise, over every situation that is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping

from interlock.changes.change import Change
from interlock.model.errors import PolicyError

_ID = re.compile(r'@id\("([^"\n]{1,200})"\)')
_MOST = 8  # situations that are named


def loosened(change: Change, paths: list[str]) -> tuple[list[str], int]:
    """Situations whose verdict differs between the rules of both sides, and how many there are.

    `paths`: the changed `.cedar` files; the others of their folders belong to both sets.

    Raises:
        PolicyError: a side cannot be loaded.
    """
    from interlock.policy import compare, defaults
    from interlock.policy.engine import Engine
    from interlock.policy.rules import Layer

    folders = {path.rpartition("/")[0] for path in paths}
    sides = []
    for after in (False, True):
        here = [p for p in change.paths(after=after) if p.endswith(".cedar") and p.rpartition("/")[0] in folders]
        texts = change.reads(here, after=after)
        try:
            sources = {p.replace("/", "_"): (raw or b"").decode("utf-8") for p, raw in texts.items()}
        except UnicodeDecodeError as error:
            raise PolicyError(f"a policy is not UTF-8: {error}") from error
        sides.append(sources)
    packaged = defaults.layer()
    if any(_ids(packaged.sources) & _ids(sources) for sources in sides):
        # The rules that Interlock comes with, of its own repository or a copy of them: nothing lies below them.
        engines = [Engine.load([Layer(packaged.name, sources)]) for sources in sides]
    else:
        engines = [Engine.load([packaged, Layer("organisation", sources)]) for sources in sides]
    found = [
        f"{line}: {before.verdict.value} becomes {now.verdict.value}"
        for line, before, now in compare.differences(engines[0], engines[1], compare.lines(*engines))
    ]
    return found[:_MOST], len(found)


def _ids(sources: Mapping[str, str]) -> set[str]:
    return {name for text in sources.values() for name in _ID.findall(text)}
