"""cypher-shell: what the words of Cypher outside of quotes say. Not a parser: it tells looking from the rest."""

from __future__ import annotations

import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.sql import Target, uri
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.model.effect import ALL, MANY, Kind, Verb

_MOST = 65_536
# Quoted texts, quoted names, comments, labels and property names, each without backtracking.
_QUOTED = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|//[^\n]*|/\*.*?\*/|:\s*\w+|(?<=[A-Za-z_])\.\w+", re.DOTALL
)
_SHELL = re.compile(
    r"^\s*:(?!begin|commit|rollback|exit|help|history|use|sysinfo|info)\w+", re.IGNORECASE | re.MULTILINE
)
_REACHES = re.compile(
    r"\b(?:call|load\s+csv|foreach|start|stop|terminate|alter|enable|deallocate|reallocate)\b", re.IGNORECASE
)
_LOOKS = re.compile(
    r"\bcall\s+(?:db\.(?:labels|relationshipTypes|propertyKeys|info|ping|schema\.\w+)|dbms\.(?:components|info))\s*\(\s*\)",
    re.IGNORECASE,
)
_GRANTS = re.compile(
    r"\b(?:grant|deny|revoke|(?:create|drop|rename)\s+(?:or\s+replace\s+)?(?:user|role))\b", re.IGNORECASE
)
_DROPS = re.compile(r"\bdrop\s+(?:composite\s+)?(?:database|alias)\b", re.IGNORECASE)
_DELETES = re.compile(r"\b(?:delete|remove|drop)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(?:create|merge|set|insert)\b", re.IGNORECASE)


def cypher(draft: Draft) -> None:
    """cypher-shell: a statement on the line, from a file, or from standard input."""
    if draft.has("asked"):
        return
    address = draft.text("host") or draft.variable("NEO4J_URI") or draft.variable("NEO4J_ADDRESS") or ""
    host = uri(address)[0] if "://" in address else address
    target = Target(draft, host=host, database=draft.text("database") or "")
    given = [*draft.values("sql")]
    for value in given:
        if value.text is None:
            draft.run_unread(value.source, "the Cypher is not known", value.taint)
        else:
            _statements(draft, target, value.text)
    files = [*draft.values("sqlfile")]
    if draft.inv.stdin.path is not None and not given and not files:
        files.append(draft.inv.stdin.path)
    for value in files:
        draft.file(Verb.READ, value)
        path = draft.path(value)
        text = draft.content(path) if path is not None else None
        if text is None:
            draft.opaque("the Cypher file cannot be read", value.source)
        else:
            _statements(draft, target, text)
    if given or files:
        return
    if draft.inv.stdin.text is not None:
        _statements(draft, target, draft.inv.stdin.text)
    elif draft.inv.stdin.present:
        draft.run_unread(draft.command, "cypher-shell runs what it reads", draft.inv.stdin.taint)
    else:
        interactive(draft)


def _statements(draft: Draft, target: Target, text: str) -> None:
    """Every kind of effect that a word of the text stands for; a text of none of them only looks."""
    name = target.database or "neo4j"
    if len(text) > _MOST:
        draft.opaque("the Cypher is too long to be read")
        return
    plain = _QUOTED.sub(" x ", _LOOKS.sub(" ", text))
    if re.match(r"\s*explain\b", plain, re.IGNORECASE) and ";" not in plain.rstrip().rstrip(";"):
        draft.add(Verb.READ, Kind.DATABASE, name, env=target.environment)
        return
    if _REACHES.search(plain) or _SHELL.search(text):
        draft.opaque("Cypher that calls a procedure, loads from outside, or runs the server", text[:80])
    if _GRANTS.search(plain):
        draft.add(Verb.GRANT, Kind.DATABASE, name, env=target.environment)
        plain = _GRANTS.sub(" ", plain)
    if _DROPS.search(plain):
        draft.add(Verb.DELETE, Kind.DATABASE, name, env=target.environment, scale=ALL)
    elif _DELETES.search(plain):
        narrow = re.search(r"\bwhere\b|\{", plain, re.IGNORECASE)
        draft.add(Verb.DELETE, Kind.DATABASE, name, env=target.environment, scale=MANY if narrow else ALL)
    elif _WRITES.search(plain):
        draft.add(Verb.WRITE, Kind.DATABASE, name, env=target.environment)
    else:
        draft.add(Verb.READ, Kind.DATABASE, name, env=target.environment)
