"""What a guarded agent is made of, as far as files tell: its instructions, skills, MCP servers and settings, hashed.

Only digests leave this file. Of an MCP server's configuration the names of environment variables and headers count, not
their values: the digest of a known text with one short secret in it could be guessed back.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from interlock.gates.hooks.guarded import places_of
from interlock.gates.hooks.protocol import HookEvent
from interlock.gates.install.places import Places
from interlock.model.agent import NOTHING_KNOWN, AgentFacts, Piece

_PIECES = {"prompts": 12, "skills": 24, "servers": 16, "settings": 4}  # 9 kB at most: the entry has 16 KiB
_NAME = 60  # bytes of a name
_FILES = 400  # of one skill
_BYTES = 4 << 20  # of one file, and of one skill
_HEAD = 256 << 10  # bytes of the agent's record in which its version is looked for
_VERSION = re.compile(rb'"(?:cli_)?version"\s*:\s*"([0-9][0-9A-Za-z.+-]{0,40})"')
_SECRETIVE = frozenset({"env", "headers", "http_headers", "env_http_headers"})  # of these, names only


def facts(event: HookEvent, workspace: str) -> AgentFacts:
    """What the agent behind this event is made of. Reads files; what cannot be read is said to be unknown."""
    if event.principal.agent not in {"claude", "codex"}:
        return NOTHING_KNOWN
    at = places_of(event.principal.agent, workspace or event.cwd, event.transcript)
    find = _claude if event.principal.agent == "claude" else _codex
    found = {sort: _bounded(pieces, _PIECES[sort]) for sort, pieces in find(at).items()}
    version = _version(event.transcript)
    model = event.principal.model[:_NAME]
    unknown = tuple(name for name, known in (("version", version), ("model", model)) if not known)
    return AgentFacts(
        version=version,
        model=model,
        unknown=unknown,
        more=sum(more for _, more in found.values()),
        **{sort: pieces for sort, (pieces, _) in found.items()},
    )


def _claude(at: Places) -> dict[str, Iterable[Piece]]:
    local = (".claude/settings.json", ".claude/settings.local.json")
    settings = [("user settings.json", at.claude / "settings.json"), *((name, at.project / name) for name in local)]
    prompts = [("user CLAUDE.md", at.claude / "CLAUDE.md")]
    prompts += [(name, at.project / name) for name in ("CLAUDE.md", ".claude/CLAUDE.md", "CLAUDE.local.md")]
    prompts += [(f"agent {path.stem}", path) for path in _listed(at.claude / "agents", at.project / ".claude/agents")]
    return {
        "settings": _files(settings),
        "prompts": _files(prompts),
        "skills": _skills(at.claude / "skills", at.project / ".claude/skills"),
        "servers": _servers(_claude_servers(at)),
    }


def _codex(at: Places) -> dict[str, Iterable[Piece]]:
    config = at.codex / "config.toml"
    own = at.project / ".codex" / "config.toml"
    prompts = [("user AGENTS.md", at.codex / "AGENTS.md"), ("AGENTS.md", at.project / "AGENTS.md")]
    servers = {**_table(_toml(config), "mcp_servers"), **_table(_toml(own), "mcp_servers")}
    return {
        "settings": _files([("user config.toml", config), (".codex/config.toml", own)]),
        "prompts": _files(prompts),
        "skills": _skills(at.codex / "skills", at.home / ".agents/skills", at.project / ".agents/skills"),
        "servers": _servers(servers),
    }


def _claude_servers(at: Places) -> dict[str, Any]:
    # The user's file stands beside the default directory, and inside of one that CLAUDE_CONFIG_DIR names.
    user = _json(at.claude.parent / ".claude.json") or _json(at.claude / ".claude.json")
    mine = _table(_table(user, "projects"), str(at.project))
    tables = [_table(of, "mcpServers") for of in (user, mine, _json(at.project / ".mcp.json"))]
    return {name: config for table in tables for name, config in table.items()}


def _servers(table: Mapping[str, Any]) -> Iterator[Piece]:
    for name in sorted(table):
        plain = _without_values(table[name])
        raw = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str).encode("utf-8", "replace")
        yield Piece(name, hashlib.sha256(raw).hexdigest())


def _without_values(config: Any) -> Any:
    if not isinstance(config, dict):
        return config
    return {
        key: sorted(map(str, value)) if key in _SECRETIVE and isinstance(value, dict) else value
        for key, value in config.items()
    }


def _skills(*folders: Path) -> Iterator[Piece]:
    """Each skill is a directory with a SKILL.md; its digest covers every file in it, by name and content."""
    for folder in folders:
        for skill in _entries(folder):
            if (skill / "SKILL.md").is_file():
                yield Piece(skill.name, _tree(skill))


def _tree(folder: Path) -> str:
    whole, room = hashlib.sha256(), _BYTES
    names = sorted(Path(at, name).relative_to(folder).as_posix() for at, _, files in os.walk(folder) for name in files)
    for name in names[:_FILES]:
        content = _content(folder / name, room)
        room = max(0, room - len(content or b""))
        digest = "unreadable" if content is None else hashlib.sha256(content).hexdigest()
        whole.update(f"{len(name.encode('utf-8', 'surrogatepass'))} {digest} ".encode())
        whole.update(name.encode("utf-8", "surrogatepass") + b"\n")
    whole.update(f"{len(names)}\n".encode())
    return whole.hexdigest()


def _files(named: Iterable[tuple[str, Path]]) -> Iterator[Piece]:
    for name, path in named:
        content = _content(path, _BYTES)
        if content is not None:
            yield Piece(name, hashlib.sha256(content).hexdigest())


def _listed(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in _entries(folder) if path.suffix == ".md"]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:_FILES]
    except OSError:
        return []


def _content(path: Path, most: int) -> bytes | None:
    """At most so many bytes of a regular file; None where there is none, or it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(most)
        except OSError:
            return None


def _version(transcript: str) -> str:
    """The agent's version, as its own record says it near the beginning."""
    if not transcript.startswith("/"):
        return ""
    found = _VERSION.search(_content(Path(transcript), _HEAD) or b"")
    return found[1].decode() if found else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_content(path, _BYTES) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((_content(path, _BYTES) or b"").decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(of: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def _bounded(pieces: Iterable[Piece], most: int) -> tuple[tuple[Piece, ...], int]:
    found = [Piece(_short(piece.name), piece.digest) for piece in pieces]
    return tuple(found[:most]), max(0, len(found) - most)


def _short(name: str) -> str:
    return name.encode("utf-8", "backslashreplace")[:_NAME].decode("utf-8", "ignore")
