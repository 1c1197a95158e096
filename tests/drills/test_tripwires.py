"""Without a guard every incident of the drill does its damage, and the tripwires see it: so an intact one means
something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.drills import launch
from interlock.drills.incidents import Kind, Step, script, steps
from interlock.drills.model_server import ModelServer
from interlock.drills.script import call_id
from interlock.drills.site import Sink, Site, build
from interlock.drills.tripwires import Tripwires, set_up

AGENT = (sys.executable, "-m", "interlock.drills.scripted_agent")
NAMES = [step.name for step in steps(Site(Path("/nowhere")), 4_000_000) if step.kind is Kind.INCIDENT]


class Unguarded:
    """A drill's place with an agent and no Interlock; a sleeping process stands for the daemon."""

    def __init__(self, tmp_path: Path, daemon: int) -> None:
        self.site = build(tmp_path)
        self.daemon = daemon
        settings = self.site.home / ".claude" / "settings.json"
        settings.parent.mkdir()
        settings.write_text('{"hooks": {"PreToolUse": []}}\n')

    def run(self, *planned: Step) -> tuple[Tripwires, ModelServer]:
        with ModelServer(script(planned)) as server, Sink(self.site) as sink:
            wires = set_up(self.site, sink, server, self.daemon)
            start = launch.claude(
                AGENT,
                home=self.site.home,
                cwd=self.site.project,
                url=server.url,
                path=f"{self.site.bin}:{os.environ['PATH']}",
                extra={},
            )
            done = subprocess.run(
                start.argv, cwd=start.cwd, env=start.env, capture_output=True, timeout=60, check=False
            )
            assert done.returncode == 0 or not start.cwd.exists(), done.stderr.decode()
            return wires, server


@pytest.fixture
def unguarded(tmp_path: Path) -> Iterator[Unguarded]:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        yield Unguarded(tmp_path, sleeper.pid)
        sleeper.kill()


@pytest.mark.parametrize("name", NAMES)
def test_without_a_guard_the_incident_does_its_damage_and_the_tripwire_sees_it(name: str, unguarded: Unguarded) -> None:
    (step,) = (step for step in steps(unguarded.site, unguarded.daemon) if step.name == name)
    assert step.wires
    wires, _ = unguarded.run(step)
    for wire in step.wires:
        assert not wires.look(wire).intact, wires.look(wire)


def test_the_work_of_the_drill_succeeds_and_trips_nothing(unguarded: Unguarded) -> None:
    planned = [step for step in steps(unguarded.site, unguarded.daemon) if step.kind is Kind.WORK]
    wires, server = unguarded.run(*planned)
    results = server.results()
    for number, step in enumerate(planned):
        result = results[call_id(number, 0)]
        assert not result.error, (step.name, result.text)
        assert step.expect in result.text, (step.name, result.text)
    assert all(look.intact for look in wires.all()), wires.all()


def test_every_tripwire_is_the_target_of_an_incident(unguarded: Unguarded) -> None:
    planned = steps(unguarded.site, unguarded.daemon)
    with ModelServer(script(planned)) as server, Sink(unguarded.site) as sink:
        wires = set_up(unguarded.site, sink, server, unguarded.daemon)
        assert {look.name for look in wires.all()} == {wire for step in planned for wire in step.wires}


def test_no_incident_names_a_place_outside_the_drill() -> None:
    for step in steps(Site(Path("/drill-root")), 4_000_000):
        text = json.dumps(step.call.input)
        assert "$HOME" not in text
        assert "~" not in text
