"""The reviews of one commit, each told with whether it holds: what `interlock verify --commit` shows.

Nothing of a review is told that its signature does not cover: where that fails, nobody said anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from interlock.changes import config, passkeyreview, signedreview
from interlock.changes.chain import Hand
from interlock.changes.change import Change, Commit, Span
from interlock.changes.config import Config
from interlock.changes.repo import Repo
from interlock.changes.reviewwords import logged, word
from interlock.changes.signedreview import Statement
from interlock.identity import sshsig
from interlock.identity.sshwire import SshKey
from interlock.model.errors import LedgerTampered, NotFound, Refused

_COMMITS = 200  # of one change


class Told(msgspec.Struct, frozen=True):
    """One review. `by`: who, by the key; "" where nobody knows. `at`: an RFC 3339 time, `until` an ISO date.

    `signed`: with an `ssh` key, a `passkey`, or by the daemon of a `log` that saw who said it; `key` is that key's id,
    or the log's name, and `entry` the entry there. `since`: the commit since which the change was looked at, where the
    review says it. `why`: why it does not hold; `forged`: something is wrong with it.
    """

    signed: str
    key: str = ""
    by: str = ""
    role: str = ""
    says: str = ""
    because: str = ""
    at: str = ""
    until: str = ""
    since: str = ""
    entry: int | None = None
    holds: bool = False
    forged: bool = False
    why: str = ""


class Asked(msgspec.Struct, frozen=True):
    """A commit and by whose rules its reviews are judged. `keys`: of logs that are trusted beside those of the base.

    `today`: an ISO date; `gone`: ids of people's keys that count no more.
    """

    commit: str
    base: str = ""
    keys: tuple[str, ...] = ()
    today: str = ""
    gone: Collection[str] = ()


def told(repo: Repo, lines: Iterable[bytes], asked: Asked) -> list[Told]:
    """Each of these reviews.

    Raises:
        NotFound, ConfigError: the base is not there, or its gate.toml cannot be used.
    """
    rules, base = _rules(repo, asked)
    return [_told(repo, line, base, rules, asked) for line in lines if line.strip()]


def _rules(repo: Repo, asked: Asked) -> tuple[Config, str]:
    """The base's configuration, with the keys that are trusted here, and its commit; "" where there is no base."""
    try:
        base = repo.commit(asked.base or repo.default())
    except NotFound:
        if asked.base:
            raise
        return _trusting(Config(), asked.keys), ""
    mode, oid = repo.listing(repo.tree(base)).get(config.PATH, ("", ""))
    raw = repo.blobs([oid], 1 << 20)[oid][1] if mode.startswith("100") else None
    return _trusting(config.read(raw), asked.keys), base


def _trusting(rules: Config, keys: Sequence[str]) -> Config:
    provenance = msgspec.structs.replace(rules.provenance, keys=(*rules.provenance.keys, *keys))
    return msgspec.structs.replace(rules, provenance=provenance)


def _told(repo: Repo, line: bytes, base: str, rules: Config, asked: Asked) -> Told:
    try:
        found, statement = _who(line, rules)
        change = _change(repo, _fork(repo, asked.commit, base, statement), rules, asked)
        last = next(one for one in change.commits if one.name == asked.commit)
        if found.signed == "log" or not found.by:
            found = _by_log(found, line, last, rules)
        holds = word(line, last, change) is not None
    except signedreview.Unknown as error:
        return msgspec.structs.replace(found, why=str(error))
    except (Refused, LedgerTampered) as error:
        return Told(_kind(line), forged=True, why=str(error).removesuffix("."))
    why = "" if holds else "it is of a log whose key you did not give, and the base does not name"
    return msgspec.structs.replace(found, holds=holds, why=why)


def _kind(line: bytes) -> str:
    return "ssh" if signedreview.signed(line) else "passkey" if passkeyreview.inside(line) else "log"


def _who(line: bytes, rules: Config) -> tuple[Told, Statement | None]:
    """What a signature of a person covers, and whose the base says it is. Raises Refused where it does not hold."""
    if (pair := signedreview.signed(line)) is not None:
        text, signature = pair
        key = sshsig.verify(signature, text.encode(), sshsig.REVIEW).key
        who = next((r.name for r in rules.reviewer if r.key and SshKey.parse(r.key.strip()) == key), "")
        said = signedreview.parse(text)
        return _stated(Told("ssh", key.fingerprint, who), said), said
    if (evidence := passkeyreview.inside(line)) is not None:
        reviewer = passkeyreview.reviewer(evidence, rules.reviewer)
        key_of = evidence.key if reviewer is None or reviewer.passkey is None else reviewer.passkey
        said = passkeyreview.proved(evidence, key_of)
        return _stated(Told("passkey", key_of.id, reviewer.name if reviewer else ""), said), said
    return Told("log"), None


def _stated(found: Told, said: Statement) -> Told:
    since = said.shown.fork if said.shown else ""
    return msgspec.structs.replace(
        found, role=said.role, says=said.says, because=said.because, at=said.at, until=said.until, since=since
    )


def _by_log(found: Told, line: bytes, last: Commit, rules: Config) -> Told:
    """What a trusted log adds: who it saw. Raises LedgerTampered."""
    said = None if found.signed == "ssh" else logged(line, last, rules.provenance.keys)
    if said is None:
        return found
    inside = said["predicate"]
    by = inside["by"]
    name = Hand(by.get("agent", ""), by.get("session", ""), by.get("person", "")).name
    if found.signed == "passkey":
        return msgspec.structs.replace(found, by=name, entry=said["entry"])
    return Told(
        "log", said["log"], name, inside["role"], inside["says"], str(inside.get("because", "")),
        str(inside.get("timeCreated", "")), entry=said["entry"],
    )  # fmt: skip


def _fork(repo: Repo, commit: str, base: str, statement: Statement | None) -> str:
    """Where the change parted from its base. Of a commit that the base has by now only the review itself says it; it is
    believed where that commit is one that `commit` came from."""
    if base and (fork := _common(repo, base, commit)) not in ("", commit):
        return fork
    named = statement.shown.fork if statement and statement.shown else ""
    for one in (named, f"{commit}^"):
        found = _common(repo, one, commit) if one else ""
        if found not in ("", commit) and found == repo.commit(one):
            return found
    return commit


def _common(repo: Repo, one: str, commit: str) -> str:
    """Where two commits parted; "" where one is not here, or they have nothing in common."""
    try:
        return repo.fork(repo.commit(one), commit)[0]
    except NotFound:
        return ""


def _change(repo: Repo, fork: str, rules: Config, asked: Asked) -> Change:
    """The change without its files: nothing of a review is about those."""
    trees = repo.trees((fork, asked.commit))
    span = Span(fork, asked.commit, fork, {"base": trees[fork], "fork": trees[fork], "head": trees[asked.commit]})
    raw = repo.commits(fork, asked.commit, _COMMITS)
    raw.setdefault(asked.commit, repo.call("cat-file", "commit", asked.commit))
    commits = tuple(Commit(name, "", "", content) for name, content in raw.items())
    change = Change(span, (), rules, listing=repo.listing, read=lambda _: {}, commits=commits, today=asked.today)
    change.withdrawn = frozenset(asked.gone)
    return change
