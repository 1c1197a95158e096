"""Names of agents, sessions and sub-agents: SPIFFE ids, so that other people's systems can name them too. Pure.

    spiffe://3f9a1c2b4d5e.build-7/agent/claude/session/0b2f…            a session
    spiffe://3f9a1c2b4d5e.build-7/agent/claude/session/0b2f…/sub/a1     a sub-agent of it

The trust domain is the log's: its random part and the host. A path segment of a SPIFFE id holds letters, digits and
`.-_` alone (SPIFFE-ID, section 2.2); an agent's own id that holds anything else stands there as `x-` and its hash.
"""

from __future__ import annotations

import re
from hashlib import sha256

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,80}")
_TAKEN = re.compile(r"x-[0-9a-f]{32}|none|\.\.?")


def domain(origin: str) -> str:
    """The trust domain of a log: at most 255 characters of lower-case letters, digits and `.-_`."""
    parts = [re.sub(r"[^a-z0-9_-]", "-", part.lower()).strip("-") for part in origin.split("/")]
    return ".".join(part[:80] for part in reversed(parts[1:] or parts) if part) or "interlock"


def agent_name(origin: str, kind: str, session: str, subagent: str = "") -> str:
    """The SPIFFE id of a session, or of a sub-agent of it."""
    name = f"spiffe://{domain(origin)}/agent/{segment(kind)}/session/{segment(session)}"
    return f"{name}/sub/{segment(subagent)}" if subagent else name


def person_name(origin: str, person: str) -> str:
    """The SPIFFE id of a person."""
    return f"spiffe://{domain(origin)}/person/{segment(person)}"


def segment(text: str) -> str:
    """One path segment for any text; two texts never share one."""
    if not text:
        return "none"
    if _SEGMENT.fullmatch(text) and not _TAKEN.fullmatch(text):
        return text
    return "x-" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
