"""What the scripted model says: a list of turns for each conversation that it may be drawn into.

The place in the script is read from the conversation itself (each tool call's id carries the number of its turn),
never from a counter: an agent that retries a request gets the same turn again, and conversations running side by
side do not disturb each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_CALL_ID = re.compile(r"\btoolu_t(\d+)s(\d+)c(\d+)\b")


class ToolCall(msgspec.Struct, frozen=True):
    """One tool call that the model makes: the agent's own tool name and its input."""

    name: str
    input: dict[str, Any]


class Turn(msgspec.Struct, frozen=True):
    """One answer of the model: text, and tool calls made in parallel. A turn without calls ends the conversation."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class ToolResult(msgspec.Struct, frozen=True):
    """What the agent told the model about one tool call, as it stood in the request."""

    call_id: str
    text: str
    error: bool = False


class Place(msgspec.Struct, frozen=True):
    """A place in a script: the conversation (0 is the main one), the number of the turn, the turn itself."""

    talk: int
    number: int
    turn: Turn

    def ids(self) -> tuple[str, ...]:
        """The ids of this turn's calls."""
        return tuple(call_id(self.number, at, self.talk) for at in range(len(self.turn.calls)))


class Script(msgspec.Struct, frozen=True):
    """The turns of the main conversation, and of others, told apart by a marker in their first user message.

    A subagent's prompt is written by the script itself, so it can carry such a marker.
    """

    turns: tuple[Turn, ...]
    others: Mapping[str, tuple[Turn, ...]] = {}
    closing: str = "Done."

    def turn(self, opening: str, call_ids: Iterable[str]) -> Place:
        """The next turn, and where it stands.

        `opening` is the text of the conversation's first user message; `call_ids` are the ids of all tool calls
        that the conversation holds. Past its end a script says `closing`, so that an agent always comes to rest.
        """
        talk, turns = 0, self.turns
        for at, (marker, own) in enumerate(self.others.items(), 1):
            if marker in opening:
                talk, turns = at, own
                break
        number = 1 + max((turn_of(call_id) for call_id in call_ids), default=-1)
        return Place(talk, number, turns[number] if number < len(turns) else Turn(text=self.closing))


def call_id(turn: int, call: int, talk: int = 0) -> str:
    """The id of a call, in the form that both model families accept; `talk` tells the conversations apart."""
    return f"toolu_t{talk}s{turn}c{call}"


def turn_of(identifier: str) -> int:
    """The turn that made the call with this id; -1 for an id that no script of ours made."""
    found = _CALL_ID.search(identifier)
    return int(found.group(2)) if found else -1
