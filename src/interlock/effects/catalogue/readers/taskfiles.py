"""Taskfiles: the commands of a task, of what it depends on and of the variables that commands make."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Any

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.packages.common import base_of, unread_script
from interlock.effects.catalogue.readers.packages.tables import python_script
from interlock.effects.catalogue.readers.plain_yaml import Beyond, load

_NAMES = ("Taskfile.yml", "taskfile.yml", "Taskfile.yaml", "taskfile.yaml", "Taskfile.dist.yml", "Taskfile.dist.yaml")
_TEMPLATE = re.compile(r"\{\{-?\s*(?:\.(\w+)\s*)?(?:[^{}]*?)-?\}\}")
_PLAIN = re.compile(r"\{\{-?\s*\.(\w+)\s*-?\}\}")
_MOST_TASKS = 48
_MOST_TEXT = 32_768


def taskfile(draft: Draft) -> None:
    """task: the tasks named on the line, with their variables."""
    words = draft.values("target")
    raw = [word.text for word in draft.inv.words]
    after = raw[raw.index("--") + 1 :] if "--" in raw else []
    split = len(words) - len(after)
    names = [word.text for word in words[:split]]
    if draft.has("quiet"):
        return
    if any(name is None for name in names):
        draft.opaque("which task runs is not known")
        return
    given = dict(name.split("=", 1) for name in names if name and "=" in name)
    given["CLI_ARGS"] = " ".join("$INTERLOCK_TASK" if text is None else shlex.quote(text) for text in after)
    wanted = [name for name in names if name and "=" not in name] or ["default"]
    found = _file(draft)
    for name in wanted:
        if found is None or not Tasks(draft, found[1], found[0], given).run(name):
            if not python_script(draft, name, words[1:split]):
                unread_script(draft, name, "the task", base_of(draft))
        else:
            draft.project(f"task {name}")


def _file(draft: Draft) -> tuple[str, dict[str, Any]] | None:
    folder = base_of(draft)
    given = draft.text("taskfile")
    for _ in range(16):
        if folder is None:
            return None
        for name in (given,) if given else _NAMES:
            path = posixpath.normpath(posixpath.join(folder, name))
            text = draft.content(path)
            if text is not None:
                try:
                    data = load(text)
                except Beyond:
                    return None
                return (path, data) if isinstance(data, dict) else None
        if folder in ("/", draft.setting.workspace) or given:
            return None
        folder = posixpath.dirname(folder)
    return None


Scope = dict[str, str | None]  # None where nobody knows the value


class Tasks:
    """One Taskfile, and the calls of tasks that were begun."""

    def __init__(self, draft: Draft, data: dict[str, Any], path: str, given: dict[str, str]) -> None:
        self.draft = draft
        self.path = path
        self.tasks = _dict(data.get("tasks"))
        self.begun: set[str] = set()
        self.given = given
        self.scope: Scope = {}
        self.scope = self._with(self._with({}, data.get("vars")), data.get("env"))

    def run(self, name: str, called: Scope | None = None) -> bool:
        """Read one call of a task and what it calls; False when this file has no such task."""
        if name not in self.tasks:
            alias = [key for key, task in self.tasks.items() if name in _list(_dict(task).get("aliases"))]
            if not alias:
                return False
            name = alias[0]
        call = f"{name} {sorted((called or {}).items(), key=str)}"
        if call in self.begun:
            return True
        if len(self.begun) > _MOST_TASKS:
            self.draft.opaque("the Taskfile calls too many tasks", self.path)
            return True
        self.begun.add(call)
        task = self.tasks[name]
        said = _dict(task)
        scope = self._with(self._with(self.scope | (called or {}), said.get("vars"), called), said.get("env"))
        for part in _list(said.get("deps")):
            self._called(part, scope)
        for part in (*_list(said.get("status")), *_list(said.get("preconditions"))):
            self._shell(_dict(part).get("sh", part), said, scope)
        for part in _list(task if isinstance(task, str | list) else said.get("cmds", said.get("cmd"))):
            self._command(part, said, scope)
        return True

    def _with(self, scope: Scope, table: Any, called: Scope | None = None) -> Scope:
        """The variables of a table on top of others; one that the call says otherwise is not known."""
        out = dict(scope)
        for name, value in _dict(table).items():
            if isinstance(value, dict) and isinstance(value.get("sh"), str):
                self._shell(value["sh"], {}, scope)
            plain = isinstance(value, str) and (called is None or called.get(name, value) == value)
            out[name] = self._filled(value, scope) if plain else None
        return out

    def _command(self, part: Any, said: dict[str, Any], scope: Scope) -> None:
        inner = _dict(part).get("defer", part)
        if "task" in _dict(inner):
            self._called(inner, scope)
        else:
            self._shell(_dict(inner).get("cmd", inner), said, scope)

    def _called(self, part: Any, scope: Scope) -> None:
        name = _dict(part).get("task", part)
        if not isinstance(name, str) or "{{" in name:
            self.draft.opaque("which task is called is not known", self.path)
        elif not self.run(name.removeprefix(":"), self._own(_dict(part).get("vars"), scope)):
            unread_script(self.draft, name, "the task")

    def _own(self, table: Any, scope: Scope) -> Scope:
        """What one call sets."""
        filled = self._with(scope, table)
        return {name: filled[name] for name in _dict(table)}

    def _shell(self, text: Any, said: dict[str, Any], scope: Scope) -> None:
        if not isinstance(text, str):
            self.draft.opaque("a command of the Taskfile could not be read", self.path)
            return
        folder = said.get("dir")
        folder = self._filled(folder, scope) if isinstance(folder, str) else ""
        first = ""
        if "$" in folder:  # nobody knows where: the shell reader is told so
            first, folder = f'cd "{folder}"\n', ""
        base = posixpath.join(posixpath.dirname(self.path), folder)
        self.draft.shell(first + self._filled(text, scope), cwd=base, origin=self.path)

    def _filled(self, text: str, scope: Scope) -> str:
        """Templates replaced by what is known of them; the rest becomes a variable that nobody set."""

        def one(match: re.Match[str]) -> str:
            name = _PLAIN.fullmatch(match[0])
            value = self.given.get(name[1], scope.get(name[1])) if name else None
            return "${INTERLOCK_TASK}" if value is None else value

        filled = _TEMPLATE.sub(one, text)
        return filled if len(filled) <= _MOST_TEXT else "${INTERLOCK_TASK}"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
