"""Where each agent keeps its configuration. Pure: paths in, paths out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec


class Scope(StrEnum):
    """Whose configuration: the user's, one project's, or the machine's (above what a user can switch off)."""

    USER = "user"
    PROJECT = "project"
    MANAGED = "managed"


class Places(msgspec.Struct, frozen=True):
    """The directories from which all others follow."""

    home: Path
    project: Path
    claude: Path  # CLAUDE_CONFIG_DIR or ~/.claude
    codex: Path  # CODEX_HOME or ~/.codex
    system: Path = Path("/")


def places(environ: Mapping[str, str], home: Path, project: Path, system: Path = Path("/")) -> Places:
    """The directories that this environment means."""
    return Places(
        home=home,
        project=project,
        claude=Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude"),
        codex=Path(environ.get("CODEX_HOME") or home / ".codex"),
        system=system,
    )


def hooks_file(agent: str, scope: Scope, at: Places) -> Path:
    """The file that takes the hooks of one agent in one scope."""
    return {
        ("claude", Scope.USER): at.claude / "settings.json",
        ("claude", Scope.PROJECT): at.project / ".claude" / "settings.json",
        ("claude", Scope.MANAGED): at.system / "etc" / "claude-code" / "managed-settings.json",
        ("codex", Scope.USER): at.codex / "hooks.json",
        ("codex", Scope.PROJECT): at.project / ".codex" / "hooks.json",
        ("codex", Scope.MANAGED): at.system / "etc" / "codex" / "requirements.toml",
    }[agent, scope]


def hooks_files(agent: str, at: Places) -> dict[str, Path]:
    """Every file from which the agent takes hooks that Interlock may have written, by the name of its scope."""
    found = {str(scope): hooks_file(agent, scope, at) for scope in Scope}
    if agent == "claude":
        found["local"] = at.project / ".claude" / "settings.local.json"
    return found
