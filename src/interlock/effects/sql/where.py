"""Whether a WHERE lets every row through: absent, constant, or true of any row by its form."""

from __future__ import annotations

from sqlglot import exp

MAX_TERMS = 2_000


def whole(condition: exp.Expr | None) -> bool:
    """True when the condition names no proper part of the table. Errs towards True."""
    if condition is None:
        return True
    if isinstance(condition, exp.Where):
        condition = condition.this
    return _true(condition, 0)


def _true(node: exp.Expr | None, depth: int) -> bool:
    if node is None or depth > 60:
        return True
    if isinstance(node, exp.Paren):
        return _true(node.this, depth + 1)
    if isinstance(node, exp.Or):
        sides = _terms(node, exp.Or)
        return any(_true(side, depth + 1) for side in sides) or _complementary(sides)
    if isinstance(node, exp.And):
        return all(_true(side, depth + 1) for side in _terms(node, exp.And))
    if node.find(exp.Column, exp.Identifier) is None:
        return True  # nothing in it depends on the row
    return _true_of_any_row(node)


def _terms(node: exp.Expr, kind: type[exp.Connector]) -> list[exp.Expr]:
    """The operands of a chain of one connector, without recursion: generated conditions are thousands long."""
    out: list[exp.Expr] = []
    stack: list[exp.Expr] = [node]
    while stack and len(out) < MAX_TERMS:
        current = stack.pop()
        if isinstance(current, kind):
            stack += [current.expression, current.this]
        else:
            out.append(current)
    return out


def _complementary(sides: list[exp.Expr]) -> bool:
    """`a IS NULL OR a IS NOT NULL`, `x OR NOT x`."""
    texts = {side.unnest().sql() for side in sides[:50]}
    nulls = {side.unnest().this.sql() for side in sides[:50] if _is_null(side.unnest())}
    present = {denied.sql() for side in sides[:50] if (denied := _denied(side.unnest())) is not None}
    return bool(nulls & present) or any(f"NOT {text}" in texts or f"NOT ({text})" in texts for text in texts)


def _is_null(node: exp.Expr) -> bool:
    return isinstance(node, exp.Is) and isinstance(node.expression, exp.Null) and not node.args.get("negate")


def _denied(node: exp.Expr) -> exp.Expr | None:
    """`x` of `x IS NOT NULL` and `NOT x IS NULL`; None for anything else."""
    found = None
    if isinstance(node, exp.Not) and _is_null(node.this.unnest()):
        found = node.this.unnest().this
    elif isinstance(node, exp.Is) and isinstance(node.expression, exp.Null) and node.args.get("negate"):
        found = node.this
    return found if isinstance(found, exp.Expr) else None


def _true_of_any_row(node: exp.Expr) -> bool:
    if isinstance(node, exp.EQ | exp.GTE | exp.LTE | exp.NullSafeEQ) and node.this == node.expression:
        return True
    if isinstance(node, exp.Like | exp.ILike | exp.Glob | exp.SimilarTo):
        pattern = node.expression
        return isinstance(pattern, exp.Literal) and bool(pattern.name) and not pattern.name.strip("%*")
    if _denied(node) is not None:
        return _is_key(_denied(node))
    if isinstance(node, exp.GT | exp.GTE | exp.NEQ) and _is_key(node.this):
        # `id > 0` is how people write "all rows" for a client that insists on a WHERE.
        return _small(node.expression)
    if isinstance(node, exp.LT | exp.LTE) and _is_key(node.expression):
        return _small(node.this)
    if isinstance(node, exp.In) and _is_key(node.this):
        query = node.args.get("query")
        inner = query.this if isinstance(query, exp.Subquery) else query
        narrows = ("where", "limit", "joins", "having", "group", "offset")
        return isinstance(inner, exp.Select) and not any(inner.args.get(part) for part in narrows)
    return False


def _is_key(node: exp.Expr | None) -> bool:
    keys = {"id", "rowid", "_rowid_", "ctid", "oid", "uuid", "pk", "_id"}
    return isinstance(node, exp.Column) and node.name.casefold() in keys


def _small(node: exp.Expr | None) -> bool:
    if isinstance(node, exp.Neg):
        return True
    return isinstance(node, exp.Literal) and (node.name in {"0", "1", "", "-1"})
