"""What an action would do, said in typed words.

An `Effect` is the unit that policy judges. The vocabulary is closed on purpose: a reader that meets something it has no
word for says `Verb.OPAQUE`, and policy never silently allows that.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verb(StrEnum):
    """What happens to the resource."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    DELETE = "delete"
    OVERWRITE = "overwrite"
    EXECUTE = "execute"
    SEND = "send"
    FETCH = "fetch"
    INSTALL = "install"
    PUBLISH = "publish"
    DEPLOY = "deploy"
    GRANT = "grant"
    SPEND = "spend"
    CONFIGURE = "configure"
    OPAQUE = "opaque"


class Kind(StrEnum):
    """What sort of thing the resource is."""

    FILE = "file"
    DIRECTORY = "directory"
    DEVICE = "device"
    TABLE = "table"
    DATABASE = "database"
    GIT_REF = "git_ref"
    GIT_REPOSITORY = "git_repository"
    HOST = "host"
    PROCESS = "process"
    SECRET = "secret"  # noqa: S105 - a kind, not a credential
    PACKAGE = "package"
    CONTAINER = "container"
    CLUSTER_OBJECT = "cluster_object"
    CLOUD_RESOURCE = "cloud_resource"
    TERRAFORM_STATE = "terraform_state"
    SYSTEM = "system"  # services, users, kernel and firewall settings of this machine
    TOOL = "tool"  # an MCP tool or a tool of the agent itself
    AGENT_CONFIG = "agent_config"
    INTERLOCK = "interlock"
    CODE = "code"  # text that would run and that no reader could read


class Environment(StrEnum):
    """Whose world the resource belongs to; the user's `interlock.toml` maps names to these."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"
    WORKSPACE = "workspace"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Reversibility(StrEnum):
    """Who can bring the old state back: Interlock, somebody else, nobody."""

    REVERSIBLE = "reversible"
    RECOVERABLE = "recoverable"
    IRREVERSIBLE = "irreversible"


class Known(StrEnum):
    """How the scale of an effect is known."""

    DRY_RUN = "dry_run"
    COUNT = "count"
    ESTIMATE = "estimate"
    UNKNOWN = "unknown"


class Breadth(StrEnum):
    """How much of the named thing is touched, when no number is known."""

    ONE = "one"
    MANY = "many"
    ALL = "all"


class Resource(msgspec.Struct, frozen=True, order=True):
    """A typed name.

    `name` is canonical for its kind: an absolute normalised path for files, `host` or `host:port` for hosts,
    `remote/branch` for git refs, `database.schema.table` for tables. Text that could not be resolved keeps its
    source form.
    `labels` (sorted, unique) are facts that policies test; the vocabulary stands in `interlock.model.labels`.
    """

    kind: Kind
    name: str
    labels: tuple[str, ...] = ()


class Scale(msgspec.Struct, frozen=True):
    """How much: `count` of `unit` ("files", "rows", "resources", "bytes"), and how that is known.

    `question` is how the count can be found out without changing anything: for rows, a SELECT that counts them.
    """

    breadth: Breadth = Breadth.ONE
    count: int | None = None
    unit: str = ""
    known: Known = Known.UNKNOWN
    question: str = ""


ONE = Scale()
MANY = Scale(breadth=Breadth.MANY)
ALL = Scale(breadth=Breadth.ALL)


class Effect(msgspec.Struct, frozen=True):
    """One thing that an action would do.

    `taint` says what flows into the effect (labels of `interlock.model.labels.TAINTS`): a `send` with taint `secret`
    carries a secret away. `via` is the command or tool that does it; `span` is its place in the action's text, in
    characters. `notes` are short sentences for people.
    """

    verb: Verb
    resource: Resource
    environment: Environment = Environment.UNKNOWN
    reversibility: Reversibility = Reversibility.REVERSIBLE
    scale: Scale = ONE
    taint: tuple[str, ...] = ()
    via: str = ""
    notes: tuple[str, ...] = ()
    span: tuple[int, int] | None = None


def opaque(what: str, why: str, *, via: str = "", span: tuple[int, int] | None = None) -> Effect:
    """The effect of a text that no reader could read: `what` is the text, `why` the reason."""
    return Effect(
        verb=Verb.OPAQUE,
        resource=Resource(Kind.CODE, what),
        reversibility=Reversibility.IRREVERSIBLE,
        via=via,
        notes=(why,),
        span=span,
    )
