"""The allow-list of tree nodes. A node that is not on it makes its statement opaque, whatever else was understood."""

from __future__ import annotations

from sqlglot import exp

from interlock.effects.sql.names import packaged

# Families of nodes that only compute: operators, functions (by name elsewhere), column constraints, table properties.
_FAMILIES: tuple[type, ...] = (exp.Func, exp.Binary, exp.Unary, exp.Property, exp.ColumnConstraintKind)
_seen: dict[type[exp.Expr], bool] = {}  # the answer for a class never changes, and there are few classes


def unknown_node(tree: exp.Expr, limit: int) -> str:
    """The name of a node in the tree that is not on the list, "" when all are. More than `limit` are unknown too."""
    for count, node in enumerate(tree.walk()):
        kind = type(node)
        if count > limit:
            return "too large"
        if kind not in _seen:
            _seen[kind] = _allowed(kind)
        if not _seen[kind]:
            return kind.__name__
    return ""


def _allowed(kind: type[exp.Expr]) -> bool:
    names = packaged()
    if kind.__name__ in names.reaching_nodes:
        return False
    return kind.__name__ in names.plain_nodes or issubclass(kind, _FAMILIES)
