"""SQL text in, effects out: cut as the dialect cuts, read statement by statement; what is not known is opaque."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from interlock.effects.sql.context import Scope
from interlock.effects.sql.keywords import by_keyword, destructive
from interlock.effects.sql.names import packaged
from interlock.effects.sql.statements import statement_effects
from interlock.effects.sql.words import first_words
from interlock.model.effect import Effect, Environment, Resource, Verb

MAX_TEXT = 262_144  # characters; a dump is restored by its path, not read line by line
MAX_LEXEMES = 12_000  # a bound before the lexer runs: it takes 3 µs a lexeme
MAX_TOKENS = 3_000  # a bound before the parser runs: it takes 12 µs a token, and 50 ms is the budget of a reading
MAX_STATEMENTS = 500
MAX_NESTING = 100  # brackets; the parser behind recurses
MAX_INSIDE = 4  # EXPLAIN ANALYZE of a prepared statement of ...
MAX_CHAIN = 400  # operators in a row: they nest in the tree, and the walk over it recurses in places
_FAULTS = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError)
_MYSQL_FAMILY = frozenset({"mysql", ""})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_EXECUTED_COMMENT = re.compile(r"/\*M?!\d{0,6}(.*?)\*/", re.DOTALL)
_LEXEME = re.compile(r"\w+|[^\w\s]")
_AMBIGUOUS = re.compile(r"\\|#|--\S|`|\$")

_OPERANDS = frozenset({TokenType.VAR, TokenType.NUMBER, TokenType.STRING, TokenType.IDENTIFIER, TokenType.DOT})

_STARTS = frozenset(
    {"DELETE", "UPDATE", "INSERT", "MERGE", "DROP", "TRUNCATE", "ALTER", "CREATE", "EXEC", "EXECUTE", "GRANT", "REVOKE"}
    | {"DENY", "BACKUP", "RESTORE", "SHUTDOWN", "KILL"}
)
_ONE_AT_A_TIME = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Set, exp.Use, exp.Declare)

# The parser warns on stderr of what it cannot type; the reader says it in its effects instead.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())
logging.getLogger("sqlglot").propagate = False


class Statement(NamedTuple):
    """One statement of the text and its tokens."""

    text: str
    tokens: list[Token]


def read_sql(
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
        dialect: a name such as `postgres`; "" or an unknown one reads the text as several and keeps all effects.
        database: its name as far as known, "" otherwise; it becomes the first part of table names.
        environment: whose world it is; a name that says more (`prod_…`) is heeded where this is `UNKNOWN`.
        via: the command or tool that runs it.
        span: the place of the text in the action.
        files: places the paths of an engine that runs on this machine (SQLite, DuckDB); None: they are on the server's.
    """
    known = packaged().dialects.get(dialect.casefold(), "")
    scope = Scope(known, database, environment, via, span, files)
    if len(text) > MAX_TEXT:
        return (scope.unread(text[:80], "the SQL is too long to be read"),)
    if _CONTROL.search(text):
        return (scope.unread(text[:80], "the SQL holds control characters"),)
    if sum(1 for _ in zip(range(MAX_LEXEMES), _LEXEME.finditer(text), strict=False)) >= MAX_LEXEMES:
        return (*destructive(text, scope), scope.unread(text[:80], "the SQL has too many words to be read"))
    readings = [known] if known else ["postgres", "mysql"] if _AMBIGUOUS.search(text) else [""]
    effects: list[Effect] = []
    for name in readings:
        inner = Scope(name, database, environment, via, span, files)
        try:
            effects += _read(text, inner)
            if name in _MYSQL_FAMILY and _EXECUTED_COMMENT.search(text):
                # MySQL runs what stands in such a comment; the plain reading above holds where others do not.
                effects += _read(_EXECUTED_COMMENT.sub(r" \1 ", text), inner)
        except _FAULTS as error:
            # The parser is somebody else's: whatever it throws at a strange text means that the text was not read.
            effects.append(inner.unread(text[:80], f"the SQL could not be read ({type(error).__name__})"))
    return tuple(dict.fromkeys(effects))


