"""The agent's own file tools: Read, Write, Edit and their kin."""

from __future__ import annotations

import re
from typing import Any

from interlock.effects.patch import read_patch
from interlock.effects.places import file_environment, file_resource, normal
from interlock.effects.tools.inputs import Malformed, optional, path_of, required
from interlock.effects.tools.lifecycle import armed, cell
from interlock.model import labels
from interlock.model.action import Action, Reading, Trail
from interlock.model.effect import MANY, ONE, Effect, Kind, Resource, Reversibility, Scale, Verb
from interlock.model.world import Setting, World

Effects = tuple[Effect, ...]
_WILD = re.compile(r"[*?\[{]")


def read(action: Action, setting: Setting, world: World) -> Effects:
    """Read, NotebookRead, view_image: one file's content."""
    path = required(action.input, "file_path", "path", "notebook_path")
    return (_effect(Verb.READ, path, action, setting, world),)


def listing(action: Action, setting: Setting, world: World) -> Effects:
    """LS, list_dir: the names in a directory."""
    path = optional(action.input, "path") or optional(action.input, "dir_path") or action.cwd
    return (_names(path, action, setting, world),)


def glob(action: Action, setting: Setting, world: World) -> Effects:
    """Glob: the names under a directory that match a pattern; no content."""
    pattern = required(action.input, "pattern")
    base = path_of(optional(action.input, "path")) or action.cwd
    start = _constant_part(path_of(pattern))
    where = start if start.startswith(("/", "~")) else f"{base}/{start}"
    return (_names(where, action, setting, world, scale=MANY),)


def _names(path: str, action: Action, setting: Setting, world: World, *, scale: Scale = ONE) -> Effect:
    """Names are read and no content: the names of keys are no secret."""
    found = file_resource(path_of(path), setting, world, cwd=action.cwd, directory=True)
    kind = Kind.DIRECTORY if found.kind is Kind.SECRET else found.kind
    resource = Resource(kind, found.name, tuple(label for label in found.labels if label != labels.SECRET))
    environment = file_environment(resource, setting)
    return Effect(Verb.READ, resource, environment, scale=scale, via=action.tool, notes=("names only",))


def grep(action: Action, setting: Setting, world: World) -> Effects:
    """Grep: lines of the files below a path, perhaps only of those that a glob names."""
    required(action.input, "pattern")
    where = optional(action.input, "path") or action.cwd
    below = file_resource(path_of(where), setting, world, cwd=action.cwd, recursive=True)
    environment = file_environment(below, setting)
    effects = [Effect(verb=Verb.READ, resource=below, environment=environment, scale=MANY, via=action.tool)]
    wanted = optional(action.input, "glob")
    if wanted and not wanted.startswith("!"):
        for part in _alternatives(wanted):
            name = f"{where}/{part.removeprefix('/')}"
            effects.append(_effect(Verb.READ, name, action, setting, world, scale=MANY, glob=True))
    return tuple(effects)


def write(action: Action, setting: Setting, world: World) -> Reading:
    """Write: a whole file, new or replaced. Whatever flowed into it before is gone."""
    path = required(action.input, "file_path", "path")
    content = action.input.get("content", action.input.get("contents", ""))
    if not isinstance(content, str):
        raise Malformed("`content` must be text")
    change = _changed(path, action, setting, world, creates=True)
    old = world.text(change.resource.name) or ""
    later = armed(change.resource.name, content, old, setting, world)
    return Reading((change, *later), trails=(Trail(change.resource.name),))


def edit(action: Action, setting: Setting, world: World) -> Effects:
    """Edit: a part of one file. An empty `old_string` makes a new file."""
    path = required(action.input, "file_path", "path")
    old, new = action.input.get("old_string"), action.input.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str):
        raise Malformed("`old_string` and `new_string` must be text")
    change = _changed(path, action, setting, world, creates=not old)
    return (change, *armed(change.resource.name, new, old, setting, world))


def multi_edit(action: Action, setting: Setting, world: World) -> Effects:
    """MultiEdit: several parts of one file."""
    path = required(action.input, "file_path", "path")
    edits = action.input.get("edits")
    if not isinstance(edits, list) or not edits or not all(isinstance(e, dict) for e in edits):
        raise Malformed("`edits` must be a list of edits")
    change = _changed(path, action, setting, world, creates=edits[0].get("old_string") == "")
    old, new = ("\n".join(str(edit.get(name, "")) for edit in edits) for name in ("old_string", "new_string"))
    return (change, *armed(change.resource.name, new, old, setting, world))


def notebook_edit(action: Action, setting: Setting, world: World) -> Effects:
    """NotebookEdit: one cell of a notebook."""
    path = required(action.input, "notebook_path", "file_path")
    change = _changed(path, action, setting, world, creates=False)
    source = action.input.get("new_source", "")
    return (change, *cell(change.resource.name, source, setting, world)) if isinstance(source, str) else (change,)


def apply_patch(action: Action, setting: Setting, world: World) -> Effects:
    """apply_patch: a patch over several files."""
    data: dict[str, Any] = action.input
    text = next((data[k] for k in ("input", "patch", "command") if k in data), None)
    if isinstance(text, list) and text and all(isinstance(part, str) for part in text):
        text = text[-1]  # ["apply_patch", "*** Begin Patch ..."]
    if not isinstance(text, str):
        raise Malformed("`input` must be the text of the patch")
    cwd = optional(data, "workdir") or action.cwd
    return read_patch(text, setting, world, cwd=cwd, via=action.tool)


def _changed(path: str, action: Action, setting: Setting, world: World, *, creates: bool) -> Effect:
    resource = file_resource(path_of(path), setting, world, cwd=action.cwd, directory=False)
    there = world.kind(resource.name) is not None
    verb = Verb.CREATE if creates and not there else Verb.OVERWRITE
    return Effect(
        verb=verb,
        resource=resource,
        environment=file_environment(resource, setting),
        # The agent reports the old content of a file it edits, so the old state is not lost with the edit.
        reversibility=Reversibility.REVERSIBLE if verb is Verb.CREATE else Reversibility.RECOVERABLE,
        via=action.tool,
    )


def _effect(
    verb: Verb,
    path: str,
    action: Action,
    setting: Setting,
    world: World,
    *,
    scale: Scale = ONE,
    glob: bool = False,
) -> Effect:
    resource = file_resource(path_of(path), setting, world, cwd=action.cwd, glob=glob)
    environment = file_environment(resource, setting)
    return Effect(verb=verb, resource=resource, environment=environment, scale=scale, via=action.tool)


def _constant_part(pattern: str) -> str:
    """The directories of a glob before its first wildcard."""
    kept: list[str] = []
    for part in pattern.split("/"):
        if _WILD.search(part):
            break
        kept.append(part)
    else:
        kept.pop()
    joined = "/".join(kept)
    return "/" if pattern.startswith("/") and not joined else (normal(joined) if joined else ".")


def _alternatives(pattern: str) -> list[str]:
    """`*.{ts,env}` opened once; more than 32 alternatives stay as they are."""
    head, brace, rest = pattern.partition("{")
    inner, closed, tail = rest.partition("}")
    if not brace or not closed or inner.count(",") > 32:
        return [pattern]
    return [f"{head}{one}{tail}" for one in inner.split(",")]
