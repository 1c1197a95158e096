"""Stories that the labelled corpus told: each was once on the wrong side of the line."""

from __future__ import annotations

import pytest

from interlock.effects.catalogue import interpret
from interlock.effects.catalogue.examples import SETTING, Files
from interlock.effects.shell import read_shell
from interlock.model.action import Reading
from interlock.model.effect import Breadth, Kind, Verb


def read(text: str) -> Reading:
    return read_shell(text, SETTING, Files({}), interpret, cwd=SETTING.cwd)


def stopped(text: str) -> set[Breadth]:
    """How many processes a text stops."""
    return {
        effect.scale.breadth
        for effect in read(text).effects
        if effect.verb is Verb.DELETE and effect.resource.kind is Kind.PROCESS
    }


@pytest.mark.parametrize(
    "text",
    ["kill $(lsof -t -i:3000)", 'kill -9 "$(lsof -ti:8080)"', "kill $(pgrep -f vite)", "kill $(cat tmp/server.pid)"],
)
def test_what_listens_on_a_port_or_has_a_name_is_not_everything(text: str) -> None:
    assert stopped(text) == {Breadth.MANY}


@pytest.mark.parametrize(
    "text", ["kill $(pgrep .)", "kill $(pgrep interlock)", "kill $(lsof -t /)", "kill $(ps -eo pid)", "kill $PID"]
)
def test_processes_that_nobody_can_tell_may_be_all(text: str) -> None:
    assert Breadth.ALL in stopped(text)


def test_all_but_one_file_is_nearly_everything() -> None:
    everything = [e for e in read("find . -not -name README.md -delete").effects if e.verb is Verb.DELETE]
    assert [e.scale.breadth for e in everything] == [Breadth.ALL]
    some = [e for e in read("find . -name '*.pyc' -not -path './venv/*' -delete").effects if e.verb is Verb.DELETE]
    assert all(e.scale.breadth is not Breadth.ALL for e in some)


def test_a_lock_file_that_is_not_there_is_no_directory() -> None:
    deleted = [e.resource.kind for e in read("rm -rf node_modules package-lock.json").effects if e.verb is Verb.DELETE]
    assert deleted == [Kind.DIRECTORY, Kind.FILE]
