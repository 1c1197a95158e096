"""The patch language of `apply_patch`: which files a patch adds, changes, moves and deletes."""

from __future__ import annotations

from interlock.effects.places import file_environment, file_resource
from interlock.model.effect import Effect, Reversibility, Verb, opaque
from interlock.model.world import Setting, World

MAX_PATCH = 4_194_304  # characters; a larger one is not reviewed by anybody either
MAX_FILES = 1_000
_MARKS = (
    ("*** Add File:", Verb.CREATE),
    ("*** Update File:", Verb.OVERWRITE),
    ("*** Delete File:", Verb.DELETE),
    ("*** Move to:", Verb.CREATE),
)


def read_patch(
    text: str, setting: Setting, world: World, *, cwd: str | None, via: str = "apply_patch"
) -> tuple[Effect, ...]:
    """The effects of applying `text`, file by file. A text that is no patch, or names no file, is opaque.

    A mark counts wherever a line holds it after its indentation: rather a file too many than one too few.
    """
    if len(text) > MAX_PATCH:
        return (opaque("apply_patch", "the patch is too large to be read", via=via),)
    if "*** Begin Patch" not in text:
        return (opaque("apply_patch", "the text is not a patch of the form that apply_patch takes", via=via),)
    effects: list[Effect] = []
    source = ""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped.startswith("*** "):
            continue
        for mark, verb in _MARKS:
            if not stripped.startswith(mark):
                continue
            path = stripped.removeprefix(mark).strip()
            if mark == "*** Move to:" and source:
                effects.append(_file(source, Verb.DELETE, setting, world, cwd, via, f"moved to {path}"))
            effects.append(_file(path, verb, setting, world, cwd, via, ""))
            source = path if verb is Verb.OVERWRITE else ""
        if len(effects) > MAX_FILES:
            return (*effects, opaque("apply_patch", f"the patch touches more than {MAX_FILES} files", via=via))
    return tuple(effects) or (opaque("apply_patch", "the patch names no file", via=via),)


def _file(path: str, verb: Verb, setting: Setting, world: World, cwd: str | None, via: str, note: str) -> Effect:
    resource = file_resource(path, setting, world, cwd=cwd, directory=False, follow=verb is not Verb.DELETE)
    if verb is Verb.CREATE and world.kind(resource.name) is not None:
        verb = Verb.OVERWRITE
    if verb is Verb.DELETE and not note:  # nobody keeps what a patch deletes; what it moves is still there
        reversibility = Reversibility.IRREVERSIBLE
    else:
        reversibility = Reversibility.REVERSIBLE if verb is Verb.CREATE else Reversibility.RECOVERABLE
    return Effect(
        verb=verb,
        resource=resource,
        environment=file_environment(resource, setting),
        reversibility=reversibility,
        via=via,
        notes=(note,) if note else (),
    )
