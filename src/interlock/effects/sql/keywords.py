"""Statements that are known by their first words: the tree library has no node for them, or a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from interlock.effects.sql.context import Scope
from interlock.effects.sql.names import packaged
from interlock.effects.sql.words import first_words
from interlock.model import labels
from interlock.model.effect import ALL, MANY, Effect, Reversibility, Verb

Again = Callable[[str, Scope], Iterator[Effect]]

_ANALYZE = re.compile(r"\banaly[sz]e\b", re.IGNORECASE)
_STATEMENT = re.compile(
    r"\b(?:select|with|insert|update|delete|merge|replace|create|values|execute|declare|refresh|table)\b", re.IGNORECASE
)
_DESTROYS = re.compile(
    r"\b(?:drop\s+(?:table|database|schema|owned|view|materialized|index|column|user|role|keyspace)|truncate\b|delete\s+from\b)",
    re.IGNORECASE,
)
_CHANGES = re.compile(
    r"\b(?:insert|update|delete|merge|drop|truncate|alter|exec|execute|create|grant)\b", re.IGNORECASE
)
_FILLERS = frozenset(
    {"OR", "REPLACE", "IF", "NOT", "EXISTS", "TEMP", "TEMPORARY", "CONSTRAINT", "TRUSTED", "FOREIGN", "DEFINER"}
)
_BODY = re.compile(r"\b(?:begin|do(?:\s+also|\s+instead)?|for\s+each\s+row)\s+", re.IGNORECASE)
_RIGHTS = re.compile(
    r"set\s+(?:local\s+|session\s+|default\s+)?(?:role|session\s+authorization|authorization)\b", re.IGNORECASE
)


def by_keyword(text: str, scope: Scope, again: Again) -> Iterator[Effect] | None:
    """The effects of a statement that its first words tell in full; None when its tree must be read."""
    words, known = first_words(text), packaged().words
    first, second = [*words, "", ""][:2]
    if first in ("EXPLAIN", "DESCRIBE", "DESC"):
        return _explain(text, scope, again)
    if first == "PREPARE" or (first == "DECLARE" and "CURSOR" in words):
        return _later(text, scope, again, prepared=second if first == "PREPARE" else "")
    if first == "EXECUTE" and second in scope.prepared:
        return iter(())
    if first in ("EXEC", "EXECUTE") and _reports(text, words):
        return iter((scope.effect(Verb.READ, scope.whole_database(), "a procedure that only reports"),))
    if first in known.runs:
        return iter((scope.unread(text, f"{first} runs code of the database that is not written here"),))
    if first in known.frames and _is_frame(words):
        return iter(())
    if scope.dialect in ("tsql", "") and first in (known.looks | known.upkeep) and _CHANGES.search(text):
        return None  # T-SQL needs no semicolon: another statement may follow on the same line
    if first in known.looks or first in ("NOTIFY", "LOCK"):
        return iter((scope.effect(Verb.READ, scope.whole_database(), f"{first.lower()}: changes nothing"),))
    if first in known.upkeep and "RETAIN" in words:
        return iter((scope.unread(text, "upkeep that throws old versions away"),))
    if first in known.upkeep and "INTO" not in words:
        note = f"{first.lower()}: upkeep, keeps every row"
        return iter((scope.effect(Verb.WRITE, scope.whole_database(), note),))
    return _by_object(text, words, scope, again)


def _reports(text: str, words: list[str]) -> bool:
    """A procedure of SQL Server that only reports, called with nothing but plain words: `EXEC sys.sp_help 'Users'`."""
    named = [word for word in words[1:] if word not in (".", "[", "]", "SYS", "DBO", "MASTER")]
    if not named or named[0] not in packaged().words.reports or len(words) == 10:
        return False
    return len(_CHANGES.findall(text)) == 1 and packaged().words.runs.isdisjoint(named)


def _by_object(text: str, words: list[str], scope: Scope, again: Again) -> Iterator[Effect] | None:
    first = words[0] if words else ""
    if first in ("CREATE", "ALTER", "DROP", "RENAME"):
        return _accounts_and_bodies(words, text, scope, again)
    if first == "VACUUM":  # INTO, or it would have been upkeep
        path = re.search(r"into\s+'((?:[^']|'')*)'\s*$", text, re.IGNORECASE)
        if path:
            return iter(
                (scope.effect(Verb.OVERWRITE, scope.file(path[1]), "writes a copy of the database into a file"),)
            )
        return iter((scope.unread(text, "VACUUM INTO something that is no plain path"),))
    if first == "REPLACE" and words[1:2] == ["INTO"]:
        start = text.upper().index("REPLACE")
        return _replacing(text[:start] + "INSERT" + text[start + len("REPLACE") :], scope, again)
    if first in ("REASSIGN", "SECURITY") or (first == "SET" and _RIGHTS.match(text)):
        note = "changes who owns things, or whose rights count"
        return iter((scope.effect(Verb.GRANT, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE),))
    if first == "COMMENT":
        return iter((scope.effect(Verb.WRITE, scope.whole_database(), "changes a comment"),))
    return None


def destructive(text: str, scope: Scope) -> Iterator[Effect]:
    """What a text that could not be read would plainly do, beside being unread: for a policy on deletes."""
    found = _DESTROYS.search(text)
    if found:
        resource = scope.whole_database(extra=(labels.WHOLE,))
        note = f"holds a {' '.join(found[0].upper().split())} that could not be read in full"
        yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=MANY)


def _explain(text: str, scope: Scope, again: Again) -> Iterator[Effect]:
    """EXPLAIN only looks; EXPLAIN ANALYZE runs the statement. The word anywhere before the statement counts."""
    start = _STATEMENT.search(text, len("desc"))
    head = text[: start.start()] if start else text
    if not _ANALYZE.search(head):
        return iter((scope.effect(Verb.READ, scope.whole_database(), "explain: only looks"),))
    if start is None:
        return iter((scope.unread(text, "EXPLAIN ANALYZE of something that is not understood"),))
    return again(text[start.start() :], scope)


def _later(text: str, scope: Scope, again: Again, *, prepared: str) -> Iterator[Effect]:
    """PREPARE and DECLARE CURSOR: the inner statement counts as if it ran."""
    match = re.search(r"\b(?:as|for|from)\b", text, re.IGNORECASE)
    inner = text[match.end() :].strip() if match else ""
    if inner[:1] in ("", "'", '"', "@", ":", "$"):
        return iter((scope.unread(text, "a prepared statement whose text is not plain here"),))
    if prepared:
        scope.prepared.add(prepared)
    return again(inner, scope)


def _replacing(text: str, scope: Scope, again: Again) -> Iterator[Effect]:
    for effect in again(text, scope):
        yield effect
        if effect.verb is Verb.WRITE:
            note = f"replaces rows of {effect.resource.name} that are there already"
            yield scope.effect(
                Verb.OVERWRITE, effect.resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=MANY
            )


def _is_frame(words: list[str]) -> bool:
    """BEGIN and kin as the frame of a transaction, not as a block of statements."""
    if words[0] in ("SAVEPOINT", "RELEASE") or (words[0] == "ROLLBACK" and "TO" in words):
        return len(words) <= 5
    return packaged().words.in_frames.issuperset(words)


def _accounts_and_bodies(words: list[str], text: str, scope: Scope, again: Again) -> Iterator[Effect] | None:
    first, known = words[0], packaged().words
    what = next((word for word in words[1:] if word not in _FILLERS), "")
    if first == "RENAME":
        note = "renames tables or accounts"
        return iter(
            (scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE),)
        )
    if what in known.accounts and "MAPPING" not in words:
        return _accounts(first, text, scope)
    if what == "OWNED":
        resource, note = scope.whole_database(extra=(labels.WHOLE,)), "drops everything that a role owns"
        return iter((scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=ALL),))
    if first in ("CREATE", "ALTER") and (what in known.bodies or "DEFINER" in words):
        return _body(text, scope, again)
    if what in ("SYSTEM", "SERVER") and first == "ALTER":
        note = "changes the configuration of the server"
        return iter(
            (scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE),)
        )
    return None


def _body(text: str, scope: Scope, again: Again) -> Iterator[Effect]:
    """A trigger, an event, a routine: code for later, and its first plain statement counts as if it ran."""
    resource, note = scope.whole_database(extra=(labels.EXECUTES_LATER,)), "makes code that the database runs later"
    yield scope.effect(Verb.CONFIGURE, resource, note, reversibility=Reversibility.RECOVERABLE)
    start = _BODY.search(text)
    if start and _STATEMENT.match(text, start.end()):
        yield from again(text[start.end() :], scope)


def _accounts(first: str, text: str, scope: Scope) -> Iterator[Effect]:
    note = f"{first.lower()}s accounts or roles"
    yield scope.effect(Verb.GRANT, scope.whole_database(), note, reversibility=Reversibility.IRREVERSIBLE)
    if first == "DROP" and re.search(r"\bcascade\b", text, re.IGNORECASE):
        resource, note = scope.whole_database(extra=(labels.WHOLE,)), "drops everything that the account owns"
        yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=ALL)
