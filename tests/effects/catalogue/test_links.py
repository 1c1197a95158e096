"""A link reaches what it points to under another name: the conformance ring emptied an agent's hooks through one."""

from __future__ import annotations

import pytest

from interlock.effects.read import read_action
from interlock.model import labels
from interlock.model.action import Action, Principal
from interlock.model.effect import Effect, Verb
from interlock.model.world import Nowhere, Setting

SETTING = Setting(cwd="/home/dev/w", home="/home/dev", user="dev", workspace="/home/dev/w")
HOOKS = "/home/dev/.claude/settings.json"


def read(command: str) -> tuple[Effect, ...]:
    action = Action(
        tool="Bash",
        input={"command": command},
        cwd=SETTING.cwd,
        principal=Principal(agent="claude", session="s"),
        call_id="c",
    )
    return read_action(action, SETTING, Nowhere()).effects


@pytest.mark.parametrize(
    "command",
    [
        f"ln -s {HOOKS} x && echo '{{}}' > x",
        f"ln {HOOKS} x",
        f"ln -sf {HOOKS} x",
        f"ln -t . {HOOKS}",
        f"cp -l {HOOKS} x",
        f"cp -s {HOOKS} x",
        "ln -s ../.claude/settings.json x",
        "mkdir a && ln -s ../../.claude/settings.json a/x",  # from where the link stands
        "ln -s ~/.claude c; echo '{}' > c/settings.json",
    ],
)
def test_a_link_to_a_guard_is_a_change_of_the_guard(command: str) -> None:
    changed = [effect for effect in read(command) if effect.verb is Verb.WRITE]
    assert any(labels.GUARD in effect.resource.labels for effect in changed), changed


def test_a_link_to_a_secret_reads_it() -> None:
    effects = read("ln -s ~/.ssh/id_ed25519 x && cat x")
    assert any(e.verb is Verb.READ and labels.SECRET in e.resource.labels for e in effects)


@pytest.mark.parametrize("command", ["ln -s ~ h; rm -rf h/*", "ln -s / r && rm -rf r/srv"])
def test_a_link_to_a_whole_home_or_filesystem_is_a_change_of_it(command: str) -> None:
    assert any(e.verb is Verb.WRITE and labels.ROOT in e.resource.labels for e in read(command))


@pytest.mark.parametrize(
    "command", ["ln -s a.py b.py", "mkdir -p b && ln -s ../a.py b/x", "ln -sf /dev/null x", "cp -al src dst"]
)
def test_a_link_within_the_project_is_only_a_new_name(command: str) -> None:
    for effect in read(command):
        assert "a link makes it writable under another name" not in effect.notes
