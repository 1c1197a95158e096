"""JavaScript and TypeScript, lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.effects.code.lowering import Lowering, operator, said
from interlock.effects.code.terms import Shape, Term, bind, call, group, join, member, name, text

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTENT = frozenset({"string_fragment"})
_TYPES = frozenset({"type_annotation", "type_arguments", "type_parameters", "interface_declaration", "type_identifier"})


class JavaScript(Lowering):
    """One method a kind of node."""

    grammar = "javascript"
    skipped = Lowering.skipped | _TYPES | {"type_alias_declaration", "optional_chain", "predefined_type"}

    def on_string(self, node: Node) -> Term:
        return self.literal(node, _CONTENT)

    on_template_string = on_string

    def on_identifier(self, node: Node) -> Term:
        return name(said(node))

    on_shorthand_property_identifier = on_this = on_import = on_super = on_undefined = on_identifier

    def on_property_identifier(self, node: Node) -> Term:
        return text(said(node))

    on_private_property_identifier = on_property_identifier

    def on_number(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    def on_true(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    on_false = on_null = on_true

    def on_member_expression(self, node: Node) -> Term:
        return member(self.field(node, "object"), self.field(node, "property"))

    def on_subscript_expression(self, node: Node) -> Term:
        return member(self.field(node, "object"), self.field(node, "index"))

    def on_call_expression(self, node: Node) -> Term:
        arguments = node.child_by_field_name("arguments")
        function = self.field(node, "function")
        if arguments is not None and arguments.type == "template_string":
            return call(function, self.lower(arguments), how="tag")
        return call(function, *self.fields(node, "arguments"))

    def on_new_expression(self, node: Node) -> Term:
        return call(self.field(node, "constructor"), *self.fields(node, "arguments"), how="new")

    def on_binary_expression(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return join([left, right]) if operator(node) == "+" else group(left, right)

    def on_array(self, node: Node) -> Term:
        return Term(Shape.LIST, parts=tuple(self.each(node.named_children)))

    def on_object(self, node: Node) -> Term:
        pairs = []
        for child in node.named_children:
            term = self.lower(child)
            if child.type == "shorthand_property_identifier":
                term = Term(Shape.PAIR, parts=(text(term.text), term))
            pairs.append(term)
        return Term(Shape.TABLE, parts=tuple(pairs))

    def on_pair(self, node: Node) -> Term:
        return Term(Shape.PAIR, parts=(self.field(node, "key"), self.field(node, "value")))

    def on_variable_declarator(self, node: Node) -> Term:
        return bind(self.field(node, "name"), self.field(node, "value"))

    on_assignment_expression = Lowering.assigned
    on_augmented_assignment_expression = Lowering.updated

    def on_object_pattern(self, node: Node) -> Term:
        pairs = []
        for child in node.named_children:
            if child.type == "shorthand_property_identifier_pattern":
                pairs.append(Term(Shape.PAIR, parts=(text(said(child)), name(said(child)))))
            elif child.type == "pair_pattern":
                pairs.append(Term(Shape.PAIR, parts=(self.field(child, "key"), self.field(child, "value"))))
            else:
                pairs.append(Term(Shape.PAIR, parts=(text(""), self.lower(child))))
        return Term(Shape.PATTERN, parts=tuple(pairs))

    on_array_pattern = Lowering.listed_pattern

    def on_shorthand_property_identifier_pattern(self, node: Node) -> Term:
        return name(said(node))

    def on_import_statement(self, node: Node) -> Term:
        source = self.field(node, "source")
        module = call(name("require"), source, how="import")
        parts: list[Term] = [module]
        for child in (below for top in node.named_children if top.type == "import_clause" for below in top.children):
            if child.type == "identifier":
                parts.append(bind(name(said(child)), module))
            elif child.type == "namespace_import":
                parts.extend(bind(name(said(inner)), module) for inner in child.named_children)
            elif child.type == "named_imports":
                for one in child.named_children:
                    first = said(one.child_by_field_name("name"))
                    local = said(one.child_by_field_name("alias")) or first
                    parts.append(bind(name(local), module if first == "default" else member(module, text(first))))
        return group(*parts)

    def on_for_in_statement(self, node: Node) -> Term:
        return Term(Shape.LOOP, parts=(self.field(node, "left"), self.field(node, "right"), self.field(node, "body")))

    def on_arrow_function(self, node: Node) -> Term:
        single = node.child_by_field_name("parameter")
        parameters = [self.lower(single)] if single is not None else self.fields(node, "parameters")
        return self.function(said(node.child_by_field_name("name")), parameters, self.field(node, "body"))

    on_function_expression = on_function_declaration = on_method_definition = on_arrow_function
    on_generator_function = on_generator_function_declaration = on_arrow_function

    def on_required_parameter(self, node: Node) -> Term:
        return self.field(node, "pattern")

    def on_as_expression(self, node: Node) -> Term:
        return self.lower(node.named_children[0]) if node.named_children else group()

    on_satisfies_expression = on_non_null_expression = on_as_expression


class TypeScript(JavaScript):
    """The same with types."""

    grammar = "typescript"
