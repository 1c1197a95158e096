"""What can contain a command on this machine, tried for real: the tier, and the cgroups that runs are born in."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import msgspec
import structlog

from interlock.containment import cgroups, tiers
from interlock.containment.cgroups import Group, Groups
from interlock.containment.tiers import Tier
from interlock.home import Home
from interlock.model.errors import StateError

log = structlog.get_logger()

_LAUNCHER = Path(sys.executable).parent / "interlock-run"


def found(home: Home, group: str) -> Tier:
    """The strongest tier that works, and whether groups can be made in a directory of this name: some 100 ms."""
    launcher = _LAUNCHER if _LAUNCHER.is_file() else None
    tier = tiers.survey(tiers.candidates(home.state, os.environ), launcher, tiers.found("bwrap"))
    if not tier.launched:
        return msgspec.structs.replace(tier, no_group="only interlock-run makes them")
    groups, why = cgroups.find(group)
    if groups is None:
        return msgspec.structs.replace(tier, no_group=why)
    return msgspec.structs.replace(tier, group=str(groups.path), controllers=tuple(sorted(groups.controllers)))


def ready(home: Home) -> tuple[Tier, RunGroups]:
    """The same for a daemon, whose launchers are told where their groups go. Raises StateError."""
    # One directory each, also for installations that share a user.
    tier = found(home, f"interlock-{hashlib.sha256(os.fsencode(home.run)).hexdigest()[:12]}")
    log.info("containment", tier=tier.name.value, place=tier.place, why=tier.why, group=tier.group)
    return tier, RunGroups(home, tier)


class RunGroups:
    """The groups of contained runs. The launcher is told by a file where to make its own; the daemon finds it there."""

    def __init__(self, home: Home, tier: Tier) -> None:
        """Raises StateError where the file cannot be written."""
        self._file = home.run / "group"
        self.all = Groups(Path(tier.group), frozenset(tier.controllers)) if tier.group else None
        try:
            if self.all is None:
                self._file.unlink(missing_ok=True)
            else:
                new = self._file.with_name("group.new")
                new.write_text(f"{tier.group}\n")
                new.rename(self._file)
        except OSError as error:
            raise StateError(f"cannot write {self._file}: {error.strerror}. Check its owner and the disk.") from error

    def of(self, launcher: int) -> Group | None:
        """The group of the run that this launcher (a process id) holds; None where it has none."""
        group = self.all.open(f"run-{launcher}") if self.all else None
        return group if group is not None and group.members() else None

    def sweep(self) -> None:
        """Give back what launchers left that were killed."""
        if self.all is not None:
            self.all.sweep()

    def leave(self) -> None:
        """At the daemon's end. Runs go on in their groups, and so does the directory while there are some."""
        if self.all is not None:
            self.all.leave()
