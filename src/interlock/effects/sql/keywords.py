"""Statements that are known by their first words: the tree library has no node for them, or a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot.tokens import Token

from interlock.effects.sql.context import Scope
from interlock.model import labels
from interlock.model.effect import ALL, MANY, Effect, Reversibility, Verb

Again = Callable[[str, Scope], Iterator[Effect]]

_LOOKS = frozenset({"SHOW", "HELP", "LISTEN", "UNLISTEN", "FETCH", "MOVE", "CLOSE", "CHECKPOINT", "DEALLOCATE", "DISCARD", "SUMMARIZE"})
_KEEPS = frozenset({"VACUUM", "REINDEX", "ANALYZE", "ANALYSE", "OPTIMIZE", "CLUSTER", "REFRESH", "REPAIR", "CHECK", "CHECKSUM", "FLUSH"})
_FRAMES = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_ACCOUNTS = frozenset({"ROLE", "USER", "GROUP", "LOGIN", "ROLES", "USERS"})
_BODIES = frozenset({"FUNCTION", "PROCEDURE", "PROC", "TRIGGER", "EVENT", "RULE", "EXTENSION", "LANGUAGE", "AGGREGATE", "OPERATOR", "CAST", "SERVER", "PACKAGE"})
_RUNS = frozenset({"DO", "CALL", "EXEC", "EXECUTE", "DBCC", "SHUTDOWN", "SOURCE", "HANDLER", "DELIMITER", "GO", "BACKUP", "RESTORE", "INSTALL", "LOAD"})


def by_keyword(text: str, tokens: list[Token], scope: Scope, again: Again) -> Iterator[Effect] | None:
    """The effects of a statement that its first words tell in full; None when its tree must be read."""
    words = [token.text.upper() for token in tokens[:8]]
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first in ("EXPLAIN", "DESCRIBE", "DESC"):
        return _explain(text, tokens, scope, again)
    if first == "PREPARE" or (first == "DECLARE" and "CURSOR" in text.upper()[:400]):
        return _later(text, scope, again, prepared=second if first == "PREPARE" else "")
    if first == "EXECUTE" and second in scope.prepared:
        return iter(())
    if first in _RUNS:
        return iter((scope.unread(text, f"{first} runs code of the database that is not written here"),))
    if first in _FRAMES and _is_frame(words):
        return iter(())
    if first in _LOOKS:
        return iter((_look(scope, first),))
    if first in _KEEPS and second != "INTO" and "INTO" not in words:
        return iter((_keep(scope, first),))
    if first in ("CREATE", "ALTER", "DROP", "RENAME"):
        return _accounts_and_bodies(text, words, scope)
    if first in ("REASSIGN", "NOTIFY", "LOCK", "COMMENT", "SECURITY"):
        return _small_change(first, scope)
    return None


def destructive(tokens: list[Token], scope: Scope) -> Iterator[Effect]:
    """What a statement that could not be read plainly is about to do, beside being unread."""
    words = [token.text.upper() for token in tokens]
    if words and words[0] in ("DROP", "TRUNCATE", "DELETE"):
        resource = scope.whole_database(extra=(labels.WHOLE,))
        note = f"a {words[0]} whose object could not be read"
        yield scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=MANY)


def _explain(text: str, tokens: list[Token], scope: Scope, again: Again) -> Iterator[Effect]:
    """EXPLAIN only looks; EXPLAIN ANALYZE runs the statement."""
    runs = False
    index = 1
    while index < len(tokens):
        word = tokens[index].text.upper()
        if word == "(":
            close = next((i for i in range(index, len(tokens)) if tokens[i].text == ")"), len(tokens) - 1)
            options = [t.text.upper() for t in tokens[index:close]]
            runs = runs or any(o in ("ANALYZE", "ANALYSE") for o in options)
            index = close + 1
            continue
        if word in ("ANALYZE", "ANALYSE"):
            runs = True
        elif word in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CREATE", "VALUES", "TABLE", "EXECUTE", "DECLARE", "REFRESH"):
            break
        index += 1
    if not runs or index >= len(tokens):
        # Some lexers swallow the rest as one text: look for the word in it, to be on the safe side.
        if not re.search(r"\banaly[sz]e\b", text, re.IGNORECASE):
            return iter((_look(scope, "EXPLAIN"),))
        match = re.search(r"\b(?:select|with|insert|update|delete|merge|replace|create|values|execute|declare)\b", text, re.IGNORECASE)
        if match is None:
            return iter((scope.unread(text, "EXPLAIN ANALYZE of something that is not understood"),))
        return again(text[match.start() :], scope)
    return again(text[tokens[index].start - tokens[0].start :], scope)


def _later(text: str, scope: Scope, again: Again, *, prepared: str) -> Iterator[Effect]:
    match = re.search(r"\b(?:as|for|from)\b", text, re.IGNORECASE)
    if match is None:
        return iter((scope.unread(text, "a prepared statement whose text is not here"),))
    inner = text[match.end() :].strip()
    if inner[:1] in ("'", '"', "@", ":", "$"):
        return iter((scope.unread(text, "a prepared statement made of a text"),))
    if prepared:
        scope.prepared.add(prepared)
    return again(inner, scope)


def _is_frame(words: list[str]) -> bool:
    """BEGIN and kin as the frame of a transaction, not as a block of statements."""
    plain = {
        "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "TRANSACTION", "WORK", "TRAN", "ISOLATION", "LEVEL", "READ", "ONLY",
        "WRITE", "SERIALIZABLE", "REPEATABLE", "COMMITTED", "UNCOMMITTED", "DEFERRABLE", "NOT", "IMMEDIATE", "EXCLUSIVE", "DEFERRED", "CONCURRENT", "TO", "AND",
        "CHAIN", "NO", "WITH", "CONSISTENT", "SNAPSHOT", ",", "",
    }  # fmt: skip
    if words[0] in ("SAVEPOINT", "RELEASE") or (words[0] == "ROLLBACK" and "TO" in words):
        return len(words) <= 5
    return all(part in plain for word in words for part in word.split())


def _accounts_and_bodies(text: str, words: list[str], scope: Scope) -> Iterator[Effect] | None:
    head = [w for w in words if w not in ("OR", "REPLACE", "IF", "NOT", "EXISTS", "TEMP", "TEMPORARY", "CONSTRAINT", "TRUSTED", "FOREIGN", "EVENT")][:3]
    if words[0] == "RENAME":
        resource = scope.whole_database()
        return iter((scope.effect(Verb.CONFIGURE, resource, "renames tables", reversibility=Reversibility.RECOVERABLE),))
    what = _second_word(text, head)
    if what in _ACCOUNTS:
        note = f"{words[0].lower()}s accounts or roles"
        return iter((scope.effect(Verb.GRANT, scope.whole_database(), note, reversibility=Reversibility.IRREVERSIBLE),))
    if what in ("OWNED",):
        resource = scope.whole_database(extra=(labels.WHOLE,))
        note = "drops everything that a role owns"
        return iter((scope.effect(Verb.DELETE, resource, note, reversibility=Reversibility.IRREVERSIBLE, scale=ALL),))
    if words[0] in ("CREATE", "ALTER") and what in _BODIES:
        resource = scope.whole_database(extra=(labels.EXECUTES_LATER,))
        note = f"makes a {what.lower()}: code that the database runs later"
        return iter((scope.effect(Verb.CONFIGURE, resource, note, reversibility=Reversibility.RECOVERABLE),))
    if what in ("SYSTEM", "SERVER"):
        note = "changes the configuration of the server"
        return iter((scope.effect(Verb.CONFIGURE, scope.whole_database(), note, reversibility=Reversibility.RECOVERABLE),))
    return None


def _second_word(text: str, head: list[str]) -> str:
    if len(head) > 1 and " " not in head[1]:
        return head[1]
    match = re.match(r"\s*\w+\s+(?:OR\s+REPLACE\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(\w+)", text, re.IGNORECASE)
    return match[1].upper() if match else ""


def _small_change(first: str, scope: Scope) -> Iterator[Effect]:
    verb = Verb.GRANT if first in ("REASSIGN", "SECURITY") else Verb.CONFIGURE
    if first in ("NOTIFY", "LOCK"):
        return iter((_look(scope, first),))
    return iter((scope.effect(verb, scope.whole_database(), f"{first}", reversibility=Reversibility.RECOVERABLE),))


def _look(scope: Scope, word: str) -> Effect:
    return scope.effect(Verb.READ, scope.whole_database(), f"{word.lower()}: only looks")


def _keep(scope: Scope, word: str) -> Effect:
    return scope.effect(Verb.CONFIGURE, scope.whole_database(), f"{word.lower()}: upkeep, keeps every row")
