"""The policy and configuration in force, per workspace, reloaded when their files change.

A set that is refused never replaces one that works: the old one stays in force and the refusal is reported. Where
there is no old one (a project's first policy is broken), the refusal is raised and that project's agents are stopped.
Refused is what does not load, what fails its own examples, and what nobody has proved (`interlock.policy.receipt`).
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from interlock.broker.config import Config
from interlock.daemon import config as configuration
from interlock.daemon.families import family_files
from interlock.daemon.files import read_regular
from interlock.halt.standing import STANDING
from interlock.halt.standing import entries as standing
from interlock.model.errors import CatalogueError, OperatorError, PolicyError
from interlock.policy import defaults, properties, receipt
from interlock.policy.engine import Engine
from interlock.policy.rules import Layer, digest_of

_WORKSPACES = 64  # loaded at once
_FILE_LIMIT = 1 << 20
_FILES = 200  # policy files in one directory
_SUFFIX = ".cedar"

Stamp = tuple[tuple[str, int, int, int, int], ...]


class _Loaded(msgspec.Struct):
    engine: Engine | None
    config: Config | None
    stamp: Stamp
    problem: OperatorError | None
    due: float = math.inf  # when its freezes by calendar are to be said anew


class RuleBook:
    """All rules of one daemon. `report` is told of each set that comes into force or is refused."""

    def __init__(
        self,
        user: Path,
        *,
        organisation: Path | None = configuration.ORGANISATION,
        report: Callable[[str, dict[str, Any]], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._user = user
        self._organisation = organisation
        self._report = report
        self._now = now
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()

    def engine(self, workspace: str) -> Engine:
        """The policy for a workspace ("" for none). Raises OperatorError when there is none that may be used."""
        loaded = self._get(workspace)
        if loaded.engine is None:
            raise loaded.problem or PolicyError("no policy is loaded.")
        return loaded.engine

    def digest(self, workspace: str) -> str:
        """That of the policy for a workspace; "" where its rules are refused."""
        try:
            return self.engine(workspace).digest
        except OperatorError:
            return ""

    def config(self, workspace: str) -> Config:
        """The configuration for a workspace. Raises OperatorError when there is none that may be used."""
        loaded = self._get(workspace)
        if loaded.config is None:
            raise loaded.problem or PolicyError("no configuration is loaded.")
        if self._now() >= loaded.due:
            self._say_freezes(workspace, loaded)
        return loaded.config

    def problems(self) -> dict[str, str]:
        """Workspaces (\"\" is the base) whose newest files are refused, with the reason."""
        return {workspace: str(loaded.problem) for workspace, loaded in self._loaded.items() if loaded.problem}

    def refresh(self) -> None:
        """Look at the files of every loaded workspace and load what changed."""
        for workspace, loaded in tuple(self._loaded.items()):
            stamp = self._stamp(workspace)
            if stamp != loaded.stamp:
                self._load(workspace, stamp, loaded)

    def _get(self, workspace: str) -> _Loaded:
        loaded = self._loaded.get(workspace)
        if loaded is None:
            loaded = self._load(workspace, self._stamp(workspace), None)
            while len(self._loaded) > _WORKSPACES:
                self._loaded.popitem(last=False)
        else:
            self._loaded.move_to_end(workspace)
        return loaded

    def _load(self, workspace: str, stamp: Stamp, old: _Loaded | None) -> _Loaded:
        problem: OperatorError | None = None
        engine, config = (old.engine, old.config) if old else (None, None)
        try:
            new_config = configuration.load(
                user=self._user, project=Path(workspace) if workspace else None, organisation=self._organisation
            )
            sources = layers(self._layer_folders(workspace))
            new_engine = self._engine_of(sources)
            # INVARIANT: no set comes into force without its examples (`Engine.load`) and its proofs.
            proofs = proved(sources, new_engine)
            engine, config = new_engine, new_config
            facts = {"workspace": workspace, "policy": engine.digest, "mode": config.mode.value, "proofs": proofs}
            self._report("policy.loaded", facts)
        except OperatorError as error:
            problem = error
            self._report("policy.refused", {"workspace": workspace, "problem": str(error)[:2_000]})
        loaded = _Loaded(engine, config, stamp, problem, old.due if old else math.inf)
        self._loaded[workspace] = loaded
        if problem is None:
            self._say_freezes(workspace, loaded)
        return loaded

    def _say_freezes(self, workspace: str, loaded: _Loaded) -> None:
        """What freezes here by its files, right behind the entry that says that they came into force."""
        bodies, loaded.due = standing(workspace, loaded.config.freezes if loaded.config else (), self._now())
        for body in bodies:
            self._report(STANDING, body)

    def _engine_of(self, sources: list[Layer]) -> Engine:
        """Workspaces without rules of their own use one engine, and so one memory."""
        digest = digest_of(sources)
        for loaded in self._loaded.values():
            if loaded.engine is not None and loaded.engine.digest == digest:
                return loaded.engine
        return Engine.load(sources)

    def _layer_folders(self, workspace: str) -> list[tuple[str, Path]]:
        folders = []
        if self._organisation is not None:
            folders.append(("organisation", self._organisation / "policy"))
        if workspace:
            folders.append(("project", Path(workspace) / ".interlock" / "policy"))
        folders.append(("user", self._user / "policy"))
        return folders

    def _stamp(self, workspace: str) -> Stamp:
        """What the files look like from outside; a folder that cannot be listed has a look of its own."""
        files = [folder / "interlock.toml" for folder in (self._organisation, self._user) if folder is not None]
        if workspace:
            files.append(Path(workspace) / "interlock.toml")
        found = []
        for _, folder in self._layer_folders(workspace):
            try:
                files += policy_files(folder)
            except PolicyError:
                found.append((str(folder), -1, -1, -1, -1))
            files += [folder / properties.FILE, folder / receipt.FILE]
        for place in filter(None, (self._organisation, self._user)):
            try:
                files += family_files(place)
            except CatalogueError:
                found.append((str(place), -2, -1, -1, -1))
        known = self._loaded.get(workspace)
        if known is not None and known.config is not None:
            files += [Path(freeze.calendar) for freeze in known.config.freezes if freeze.calendar]
        for file in files:
            try:
                facts = file.stat()
            except OSError:
                continue
            # The time of change too: a file can be written anew and given its old size and time of writing.
            found.append((str(file), facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino))
        return tuple(found)


def layers(folders: list[tuple[str, Path]]) -> list[Layer]:
    """The packaged defaults, then each folder that holds policies. Raises PolicyError when a file cannot be read."""
    result = [defaults.layer()]
    for name, folder in folders:
        found = layer(name, folder)
        if found.sources or found.properties:
            result.append(found)
    return result


def layer(name: str, folder: Path) -> Layer:
    """What one folder holds. Raises PolicyError when a file cannot be read."""
    sources = {file.name: policy_text(file) for file in policy_files(folder)}
    return Layer(name, sources, _beside(folder / properties.FILE), _beside(folder / receipt.FILE), str(folder))


def proved(sources: list[Layer], engine: Engine) -> list[dict[str, Any]]:
    """The receipt of each layer, as an entry holds it. Raises Unproved where one is missing."""
    rules = tuple(engine.rules.values())
    found = [(layer.name, receipt.found(sources, rules, layer)) for layer in sources]
    return [
        {"layer": name, "policy": r.policy, "properties": r.properties, "proved": len(r.proved), "by": r.by}
        for name, r in found
    ]


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, sorted. Raises PolicyError when there are absurdly many."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PolicyError(f"cannot read {folder}: {error.strerror}. Give it back to yourself (chmod u+rx).") from error
    if len(names) > _FILES:
        raise PolicyError(f"{folder} holds {len(names)} policy files; at most {_FILES} are read. Merge some.")
    return [folder / name for name in names]


def _beside(file: Path) -> str:
    """The text of a file that need not be there."""
    return policy_text(file) if os.path.lexists(file) else ""


def policy_text(file: Path) -> str:
    """The text of a file, each byte as it stands there: digests are over it. Raises PolicyError."""
    try:
        raw = read_regular(file, _FILE_LIMIT)
        if len(raw) > _FILE_LIMIT:
            raise PolicyError(f"{file} is larger than 1 MiB. Split it.")
        return raw.decode()
    except OSError as error:
        raise PolicyError(f"cannot read {file}: {error.strerror}. Mend it, or take it out of the folder.") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{file} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
