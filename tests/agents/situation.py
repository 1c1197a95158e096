"""One cell of the conformance table: how it is brought about with the real agent, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from agents.bench import Agent, Bench, Observed


class Outcome(StrEnum):
    """What comes of the marked command."""

    STOPPED = "stopped"  # by Interlock's answer, with its words before the model
    STOPPED_BY_AGENT = "stopped by the agent's own setting"  # that `interlock init` makes: onFailure
    STOPPED_AND_ENDED = "stopped, and the agent's run ended"
    STOPPED_OTHERWISE = "stopped, the command was never reached"
    RUNS_AS_IT_SHOULD = "runs, as it should"
    RUNS = "RUNS"  # only the vendor can close it


class Situation(msgspec.Struct, frozen=True):
    """One row of the table. `expected` lacks an agent to which it does not apply."""

    name: str
    title: str
    means: str
    play: Callable[[Bench], Observed]
    expected: Mapping[Agent, Outcome]
    note: str = ""
    words: str = ""  # what the model must have been told, as a regular expression


def both(outcome: Outcome) -> dict[Agent, Outcome]:
    """The same outcome with every agent."""
    return dict.fromkeys(Agent, outcome)
