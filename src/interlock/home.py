"""Where Interlock keeps its things: XDG directories, all moved by `INTERLOCK_HOME`.

The hook client computes the same socket path in C (`native/interlock_hook.c`); a test holds the two together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from interlock.model.errors import StateError

KEYS = "keys"  # below the state: private keys of this installation


class Home(msgspec.Struct, frozen=True):
    """The three directories of one installation; see `docs/data.md` for what each file in them means."""

    config: Path  # what people write: interlock.toml, policy/
    state: Path  # what Interlock must not lose: ledger/, keys/, install/
    run: Path  # what may vanish at reboot: daemon.sock, daemon.log

    @property
    def socket(self) -> Path:
        """The daemon's Unix socket."""
        return self.run / "daemon.sock"

    @property
    def directories(self) -> tuple[str, ...]:
        """The three, as text."""
        return (str(self.config), str(self.state), str(self.run))

    @property
    def own_paths(self) -> tuple[str, ...]:
        """Paths that no agent may change: state, configuration, and the installed program itself.

        The folder of keys is named beside the state that holds it: effects tell by it what is read with a folder.
        """
        scripts = Path(sys.executable).parent
        program = (Path(__file__).parent, scripts / "interlock", scripts / "interlock-hook")
        return tuple(str(path) for path in (self.config, self.state, self.state / KEYS, self.run, *program))

    @property
    def lived_in(self) -> bool:
        """Whether a daemon ever ran here: its ledger, or its socket, is there, whether it answers or not."""
        return (self.state / "ledger").exists() or self.socket.exists()

    def make(self) -> None:
        """Create the directories, private to the user. Raises StateError when somebody else owns one."""
        for directory in (self.config, self.state, self.run):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                owner = directory.stat().st_uid
                if owner == os.geteuid() and directory.stat().st_mode & 0o077:
                    directory.chmod(0o700)
            except OSError as error:
                raise StateError(
                    f"cannot create {directory}: {error.strerror}. Check the path and its owner."
                ) from error
            if owner != os.geteuid():
                raise StateError(
                    f"{directory} belongs to uid {owner}, not to you. Set INTERLOCK_HOME to a directory of yours."
                )


def locate(environ: Mapping[str, str] | None = None) -> Home:
    """The directories that this environment names (default: the process's own).

    Raises StateError for an INTERLOCK_HOME that is no absolute path: hooks, commands and the daemon run in different
    directories, so each would find another installation.
    """
    env = os.environ if environ is None else environ
    if moved := env.get("INTERLOCK_HOME"):
        if not moved.startswith("/"):
            raise StateError(f"INTERLOCK_HOME is {moved!r}. Set it to an absolute path, one that begins with a slash.")
        base = Path(moved)
        return Home(config=base / "config", state=base / "state", run=base / "run")
    user = _user(env)
    config = _absolute(env.get("XDG_CONFIG_HOME")) or user / ".config"
    state = (_absolute(env.get("XDG_STATE_HOME")) or user / ".local" / "state") / "interlock"
    runtime = _absolute(env.get("XDG_RUNTIME_DIR"))
    return Home(config=config / "interlock", state=state, run=runtime / "interlock" if runtime else state / "run")


def _user(env: Mapping[str, str]) -> Path:
    try:
        return Path(env.get("HOME") or Path.home())
    except RuntimeError as error:
        raise StateError("this user has no home directory. Set HOME or INTERLOCK_HOME to an absolute path.") from error


def _absolute(value: str | None) -> Path | None:
    # The XDG specification: a relative path in these variables is invalid and ignored.
    return Path(value) if value and value.startswith("/") else None
