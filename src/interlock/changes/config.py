"""The gate's configuration, `.interlock/gate.toml`, as the protected base has it: never as the change does. Pure."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Literal

import msgspec

from interlock.changes.risk.score import Policy
from interlock.model.errors import ConfigError

PATH = ".interlock/gate.toml"


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that a person answers for, until a day."""

    fingerprint: str
    why: str
    by: str
    until: str  # an ISO date, the last day it holds
    count: int = 1  # so many findings of that fingerprint


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Patterns of paths (`*` within a name, `**` across folders), beside the packaged ones."""

    forbidden: tuple[str, ...] = ()  # no change may touch them
    sensitive: tuple[str, ...] = ()  # a person looks
    critical: tuple[str, ...] = ()  # a lost guard blocks
    ordinary: tuple[str, ...] = ()  # taken out of the packaged sensitive ones


class Tests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the tests are run, in a room without network. Without this table none are."""

    command: tuple[str, ...] | str = ("python", "-m", "pytest")  # words, or words with blanks between; no shell
    path: tuple[str, ...] = ("src", "")  # folders of the repository that Python imports from
    reads: tuple[str, ...] = ()  # absolute paths that tests may read beside the system's and the interpreter's
    select: Literal["affected", "all"] = "affected"
    writable: bool = False  # the tests write into the repository's own folder
    quarantine: tuple[str, ...] = ()  # tests known to be flaky: they run, are told of, and prove nothing
    mutants: int = 30
    killed: float = 0.6  # share of the mutants that some test has to notice


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must stand behind commits."""

    require: bool = False  # a commit without an attestation that holds wants a person
    keys: tuple[str, ...] = ()  # verifier keys of the logs that are trusted (`state/keys/daemon.vkey`)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `digest` is set by `read`: it is part of the keys of the cache."""

    scope: Scope = Scope()
    provenance: Provenance = Provenance()
    off: tuple[str, ...] = ()  # stages that do not run
    budgets: dict[str, float] = {}  # stage -> seconds
    waiver: tuple[Waiver, ...] = ()
    dependencies: tuple[str, ...] = ()  # names that are the organisation's own, `registry:name`
    osv: str = ""  # directory of an OSV snapshot, absolute, on the machine that judges
    sarif: tuple[str, ...] = ()  # reports of other scanners, absolute paths or below the directory of reports
    tests: Tests | None = None
    risk: Policy = Policy()  # the review that a score wants
    digest: str = ""


def read(raw: bytes | None) -> Config:
    """The configuration in these bytes; None is an empty one.

    Raises:
        ConfigError: it cannot be used. The gate does not run then: a rule that is not understood is not left out.
    """
    import hashlib

    if raw is None:
        return Config()
    try:
        found = msgspec.convert(tomllib.loads(raw.decode("utf-8")), Config)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"{PATH} of the base cannot be used: {error}. Mend it there; the change's own is not read."
        ) from error
    for waiver in found.waiver:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", waiver.until):
            raise ConfigError(f"{PATH} of the base: waiver {waiver.fingerprint} needs `until`, a date like 2027-01-31.")
    return msgspec.structs.replace(found, digest=hashlib.sha256(raw).hexdigest())


def matches(path: str, patterns: tuple[str, ...]) -> str:
    """The first pattern that a path meets, or ""."""
    return next((p for p in patterns if _compiled(p).fullmatch(path)), "")


@lru_cache(maxsize=2_048)
def _compiled(pattern: str) -> re.Pattern[str]:
    """`**/` any folders, `**` anything, `*` within a name, `?` one letter; without a `/` it holds in every folder."""
    whole = pattern if "/" in pattern else f"**/{pattern}"
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    out = [signs.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", whole.lstrip("/"))]
    return re.compile("".join(out), re.IGNORECASE | re.DOTALL)
