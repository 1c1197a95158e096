"""The front door with a shell behind it: one road for Bash, for its directory, and for what must not be shown."""

from __future__ import annotations

from typing import Any

import pytest

from effects.fakeworld import HOME, SETTING, WORKSPACE, FakeWorld
from interlock.effects.read import read_action
from interlock.model import labels
from interlock.model.action import Action, Principal, Reading
from interlock.model.effect import Kind, Verb

WORLD = FakeWorld(files={f"{WORKSPACE}/src/app.py": "x", f"{WORKSPACE}/.env": "", f"{HOME}/.ssh/id_rsa": ""})


def bash(command: Any, **more: Any) -> Reading:
    action = Action("Bash", {"command": command, **more}, WORKSPACE, Principal(agent="claude", session="s"))
    return read_action(action, SETTING, WORLD)


def test_bash_is_read_by_the_shell_reader() -> None:
    reading = bash("cat src/app.py")
    assert reading.commands == (("cat", "src/app.py"),)
    assert [(e.verb, e.resource.name) for e in reading.effects] == [(Verb.READ, f"{WORKSPACE}/src/app.py")]


def test_bash_runs_in_the_directory_that_the_call_names() -> None:
    names = {e.resource.name for e in bash("cat id_rsa", workdir=f"{HOME}/.ssh").effects}
    assert names == {f"{HOME}/.ssh/id_rsa"}
    assert {e.resource.name for e in bash("cat app.py", workdir="src").effects} == {f"{WORKSPACE}/src/app.py"}


def test_an_argv_reaches_the_program_word_by_word() -> None:
    reading = bash(["cat", "src/app.py; rm -rf /"])
    assert all(e.verb is not Verb.DELETE for e in reading.effects)


@pytest.mark.parametrize("command", ["", None, 7, ["a", 1], {}, "\ud800", "\0"])
def test_odd_commands_are_opaque_or_nothing(command: object) -> None:
    reading = bash(command)
    assert all(e.verb is Verb.OPAQUE for e in reading.effects)


def test_sql_in_a_client_is_read_to_the_table() -> None:
    effects = bash("psql -d shop_prod -c 'DELETE FROM users'").effects
    (delete,) = [e for e in effects if e.verb is Verb.DELETE]
    assert delete.resource.kind is Kind.TABLE
    assert labels.WHOLE in delete.resource.labels


def test_reading_a_home_to_its_ground_is_reading_its_secrets() -> None:
    assert any(labels.SECRET in e.resource.labels for e in bash("tar czf /tmp/x.tgz ~").effects)
    assert not any(labels.SECRET in e.resource.labels for e in bash("tar czf /tmp/x.tgz src").effects)


def test_a_secret_name_in_an_unknown_directory_is_still_known() -> None:
    effects = bash('cd "$SOMEWHERE" && cat .ssh/id_rsa').effects
    assert any(labels.SECRET in e.resource.labels for e in effects)


def test_a_credential_in_a_command_is_not_in_its_summary() -> None:
    token = "gh" + "p_a1B2c3D4e5F6g7H8i9J0k1L2m3N4"
    assert token not in bash(f"curl -H 'Authorization: Bearer {token}' https://x.example/{token}").summary
