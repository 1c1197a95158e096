"""redis-cli: requests on the line or from standard input, each by its command."""

from __future__ import annotations

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.sql import Target, uri
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.model.effect import ALL, Environment, Kind, Reversibility, Scale, Verb
from interlock.model.labels import SECRET

_READ = word_list("redis-read")
_WRITE = word_list("redis-write")
_DELETE = word_list("redis-delete")
_CONTAINERS = word_list("redis-containers")
_CONTAINER_READS = word_list("redis-container-reads")
_SERVER = word_list("redis-server")
_PASSWORDS = frozenset({"requirepass", "masterauth", "*", "*pass*", "*auth*", "require*", "master*"})
_MOST_LINES = 200


def redis(draft: Draft) -> None:
    """redis-cli: one request on the line, or requests from standard input."""
    host, database = draft.text("host") or draft.text("h") or "", draft.text("database") or ""
    if draft.text("uri"):
        host, database = uri(draft.text("uri") or "")
    target = Target(draft, host=host, database=database)
    words = [w.text if w.text is not None else "?" for w in draft.values("request")]
    if draft.has("looks", "asked"):
        return
    if draft.has("eval"):
        draft.opaque("a script for redis is not read")
    elif draft.has("cluster"):
        _cluster(draft, target, words)
    elif words:
        _request(draft, target, words)
    elif draft.inv.stdin.text is not None:
        lines = [line for line in draft.inv.stdin.text.splitlines() if line.strip()]
        for line in lines[:_MOST_LINES]:
            _request(draft, target, line.split())
        if len(lines) > _MOST_LINES:
            draft.opaque("more requests for redis than are read")
    elif draft.inv.stdin.present:
        draft.run_unread(draft.command, "redis-cli runs what it reads", draft.inv.stdin.taint)
    else:
        interactive(draft)


def _cluster(draft: Draft, target: Target, words: list[str]) -> None:
    if words[:1] not in (["check"], ["info"], ["help"]):
        _configured(draft, target)


def _request(draft: Draft, target: Target, words: list[str]) -> None:
    name = words[0].strip("\"'").lower()
    second = words[1].lower() if len(words) > 1 else ""
    key = f"redis:{words[1] if len(words) > 1 else ''}"
    if name in ("flushall", "flushdb"):
        draft.add(Verb.DELETE, Kind.DATABASE, target.host or "redis", env=target.environment, scale=ALL)
    elif name in _DELETE:
        for each in words[1:64] if name in ("del", "unlink") else words[1:2]:
            draft.add(Verb.DELETE, Kind.TABLE, f"redis:{each}", env=target.environment, scale=Scale())
    elif name == "config" and second == "get" and any(word.lower().strip("\"'") in _PASSWORDS for word in words[2:]):
        draft.add(Verb.READ, Kind.SECRET, f"{target.host or 'redis'}: {words[2]}", labels=(SECRET,))
    elif name == "acl" and second in ("list", "getuser"):
        draft.add(Verb.READ, Kind.SECRET, f"{target.host or 'redis'}: users", labels=(SECRET,))
    elif name in _CONTAINERS:
        if second not in _CONTAINER_READS:
            _configured(draft, target)
    elif name in _SERVER:
        _configured(draft, target)
    elif name in ("eval", "evalsha", "fcall", "function", "?"):
        draft.opaque("a script for redis is not read", " ".join(words))
    elif name in _READ:
        draft.add(Verb.READ, Kind.TABLE, key, env=target.environment)
    else:
        here = name in _WRITE and not (target.host or draft.inv.remote) and target.environment is Environment.UNKNOWN
        draft.add(Verb.WRITE, Kind.TABLE, key, env=Environment.MACHINE if here else target.environment)


def _configured(draft: Draft, target: Target) -> None:
    draft.add(
        Verb.CONFIGURE,
        Kind.DATABASE,
        target.host or "redis",
        env=target.environment,
        undo=Reversibility.IRREVERSIBLE,
    )
