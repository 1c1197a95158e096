"""What Codex itself says of its hooks, and trust in ours, through `codex app-server` (JSON-RPC on stdio).

Codex skips a hook until a person trusts that exact handler. The hash is Codex's own: `hooks/list` tells it, and trust
is that hash under `hooks.state` in `config.toml`. Asking Codex is the only way to know what it will really run.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

from interlock.gates.install import handlers
from interlock.gates.install.files import Receipts, apply, snapshot
from interlock.gates.install.plan import plan_trust
from interlock.gates.install.trust import with_trust
from interlock.model.errors import OperatorError

SECONDS = 20.0


class Listed(msgspec.Struct, frozen=True):
    """One hook as Codex sees it."""

    key: str
    event: str  # Codex's spelling: preToolUse
    command: str
    source: str
    enabled: bool
    hash: str
    trust: str  # trusted | untrusted | modified | managed ...

    @property
    def runs(self) -> bool:
        """Whether Codex will run it without being told to skip the trust."""
        return self.enabled and self.trust in ("trusted", "managed")

    @property
    def ours(self) -> bool:
        """Whether it calls Interlock's client."""
        return handlers.is_ours({"command": self.command})


def listed(project: Path) -> list[Listed]:
    """Every hook that Codex finds for `project`, with the home that this environment gives it.

    Raises OperatorError: there is no Codex, or it does not answer.
    """
    program = shutil.which("codex")
    if program is None:
        raise OperatorError("codex is not on the PATH")
    answer = _ask(program, "hooks/list", {"cwds": [str(project)]})
    found: list[Listed] = []
    for entry in answer.get("data") or []:
        found += [
            Listed(
                key=str(hook.get("key")),
                event=str(hook.get("eventName")),
                command=str(hook.get("command")),
                source=str(hook.get("sourcePath")),
                enabled=hook.get("enabled") is True,
                hash=str(hook.get("currentHash")),
                trust=str(hook.get("trustStatus")),
            )
            for hook in entry.get("hooks") or []
        ]
    return found


def trust(codex_home: Path, project: Path, store: Receipts) -> int:
    """Write trust for our hooks, and ask Codex whether it took it. The number of hooks. Raises OperatorError."""
    missing = {hook.key: hook.hash for hook in listed(project) if hook.ours and not hook.runs}
    if missing:
        at = snapshot(codex_home / "config.toml")
        after = with_trust(at.content or b"", missing, str(at.path))
        apply(plan_trust("user", at, store.find("codex", at.target), after), store)
    now = [hook for hook in listed(project) if hook.ours]
    if not now or not all(hook.runs for hook in now):
        raise OperatorError("it lists them as untrusted all the same; start `codex` and type /hooks")
    return len(now)


def _ask(program: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    messages = (
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "interlock", "title": "", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": method, "params": params},
    )
    server = subprocess.Popen(  # noqa: S603 - the agent itself
        [program, "app-server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        server.stdin.write("".join(json.dumps(message) + "\n" for message in messages).encode())
        server.stdin.flush()
        return _answer(server)
    except BrokenPipeError:
        raise OperatorError("codex app-server ended at once") from None
    finally:
        server.kill()
        server.communicate()


def _answer(server: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert server.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    end, received = time.monotonic() + SECONDS, b""
    while (left := end - time.monotonic()) > 0:
        if not select.select([server.stdout], [], [], left)[0]:
            break
        part = os.read(server.stdout.fileno(), 65_536)
        if not part:
            break
        received += part
        *lines, received = received.split(b"\n")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict) and message.get("id") == 2:
                result = message.get("result")
                if not isinstance(result, dict):
                    raise OperatorError("this version of codex does not list its hooks")
                return result
    raise OperatorError("codex app-server did not answer")
