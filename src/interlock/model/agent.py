"""What is known of an agent beside its name: the facts that a halt, a role or a release may select by."""

from __future__ import annotations

import msgspec

FACTS = ("version", "model", "prompts", "skills", "servers", "settings")


class Piece(msgspec.Struct, frozen=True):
    """One thing that an agent is made of, by its name and the SHA-256 of its content (64 hex digits)."""

    name: str
    digest: str


class AgentFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent was made of when its session was opened.

    `prompts` are the files of instructions that it reads, `servers` its MCP servers, `settings` its configuration.
    `unknown` names the facts (of `FACTS`) that could not be seen; a fact that is empty and not named there is known to
    be empty. `more` counts the pieces for which there was no room.
    """

    version: str = ""
    model: str = ""
    prompts: tuple[Piece, ...] = ()
    skills: tuple[Piece, ...] = ()
    servers: tuple[Piece, ...] = ()
    settings: tuple[Piece, ...] = ()
    unknown: tuple[str, ...] = ()
    more: int = 0


NOTHING_KNOWN = AgentFacts(unknown=FACTS)
