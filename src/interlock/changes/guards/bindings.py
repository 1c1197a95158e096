"""What the names of a function are bound to: `if unknown` asks what `unknown` was made of. Pure.

A condition is spelt out in Python, and only by names that the function binds once and those of a loop, which stand for
what it goes through. Of what a name was made is seen in the text of any language.
"""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from collections import defaultdict
from functools import lru_cache

from interlock.changes.guards.atoms import parsed

_DEEP = 2  # names in what a name is bound to
_MADE = re.compile(
    r"(?m)^[ \t]*(?:(?:export|const|let|var|for|if)[ \t(]+)*([\w$][\w$, ]{0,80}?)[ \t]*"
    r"(?::?=(?![=>])|\b(?:in|of)\b)(.*)$"
)
_TEXT = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`")
_NAME = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]*(?![\w$]*\()")
_WORDS = frozenset(keyword.kwlist) | {
    *("throw", "const", "let", "var", "new", "this", "self", "null", "nil", "undefined", "true", "false", "typeof"),
    *("range", "func", "function", "err", "error"),
}


@lru_cache(maxsize=512)
def _bound(source: str) -> dict[str, ast.expr]:
    try:
        tree = ast.parse(textwrap.dedent(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, list[ast.expr | None]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id].append(node.value)
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            found[node.target.id].append(node.iter)
        elif isinstance(node, ast.arg):
            found[node.arg].append(None)
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return {
        name: values[0]
        for name, values in found.items()
        if len(values) == 1 and values[0] is not None and stored.count(name) == 1
    }


def named(text: str) -> frozenset[str]:
    """The values that a piece of program of any language names: no texts, no parts of others, nothing called."""
    return frozenset(_NAME.findall(_TEXT.sub("", text))) - _WORDS


def origins(names: frozenset[str], source: str) -> frozenset[str]:
    """The names, and what those were made of that the function `source` makes."""
    made = _made(source)
    for _ in range(_DEEP):
        names |= frozenset().union(*(made.get(name, frozenset()) for name in names))
    return names


@lru_cache(maxsize=512)
def _made(source: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for names, of in _MADE.findall(source):
        for name in names.split(","):
            found[name.strip()] = found.get(name.strip(), frozenset()) | named(of)
    return found


# What stands between a name and the sign that gives it a value: the rest of what is taken apart, and a type.
_GIVEN = (
    r"(?:\s*[\])},]|\s*,\s*[\w$.*]+){0,20}(?:\s*:\s*[\w$.\[\]|, ]{1,80})?\s*"
    r"(?::=|(?:\*\*|//|<<|>>|\?\?|\|\||&&|[-+*/|&^%@])?=(?![=>])|\+\+|--)"
)


def bound_once(name: str, source: str) -> bool:
    """Whether the function `source`, of any language, gives a name a value in one place alone."""
    word = rf"(?<![\w$.]){re.escape(name)}(?![\w$])"
    given = re.findall(word + _GIVEN, source)
    looped = re.findall(rf"\b(?:for|as)\b[^\n:{{]{{0,200}}{word}", source)
    return len(given) + len(looped) == 1


def spelt(condition: str, source: str) -> str:
    """The condition, a Python expression of the function `source`, with its names spelt out."""
    bound, tree = _bound(source), parsed(condition)
    for _ in range(_DEEP):
        if tree is not None and bound:
            tree = _Spelling(bound).visit(tree)
    return ast.unparse(tree) if tree is not None else condition


class _Spelling(ast.NodeTransformer):
    def __init__(self, bound: dict[str, ast.expr]) -> None:
        self._values = bound

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return parsed(ast.unparse(self._values[node.id])) or node if node.id in self._values else node
