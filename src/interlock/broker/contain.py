"""Whether an action runs in the sandbox, and under which profile: the broker's side of containment."""

from __future__ import annotations

import shlex
from typing import Any, Protocol

import msgspec

from interlock.broker.config import Config, End, Shell
from interlock.broker.judge import Judgement, lasting, within
from interlock.containment.profiles import Part
from interlock.model.action import Action, Principal
from interlock.model.decision import Verdict
from interlock.model.effect import Effect
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
    own: dict[str, Part] = {}  # the profiles of the person who configured this machine
    show: tuple[str, ...] = ()  # what it sees beside what its profile shows
    keep: tuple[str, ...] = ()  # variables that pass beside those of its profile
    end: End = End.COMMIT
    intent: int = -1  # the entry that released it
    operands: tuple[tuple[str, str], ...] = ()  # path and SHA-256 of each file that it was let through by ("": absent)
    lifted: bool = False  # it would have been a question outside: it may become one, when inside is not enough
    foreseen: tuple[Effect, ...] | None = None  # what the reading said it would do; None where nobody read it
    provenance: dict[str, Any] = {}  # what orders to halt ask about, as its entry holds it
    epoch: int = 0  # of the halts, when it was released


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


def caught(
    judged: Judgement, action: Action, engine: Engine, config: Config, *, doubted: bool = False, tried: bool = False
) -> Judgement | None:
    """The same action, allowed in the sandbox: where a person wants it there, and it can do its work there.

    Of a session that is `doubted`, everything runs contained that can, and what was a question stays one. So does what
    was `tried` there in vain. What was no question is not let out of the sandbox by that.

    INVARIANT: no word of the agent's own lets a command out of a sandbox that was put around all of them. What it
    leaves in the background is spared no question by the sandbox (nobody outside would reach it, or see its work before
    its end), but where all commands are contained, it is too.
    """
    wanted = Shell.ALWAYS if doubted and config.containment.shell is not Shell.OFF else config.containment.shell
    plain = judged.decision.verdict is Verdict.ALLOW
    if wanted is Shell.OFF or (plain and wanted is not Shell.ALWAYS) or ((doubted or tried) and not plain):
        return None
    if lasting(action) and wanted is not Shell.ALWAYS:
        return None
    inside = within(judged, action, engine)
    return inside if inside is not None and inside.decision.verdict is Verdict.ALLOW else None


def profile_of(judged: Judgement) -> str:
    """The profile that the rules behind the decision want."""
    named = {word.removeprefix(_PREFIX) for word in judged.decision.obligations if word.startswith(_PREFIX)}
    own = sorted(named - set(_PROFILES))
    return own[0] if own else max(named, key=_PROFILES.index, default=_DEFAULT)


def started(command: str, ends: str) -> str:
    """The shell text that starts the run, and leaves the shell in the directory where the command would have left it.

    A shell that goes on after the call (Claude Code keeps its directory from call to call) must not notice.
    """
    if not ends:
        return command
    return f"{command}; s=$?; [ $s = 125 ] || cd -- {shlex.quote(ends)} 2>/dev/null; (exit $s)"
