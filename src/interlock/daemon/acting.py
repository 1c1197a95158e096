"""For agents and jobs without a hook: ask for a verdict under a capability token, and say how the action came out.

from interlock.daemon.acting import Holder

holder = Holder.load("deploy.token", "deploy.key")
answer = holder.act("Bash", {"command": "terraform plan"}, "/srv/infra")
if answer["released"]:
    ...
    holder.done(answer["call"], ok=True, cwd="/srv/infra")
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec

from interlock.daemon.client import call
from interlock.home import Home, locate
from interlock.identity import tokens
from interlock.identity.keys import Ed25519Key, load_pem
from interlock.model.errors import OperatorError

_SECONDS = 600.0  # a person may be asked while the call is held
_MAX_FILE = 64 * 1024


class Holder:
    """Somebody who holds a token and its key."""

    def __init__(self, token: str, key: Ed25519Key, home: Home | None = None) -> None:
        self._token = tokens.parse(token)
        self._key = key
        self._home = home or locate()

    @classmethod
    def load(cls, token: str | Path, key: str | Path) -> Holder:
        """From the files that `interlock token issue` wrote. Raises OperatorError, StateError, AgentError."""
        return cls(read(Path(token)).decode("ascii", "replace"), load_key(Path(key)))

    def act(self, tool: str, given: dict[str, Any], cwd: str) -> dict[str, Any]:
        """The verdict: `released`, `message` for whoever asked, `entry`, and `call`, by which `done` names it."""
        action = {"tool": tool, "input": given, "cwd": cwd}
        return self._ask("act", {"do": "act", "action": action}, {"action": action})

    def done(self, released: str, *, ok: bool, cwd: str) -> None:
        """How a released action came out."""
        facts = {"call": released, "ok": ok, "cwd": cwd}
        self._ask("act.done", {"do": "done", **facts}, facts)

    def _ask(self, method: str, request: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        digest = tokens.request_digest(request)
        proof = tokens.prove(self._token, digest, self._key, time.time_ns() // 1_000, secrets.token_hex(16))
        sent = {**params, "token": self._token.text, "proof": msgspec.to_builtins(proof)}
        found: dict[str, Any] = call(self._home, method, sent, timeout=_SECONDS)
        return found


def load_key(path: Path) -> Ed25519Key:
    """The private key in a PEM file. Raises OperatorError, StateError."""
    return load_pem("holder", read(path), str(path))


def make_key(path: Path) -> Ed25519Key:
    """A new key in a new file that only its owner reads. Raises OperatorError when the file is there already."""
    key = Ed25519Key.generate("holder")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.pem())
    except OSError as error:
        raise OperatorError(f"cannot write the new key {path}: {error.strerror}.") from error
    return key


def read(path: Path) -> bytes:
    """A small file. Raises OperatorError."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}.") from error
