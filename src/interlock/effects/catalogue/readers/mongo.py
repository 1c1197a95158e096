"""mongosh: what the calls in its text do to collections, databases, and the servers themselves.

Not a parser of JavaScript: every name that is called is looked up, and a name that is not known is a question.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.sql import Target, uri
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.catalogue.words import word_list
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import ALL, MANY, ONE, Kind, Reversibility, Verb

_MOST = 65_536
_MOST_CALLS = 400
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|//[^\n]*|/\*.*?\*/", re.DOTALL)
# A name that is called, with at most 200 characters before it on its line: the collection is among them.
_CALL = re.compile(r"([A-Za-z_$][\w$]*)\s*\(")
_PATH = re.compile(r"db((?:\s*\.\s*(?:getSiblingDB|getCollection)\([^()]*\)|\[[^\]]*\]|\s*\.\s*\w+)*)\s*\.\s*$")
_FIRST_KEY = re.compile(r"\s*(?:\{\s*)?[\"']?([A-Za-z_]\w*)[\"']?\s*[:\"',})]?")
_HELPER = re.compile(r"\b(?:rs|sh)\s*\.\s*$")
_COMPUTED = re.compile(r"\]\s*\(")  # db.users["drop"]()
_MEMBER_SET = re.compile(r"\b(?:constructor|prototype|__proto__|globalThis|process)\b")
_KEYWORDS = frozenset(
    {"if", "for", "while", "switch", "catch", "function", "return", "typeof", "in", "of", "new", "and"}
)

_READS = word_list("mongo-reads")
_WRITES = word_list("mongo-writes")
_DELETES = word_list("mongo-deletes")
_GRANTS = word_list("mongo-grants")
_SERVERS = word_list("mongo-servers")
_COMMAND_READS = word_list("mongo-command-reads")
_COMMAND_DELETES = word_list("mongo-command-deletes")
_COMMAND_WRITES = word_list("mongo-command-writes")


def mongo(draft: Draft) -> None:
    """mongosh: --eval, a script, or standard input."""
    if draft.has("asked"):
        return
    text = draft.text("database") or ""
    host, database = uri(text) if "://" in text else (draft.text("host") or "", text)
    target = Target(draft, host=host, database=database)
    codes, scripts = draft.values("code"), [*draft.values("codefile")]
    for value in codes:
        if value.text is None:
            draft.run_unread(value.source, "the text for mongosh is not known", value.taint)
        else:
            _text(draft, target, value.text)
    if draft.inv.stdin.path is not None and not codes and not scripts:
        scripts.append(draft.inv.stdin.path)
    for value in scripts:
        draft.file(Verb.READ, value)
        path = draft.path(value)
        got = draft.content(path) if path is not None else None
        if got is None:
            draft.opaque("a script for mongosh is not read", value.text or value.source)
        else:
            _text(draft, target, got)
    if codes or scripts:
        return
    stdin = draft.inv.stdin
    if stdin.text is not None:
        _text(draft, target, stdin.text)
    elif stdin.present:
        draft.run_unread(draft.command, "mongosh runs what it reads", stdin.taint)
    else:
        interactive(draft)


def _text(draft: Draft, target: Target, text: str) -> None:
    if len(text) > _MOST:
        draft.opaque("the text for mongosh is too long to be read", text)
        return
    draft.flow.add(L.FROM_FILE)
    bare = _QUOTED.sub(lambda found: found.group()[:1] + " " * (len(found.group()) - 2) + found.group()[-1:], text)
    for count, match in enumerate(_CALL.finditer(bare)):
        if count == _MOST_CALLS:
            draft.opaque("more calls in text for mongosh than are read", text)
            break
        if match.group(1) not in _KEYWORDS:
            _call(draft, target, text, match.start(), match.group(1), match.end())
    if _COMPUTED.search(bare) or _MEMBER_SET.search(bare):
        draft.opaque("a call by a computed name is not read", text)


def _call(draft: Draft, target: Target, text: str, start: int, name: str, end: int) -> None:
    """One call: by the name, and by whether it says that it takes everything."""
    where = target.database or "db"
    if _HELPER.search(text[max(0, start - 8) : start]) and name not in _READS:
        _configured(draft, target)  # rs.add(…), sh.moveChunk(…): the servers of a replica set or a sharded cluster
    elif name == "dropDatabase":
        draft.add(Verb.DELETE, Kind.DATABASE, where, env=target.environment, scale=ALL)
    elif name in _DELETES:
        arguments = text[end : end + 200].partition(")")[0].strip()
        whole = name == "drop" or arguments.startswith("{}") or not arguments
        draft.add(
            Verb.DELETE,
            Kind.TABLE,
            f"{where}{_collection(text[max(0, start - 200) : start])}",
            env=target.environment,
            labels=(L.WHOLE,) if whole else (),
            scale=ALL if whole else ONE,
        )
    elif name in ("runCommand", "adminCommand"):
        _command(draft, target, text[end : end + 200])
    elif name == "aggregate" and re.search(r"\$(?:out|merge)\b", text):
        draft.add(Verb.OVERWRITE, Kind.TABLE, where, env=target.environment, scale=MANY)
    elif name in _WRITES:
        draft.add(Verb.WRITE, Kind.TABLE, where, env=target.environment)
    elif name in _GRANTS:
        draft.add(Verb.GRANT, Kind.DATABASE, where, env=target.environment)
    elif name in _SERVERS:
        _configured(draft, target)
    elif name not in _READS and not re.search(r"\bfunction\s+$", text[max(0, start - 20) : start]):
        draft.opaque("a call in text for mongosh that is not known", name)


def _collection(before: str) -> str:
    path = _PATH.search(before)
    return re.sub(r"[^A-Za-z0-9_.]", "", path.group(1)) if path else ""


def _command(draft: Draft, target: Target, argument: str) -> None:
    """A database command: the first key of its document is its name."""
    found = _FIRST_KEY.match(argument)
    name = found.group(1) if found else ""
    where = target.database or "db"
    if name in _COMMAND_READS:
        draft.add(Verb.READ, Kind.DATABASE, where, env=target.environment)
    elif name in _COMMAND_DELETES:
        draft.add(Verb.DELETE, Kind.DATABASE, where, env=target.environment, scale=ALL)
    elif name in _COMMAND_WRITES:
        draft.add(Verb.WRITE, Kind.TABLE, where, env=target.environment)
    elif name:
        _configured(draft, target)
    else:
        draft.opaque("a database command that is not read", argument)


def _configured(draft: Draft, target: Target) -> None:
    draft.add(
        Verb.CONFIGURE,
        Kind.SYSTEM,
        f"mongodb:{target.host or target.database or 'server'}",
        env=target.environment,
        undo=Reversibility.IRREVERSIBLE,
    )