def _read(text: str, scope: Scope) -> Iterator[Effect]:
    statements = list(split(text, scope.dialect))
    note = "in a transaction that is rolled back" if _rolled_back(statements) else ""
    for statement in statements[:MAX_STATEMENTS]:
        for effect in one_statement(statement, scope):
            yield msgspec.structs.replace(effect, notes=(*effect.notes, note)) if note else effect
    if len(statements) > MAX_STATEMENTS:
        yield scope.unread(text[:80], f"more than {MAX_STATEMENTS} statements")
    if _nested_comment(text) and scope.dialect not in ("postgres", "redshift", "duckdb", "tsql"):
        yield scope.unread(text[:80], "comments inside comments: servers differ on where they end")


def _rolled_back(statements: list[Statement]) -> bool:
    """Whether the text opens a transaction, ends by rolling it back, and nothing in it says otherwise."""
    heads = [first_words(statement.text, 1) for statement in statements]
    if len(heads) < 3 or heads[0] not in (["BEGIN"], ["START"]) or heads[-1] != ["ROLLBACK"]:
        return False
    return not any(head and head[0] in ("COMMIT", "END", "ROLLBACK", "BEGIN", "START") for head in heads[1:-1])


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
    """The effects of one statement; of one that is not understood also what it plainly destroys."""
    opaque = deletes = False
    for effect in _statement(statement, scope):
        opaque = opaque or effect.verb is Verb.OPAQUE
        deletes = deletes or effect.verb is Verb.DELETE
        yield effect
    if opaque and not deletes:
        yield from destructive(statement.text, scope)


def _statement(statement: Statement, scope: Scope) -> Iterator[Effect]:
    """By its first words where those suffice, else by its tree."""
    if _depth(statement.tokens) > MAX_NESTING or _chain(statement.tokens) > MAX_CHAIN:
        yield scope.unread(statement.text, "nested too deep")
        return
    by_words = by_keyword(statement.text, scope, _again)
    if by_words is not None:
        yield from by_words
        return
    try:
        trees = sqlglot.parse(statement.text, read=scope.dialect)
    except _FAULTS as error:
        yield scope.unread(statement.text, f"a statement that could not be parsed ({type(error).__name__})")
        return
    for tree in trees:
        if isinstance(tree, exp.Semicolon):
            continue
        if tree is None or isinstance(tree, exp.Command):
            yield scope.unread(statement.text, "a statement that is not understood")
        else:
            if _has_second_statement(tree, statement.tokens, scope):
                yield scope.unread(statement.text, "a second statement without a semicolon between")
            yield from statement_effects(tree, statement.text, scope)


def _has_second_statement(tree: exp.Expr, tokens: list[Token], scope: Scope) -> bool:
    """T-SQL needs no semicolon: `SELECT 1 DELETE FROM t` is two statements, and the tree says "1 AS delete"."""
    if scope.dialect not in ("tsql", "") or not isinstance(tree, _ONE_AT_A_TIME):
        return False
    words = sum(
        token.text.upper() in _STARTS and token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
        for token in tokens
    )
    return words > sum(
        isinstance(node, exp.Insert | exp.Update | exp.Delete | exp.OnConflict | exp.Lock) for node in tree.walk()
    )


def _again(text: str, scope: Scope) -> Iterator[Effect]:
    """The statement inside of another (EXPLAIN ANALYZE, PREPARE)."""
    scope.inside += 1
    if scope.inside > MAX_INSIDE:
        yield scope.unread(text, "statements inside of statements, too deep")
    else:
        for inner in split(text, scope.dialect):
            yield from one_statement(inner, scope)
    scope.inside -= 1


def _depth(tokens: list[Token]) -> int:
    deepest = depth = 0
    for token in tokens:
        if token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE):
            depth += 1
            deepest = max(deepest, depth)
        elif token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END):
            depth -= 1
    return deepest


def _chain(tokens: list[Token]) -> int:
    """The longest run of operators without a comma or a bracket between: `1+1+1...` nests as deep as it is long."""
    longest = run = 0
    for token in tokens:
        if token.token_type in (TokenType.COMMA, TokenType.L_PAREN, TokenType.R_PAREN):
            run = 0
        elif token.token_type not in _OPERANDS:
            run += 1
            longest = max(longest, run)
    return longest


def _nested_comment(text: str) -> bool:
    position = text.find("/*")
    while position >= 0:
        end = text.find("*/", position + 2)
        inner = text.find("/*", position + 2)
        if 0 <= inner < (end if end >= 0 else len(text)):
            return True
        position = inner
    return False
