"""SQL text in, effects out: split as the dialect splits, read statement by statement, whatever is not known is opaque."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from interlock.effects.sql.context import Scope
from interlock.effects.sql.keywords import by_keyword, destructive
from interlock.effects.sql.statements import statement_effects
from interlock.model.effect import Effect, Environment, Resource

MAX_TEXT = 262_144  # characters; a dump is restored by its path, not read line by line
MAX_STATEMENTS = 500
MAX_TOKENS = 40_000
MAX_NESTING = 200  # brackets; the parser behind recurses
_DIALECTS = {
    "": "", "ansi": "", "postgres": "postgres", "postgresql": "postgres", "psql": "postgres", "cockroach": "postgres", "redshift": "redshift", "mysql": "mysql",
    "mariadb": "mysql", "sqlite": "sqlite", "tsql": "tsql", "mssql": "tsql", "snowflake": "snowflake", "bigquery": "bigquery", "clickhouse": "clickhouse",
    "duckdb": "duckdb", "oracle": "oracle", "trino": "trino", "presto": "presto", "athena": "athena", "spark": "spark", "hive": "hive", "databricks": "databricks",
}  # fmt: skip
_MYSQL_FAMILY = frozenset({"mysql", ""})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_AMBIGUOUS = re.compile(r"\\|#|--\S|`|\$")

# The parser warns on stderr of what it cannot type; the reader says it in its effects instead.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False


class Statement(NamedTuple):
    """One statement of the text and its tokens."""

    text: str
    tokens: list[Token]


def read_sql(  # noqa: PLR0913 - the signature that the rooms agreed on, and where files live
    text: str,
    dialect: str,
    *,
    database: str,
    environment: Environment,
    via: str,
    span: tuple[int, int] | None = None,
    files: Callable[[str], Resource] | None = None,
) -> tuple[Effect, ...]:
    """What running `text` against a database would do. Total: never raises.

    Args:
        text: SQL, without the meta-commands of clients (`\\!`, `.shell`): those are the caller's to take out.
        dialect: a name such as `postgres`; "" or an unknown one reads the text as several dialects and keeps all effects.
        database: its name as far as known, "" otherwise; it becomes the first part of table names.
        environment: whose world it is; a name that says more (`prod_…`) is heeded where this is `UNKNOWN`.
        via: the command or tool that runs it.
        span: the place of the text in the action.
        files: places the paths of an engine that runs on this machine (SQLite, DuckDB); None: they are on the server's.
    """
    known = _DIALECTS.get(dialect.casefold())
    scope = Scope(known or "", database, environment, via, span, files)
    if len(text) > MAX_TEXT:
        return (scope.unread(text[:80], "the SQL is too long to be read"),)
    if _CONTROL.search(text):
        return (scope.unread(text[:80], "the SQL holds control characters"),)
    readings = [known] if known else ["postgres", "mysql"] if _AMBIGUOUS.search(text) else [""]
    effects: list[Effect] = []
    for name in readings:
        inner = Scope(name, database, environment, via, span, files)
        try:
            effects += _read(text, inner)
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            # The parser is somebody else's: whatever it throws at a strange text means that the text was not read.
            effects.append(inner.unread(text[:80], f"the SQL could not be read ({type(error).__name__})"))
    return tuple(dict.fromkeys(effects))


def _read(text: str, scope: Scope) -> Iterator[Effect]:
    count = 0
    for statement in split(text, scope.dialect):
        count += 1
        if count > MAX_STATEMENTS:
            yield scope.unread(statement.text, f"more than {MAX_STATEMENTS} statements")
            return
        yield from one_statement(statement, scope)
    if scope.dialect in _MYSQL_FAMILY and re.search(r"/\*M?!", text):
        yield scope.unread(text[:80], "a comment that MySQL executes")
    if _nested_comment(text) and scope.dialect not in ("postgres", "redshift", "duckdb", "tsql"):
        yield scope.unread(text[:80], "comments inside comments: servers differ on where they end")


def split(text: str, dialect: str) -> Iterator[Statement]:
    """The statements of `text`, cut where the dialect's own lexer sees a semicolon.

    Raises:
        SqlglotError: the text has no tokens in this dialect (an open quote).
    """
    start = 0
    tokens: list[Token] = []
    every = Dialect.get_or_raise(dialect).tokenize(text)
    if len(every) > MAX_TOKENS:
        raise SqlglotError("too many tokens")
    for token in every:
        if token.token_type is TokenType.SEMICOLON:
            if tokens:
                yield Statement(text[start : token.start].strip(), tokens)
            start, tokens = token.end + 1, []
        else:
            tokens.append(token)
    if tokens:
        yield Statement(text[start:].strip(), tokens)


def one_statement(statement: Statement, scope: Scope) -> Iterator[Effect]:
    """The effects of one statement: by its first words where those suffice, else by its tree."""
    if _depth(statement.tokens) > MAX_NESTING:
        yield scope.unread(statement.text, "brackets nested too deep")
        return
    by_words = by_keyword(statement.text, statement.tokens, scope, _again)
    if by_words is not None:
        yield from by_words
        return
    try:
        trees = sqlglot.parse(statement.text, read=scope.dialect)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        yield from destructive(statement.tokens, scope)
        yield scope.unread(statement.text, f"a statement that could not be parsed ({type(error).__name__})")
        return
    for tree in trees:
        if isinstance(tree, exp.Semicolon):
            continue
        if tree is None or isinstance(tree, exp.Command) or not isinstance(tree, exp.Expression):
            yield from destructive(statement.tokens, scope)
            yield scope.unread(statement.text, "a statement that is not understood")
        else:
            yield from statement_effects(tree, statement.text, scope)


def _again(text: str, scope: Scope) -> Iterator[Effect]:
    for inner in split(text, scope.dialect):
        yield from one_statement(inner, scope)


def _depth(tokens: list[Token]) -> int:
    deepest = depth = 0
    for token in tokens:
        if token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE):
            depth += 1
            deepest = max(deepest, depth)
        elif token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END):
            depth -= 1
    return deepest


def _nested_comment(text: str) -> bool:
    position = text.find("/*")
    while position >= 0:
        end = text.find("*/", position + 2)
        inner = text.find("/*", position + 2)
        if 0 <= inner < (end if end >= 0 else len(text)):
            return True
        position = inner
    return False
