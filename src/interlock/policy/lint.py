"""What the Cedar validator does not say about a policy, and what an interlock must know.

Three things are refused here, each because it would fail quietly:

- a word outside its closed vocabulary (`labels.contains("secrt")` validates and never matches);
- anything that can raise at evaluation (arithmetic overflow, extension constructors): Cedar *skips* a policy that
  errors, even a `forbid`;
- a condition under which more approval makes a policy stricter: the ladder of hypothetical approvals would then have
  no first rung.
"""

from __future__ import annotations

from cedarpy import pst

from interlock.policy.vocabulary import APPROVAL, BY_PATH

_MEMBERSHIP = frozenset({"eq", "not_eq", "contains", "contains_all", "contains_any"})
_RISING = frozenset({"greater", "greater_eq"})
_FALLING = frozenset({"less", "less_eq"})
_PLAIN_BINARY = _MEMBERSHIP | _RISING | _FALLING | {"and", "or"}
_PLAIN_UNARY = frozenset({"not", "is_empty"})
_APPROVALS = {f"context.approval.{name}" for name, _, _ in APPROVAL}


class Lint:
    """One walk over one policy: `problems` for the operator, `mentions` (attribute paths) for the request encoder."""

    def __init__(self, policy: pst.Template) -> None:
        self.problems: list[str] = []
        self.mentions: set[str] = set()
        self.judges_approval = False
        self._scope(policy)
        for clause in policy.clauses:
            helps = isinstance(clause, pst.When) == (policy.effect == "permit")
            self._walk(clause.expr, +1 if helps else -1)

    def _scope(self, policy: pst.Template) -> None:
        for name, scope in (("principal", policy.principal), ("resource", policy.resource)):
            if not isinstance(scope, pst.ScopeAny | pst.ScopeIs):
                self.problems.append(f"the scope names one {name}; test its attributes in a condition instead")

    def _walk(self, expr: pst.Expr, sign: int) -> None:
        """Visit `expr`; `sign` says whether its being true permits more (+1), less (-1), or neither plainly (0)."""
        match expr:
            case pst.GetAttr():
                self._attribute(expr, sign)
            case pst.BinaryOp():
                self._binary(expr, sign)
            case pst.UnaryOp(op=op, arg=arg):
                if op not in _PLAIN_UNARY:
                    self.problems.append(f"`{op}` can fail at evaluation and is not available here")
                self._walk(arg, -sign if op == "not" else 0)
            case pst.Like(base=base):
                self._like(base)
            case pst.IfThenElse(cond=cond, then_expr=then, else_expr=other):
                self._walk(cond, 0)
                self._walk(then, sign)
                self._walk(other, sign)
            case pst.Set(elements=elements):
                for element in elements:
                    self._walk(element, 0)
            case pst.BoolLit() | pst.LongLit():
                pass
            case pst.StringLit(value=value):
                self.problems.append(f'the text "{value}" is not compared with an attribute')
            case pst.Var(name="action"):
                self.problems.append("`action` belongs in the policy's scope, not in a condition")
            case _:
                self.problems.append(f"{type(expr).__name__} is not available here: compare attributes with words")

    def _attribute(self, expr: pst.GetAttr, sign: int) -> None:
        path = path_of(expr)
        if path in _APPROVALS:
            self._approval(path, sign, boolean=path != "context.approval.count")
        elif path in BY_PATH:
            self.mentions.add(path)
        else:
            self.problems.append(f"no such attribute: {path or 'an attribute of an expression'}")

    def _approval(self, path: str, sign: int, *, boolean: bool) -> None:
        self.judges_approval = True
        if not boolean:
            self.problems.append(f"{path} must be compared with a number, by >= or >")
        elif sign != +1:
            self.problems.append(f"under this condition on {path}, more approval would make the policy stricter")

    def _binary(self, expr: pst.BinaryOp, sign: int) -> None:
        if expr.op not in _PLAIN_BINARY:
            self.problems.append(f"`{expr.op}` can fail at evaluation or has no meaning here")
        if expr.op in ("and", "or"):
            self._walk(expr.left, sign)
            self._walk(expr.right, sign)
            return
        if self._count(expr, sign) or self._words(expr):
            return
        self._walk(expr.left, 0)
        self._walk(expr.right, 0)

    def _count(self, expr: pst.BinaryOp, sign: int) -> bool:
        """Handle `context.approval.count >= N`; True when `expr` was such a comparison."""
        path = "context.approval.count"
        if path_of(expr.left) == path and isinstance(expr.right, pst.LongLit):
            rises = +1
        elif path_of(expr.right) == path and isinstance(expr.left, pst.LongLit):
            rises = -1
        else:
            return False
        if expr.op in _RISING:
            self._approval(path, sign * rises, boolean=True)
        elif expr.op in _FALLING:
            self._approval(path, sign * -rises, boolean=True)
        else:
            self._approval(path, sign, boolean=False)
        return True

    def _words(self, expr: pst.BinaryOp) -> bool:
        """Check a comparison of an attribute with literal words; True when `expr` was one."""
        if expr.op not in _MEMBERSHIP:
            return False
        for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
            path, words = path_of(side), literals(other)
            if path in BY_PATH and words is not None:
                self.mentions.add(path)
                known = BY_PATH[path].words
                for word in words:
                    if known is not None and word not in known:
                        self.problems.append(f'"{word}" is not a word of {path}: {_nearest(word, known)}')
                return True
        return False

    def _like(self, base: pst.Expr) -> None:
        path = path_of(base)
        if path not in BY_PATH:
            self.problems.append("`like` needs an attribute on its left")
            return
        self.mentions.add(path)
        if BY_PATH[path].words is not None:
            self.problems.append(f"{path} has a closed vocabulary: use == or contains, not like")


def path_of(expr: pst.Expr) -> str:
    """`resource.labels` for the attribute access it is, "" for anything else."""
    names: list[str] = []
    while isinstance(expr, pst.GetAttr):
        names.append(expr.attr)
        expr = expr.base
    if not names or not isinstance(expr, pst.Var):
        return ""
    return ".".join([expr.name, *reversed(names)])


def literals(expr: pst.Expr) -> tuple[str, ...] | None:
    """The words of a text or of a set of texts; None for anything else."""
    if isinstance(expr, pst.StringLit):
        return (expr.value,)
    if isinstance(expr, pst.Set):
        words = [element.value for element in expr.elements if isinstance(element, pst.StringLit)]
        return tuple(words) if words and len(words) == len(expr.elements) else None
    return None


def _nearest(word: str, known: frozenset[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), n=1)
    return f'did you mean "{close[0]}"?' if close else f"one of {', '.join(sorted(known))}"
