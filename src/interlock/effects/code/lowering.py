"""What the lowering of every language has in common: one method a kind of node, and a bound on the depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from interlock.effects.code.terms import Shape, Term, bind, group, join, text
from interlock.effects.code.trees import Unreadable, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_DEPTH = 120
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}


class Lowering:
    """A tree, lowered to terms. A language is a subclass with a method `on_<kind>` for each kind of node it knows."""

    grammar = ""
    skipped = frozenset({"comment", "regex", "hash_bang_line"})
    document = ""  # the kind of node that holds a here-document: it stands behind the line that speaks of it

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.depth = 0
        self.errors = False
        self.methods: dict[str, Callable[[Node], Term]] = {
            name[3:]: getattr(self, name) for name in dir(self) if name.startswith("on_")
        }

    def read(self, code: str, grammar: str = "") -> Term:
        """The terms of a text.

        Raises:
            Unreadable: it is beyond the bounds.
        """
        root = parse(grammar or self.grammar, code)
        self.errors = self.errors or root.has_error
        if self.document:
            self.documents += [node for node in _below(root) if node.type == self.document]
        return self.all(root)

    def lower(self, node: Node | None) -> Term:
        """One node."""
        if node is None:
            return group()
        method = self.methods.get(node.type)
        if method is None:
            if node.type in self.skipped:
                return group()
            method = self.all
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise Unreadable("the text is nested too deeply to be read")
        try:
            term = method(node)
        finally:
            self.depth -= 1
        if not term.source and term.shape is not Shape.GROUP:
            term.source = said(node)[:200]
        return term

    def all(self, node: Node) -> Term:
        """The children, for what is evaluated in them; a node with one child is that child."""
        parts = self.each(node.named_children)
        return parts[0] if len(parts) == 1 else group(*parts)

    def each(self, nodes: list[Node]) -> list[Term]:
        """Several nodes, without comments."""
        return [self.lower(node) for node in nodes if node.type not in self.skipped]

    def field(self, node: Node, name: str) -> Term:
        """A field of a node."""
        return self.lower(node.child_by_field_name(name))

    def fields(self, node: Node, name: str) -> list[Term]:
        """Everything below a field that holds a list."""
        below = node.child_by_field_name(name)
        return self.each(below.named_children) if below is not None else []

    def assigned(self, node: Node) -> Term:
        """`left = right`."""
        return bind(self.field(node, "left"), self.field(node, "right"))

    def updated(self, node: Node) -> Term:
        """`left += right`: what it was is part of what it becomes."""
        left = self.field(node, "left")
        return bind(left, group(left, self.field(node, "right")))

    def listed_pattern(self, node: Node) -> Term:
        """`[a, b] =`: names for the elements of a list, whichever they are."""
        pairs = (Term(Shape.PAIR, parts=(text(""), term)) for term in self.each(node.named_children))
        return Term(Shape.PATTERN, parts=tuple(pairs))

    def function(self, title: str, parameters: list[Term], *body: Term) -> Term:
        """A function."""
        return Term(Shape.FUNCTION, title, (Term(Shape.LIST, parts=tuple(parameters)), *body), title or "a function")

    def literal(self, node: Node, content: frozenset[str]) -> Term:
        """A text with what is put into it: children of the kinds in `content` are constant, others are lowered."""
        parts: list[Term] = []
        for child in node.named_children:
            if child.type == "escape_sequence":
                parts.append(text(unescaped(said(child))))
            elif child.type in content:
                parts.append(text(said(child)))
            elif child.type not in self.skipped:
                parts.append(self.lower(child))
        return join(parts)


def _below(root: Node) -> Iterator[Node]:
    """Every node in the order of the text; without recursion, whatever the depth."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.named_children))


def said(node: Node | None) -> str:
    """The text of a node, as written."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def unescaped(escape: str) -> str:
    """What a backslash sequence stands for."""
    body = escape[1:]
    try:
        if body[:1] in ("x", "u", "U"):
            return chr(int(body[1:].strip("{}"), 16))
        if body[:1].isdigit() and all(c in "01234567" for c in body):
            return chr(int(body, 8))
    except (ValueError, OverflowError):
        return "\ufffd"
    return _ESCAPES.get(body, body)


def operator(node: Node) -> str:
    """The operator of a binary expression."""
    return said(node.child_by_field_name("operator"))
