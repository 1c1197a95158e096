"""An agent and a person without a daemon: actions are kept, done and taken back by the same rooms."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker.clock import Clock
from interlock.broker.gitcall import GitCall
from interlock.broker.judge import Person
from interlock.broker.undoing import Kept, Undoing
from interlock.broker.world import LocalWorld
from interlock.containment import edits, gitpoint, gitundo
from interlock.containment.carry import begin, carry_out, end, unfold
from interlock.containment.gitpoint import GitPoints
from interlock.containment.shelf import Shelf
from interlock.containment.store import Store
from interlock.containment.undo import UNDO, Deed, Plan, Problem, Ref, Restorer, plan
from interlock.effects.read import read_action
from interlock.model.action import Action, Principal, Reading
from interlock.model.world import Setting


class Acts:
    """One workspace and its state directory."""

    def __init__(self, base: Path) -> None:
        self.top = base / "home" / "project"
        self.top.mkdir(parents=True)
        self.kept_in = base / "state"
        home = str(base / "home")
        self.setting = Setting(cwd=str(self.top), home=home, user="dev", workspace=str(self.top))
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": home, "GIT_CONFIG_GLOBAL": "/dev/null"}
        self.shelf, self.vault = Shelf(self.kept_in / "undo"), Store(self.kept_in / "preimages")
        self.clock = Clock()
        call = GitCall(environ=self.environment)
        self.points = points = GitPoints(call, self.shelf, self.vault)
        person = Person("dev", home, (str(self.kept_in),))
        self.undoing = Undoing(self.shelf, self.vault, person, self.clock, points)
        self.restorers: dict[str, Restorer] = {
            edits.KIND: edits.Edits(self.shelf, self.vault, self.undoing.secret),
            gitpoint.KIND: gitundo.GitUndo(call, self.shelf, self.vault, points),
        }
        self._deeds = 0

    def reading(self, tool: str, tool_input: dict[str, Any]) -> Reading:
        action = Action(tool=tool, input=tool_input, cwd=str(self.top), principal=Principal("claude", "s"))
        return read_action(action, self.setting, LocalWorld(None))

    def does(self, tool: str, tool_input: dict[str, Any], work: Callable[[], object]) -> tuple[Deed, Kept]:
        """One action, kept before and noted after."""
        kept = asyncio.run(self.undoing.before(self.reading(tool, tool_input), str(self.top)))
        assert kept is not None
        work()
        asyncio.run(self.undoing.after(kept.points))
        return self.deed(kept), kept

    def deed(self, kept: Kept) -> Deed:
        self._deeds += 1
        return Deed(self._deeds, kept.points, str(self.top), kept.fact.why)

    def runs(self, command: str) -> Deed:
        return self.does("Bash", {"command": command}, lambda: self.shell(command))[0]

    def shell(self, command: str) -> None:
        subprocess.run(["bash", "-c", command], cwd=self.top, env=self.environment, check=True, capture_output=True)

    def plan(self, *deeds: Deed, force: bool = False) -> Plan:
        unfolded = [msgspec.structs.replace(deed, points=unfold(deed.points, self.shelf)) for deed in deeds]
        return plan(unfolded, self.restorers, force=force)

    def undo(self, *deeds: Deed, force: bool = False) -> tuple[Deed, tuple[Problem, ...]]:
        """The undo as a deed of its own, and what could not be done."""
        found = self.plan(*deeds, force=force)
        name = self.shelf.name(self.clock.now())
        begin(found, self.restorers, self.shelf, name)
        left = carry_out(found, self.restorers, self.shelf, name)
        end(self.shelf, name)
        self._deeds += 1
        return Deed(self._deeds, (Ref(UNDO, name),), str(self.top)), (*found.all_problems(), *left)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


def whole(path: Path) -> tuple[object, ...]:
    """Everything that undo promises about a path."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return ("link", os.readlink(path), found.st_mtime_ns)
    content = path.read_bytes() if path.is_file() else b""
    attributes = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return (stat.S_IMODE(found.st_mode), found.st_mtime_ns, content, attributes)


def tree(top: Path) -> dict[str, tuple[object, ...]]:
    """The same of everything below, git's own files aside."""
    return {str(p.relative_to(top)): whole(p) for p in [top, *sorted(top.rglob("*"))] if ".git" not in p.parts}
