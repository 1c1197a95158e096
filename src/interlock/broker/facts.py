"""What an asked action depends on beyond its own words: its directory, files, programs, and variables, as they are now.

Pure nouns. `interlock.broker.sealing` looks them up; `envelope.seal` digests them, so that a yes is for exactly these.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable
from enum import StrEnum

import msgspec

from interlock.containment.bound import BoundPlan
from interlock.effects.startup_variables import CODE_VARIABLES, COMMAND_VARIABLES

UNKNOWN = "unknown"
MOST_ENVIRONMENT = 1 << 18  # bytes that are read of one
_SAID = 3  # sentences a person is shown

# Variables that change which program runs, what it loads first, or what it works on; `X_*` stands for a prefix.
WATCHED = tuple(
    sorted(
        COMMAND_VARIABLES
        | CODE_VARIABLES
        | {
            "PATH", "HOME", "IFS", "CDPATH", "GLOBIGNORE", "SHELLOPTS", "BASHOPTS", "PS4", "XDG_CONFIG_HOME",
            "CLASSPATH", "GOFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "MAKEFLAGS", "MAKEFILES", "COMPOSE_FILE",
            "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
            "BASH_FUNC_*", "LD_*", "DYLD_*", "GIT_*", "PYTHON*", "NODE_*", "NPM_CONFIG_*", "npm_config_*", "PERL5*",
            "RUBY*", "GEM_*", "BUNDLE_*", "JAVA_*", "CARGO_*", "PIP_*", "UV_*", "TF_*", "KUBE*", "AWS_*", "GOOGLE_*",
            "CLOUDSDK_*", "AZURE_*", "ARM_*", "DOCKER_*", "HELM_*", "ANSIBLE_*", "PG*", "MYSQL_*", "VAULT_*",
        }
    )
)  # fmt: skip


class Kind(StrEnum):
    """What stands at a path, and so what its digest is of."""

    FILE = "file"  # its contents
    LINK = "link"  # where it points to
    TREE = "tree"  # every file in it
    ABSENT = "absent"  # nothing is there


class Operand(msgspec.Struct, frozen=True):
    """One path that the action depends on: real, but for a link's last part. `digest` is SHA-256, "" for `ABSENT`.

    The contents decide, not the inode: the same bytes written anew are the same operand. `writes`: the action itself
    changes it, so that it can be compared, and not kept from changing.
    """

    path: str
    kind: Kind
    digest: str
    writes: bool = False


class Program(msgspec.Struct, frozen=True):
    """A program that a command names. `path` is where PATH leads to, `real` what that is.

    `digest` is "" for one that is the system's own: whoever can change that can change Interlock, so what it is
    called is enough. `loose`: a directory that the user can write to comes before it on PATH.
    """

    name: str
    path: str
    real: str
    digest: str
    loose: bool = False


class Directory(msgspec.Struct, frozen=True):
    """A real directory, by its path and by what the kernel calls it."""

    path: str
    device: int
    inode: int


class Facts(msgspec.Struct, frozen=True):
    """All of it. `unbound` says, in words, what of it cannot be held to what it is; it is no part of the digest."""

    cwd: Directory | None = None
    operands: tuple[Operand, ...] = ()
    programs: tuple[Program, ...] = ()
    environment: str = UNKNOWN  # digest of the watched variables
    state: tuple[tuple[str, str], ...] = ()  # what would be published: ("commit", ...), ("tree", ...)
    unbound: tuple[str, ...] = ()


class Binding(msgspec.Struct, frozen=True):
    """How an action would be started. `plan` is the run without its folder, None where the agent starts it itself;
    `race` says what is open.
    """

    plan: BoundPlan | None = None
    race: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of how Interlock would start it, and what that leaves open; "" where the agent does."""
        return hashlib.sha256("\n".join(self.race).encode("utf-8", "replace")).hexdigest() if self.plan else ""

    def body(self) -> dict[str, object]:
        """As entries hold it: who starts the action, and what may still change before it is read."""
        said: dict[str, object] = {"launch": "interlock" if self.plan is not None else "agent"}
        return said | ({"race": self.said()} if self.race else {})

    def said(self) -> list[str]:
        """The sentences for a person: few, and a number for the rest."""
        more = len(self.race) - _SAID
        return [*self.race[:_SAID], *([f"and {more} more"] if more > 0 else [])]


def variables_in(environment: bytes) -> tuple[tuple[str, str], ...] | None:
    """What `/proc/PID/environ` holds; None where nobody could look, or not at all of it."""
    if not environment or len(environment) >= MOST_ENVIRONMENT:
        return None
    entries = (entry.decode("utf-8", "surrogateescape").partition("=") for entry in environment.split(b"\0") if entry)
    return tuple((name, value) for name, equals, value in entries if equals and name)


def watched(variables: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of the variables that change what runs, sorted by name."""
    return tuple(sorted((name, value) for name, value in variables if is_watched(name)))


def is_watched(name: str) -> bool:
    """Whether a variable changes what runs."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in WATCHED)


def environment_digest(variables: Iterable[tuple[str, str]] | None) -> str:
    """Of the watched ones; `unknown` where nobody could look."""
    if variables is None:
        return UNKNOWN
    text = b"".join(f"{name}={value}\0".encode("utf-8", "surrogateescape") for name, value in watched(variables))
    return hashlib.sha256(text).hexdigest()
