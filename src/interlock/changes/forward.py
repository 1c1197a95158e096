"""The part of a migration that goes forward: what takes it back is no loss, and runs when somebody asks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BACK = re.compile(r"(?:^|[._/-])(?:down|rollback|revert)\.sql$", re.IGNORECASE)
_PYTHON = re.compile(r"^def downgrade\b[^\n]*\n(?:[ \t][^\n]*\n|\n|\)[^\n]*\n)*(?:[ \t][^\n]*\Z)?", re.MULTILINE)
_RUBY = re.compile(r"^([ \t]*)def (?:self\.)?down\b.*?^\1end\b", re.MULTILINE | re.DOTALL)
# As goose, sql-migrate, dbmate and MyBatis mark it.
_MARKED = re.compile(
    r"^--[ \t]*(?:\+goose[ \t]+down|\+migrate[ \t]+down|migrate:down|@undo|//@undo)"
    r".*?(?=^--[ \t]*(?:\+goose[ \t]+up|\+migrate[ \t]+up|migrate:up)|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)


def forward(code: str, text: str, path: str) -> str:
    """`code`, a text of the length of `text`, with blanks where a migration goes back."""
    for start, end in _spans(text, path):
        code = code[:start] + re.sub(r"[^\n]", " ", code[start:end]) + code[end:]
    return code


def _spans(text: str, path: str) -> Iterator[tuple[int, int]]:
    if path.endswith(".sql"):
        if _BACK.search(path):
            yield 0, len(text)
        else:
            yield from (match.span() for match in _MARKED.finditer(text))
    elif path.endswith(".py"):
        yield from (match.span() for match in _PYTHON.finditer(text))
    elif path.endswith(".rb"):
        yield from (match.span() for match in _RUBY.finditer(text))
