"""Go, lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.effects.code.lowering import Lowering, operator, said
from interlock.effects.code.terms import Shape, Term, bind, call, group, join, member, name, text

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTENT = frozenset({"interpreted_string_literal_content", "raw_string_literal_content"})


class Go(Lowering):
    """One method a kind of node."""

    grammar = "go"

    def on_interpreted_string_literal(self, node: Node) -> Term:
        return self.literal(node, _CONTENT)

    on_raw_string_literal = on_interpreted_string_literal

    def on_identifier(self, node: Node) -> Term:
        return name(said(node))

    on_package_identifier = on_type_identifier = on_identifier

    def on_field_identifier(self, node: Node) -> Term:
        return text(said(node))

    def on_int_literal(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    on_true = on_false = on_nil = on_float_literal = on_int_literal

    def on_import_spec(self, node: Node) -> Term:
        path = self.field(node, "path")
        local = said(node.child_by_field_name("name")) or path.text.rpartition("/")[2]
        module = call(name("import"), path)
        return group(module, call(name("import."), path)) if local == "." else bind(name(local), module)

    def on_selector_expression(self, node: Node) -> Term:
        return member(self.field(node, "operand"), self.field(node, "field"))

    on_qualified_type = Lowering.all

    def on_index_expression(self, node: Node) -> Term:
        return member(self.field(node, "operand"), self.field(node, "index"))

    def on_call_expression(self, node: Node) -> Term:
        return call(self.field(node, "function"), *self.fields(node, "arguments"))

    def on_type_conversion_expression(self, node: Node) -> Term:
        return self.field(node, "operand")

    def on_binary_expression(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return join([left, right]) if operator(node) == "+" else group(left, right)

    def on_composite_literal(self, node: Node) -> Term:
        kind = node.child_by_field_name("type")
        listed = kind is not None and kind.type in ("slice_type", "array_type", "implicit_length_array_type")
        return Term(Shape.LIST if listed else Shape.TABLE, parts=tuple(self.fields(node, "body")))

    def on_keyed_element(self, node: Node) -> Term:
        terms = self.each(node.named_children)
        return Term(Shape.PAIR, parts=(terms[0], terms[1])) if len(terms) == 2 else group(*terms)

    def on_short_var_declaration(self, node: Node) -> Term:
        return self._bound(self.fields(node, "left"), self.fields(node, "right"))

    on_assignment_statement = on_short_var_declaration

    def on_var_spec(self, node: Node) -> Term:
        names = [name(said(n)) for n in node.children_by_field_name("name")]
        return self._bound(names, self.fields(node, "value"))

    on_const_spec = on_var_spec

    def _bound(self, left: list[Term], right: list[Term]) -> Term:
        pairs = [bind(one, right[at] if at < len(right) else group()) for at, one in enumerate(left)]
        return group(*pairs, *right[len(left) :])

    def on_for_statement(self, node: Node) -> Term:
        body = self.field(node, "body")
        for clause in node.named_children:
            if clause.type == "range_clause":
                left = self.fields(clause, "left") or [group()]
                return Term(Shape.LOOP, parts=(left[-1], self.field(clause, "right"), body))
        return group(*self.each([n for n in node.named_children if n.type != "block"]), body)

    def on_function_declaration(self, node: Node) -> Term:
        title = said(node.child_by_field_name("name"))
        return self.function(title, self.fields(node, "parameters"), self.field(node, "body"))

    on_func_literal = on_method_declaration = on_function_declaration

    def on_parameter_declaration(self, node: Node) -> Term:
        return name(said(node.child_by_field_name("name")))
