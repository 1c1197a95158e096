"""Small faults put into the new lines, one at a time: tests that do not notice them hold little. Pure.

The operators are the usual ones (comparisons, connectives, negations, arithmetic, constants, what is returned, raised,
called); the text stays as it is but for the one place, so that lines keep their numbers.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interlock.changes.testing.lines import Behaviour


class Mutant(NamedTuple):
    """One fault: bytes `start` to `end` of the file give way to `new`. Lower `rank` first: guards before sums."""

    path: str
    function: str
    line: int
    start: int
    end: int
    new: bytes
    rank: int

    def applied(self, data: bytes) -> bytes:
        """The file with the fault in it."""
        return data[: self.start] + self.new + data[self.end :]

    def said(self, data: bytes) -> str:
        """What was put for what, for people."""
        old = data[self.start : self.end].decode("utf-8", "replace").strip()
        return f"`{' '.join(old.split())[:60]}` → `{self.new.decode().strip()[:60]}`"


_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}  # fmt: skip
_COUNTED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
}  # fmt: skip
_TALK = re.compile(r"(?:log|logger|logging|_log|warnings)\.\w+|print|click\.echo")


def mutants(data: bytes, behaviours: Iterable[Behaviour], most: int) -> list[Mutant]:
    """At most `most` faults in the new lines of one file: spread over its functions, guards first.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    wanted = {line: one for one in behaviours if not one.only_less for line in one.lines}
    tree, starts = ast.parse(data), _starts(data)
    found: dict[str, list[Mutant]] = defaultdict(list)
    seen: set[tuple[int, int, bytes]] = set()
    for node in _code(tree):
        for first, last, new, rank in _faults(node, data, starts):
            line = data.count(b"\n", 0, first) + 1
            one = wanted.get(line)
            if one is None or (first, last, new) in seen:
                continue
            seen.add((first, last, new))
            mutant = Mutant(one.path, one.name, line, first, last, new, rank)
            if _compiles(mutant.applied(data)):
                found[one.name].append(mutant)
    return _spread([sorted(group, key=lambda m: (m.rank, m.start)) for _, group in sorted(found.items())], most)


def _spread(groups: list[list[Mutant]], most: int) -> list[Mutant]:
    out: list[Mutant] = []
    while any(groups) and len(out) < most:
        for group in groups:
            if group and len(out) < most:
                out.append(group.pop(0))
    return out


def _starts(data: bytes) -> list[int]:
    return [0, *(match.end() for match in re.finditer(b"\n", data))]


def _compiles(data: bytes) -> bool:
    try:
        compile(data, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: no annotations, no decorators, nothing within f-strings (whose places are not told)."""
    look: list[ast.AST] = [tree]
    while look:
        node = look.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or isinstance(node, ast.JoinedStr):
                continue
            look += [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST)]


_Fault = tuple[int, int, bytes, int]


def _faults(node: ast.AST, data: bytes, starts: list[int]) -> Iterator[_Fault]:
    yield from _of_conditions(node, data, starts)
    yield from _of_steps(node, starts)
    yield from _of_values(node, data, starts)


def _of_conditions(node: ast.AST, data: bytes, starts: list[int]) -> Iterator[_Fault]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from _between(node.left, node.comparators[0], _COMPARED.get(type(node.ops[0])), data, starts, 0)
    elif isinstance(node, ast.BoolOp):
        words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        yield from _between(node.values[0], node.values[1], words, data, starts, 0)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield _place(node, starts)[0], _place(node.operand, starts)[0], b"", 0
    elif isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Name | ast.Call | ast.Attribute):
        first, last = _place(node.test, starts)
        yield first, last, b"not (" + data[first:last] + b")", 0


def _of_steps(node: ast.AST, starts: list[int]) -> Iterator[_Fault]:
    if isinstance(node, ast.Raise):
        yield (*_place(node, starts), b"pass", 0)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if not _TALK.fullmatch(ast.unparse(node.value.func)):
            yield (*_place(node, starts), b"pass", 1)
    elif isinstance(node, ast.Return) and node.value is not None and not _nothing(node.value):
        yield (*_place(node.value, starts), b"None", 1)
    elif isinstance(node, ast.Break | ast.Continue):
        yield (*_place(node, starts), b"continue" if isinstance(node, ast.Break) else b"break", 1)


def _of_values(node: ast.AST, data: bytes, starts: list[int]) -> Iterator[_Fault]:
    if isinstance(node, ast.BinOp) and not _text(node.left) and not _text(node.right):
        yield from _between(node.left, node.right, _COUNTED.get(type(node.op)), data, starts, 2)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield (*_place(node, starts), str(not node.value).encode(), 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield (*_place(node, starts), repr(node.value + 1).encode(), 2)


def _nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _text(side: ast.expr) -> bool:
    return isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))


def _place(node: ast.expr | ast.stmt, starts: list[int]) -> tuple[int, int]:
    """Where a node stands, in bytes."""
    end_line, end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end


def _between(
    left: ast.expr, right: ast.expr, words: tuple[str, str] | None, data: bytes, starts: list[int], rank: int
) -> Iterator[_Fault]:
    """The operator between two operands; brackets and comments may stand there too."""
    if words is None:
        return
    old, new = words
    first, last = _place(left, starts)[1], _place(right, starts)[0]
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    match = re.search(pattern.encode(), data[first:last])
    if match is not None and b"#" not in data[first:last]:
        yield first + match.start(), first + match.end(), new.encode(), rank
