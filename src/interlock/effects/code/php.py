"""PHP, lowered. Names of functions do not know upper and lower case there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.effects.code.lowering import Lowering, operator, said
from interlock.effects.code.terms import Shape, Term, call, group, join, member, name, text

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTENT = frozenset({"string_content", "nowdoc_string"})
_LOADS = ("include_expression", "include_once_expression", "require_expression", "require_once_expression")


class Php(Lowering):
    """One method a kind of node."""

    grammar = "php"
    skipped = Lowering.skipped | {
        "php_tag",
        "php_end_tag",
        "heredoc_start",
        "heredoc_end",
        "text",
        "text_interpolation",
    }

    def __init__(self) -> None:
        super().__init__()
        for kind in _LOADS:
            self.methods[kind] = self._loads

    def _loads(self, node: Node) -> Term:
        return call(name("include"), *self.each(node.named_children))

    def on_string(self, node: Node) -> Term:
        return self.literal(node, _CONTENT)

    on_encapsed_string = on_heredoc_body = on_nowdoc_body = on_string

    def on_heredoc(self, node: Node) -> Term:
        return self.field(node, "value")

    on_nowdoc = on_heredoc

    def on_shell_command_expression(self, node: Node) -> Term:
        return call(name("`"), self.literal(node, _CONTENT))

    def on_variable_name(self, node: Node) -> Term:
        return name(said(node))

    def on_name(self, node: Node) -> Term:
        return name(said(node).lower())

    def on_qualified_name(self, node: Node) -> Term:
        return name(said(node).rpartition("\\")[2].lower())

    def on_integer(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    on_float = on_boolean = on_null = on_integer

    def on_function_call_expression(self, node: Node) -> Term:
        function = node.child_by_field_name("function")
        plain = function is not None and function.type in ("name", "qualified_name")
        return call(self.lower(function), *self.fields(node, "arguments"), how="" if plain else "variable")

    def on_member_call_expression(self, node: Node) -> Term:
        return call(
            member(self.field(node, "object"), self._key(node.child_by_field_name("name"))),
            *self.fields(node, "arguments"),
        )

    on_nullsafe_member_call_expression = on_member_call_expression

    def on_scoped_call_expression(self, node: Node) -> Term:
        return call(
            member(self.field(node, "scope"), self._key(node.child_by_field_name("name"))),
            *self.fields(node, "arguments"),
        )

    def _key(self, node: Node | None) -> Term:
        return text(said(node).lower()) if node is not None and node.type == "name" else self.lower(node)

    def on_member_access_expression(self, node: Node) -> Term:
        return member(self.field(node, "object"), self._key(node.child_by_field_name("name")))

    def on_object_creation_expression(self, node: Node) -> Term:
        terms: list[Term] = []
        for child in node.named_children:
            terms.extend(self.each(child.named_children) if child.type == "arguments" else [self.lower(child)])
        return call(terms[0], *terms[1:], how="new") if terms else group()

    def on_subscript_expression(self, node: Node) -> Term:
        terms = self.each(node.named_children)
        return member(terms[0], terms[1]) if len(terms) == 2 else group(*terms)

    def on_array_creation_expression(self, node: Node) -> Term:
        terms = tuple(self.each(node.named_children))
        return Term(Shape.TABLE if any(t.shape is Shape.PAIR for t in terms) else Shape.LIST, parts=terms)

    def on_array_element_initializer(self, node: Node) -> Term:
        terms = self.each(node.named_children)
        return (
            Term(Shape.PAIR, parts=(terms[0], terms[1]))
            if len(terms) == 2
            else group(*terms)
            if not terms
            else terms[0]
        )

    def on_binary_expression(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return join([left, right]) if operator(node) == "." else group(left, right)

    on_assignment_expression = Lowering.assigned
    on_augmented_assignment_expression = Lowering.updated

    def on_foreach_statement(self, node: Node) -> Term:
        terms = self.each([n for n in node.named_children if n != node.child_by_field_name("body")])
        if len(terms) < 2:
            return group(*terms, self.field(node, "body"))
        target = terms[1].parts[-1] if terms[1].parts else terms[1]
        return Term(Shape.LOOP, parts=(target, terms[0], self.field(node, "body")))

    def on_arrow_function(self, node: Node) -> Term:
        body = self.field(node, "body")
        return self.function(said(node.child_by_field_name("name")).lower(), self.fields(node, "parameters"), body)

    on_anonymous_function = on_function_definition = on_method_declaration = on_arrow_function

    def on_simple_parameter(self, node: Node) -> Term:
        return self.field(node, "name")
