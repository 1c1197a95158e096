"""Python: pip and kin, and what runs a program in an environment."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.packages.common import (
    base_of,
    install,
    known_tool,
    look_up,
    mentioned,
    unread_script,
)
from interlock.effects.catalogue.readers.packages.tables import python_script
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

_INSTALLING = frozenset({"install", "add", "download", "wheel", "inject", "sync", "create", "update", "upgrade"})


def pip(draft: Draft) -> None:
    """pip install and kin: named packages, requirement files, the project itself."""
    action = draft.said.path[-1] if draft.said.path else ""
    if action not in _INSTALLING or (draft.has("dry-run") and not draft.values("package")):
        return
    for option in ("index-url", "extra-index-url", "find-links"):
        for value in draft.values(option):
            if option != "find-links" or "://" in (value.text or "://"):
                draft.host(Verb.FETCH, value.text or value.source)
    for value in draft.values("trusted-host"):
        draft.opaque("certificates of this index are not checked", value.text or value.source)
    for value in draft.values("requirement"):
        draft.file(Verb.READ, value)
        _requirements(draft, value)
    packages = [*draft.values("package"), *draft.values("editable")]
    machine = draft.has("break-system-packages", "machine")
    install(draft, packages, "pypi", everything=not draft.values("requirement"), machine=machine)


def _requirements(draft: Draft, value: Word) -> None:
    if value.text is None or "://" in value.text:
        draft.add(Verb.INSTALL, Kind.PACKAGE, value.text or value.source)
        return
    path = draft.path(value)
    inside = path is not None and (path + "/").startswith(draft.setting.workspace + "/")
    marks = (L.PROJECT,) if inside else ()
    draft.add(Verb.INSTALL, Kind.PACKAGE, f"-r {value.text}", labels=marks, note="from a requirements file")


def poe(draft: Draft) -> None:
    """poe, taskipy: the tasks that pyproject.toml tells."""
    targets = draft.values("target")
    name = targets[0].text if targets else ""
    if name is None:
        draft.opaque("which task runs is not known", targets[0].source)
    elif name and not python_script(draft, name, list(targets[1:])):
        unread_script(draft, name, "the task", base_of(draft))


def runner(draft: Draft) -> None:
    """uv run, poetry run, bundle exec, pipx run: the program inside, fetched first if the project has it not."""
    words = list(draft.said.rest or ())
    if draft.command.startswith("pipx") and words and words[0].text == "run":
        words = words[1:]
    for value in (*draft.values("with"), *draft.values("spec")):
        install(draft, [value], "pypi")
    if not words:
        return
    name = words[0].text
    action = draft.said.path[-1] if draft.said.path else draft.command
    if name is not None and name.endswith(".py"):
        draft.argv([known("python"), *words])
    elif (
        action in ("uvx", "tool-run")
        or draft.command.split(" ")[0] in ("pipx", "uvx")
        or draft.said.path[:1] == ["tool"]
    ):
        bare = re.split(r"[@=<>\[]", name or "?")[0]
        if not known_tool(bare) and not mentioned(draft, bare):
            resembles = look_up(draft, "pypi", name or "").resembles
            note = f"this name is nearly that of {resembles}" if resembles else "fetched and run at once"
            marks = (L.LOOKALIKE,) if resembles else ()
            draft.add(Verb.INSTALL, Kind.PACKAGE, name or words[0].source, labels=marks, note=note)
            draft.project(f"{draft.command} {name}")
        else:
            draft.argv([known(bare), *words[1:]])
    elif name is not None and not draft.command.startswith("bundle") and python_script(draft, name, words[1:]):
        return
    elif name is not None and not known_tool(posixpath.basename(name)) and "/" not in name:
        draft.project(f"{draft.command} {name}", note="a program of the project's environment")
    else:
        draft.argv(words)
