"""Pieces of Python that its reader asks about: names, texts, lists, what is off unless asked for, answers. Pure."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from interlock.changes.guards import marks, verbs

_ANSWERING = {"status", "body", "detail", "message", "error"}
_ERRORS = ("error", "err", "e", "exc", "ex", "exception", "problem")


def entries(node: ast.expr) -> list[ast.expr]:
    if (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and dotted(node.func) in ("frozenset", "set", "tuple", "list")
    ):
        node = node.args[0]
    return node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []


def text(node: ast.expr) -> str | None:
    """A text that stands there whole: a constant, or constants added up."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bytes):
            return value.decode("latin-1")
        return value if isinstance(value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text(node.left), text(node.right)
        return None if left is None or right is None else left + right
    return None


def subscripted(name: str, body: Sequence[ast.AST]) -> bool:
    """Whether something is asked for under this name."""
    return any(
        isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and node.slice.id == name
        for part in body
        for node in ast.walk(part)
    )


def tells_error(value: ast.expr) -> bool:
    """Whether an answer to somebody holds the text of an error: `{"status": 500, "body": f"failed: {error}"}`."""
    keys = {text(key) for node in ast.walk(value) if isinstance(node, ast.Dict) for key in node.keys if key is not None}
    answering = bool(keys & _ANSWERING) or marks.answering(dotted(value))
    for node in ast.walk(value) if answering else ():
        shown = node.value if isinstance(node, ast.FormattedValue) else None
        if isinstance(node, ast.Call) and dotted(node.func) in ("str", "repr") and len(node.args) == 1:
            shown = node.args[0]
        if isinstance(shown, ast.Name) and shown.id in _ERRORS:
            return True
        if isinstance(node, ast.Call) and dotted(node.func).endswith("format_exc"):
            return True
    return False


def off_parameters(tree: ast.Module) -> frozenset[str]:
    """Parameters and fields of the file that are off where nobody says otherwise."""
    found: dict[str, set[bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            given = [*zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True)]
            given += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None]
            for argument, default in given:
                off = isinstance(default, ast.Constant) and default.value is False
                found.setdefault(argument.arg, set()).add(off)
    return frozenset(name for name, values in found.items() if values == {True})


def each_of(node: ast.expr | None) -> ast.expr | None:
    """What `any(… for …)` asks of each."""
    if not isinstance(node, ast.Call) or dotted(node.func) not in ("any", "all") or len(node.args) != 1:
        return None
    given = node.args[0]
    asked = given.elt if isinstance(given, ast.GeneratorExp | ast.ListComp) else None
    return asked if isinstance(asked, ast.BoolOp | ast.Compare) else None


def written(node: ast.expr | None) -> str:
    return ast.unparse(node) if node is not None else ""


def here(node: ast.expr) -> bool:
    """Whether it is the folder that the program happens to be started in."""
    if isinstance(node, ast.Constant):
        return node.value in ("", ".")
    return isinstance(node, ast.Call) and dotted(node.func) in ("os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd")


def dotted(node: ast.expr) -> str:
    """`a.b.c`; what is called or indexed on the way is left out."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def typed(test: ast.expr) -> bool:
    """Whether a condition only asks of which kind things are, or whether they are there."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return all(map(typed, test.values))
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], ast.IsNot) and ast.unparse(test.comparators[0]) == "None"
    return isinstance(test, ast.Call) and dotted(test.func) == "isinstance"


def only_tells(body: Sequence[ast.stmt]) -> bool:
    """Whether a branch does nothing but write down or show that it was taken."""
    called = [node.value for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return len(called) == len(body) and all(verbs.telltale(dotted(one.func)) for one in called)
