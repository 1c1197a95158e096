"""Agents that a commit itself names: by its trailers, its author, or a sentence that its tool adds. Pure.

All of it can be written by anybody, so it is a claim and never a proof. The signatures are data: what each agent writes
by default (its own documentation, or commits of its own repositories).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from interlock.changes.provenance.trailers import SESSION, named


class Claim(NamedTuple):
    """Which agent, by which words of the commit, and the model where it is named."""

    agent: str
    words: str
    model: str = ""


_WORDS = 200  # characters of a commit that a claim quotes
_SEARCHED = 64 << 10
_CO = r"(?im)^co-authored-by:[ \t]*"
_SIGNATURES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (agent, re.compile(pattern))
    for agent, pattern in (
        ("claude", _CO + r"(?P<model>claude[^<\n]{0,60})<noreply@anthropic\.com>"),
        ("claude", r"(?im)^[^\n]{0,8}generated with \[?claude code\]?"),
        ("codex", _CO + r"(?P<model>codex[^<\n]{0,60})<[^>\n]{0,80}@openai\.com>"),
        ("copilot", _CO + r"copilot[^<\n]{0,40}<[^>\n]{0,80}copilot@users\.noreply\.github\.com>"),
        ("cursor", _CO + r"cursor[^<\n]{0,40}<cursoragent@cursor\.com>"),
        ("aider", _CO + r"aider \((?P<model>[^)\n]{0,80})\)"),
        ("amp", _CO + r"amp[^<\n]{0,40}<amp@ampcode\.com>"),
        ("openhands", _CO + r"openhands[^<\n]{0,40}<openhands@all-hands\.dev>"),
        ("gemini", _CO + r"(?P<model>gemini[^<\n]{0,60})<[^>\n]{0,80}google[^>\n]{0,40}>"),
    )
)
_AUTHORS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (agent, re.compile(pattern, re.IGNORECASE))
    for agent, pattern in (
        ("claude", r"noreply@anthropic\.com|claude\[bot\]"),
        ("copilot", r"copilot-swe-agent|\bcopilot\[bot\]|\+copilot@users\.noreply\.github\.com"),
        ("codex", r"chatgpt-codex-connector\[bot\]"),
        ("cursor", r"cursoragent@cursor\.com"),
        ("devin", r"devin-ai-integration\[bot\]"),
        ("jules", r"google-labs-jules\[bot\]"),
        ("openhands", r"openhands@all-hands\.dev"),
        ("aider", r"\(aider\)"),
    )
)
_ASSISTED = re.compile(r"(?im)^(assisted-by|generated-by|ai-assisted-by):[ \t]*(\S[^\n]{0,120})")


def claims(author: str, message: str) -> list[Claim]:
    """Every agent that a commit names, each once. `author` is its name and address."""
    found: dict[str, Claim] = {}
    text = message[:_SEARCHED]
    for agent, pattern in _SIGNATURES:
        if (match := pattern.search(text)) is not None:
            model = (match.groupdict().get("model") or "").strip()
            found.setdefault(agent, Claim(agent, match[0].strip()[:_WORDS], model))
    for agent, pattern in _AUTHORS:
        if pattern.search(author[:_WORDS]):
            found.setdefault(agent, Claim(agent, f"author {author[:_WORDS]}"))
    for kind, value in named(text):
        if kind.lower() == SESSION.lower():
            agent = value.partition("/")[0]
            found.setdefault(agent, Claim(agent, f"{kind}: {value}"[:_WORDS]))
    if not found and (match := _ASSISTED.search(text)) is not None:
        found["another"] = Claim("another", match[0].strip()[:_WORDS])
    return list(found.values())
