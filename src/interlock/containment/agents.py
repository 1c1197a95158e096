"""A whole agent inside: what it needs to see of itself, and the hosts of its model."""

from __future__ import annotations

import os
import sys
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

PROFILE = "agent"
# The agent's settings are read-only inside, and it must be able to write its own: it gets copies.
_START = """\
for name in claude codex gemini; do
    [ -d "$HOME/.$name" ] && cp -R "$HOME/.$name" "$HOME/.inside-$name"
done
if [ -d "$HOME/.inside-claude" ]; then
    [ -f "$HOME/.claude.json" ] && cp "$HOME/.claude.json" "$HOME/.inside-claude/.claude.json"
    export CLAUDE_CONFIG_DIR="$HOME/.inside-claude"
fi
[ -d "$HOME/.inside-codex" ] && export CODEX_HOME="$HOME/.inside-codex"
exec "$@"
"""


@cache
def _hosts() -> dict[str, list[str]]:
    raw = resources.files("interlock.containment").joinpath("agents.toml").read_text(encoding="utf-8")
    hosts: dict[str, list[str]] = tomllib.loads(raw)["hosts"]
    return hosts


def hosts_of(program: str) -> tuple[str, ...]:
    """The hosts of the model of the agent whose program this is; none for an unknown one."""
    return tuple(_hosts().get(os.path.basename(program), ()))


def command(argv: list[str]) -> tuple[str, ...]:
    """The words that start the agent on copies of its settings."""
    return ("/bin/sh", "-c", _START, "sh", *argv)


def seen(program: str, socket: Path) -> tuple[str, ...]:
    """What it sees beside its profile: its own program, Interlock's, and what its hooks ask by: the socket, and the
    lease that lies beside it, without which they let nothing happen.
    """
    real = os.path.realpath(program)
    above, found, _ = real.partition("/node_modules/")
    own = above + "/node_modules" if found else os.path.dirname(real)
    # A link on the way to the program leads through its own directory.
    linked = os.path.dirname(os.path.abspath(program))
    return tuple(dict.fromkeys((own, linked, os.path.realpath(sys.prefix), str(socket), str(socket.parent / "lease"))))
