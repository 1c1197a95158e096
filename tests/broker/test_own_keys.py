"""Interlock's own keys: whoever reads one can sign in its name, so no agent does, by whatever command."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import interlock
from interlock.broker.config import Config
from interlock.broker.judge import Person, judge
from interlock.effects.ownkeys import NAMES
from interlock.home import locate
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.policy.defaults import layer
from interlock.policy.engine import Engine

DENY, ASK, ALLOW = Verdict.DENY, Verdict.ASK, Verdict.ALLOW


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load([layer()])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cat {keys}/gate.key", DENY),
        ("cat ~/.local/state/interlock/keys/gate.key", DENY),
        ("cat ../.local/state/interlock/keys/daemon.key", DENY),
        ("cd {keys} && head -c 99 gate.key", DENY),
        ("cat {keys}/*", DENY),
        ("base64 < {keys}/gate.key", DENY),
        ("cp {keys}/gate.key .", DENY),
        ("cp -r {keys} .", DENY),
        ("tar czf keys.tgz {keys}", DENY),
        ("tar czf all.tgz {state}", DENY),
        ("grep -r PRIVATE {state}", DENY),
        ("find {state} -name '*.key' -exec cat {{}} +", DENY),
        ("python3 -c \"print(open('{keys}/gate.key').read())\"", DENY),
        ("node -e \"require('fs').readFileSync('{keys}/gate.key')\"", DENY),
        ("openssl pkey -in {keys}/gate.key", DENY),
        ("ln -s {keys}/gate.key key", DENY),
        ("cat key", DENY),
        ("cat $INTERLOCK_HOME/state/keys/gate.key", DENY),
        ('base64 < "$X"/keys/gate.key', DENY),
        ("cat ${{X:-/}}/interlock/keys/*", DENY),
        ("tar czf - $X/interlock/keys", DENY),
        ('cat "$(dirname $P)/ke"ys/daemon.key', DENY),
        ("cat $X/gate.key", ASK),
        ("cat $X/keys/server.key", ALLOW),
        ("cat $X/keys/*.key", ALLOW),
        ("cat $X/keys/gate.vkey", ALLOW),
        ("ls $X/interlock/keys", ALLOW),
        ("ssh host 'cat $X/keys/gate.key'", ASK),
        ("grep -r PRIVATE ~/.local", ASK),
        ("ls -l {keys}", ALLOW),
        ("cat {keys}/gate.vkey", ALLOW),
        ("cat ~/.config/interlock/interlock.toml", ALLOW),
        ("interlock gate main..HEAD --attest gate.json", ALLOW),
    ],
)
def test_what_reads_a_key_is_denied(tmp_path: Path, engine: Engine, command: str, expected: Verdict) -> None:
    """Story: a copy of the folder of keys passed, and a key by its name was a question; below a variable that nobody
    knew, it was a read of nowhere.
    """
    user, project = tmp_path / "user", tmp_path / "user" / "project"
    home = locate({"HOME": str(user)})
    keys = home.state / "keys"
    for folder in (keys, project / ".git"):
        folder.mkdir(parents=True)
    for name in ("gate.key", "daemon.key", "gate.vkey"):
        (keys / name).write_text("obviously-fake\n")
    (project / "key").symlink_to(os.path.relpath(keys / "gate.key", project))
    action = Action(
        tool="Bash",
        input={"command": command.format(keys=keys, state=home.state)},
        cwd=str(project),
        principal=Principal("claude", "s"),
    )
    person = Person(name="dev", home=str(user), own_paths=home.own_paths)
    found = judge(action, workspace=str(project), config=Config(), engine=engine, person=person, now=0.0)
    assert found.decision.verdict is expected, found.decision


def test_the_keys_that_are_known_by_name_are_those_that_are_made() -> None:
    made = set()
    for file in Path(interlock.__file__).parent.rglob("*.py"):
        made |= set(re.findall(r'load_or_create\(home\.state / "keys", "(\w+)"', file.read_text()))
    assert {f"{name}.key" for name in made} == set(NAMES)
