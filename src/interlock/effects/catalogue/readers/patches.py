"""`apply_patch` as a command: Codex edits files with it, from a here-document or as its one argument."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.effects.patch import read_patch


def apply_patch(draft: Draft) -> None:
    """The patch says file by file what it does; one that is not known could do anything to any file."""
    words = draft.values("patch")
    text = words[0].text if words else draft.inv.stdin.text
    if text is None:
        draft.opaque("the patch is not known before it runs")
        return
    draft.effects.extend(read_patch(text, draft.setting, draft.world, cwd=draft.inv.cwd, via=draft.command))
