"""Whether an action runs in the sandbox, and under which profile: the broker's side of containment."""

from __future__ import annotations

from typing import Protocol

import msgspec

from interlock.broker.config import Config, Shell
from interlock.broker.judge import Judgement, within
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.policy.engine import Engine

# From the narrowest on: where several rules let an action pass, the widest profile that one of them names is needed.
_PROFILES = ("read-only", "test", "build", "network", "own")
_DEFAULT = "build"
_PREFIX = "contain:"


class Wish(msgspec.Struct, frozen=True):
    """One command that the broker released to run contained."""

    argv: tuple[str, ...]
    cwd: str
    workspace: str
    profile: str
    principal: Principal
    hosts: tuple[str, ...] = ()
    intent: int = -1  # the entry that released it
    effects: tuple[str, ...] = ()  # what was foreseen, in one line each


class Container(Protocol):
    """What can contain, as the broker needs it."""

    @property
    def tier(self) -> str:
        """What holds a contained command on this machine; `none` where nothing can."""

    def prepare(self, wish: Wish) -> str:
        """Make ready, and give the shell command by which the agent starts the run, once."""


class Nothing:
    """A machine that cannot contain."""

    tier = "none"

    def prepare(self, wish: Wish) -> str:
        """Never called: nothing is released to a tier of `none`."""
        raise AssertionError(wish)


def caught(judged: Judgement, action: Action, engine: Engine, config: Config) -> Judgement | None:
    """The same action, allowed in the sandbox: where a person wants it there, and it can do its work there."""
    wanted = config.containment.shell
    plain = judged.decision.verdict is Verdict.ALLOW
    if wanted is Shell.OFF or (plain and wanted is not Shell.ALWAYS):
        return None
    inside = within(judged, action, engine)
    return inside if inside is not None and inside.decision.verdict is Verdict.ALLOW else None


def profile_of(judged: Judgement) -> str:
    """The profile that the rules behind the decision want."""
    named = {word.removeprefix(_PREFIX) for word in judged.decision.obligations if word.startswith(_PREFIX)}
    own = sorted(named - set(_PROFILES))
    return own[0] if own else max(named, key=_PROFILES.index, default=_DEFAULT)
