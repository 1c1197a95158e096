"""Reading and deciding, without recording or releasing: the part of the road that `interlock check` shares."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

import msgspec

from interlock.broker.config import Config
from interlock.broker.facts import Binding, Facts
from interlock.broker.freezing import mark
from interlock.broker.inside import inside
from interlock.broker.trails import Trails
from interlock.broker.world import LocalWorld
from interlock.effects.read import read_action
from interlock.effects.redact import redact
from interlock.halt.order import Order
from interlock.model.action import Action, Reading
from interlock.model.decision import Context, Decision, Rung, Verdict
from interlock.model.effect import Effect
from interlock.model.grant import Grant
from interlock.model.provenance import Values, only
from interlock.model.world import Setting
from interlock.policy.engine import Engine

READER_FAILED = "reader-failed"
OUTSIDE = "outside-token"
CONTAINABLE = frozenset({"Bash"})  # tools whose work is a process that Interlock can start itself


class Person(msgspec.Struct, frozen=True):
    """The accountable person whose daemon this is, and the paths and processes that are Interlock's own."""

    name: str
    home: str
    own_paths: tuple[str, ...]
    own_processes: tuple[int, ...] = ()


class Remembered(msgspec.Struct, frozen=True):
    """What a judgement depends on beside the action: what earlier actions left in files (None where nobody knows of
    any), what people said yes to in advance, of those grants that hold here and now, what is known of its session by
    the fields of selectors (empty: only the principal), and the freezes in force beside those of the configuration.
    """

    trails: Trails | None = None
    grants: tuple[Grant, ...] = ()
    facts: Mapping[str, Values] = {}
    freezes: tuple[Order, ...] = ()


NOTHING = Remembered()


class Judgement(msgspec.Struct, frozen=True):
    """What was understood and decided, and what it depends on."""

    reading: Reading
    decision: Decision
    operands: dict[str, str]  # path -> SHA-256 of each file whose text was read
    context: Context
    effects: tuple[Effect, ...]  # what was judged: those of the reading, or what becomes of them in the sandbox
    workspace: str = ""
    facts: Facts = Facts()  # what else it depends on: looked up for what is asked about, and for nothing else
    binding: Binding = Binding()  # how it would be started, by these facts
    frozen: tuple[str, ...] = ()  # the freezes that cover it, or may

    @property
    def contained(self) -> bool:
        """Whether the decision holds for a run in the sandbox alone."""
        return self.context.containment != "none"

    @property
    def beyond_token(self) -> bool:
        """Whether it was asked for under a token that does not reach it: that is no in every mode."""
        return self.decision.rules == (OUTSIDE,)


def judge(
    action: Action,
    *,
    workspace: str,
    config: Config,
    engine: Engine,
    person: Person,
    now: float,
    containment: str = "none",
    remembered: Remembered = NOTHING,
) -> Judgement:
    """Read one action in the world as it is at `now` (seconds since the epoch) and decide on it.

    With `containment` an action that would be stopped is judged as it would be in the sandbox, where it can do its work
    there and that is enough.
    """
    world = LocalWorld(remembered.trails)
    setting = Setting(
        cwd=action.cwd,
        home=person.home,
        user=person.name,
        workspace=workspace,
        environments=config.environments,
        known_hosts=config.known_hosts,
        protected_branches=config.protected_branches,
        interlock_paths=person.own_paths,
        interlock_processes=person.own_processes,
        families=config.families,
    )
    reading = read_action(action, setting, world)
    standing = [freeze for freeze in (*config.freezes, *remembered.freezes) if freeze.active(now)]
    frozen = mark(standing, remembered.facts or only(action.principal), reading.effects)
    reading = msgspec.structs.replace(reading, effects=frozen.effects)
    context = Context(frozen=frozen.doubt, freeze_reason=frozen.reason, grants=remembered.grants)
    decision = _decide(action, engine, reading, reading.effects, context)
    judged = Judgement(reading, decision, world.digests, context, reading.effects, workspace, frozen=frozen.orders)
    return judged if containment == "none" else lifted(judged, action, engine)


