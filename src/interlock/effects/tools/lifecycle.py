"""Shell text that is written to be run: install scripts of a package.json, shell lines of a notebook's cell.

Nobody looks at a manifest again before `npm install`, and it may be another person's. What such a script would do off
this machine, or with code that nobody could read, is said of the edit already; what runs when it is called is not.
"""

from __future__ import annotations

import json
import posixpath
import re

import msgspec

from interlock.effects.tools.shell import shell_text
from interlock.model import labels
from interlock.model.effect import Effect, Verb
from interlock.model.world import Setting, World

_SCRIPT = re.compile(
    r'"(?:pre|post)?(?:install|prepare)"\s*:\s*"((?:[^"\\\n]|\\.){1,4096})"|"(?:prepublish|dependencies)"\s*:\s*"((?:[^"\\\n]|\\.){1,4096})"'
)
_SHELL_CELL = re.compile(r"%%(?:bash|sh|script)\b")
_SHELL_LINE = re.compile(r"(?m)^[ \t]*(?:!|%(?:sx|system)[ \t])!?[ \t]*(\S[^\n]*)$")
_LONGEST = 65_536
_MOST = 8  # more scripts than these five names can give are none
_HARMLESS = frozenset({Verb.READ, Verb.FETCH, Verb.INSTALL, Verb.WRITE, Verb.CREATE})


def armed(path: str, new: str, old: str, setting: Setting, world: World) -> tuple[Effect, ...]:
    """What the install scripts that `new` brings, and `old` had not, would do; nothing, in a file of another name."""
    if posixpath.basename(path) != "package.json":
        return ()
    before = set(_texts(old))
    found: list[Effect] = []
    for text in [text for text in _texts(new) if text not in before][:_MOST]:
        found.extend(_later(text, "at the next install", path, setting, world))
    return tuple(found)


def cell(path: str, source: str, setting: Setting, world: World) -> tuple[Effect, ...]:
    """What the shell lines of a notebook's cell (`!curl ...`, `%%bash`) would do when it is run."""
    if len(source) > _LONGEST:
        return ()
    head, _, body = source.lstrip().partition("\n")
    if _SHELL_CELL.match(head):
        return _later(body, "when the cell is run", path, setting, world)
    lines = "\n".join(match.group(1) for match in _SHELL_LINE.finditer(source))
    return _later(lines, "when the cell is run", path, setting, world) if lines else ()


def _later(text: str, when: str, path: str, setting: Setting, world: World) -> tuple[Effect, ...]:
    said = shell_text(text, setting, world, cwd=posixpath.dirname(path))
    return tuple(
        msgspec.structs.replace(effect, notes=(*effect.notes, when), span=None)
        for effect in said.effects
        if _grave(effect)
    )


def _texts(text: str) -> list[str]:
    out: list[str] = []
    for match in _SCRIPT.finditer(text):
        try:
            out.append(json.loads(f'"{match.group(1) or match.group(2)}"'))
        except ValueError:
            continue
    return out


def _grave(effect: Effect) -> bool:
    """A tool that nobody knows is the project's own affair here; what leaves, destroys or cannot be read is not."""
    marks = set(effect.resource.labels)
    if effect.verb is Verb.OPAQUE:
        return labels.UNKNOWN_COMMAND not in marks
    if effect.verb is Verb.EXECUTE:
        return bool(marks & {labels.DOWNLOADED, labels.UNREAD})
    if effect.verb in _HARMLESS:
        return bool(marks & {labels.SECRET, labels.HOME, labels.SYSTEM, labels.EXECUTES_LATER})
    return True
