"""Which function a line belongs to: Python, JavaScript, TypeScript and Go, on either side of a change. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from interlock.changes.change import FileChange, Kind, Version

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LANGUAGES = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "javascript",
    "ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx", "go": "go",
}  # fmt: skip
_KINDS = frozenset({
    "function_declaration", "method_declaration", "method_definition", "function_expression", "arrow_function",
    "generator_function_declaration", "func_literal", "generator_function",
})  # fmt: skip


class Function(NamedTuple):
    """One function: its name with those around it (`Class.method`), its lines with decorators, counted from 1."""

    name: str
    start: int
    end: int


class Unparsed(Exception):
    """The text is no program of its language."""


def language(path: str) -> str:
    """`python`, `javascript`, `typescript`, `tsx`, `go`, or ""."""
    return LANGUAGES.get(path.rpartition(".")[2].lower(), "")


def functions(side: Version) -> list[Function]:
    """Every function of a file, outer ones first; none where the language is not known. Raises Unparsed."""
    kind = language(side.path)
    if side.kind is not Kind.TEXT or not kind:
        return []
    if kind == "python":
        try:
            return list(_python(ast.parse(side.text), ""))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unparsed(f"{side.path}: {error}") from error
    root = parser(kind).parse(side.data).root_node
    if root.has_error:
        raise Unparsed(f"{side.path}: it does not parse as {kind}")
    return list(_others(root))


def changed(file: FileChange) -> list[Function]:
    """The functions of the new version with a new line in them, or beside which a line went. Raises Unparsed."""
    if file.after is None:
        return []
    spans = [hunk.new if len(hunk.new) else range(hunk.new.start - 1, hunk.new.start + 1) for hunk in file.hunks]
    return [f for f in functions(file.after) if any(s.start <= f.end and f.start < s.stop for s in spans)]


def _python(node: ast.AST, outer: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}{child.name}"
            if not isinstance(child, ast.ClassDef):
                start = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                yield Function(name, start, child.end_lineno or child.lineno)
            yield from _python(child, f"{name}.")
        else:
            yield from _python(child, outer)


@cache
def parser(kind: str) -> Parser:
    """A parser of `javascript`, `typescript`, `tsx` or `go`."""
    import tree_sitter
    import tree_sitter_go
    import tree_sitter_javascript
    import tree_sitter_typescript

    grammar = {
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
        "go": tree_sitter_go.language,
    }[kind]
    return tree_sitter.Parser(tree_sitter.Language(grammar()))


def _others(root: Node) -> Iterator[Function]:
    look: list[tuple[Node, str]] = [(root, "")]
    while look:
        node, outer = look.pop()
        inner = outer
        if node.type in _KINDS or node.type in ("class_declaration", "class"):
            inner = f"{outer}{_name(node)}."
            if node.type in _KINDS:
                yield Function(inner[:-1], node.start_point[0] + 1, node.end_point[0] + 1)
        look += [(child, inner) for child in reversed(node.children)]


def _name(node: Node) -> str:
    """Its own name, that of what it is assigned to, or `<anonymous>`."""
    own = node.child_by_field_name("name")
    parent = node.parent
    if own is None and parent is not None:
        own = (
            parent.child_by_field_name("name")
            or parent.child_by_field_name("key")
            or parent.child_by_field_name("left")
        )
    said = own.text.decode("utf-8", "replace") if own is not None and own.text else "<anonymous>"
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is not None and receiver.text:
        words = receiver.text.decode("utf-8", "replace").strip("()").replace("*", " ").split()
        said = f"{words[-1]}.{said}" if words else said
    return said
