"""The facts a reader may ask for. Readers are pure: whatever they know of the machine comes in through a `World`.

`interlock.broker.world` answers from the real machine, bounded and read-only; `interlock.model.world.Nowhere` and the
`FakeWorld` of the tests answer from data.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class EnvironmentRule(msgspec.Struct, frozen=True):
    """One line of the user's map: names of `what` that match the glob `pattern` are in `environment`."""

    what: str  # host, database, branch, context, account, directory, workspace (terraform)
    pattern: str
    environment: str


class Setting(msgspec.Struct, frozen=True):
    """The fixed facts around an action."""

    cwd: str
    home: str
    user: str
    workspace: str  # root of the project: what the agent is meant to change
    environments: tuple[EnvironmentRule, ...] = ()
    known_hosts: tuple[str, ...] = ()  # globs of hosts the user trusts agents to talk to
    protected_branches: tuple[str, ...] = ("main", "master", "production", "release/*")
    interlock_paths: tuple[str, ...] = ()  # Interlock's own state, configuration and run directories
    interlock_processes: tuple[int, ...] = ()  # process ids of Interlock's own daemon
    families: tuple[tuple[str, str], ...] = ()  # (name, TOML) of catalogue families beside the packaged ones
    variables: tuple[tuple[str, str], ...] = ()  # environment variables whose values are known and harmless to know


class World(Protocol):
    """Read-only questions about files. Each answer is bounded; `None` means "not there or not to be known"."""

    def kind(self, path: str) -> str | None:
        """`file`, `directory`, `symlink`, `other`, or None when nothing is there."""

    def resolve(self, path: str) -> str:
        """The path with symlinks followed as far as they exist (absolute, normalised)."""

    def text(self, path: str, limit: int = 262_144) -> str | None:
        """The file's text when it is a regular UTF-8 file of at most `limit` bytes."""

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        """Entry names of a directory, sorted; None when absent or above `limit`."""

    def branch(self, directory: str) -> str | None:
        """The branch checked out in the repository around `directory`."""

    def trail(self, path: str) -> tuple[str, ...]:
        """What earlier actions let flow into the file (labels of `interlock.model.labels.TAINTS`)."""


class Nowhere:
    """A world in which nothing exists: for text that is read without a machine."""

    def kind(self, path: str) -> str | None:
        return None

    def resolve(self, path: str) -> str:
        return path

    def text(self, path: str, limit: int = 262_144) -> str | None:
        return None

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        return None

    def branch(self, directory: str) -> str | None:
        return None

    def trail(self, path: str) -> tuple[str, ...]:
        return ()
