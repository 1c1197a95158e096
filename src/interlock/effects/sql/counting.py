"""The SELECT that counts the rows a statement would change, made only of what cannot do anything itself.

The text that is counted with comes from an agent, and it will be run against a real database. So the condition may hold
columns, constants, comparisons and their connectives: no function, no sub-query, no operator that a user can define.
"""

from __future__ import annotations

from sqlglot import exp

_PLAIN = (
    exp.Where, exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In,
    exp.Between, exp.Like, exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Neg, exp.Tuple,
)  # fmt: skip
_MOST = 4_000  # characters of one question; it travels with the effect


def question(statement: exp.Expr, table: exp.Expr | None, dialect: str) -> str:
    """The counting SELECT for a DELETE, UPDATE or TRUNCATE of `table`; "" where none can be made safely."""
    if not isinstance(table, exp.Table) or isinstance(table.this, exp.Func):
        return ""
    narrowing = ("using", "from_", "from", "limit", "order", "joins", "with_", "with", "tables")
    if any(statement.args.get(part) for part in narrowing) or table.args.get("joins"):
        return ""
    where = statement.args.get("where")
    if where is not None and any(type(node) not in _PLAIN for node in where.walk()):
        return ""
    name = exp.Table(this=table.this.copy(), db=_copy(table.args.get("db")), catalog=_copy(table.args.get("catalog")))
    if table.args.get("alias"):
        name.set("alias", table.args["alias"].copy())
    if any(type(node) not in (exp.Table, exp.Identifier, exp.TableAlias) for node in name.walk()):
        return ""
    query = exp.select(exp.Count(this=exp.Star())).from_(name)
    if where is not None:
        query = query.where(where.this.copy())
    text = query.sql(dialect=dialect or None, comments=False)
    return text if len(text) <= _MOST else ""


def _copy(node: exp.Expr | None) -> exp.Expr | None:
    return node.copy() if node is not None else None
