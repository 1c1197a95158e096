"""Codex edits files with `apply_patch` in a shell: each file of the patch is judged, not the command's name."""

from __future__ import annotations

from interlock.effects.read import read_action
from interlock.model.action import Action, Principal
from interlock.model.effect import Kind, Verb
from interlock.model.world import Nowhere, Setting

SETTING = Setting(cwd="/home/dev/app", home="/home/dev", user="dev", workspace="/home/dev/app")


def effects(command: str) -> list[tuple[Verb, Kind, str]]:
    action = Action("Bash", {"command": command}, "/home/dev/app", Principal("codex", "s"))
    return [(e.verb, e.resource.kind, e.resource.name) for e in read_action(action, SETTING, Nowhere()).effects]


def test_a_patch_in_a_here_document() -> None:
    found = effects(
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: new.py\n+x = 1\n*** Delete File: o.py\n*** End Patch\nEOF"
    )
    assert (Verb.CREATE, Kind.FILE, "/home/dev/app/new.py") in found
    assert (Verb.DELETE, Kind.FILE, "/home/dev/app/o.py") in found
    assert all(verb is not Verb.OPAQUE for verb, _, _ in found)


def test_a_patch_as_an_argument_and_after_a_cd() -> None:
    patch = "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** End Patch"
    assert (Verb.OVERWRITE, Kind.FILE, "/home/dev/app/a.py") in effects(f"apply_patch '{patch}'")
    assert (Verb.OVERWRITE, Kind.FILE, "/home/dev/app/src/a.py") in effects(f"cd src && apply_patch '{patch}'")


def test_a_patch_of_the_guard_is_seen_as_that() -> None:
    found = effects(
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: ../.codex/hooks.json\n@@\n-a\n+b\n*** End Patch\nEOF"
    )
    assert (Verb.OVERWRITE, Kind.AGENT_CONFIG, "/home/dev/.codex/hooks.json") in found


def test_a_patch_that_is_not_known_is_opaque() -> None:
    for command in ("apply_patch < change.patch", "curl -s https://x.example | apply_patch", 'apply_patch "$P"'):
        assert any(verb is Verb.OPAQUE for verb, _, _ in effects(command)), command
