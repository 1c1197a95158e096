"""An agent, a person and contained runs in one workspace, without a daemon: everything that undo has to mix."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from containment.acts import Acts
from containment.overlay import Ran, run
from containment.trees import Tree, snapshot
from interlock.containment import layers
from interlock.containment.change import ChangeSet
from interlock.containment.commit import commit
from interlock.containment.undo import Deed, Ref


class Mixed(Acts):
    """`Acts` with contained runs whose commits can be undone."""

    def __init__(self, base: Path, *, git: bool = False) -> None:
        super().__init__(base)
        self._runs = self.kept_in / "contained"
        self._runs.mkdir(parents=True)
        self.restorers[layers.KIND] = layers.Layers([self._runs])
        self._count = 0
        self.held: tuple[Ran, ChangeSet] | None = None
        (self.top / "d" / "e").mkdir(parents=True)
        for name in ("a", "d/b", "d/e/a"):
            (self.top / name).write_text(name)
            os.utime(self.top / name, ns=(7, 1_000_000_000_123_456_789))
        self._git = git
        if git:
            self.shell(
                "git init -q -b main . && git config user.name d && git config user.email d@example.org"
                " && git add -A && git commit -qm one && echo 2 > a && git commit -qam two"
                " && echo 3 > a && git stash -q && git branch side"
            )

    def contained(self, commands: list[Any], chosen: Callable[[str], bool] | None = None) -> Deed:
        """One contained run; `chosen` says which of its changes are committed, the others are held."""
        self._count += 1
        ran = run(self.top, self._runs / f"r{self._count}-00000000", commands, look=False)
        changes = ran.listed()
        paths = None if chosen is None else [change.path for change in changes if chosen(change.path)]
        return self._commit(ran, changes, paths)

    def let_through(self) -> Deed | None:
        """What was held of the last run; None where the workspace has changed under it meanwhile."""
        assert self.held is not None
        (ran, rest), self.held = self.held, None
        return self._commit(ran, rest, None)

    def _commit(self, ran: Ran, changes: ChangeSet, paths: list[str] | None) -> Deed:
        number = len(list(ran.folder.glob("commit*")))
        done = commit(ran.folder / f"commit{number}", str(self.top), str(ran.upper), changes, paths)
        rest = changes.without(done.paths)
        self.held = (ran, rest) if len(rest) and paths is not None else None
        self._deeds += 1
        points = (Ref(layers.KIND, f"{ran.folder.name}.commit{number}"),) if done.folder is not None else ()
        return Deed(self._deeds, points, str(self.top))

    def state(self) -> Tree:
        """Everything that undo promises."""
        found = snapshot(self.top)
        if not self._git:
            return found
        return {path: row for path, row in found.items() if not path.startswith(".git/objects")}


def differences(found: Tree, wanted: Tree) -> Tree:
    """Paths that differ, with what is there and what should be."""
    paths = found.keys() | wanted.keys()
    return {path: (found.get(path), wanted.get(path)) for path in paths if found.get(path) != wanted.get(path)}
