"""Ruby, lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.effects.code.lowering import Lowering, operator, said
from interlock.effects.code.terms import Shape, Term, call, group, join, member, name, text

if TYPE_CHECKING:
    from tree_sitter import Node

_CONTENT = frozenset({"string_content", "heredoc_content"})


class Ruby(Lowering):
    """One method a kind of node."""

    grammar = "ruby"
    skipped = Lowering.skipped | {"heredoc_end"}
    document = "heredoc_body"

    def on_heredoc_beginning(self, node: Node) -> Term:
        body = self.literal(self.documents.pop(0), _CONTENT) if self.documents else group()
        return call(name("`"), body) if "`" in said(node) else body

    def on_heredoc_body(self, _node: Node) -> Term:
        return group()

    def on_string(self, node: Node) -> Term:
        return self.literal(node, _CONTENT)

    on_bare_string = on_bare_symbol = on_delimited_symbol = on_string

    def on_chained_string(self, node: Node) -> Term:
        return join(self.each(node.named_children))

    def on_subshell(self, node: Node) -> Term:
        return call(name("`"), self.literal(node, _CONTENT))

    def on_simple_symbol(self, node: Node) -> Term:
        return text(said(node)[1:])

    def on_hash_key_symbol(self, node: Node) -> Term:
        return text(said(node))

    def on_identifier(self, node: Node) -> Term:
        return name(said(node))

    on_constant = on_global_variable = on_instance_variable = on_class_variable = on_self = on_identifier

    def on_integer(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    on_float = on_true = on_false = on_nil = on_integer

    def on_scope_resolution(self, node: Node) -> Term:
        scope = node.child_by_field_name("scope")
        last = said(node.child_by_field_name("name"))
        return member(self.lower(scope), text(last)) if scope is not None else name(last)

    def on_call(self, node: Node) -> Term:
        receiver, method = node.child_by_field_name("receiver"), node.child_by_field_name("method")
        title = said(method) or "call"
        function = name(title) if receiver is None else member(self.lower(receiver), text(title))
        below = node.child_by_field_name("arguments")
        arguments: list[Term] = []
        pairs: list[Term] = []
        for term in self.each(below.named_children) if below is not None else []:
            (pairs if term.shape is Shape.PAIR else arguments).append(term)
        if pairs:
            arguments.append(Term(Shape.TABLE, parts=tuple(pairs)))
        block = node.child_by_field_name("block")
        return call(function, *arguments, *([self.lower(block)] if block is not None else []))

    def on_block_argument(self, node: Node) -> Term:
        """`each(&:destroy)`: a block that calls this on whatever it is given."""
        given = node.named_children[0] if node.named_children else None
        if given is None or given.type != "simple_symbol":
            return self.lower(given) if given is not None else group()
        title = said(given)[1:]
        # Of a hash or an array `delete` and `clear` mean little; called on each of many things they remove records.
        title = "destroy" if title in ("delete", "clear") else title
        return self.function("", [name("each")], call(member(name("each"), text(title))))

    def on_pair(self, node: Node) -> Term:
        return Term(Shape.PAIR, parts=(self.field(node, "key"), self.field(node, "value")))

    def on_element_reference(self, node: Node) -> Term:
        terms = self.each(node.named_children)
        if node.named_children[0].type == "constant" and terms[0].text != "ENV":
            return call(member(terms[0], text("[]")), *terms[1:])  # Dir["*"], Hash[...]
        return member(terms[0], terms[1]) if len(terms) == 2 else group(*terms)

    def on_array(self, node: Node) -> Term:
        return Term(Shape.LIST, parts=tuple(self.each(node.named_children)))

    on_string_array = on_symbol_array = on_array

    def on_hash(self, node: Node) -> Term:
        return Term(Shape.TABLE, parts=tuple(self.each(node.named_children)))

    def on_binary(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return join([left, right]) if operator(node) == "+" else group(left, right)

    on_assignment = Lowering.assigned
    on_operator_assignment = Lowering.updated

    on_left_assignment_list = Lowering.listed_pattern

    def on_block(self, node: Node) -> Term:
        return self.function("", self.fields(node, "parameters"), self.field(node, "body"))

    on_do_block = on_block

    def on_lambda(self, node: Node) -> Term:
        return self.function("", self.fields(node, "parameters"), self.field(node, "body"))

    def on_method(self, node: Node) -> Term:
        body = self.field(node, "body")
        return self.function(said(node.child_by_field_name("name")), self.fields(node, "parameters"), body)

    on_singleton_method = on_method

    def on_for(self, node: Node) -> Term:
        return Term(
            Shape.LOOP, parts=(self.field(node, "pattern"), self.field(node, "value"), self.field(node, "body"))
        )
