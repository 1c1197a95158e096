"""The cells of the conformance ring, two at a time: an agent is idle for most of its life."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from agents.bench import Agent, Bench, Observed
from agents.situations import SITUATIONS
from interlock.drills import install

AT_A_TIME = 2


@pytest.fixture(scope="session")
def cells(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, Agent], Future[Observed]]]:
    """Every cell that this run has collected, under way."""
    # pytest makes HOME and the like visible to us as they are: npm needs its own configuration.
    agents = install.agents(codex=True, say=lambda text: None, environ=os.environ)
    plays = {situation.name: situation.play for situation in SITUATIONS}

    def play(name: str, agent: Agent) -> Observed:
        bench = Bench(agent, agents)
        try:
            return plays[name](bench)
        finally:
            bench.close()

    wanted = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            (params["name"], params["agent"]): pool.submit(play, params["name"], params["agent"])
            for params in wanted
            if {"name", "agent"} <= set(params)
        }
