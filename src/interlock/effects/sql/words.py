"""The first words of a statement, without the tree library: cheap enough to ask whether a text is SQL at all."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d]\w*|\S", re.ASCII)
_COMMENT = re.compile(r"--[^\n]*(?:\n|$)|/\*.*?\*/|#[^\n]*(?:\n|$)", re.DOTALL)
_STATEMENTS = frozenset(
    {
        "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "DROP", "CREATE", "ALTER", "TRUNCATE", "GRANT",
        "REVOKE", "EXPLAIN", "SHOW", "BEGIN", "START", "COMMIT", "ROLLBACK", "SET", "COPY", "DO", "CALL", "EXECUTE",
        "EXEC", "VACUUM", "ANALYZE", "PRAGMA", "ATTACH", "REPLACE", "DESCRIBE", "USE", "VALUES", "TABLE", "LOCK",
        "COMMENT", "REINDEX", "REFRESH", "OPTIMIZE", "RENAME", "LOAD",
    }
)  # fmt: skip


def first_words(text: str, count: int = 10) -> list[str]:
    """The first words of a statement in upper case, comments skipped."""
    position = 0
    words: list[str] = []
    while len(words) < count and position < len(text):
        comment = _COMMENT.match(text, position)
        if comment:
            position = comment.end()
            continue
        word = _WORD.match(text, position)
        if word:
            words.append(word[0].upper())
            position = word.end()
        else:
            position += 1
    return words


def looks_like_sql(text: str) -> bool:
    """Whether the text begins as a statement does: `query` is the name of many arguments that are no SQL."""
    words = [word for word in first_words(text, 6) if word not in "(;"]
    return bool(words) and words[0] in _STATEMENTS