def lifted(judged: Judgement, action: Action, engine: Engine) -> Judgement:
    """The judgement in the sandbox where that spares a question; else the same."""
    if judged.decision.verdict is Verdict.ALLOW or lasting(action):
        return judged
    caught = within(judged, action, engine)
    return caught if caught is not None and caught.decision.verdict is Verdict.ALLOW else judged


def lasting(action: Action) -> bool:
    """Whether the agent leaves it running in the background: what it changes inside is there only at its end."""
    return bool(action.input.get("run_in_background"))


def within(judged: Judgement, action: Action, engine: Engine) -> Judgement | None:
    """The judgement on the same action, run in the sandbox; None where it cannot be done there."""
    if action.tool not in CONTAINABLE:
        return None
    effects = inside(judged.reading.effects, str(action.input.get("command", "")), judged.workspace)
    if effects is None:
        return None
    context = msgspec.structs.replace(judged.context, containment="sandbox")
    decision = _decide(action, engine, judged.reading, effects, context)
    return msgspec.structs.replace(judged, context=context, effects=effects, decision=decision)


def decide_again(judged: Judgement, action: Action, engine: Engine, effects: tuple[Effect, ...]) -> Decision:
    """The decision on the same action, now that a look has made its effects exact."""
    return _decide(action, engine, judged.reading, effects, judged.context)


def _decide(
    action: Action, engine: Engine, reading: Reading, effects: tuple[Effect, ...], context: Context
) -> Decision:
    decision = engine.decide(action.principal, effects, context)
    return _warranted(_relied_on(_unspoken(decision, effects), reading), action, reading)


def _warranted(decision: Decision, action: Action, reading: Reading) -> Decision:
    """What a token does not let its holder ask for is not asked: no policy and no person is consulted about it."""
    outside = action.warrant.outside(reading.effects) if action.warrant is not None else None
    if outside is None:
        return decision
    what = redact(f"{outside.verb.value} {outside.resource.kind.value} {outside.resource.name[:200]}")
    return msgspec.structs.replace(
        decision,
        verdict=Verdict.DENY,
        tier=4,
        rung=Rung.NONE,
        rules=(OUTSIDE,),
        why=f"Stopped: the token does not reach this: {what} ({outside.environment.value}). "
        "The token says no, not a person: do not retry it under this token.",
        instead="do only what the token is for, or ask the person who issued it for another one",
    )


def without_token(judged: Judgement, why: str) -> Judgement:
    """The same judgement, where the token that it was asked for under does not count any more."""
    decision = msgspec.structs.replace(
        judged.decision, verdict=Verdict.DENY, tier=4, rung=Rung.NONE, rules=(OUTSIDE,), why=f"Stopped: {why}",
        instead="ask the person who issued the token for another one",
    )  # fmt: skip
    return msgspec.structs.replace(judged, decision=decision)


def _relied_on(decision: Decision, reading: Reading) -> Decision:
    """Where a reader broke, nobody may say yes: what the yes would be for, and which files it binds, is not known."""
    if not reading.failed:
        return decision
    return msgspec.structs.replace(
        decision,
        verdict=Verdict.DENY,
        tier=4,
        rung=Rung.NONE,
        rules=(READER_FAILED,),
        why="Stopped: Interlock failed while it read this, and what it cannot read to the end does not run. "
        "A rule said no, not a person: no approval lifts it. Do not retry it as it is.",
        instead="write it out as plain commands, one a call; a person can report what failed",
    )


def _unspoken(decision: Decision, effects: tuple[Effect, ...]) -> Decision:
    """The reasons name effects: where such a name holds a secret, it is taken out of the reasons."""
    if not decision.why or all(redact(effect.resource.name) == effect.resource.name for effect in effects):
        return decision
    return msgspec.structs.replace(decision, why=redact(decision.why))


def person_here(own_paths: tuple[str, ...]) -> Person:
    """The user of this process. A uid without an entry (as in many containers) is named by its number."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
        name, home = entry.pw_name, entry.pw_dir
    except KeyError:
        name, home = f"uid {uid}", ""
    home = os.environ.get("HOME") or home
    return Person(name=name, home=home, own_paths=own_paths, own_processes=(os.getpid(),))
