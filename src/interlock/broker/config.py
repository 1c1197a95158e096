"""What people have told Interlock, combined: the part of the configuration that decisions depend on."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from interlock.approvals.needs import Who
from interlock.approvals.patience import Limits
from interlock.containment.profiles import Part
from interlock.halt.order import Order
from interlock.model.world import EnvironmentRule
from interlock.policy.roles import Roles, packaged
from interlock.preview.finding import Database


class Mode(StrEnum):
    """`observe` records what would have been stopped; `enforce` stops it."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Shell(StrEnum):
    """Which shell commands run in the sandbox."""

    OFF = "off"  # none
    QUESTIONS = "questions"  # those that would otherwise be a question
    ALWAYS = "always"  # all that can do their work there


class End(StrEnum):
    """What becomes of a contained run's changes that nothing speaks against."""

    COMMIT = "commit"  # they go into the workspace
    HOLD = "hold"  # a person looks first
    DISCARD = "discard"  # they are shown and dropped


class Containment(msgspec.Struct, frozen=True):
    """What runs in the sandbox, and the hosts that the profile `network` reaches: `host`, `host:port`, `*.suffix`."""

    shell: Shell = Shell.QUESTIONS
    hosts: tuple[str, ...] = ()
    profiles: dict[str, Part] = {}  # a person's own, by name
    end: End = End.COMMIT


class Wait(StrEnum):
    """How an agent waits for a person."""

    HOLD = "hold"  # its hook is held open for a while, then it hears no, with a ticket
    DEFER = "defer"  # an agent that can put the call aside does so; of the others the hook is held open
    TICKET = "ticket"  # it hears no at once; a yes that comes later is used by the identical call


class Approvals(msgspec.Struct, frozen=True):
    """Who is asked, how the agent waits, and when enough is enough."""

    wait: Wait = Wait.HOLD
    withdraw: bool = False  # questions end with the agent's session, and with the call that nobody waits for
    escalate_after: float = 0.5  # of the time to decide, until the next group is asked as well
    limits: Limits = Limits()
    who: tuple[Who, ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """How much may be looked at before a person is asked. `seconds` for all looks of one question; 0 turns them off."""

    seconds: float = 5.0
    run: bool = False  # looks may run the project's own tools, and so its code
    databases: tuple[Database, ...] = ()


class Oidc(msgspec.Struct, frozen=True):
    """A provider of identities. `people` says who stands behind a value of `claim`, `readers` who may only look.

    `groups` is the claim that lists the groups of who comes: where there are `required_groups`, nobody who is in none
    of them signs in; who is in one of `reader_groups` may look. Who decides stands in `people` alone.
    """

    issuer: str
    client_id: str
    secret_file: str = ""
    claim: str = "sub"
    people: dict[str, str] = {}
    readers: tuple[str, ...] = ()
    groups: str = ""
    reader_groups: tuple[str, ...] = ()
    required_groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()  # what is asked for beside openid, so that the provider says them


class Remote(msgspec.Struct, frozen=True):
    """Where the panel is served beyond this machine: over TLS, under one host name, to who signs in."""

    listen: tuple[str, ...]
    port: int
    name: str
    certificate: str  # files, PEM
    key: str
    passkeys: bool = True
    oidc: Oidc | None = None


class Panel(msgspec.Struct, frozen=True):
    """Whether the control panel is served, and at which port; 0: the one it had, or the usual one, or any.

    With `socket` it is served on a Unix socket instead, and the port is the one that people lead there.
    """

    enabled: bool = True
    port: int = 0
    socket: bool = False
    remote: Remote | None = None


class Config(msgspec.Struct, frozen=True):
    """Times in seconds."""

    mode: Mode = Mode.ENFORCE
    environments: tuple[EnvironmentRule, ...] = ()
    known_hosts: tuple[str, ...] = ()
    protected_branches: tuple[str, ...] = ("main", "master", "production", "release/*")
    freezes: tuple[Order, ...] = ()
    hold_seconds: int = 20  # how long a hook is held open for a person
    decide_seconds: int = 3_600  # how long a request may wait for a decision
    execute_seconds: int = 900  # how long a yes may wait for its action
    approvals: Approvals = Approvals()
    preview: Preview = Preview()
    containment: Containment = Containment()
    panel: Panel = Panel()
    administrators: int = 2  # who must agree to a change of people, once two can
    roles: Roles = msgspec.field(default_factory=packaged)
    families: tuple[tuple[str, str], ...] = ()  # (name, TOML) of catalogue families beside the packaged ones
