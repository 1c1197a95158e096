"""The gate's configuration, `.interlock/gate.toml`, as the protected base has it: never as the change does. Pure."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from interlock.changes.risk.score import Policy
from interlock.model.errors import ConfigError

PATH = ".interlock/gate.toml"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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


class Review(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who has to have looked at a change beside its authors, from which score on, and how far apart all of them are."""

    roles: tuple[Literal["critic", "tester"], ...] = ("critic",)
    above: float = 0.0  # risk score from which this holds
    frozen: float | None = None  # the same under a freeze; without it `above`
    paths: tuple[str, ...] = ()  # only where the change touches one of these; without any: always
    apart: Literal["session", "agent", "person"] = "session"


class Passkey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A passkey, as `interlock people list --gate` prints it."""

    id: str  # of the credential, base64url
    public: str  # its COSE key, base64url
    relying_party: str  # the host name that it is bound to
    origins: tuple[str, ...]  # the pages that it signs on


class Reviewer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person whose signature under a review counts: by an SSH key, on whatever machine it was made, or a passkey."""

    name: str  # as `interlock people` and the attestations of commits call them
    key: str = ""  # the line of their .pub file
    passkey: Passkey | None = None  # one of the two is there
    emails: tuple[str, ...] = ()  # who has one of these as a commit's author or committer does not review it
    until: str = ""  # an ISO date, the last day that the key counts


class Opinion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that is asked what it sees in a change. Without this table none is."""

    url: str  # of an OpenAI-compatible server, up to and with `/v1`
    model: str
    remote: bool = False  # the change may leave this machine, to another one's https
    seconds: float = 60.0  # for all answers together
    size: int = 60_000  # bytes of one question's changed lines; at most four questions are asked
    weight: Literal["review", "note"] = "review"  # what a finding of the model's does


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `digest` is set by `read`: it is part of the keys of the cache."""

    scope: Scope = Scope()
    provenance: Provenance = Provenance()
    off: tuple[str, ...] = ()  # stages that do not run
    budgets: dict[str, float] = {}  # stage -> seconds
    waiver: tuple[Waiver, ...] = ()
    dependencies: tuple[str, ...] = ()  # names that are the organisation's own, `registry:name`
    osv: str = ""  # directory of an OSV snapshot, absolute, on the machine that judges
    published: tuple[str, ...] = ()  # Python files whose names others import; without any: those of built packages
    sarif: tuple[str, ...] = ()  # reports of other scanners, absolute paths or below the directory of reports
    tests: Tests | None = None
    risk: Policy = Policy()  # the review that a score wants
    review: tuple[Review, ...] = ()  # without any, nobody is asked for
    reviewer: tuple[Reviewer, ...] = ()
    opinion: Opinion | None = None
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
    _known(found.reviewer)
    if found.opinion is not None and (wrong := _unusable(found.opinion)):
        raise ConfigError(f"{PATH} of the base: [opinion] {wrong}")
    return msgspec.structs.replace(found, digest=hashlib.sha256(raw).hexdigest())


def _known(reviewers: tuple[Reviewer, ...]) -> None:
    """Raises ConfigError where a signature would not say who it is."""
    from interlock.model.errors import Refused

    keys = set()
    for one in reviewers:
        try:
            keys.add(_key(one))
        except Refused as error:
            raise ConfigError(f"{PATH} of the base: the key of reviewer {one.name[:60]}: {error}") from error
        if one.until and not re.fullmatch(r"\d{4}-\d\d-\d\d", one.until):
            raise ConfigError(f"{PATH} of the base: `until` of reviewer {one.name[:60]} is no date like 2027-01-31.")
    if len(keys) < len(reviewers):
        raise ConfigError(f"{PATH} of the base: two reviewers have one key; then nobody knows whose word it is.")


def _key(reviewer: Reviewer) -> str:
    """What a reviewer's key is known by. Raises Refused."""
    from interlock.identity import passkeys
    from interlock.identity.sshwire import SshKey
    from interlock.model.errors import Refused

    if bool(reviewer.key) == (reviewer.passkey is not None):
        raise Refused("it is either `key`, a line of a .pub file, or `passkey`; another key is another [[reviewer]].")
    if reviewer.passkey is None:
        return SshKey.parse(reviewer.key.strip()).fingerprint
    passkeys.site(reviewer.passkey.relying_party, reviewer.passkey.origins)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", reviewer.passkey.id) or not reviewer.passkey.public:
        raise Refused("a passkey has an id and a public key, both in base64url.")
    return reviewer.passkey.id


def _unusable(opinion: Opinion) -> str:
    """What is wrong with an endpoint; the address itself is never quoted, it may hold a password."""
    try:
        parts = urlsplit(opinion.url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "has a url that is none."
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        return "needs a url like http://127.0.0.1:11434/v1, without user, query or fragment."
    if not re.fullmatch(r"[\x21-\x7e]+", opinion.url):
        return "has a url with characters that no address has."
    if host in LOOPBACK:
        return ""
    if not opinion.remote:
        return "leads to another machine: the change would leave this one. Say remote = true if it may."
    return "" if parts.scheme == "https" else "leads to another machine and needs https."


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
