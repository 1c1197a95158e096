"""Perl, lowered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.effects.code.lowering import Lowering, operator, said, unescaped
from interlock.effects.code.terms import Shape, Term, bind, call, group, join, member, name, text

if TYPE_CHECKING:
    from tree_sitter import Node

_TOPIC = "$_"


class Perl(Lowering):
    """One method a kind of node."""

    grammar = "perl"
    skipped = Lowering.skipped | {"pod", "heredoc_end", "indirect_object_sigil"}
    document = "heredoc_content"

    # -- texts

    def _pieces(self, node: Node) -> Term:
        """A text in which whatever is no child is constant."""
        whole, at, parts = node.text or b"", node.start_byte, list[Term]()
        for child in node.named_children:
            parts.append(
                text(whole[at - node.start_byte : child.start_byte - node.start_byte].decode("utf-8", "replace"))
            )
            at = child.end_byte
            escape = child.type == "escape_sequence"
            parts.append(text(unescaped(said(child))) if escape else self.lower(child))
        parts.append(text(whole[at - node.start_byte :].decode("utf-8", "replace")))
        return join([part for part in parts if part.shape is not Shape.TEXT or part.text])

    def on_string_literal(self, node: Node) -> Term:
        content = node.child_by_field_name("content")
        return self._pieces(content) if content is not None else text("")

    on_interpolated_string_literal = on_string_literal

    def on_command_string(self, node: Node) -> Term:
        return call(name("`"), self.on_string_literal(node))

    def on_heredoc_token(self, node: Node) -> Term:
        body = self._pieces(self.documents.pop(0)) if self.documents else group()
        return call(name("`"), body) if "`" in said(node) else body

    def on_heredoc_content(self, _node: Node) -> Term:
        return group()

    def on_autoquoted_bareword(self, node: Node) -> Term:
        return text(said(node))

    def on_bareword(self, node: Node) -> Term:
        return name(said(node).replace("::", "."))

    def on_number(self, node: Node) -> Term:
        return Term(Shape.NUMBER, said(node))

    def on_quoted_word_list(self, node: Node) -> Term:
        words = said(node.child_by_field_name("content")).split()
        return Term(Shape.LIST, parts=tuple(text(word) for word in words))

    def on_fileglob_expression(self, node: Node) -> Term:
        return call(name("glob"), self.on_string_literal(node))

    def on_readline_expression(self, _node: Node) -> Term:
        return call(name("readline"))

    def on_binary_expression(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return join([left, right]) if operator(node) == "." else group(left, right)

    # -- names

    def on_scalar(self, node: Node) -> Term:
        if any(c.type == "block" or c.named_children for c in node.named_children):
            return group(*self.each(node.named_children))
        return name(said(node).replace("{", "").replace("}", ""))

    on_array = on_hash = on_scalar

    def on_varname(self, node: Node) -> Term:
        return self.all(node) if node.named_children else group()

    def on_hash_element_expression(self, node: Node) -> Term:
        holder = node.child_by_field_name("hash")
        base = name("%" + said(holder)[1:]) if holder is not None else self.lower(node.named_children[0])
        return member(base, self.field(node, "key"))

    def on_array_element_expression(self, node: Node) -> Term:
        holder = node.child_by_field_name("array")
        base = name("@" + said(holder)[1:]) if holder is not None else self.lower(node.named_children[0])
        return member(base, self.field(node, "index"))

    def on_variable_declaration(self, node: Node) -> Term:
        names = self.each(node.named_children)
        if len(names) == 1 and "(" not in said(node):
            return names[0]
        pairs = (Term(Shape.PAIR, parts=(text(""), term)) for term in names)
        return Term(Shape.PATTERN, parts=tuple(pairs))

    def on_assignment_expression(self, node: Node) -> Term:
        left, right = self.field(node, "left"), self.field(node, "right")
        return bind(left, right if operator(node) in ("=", "") else group(left, right))

    # -- calls

    def _arguments(self, node: Node | None) -> list[Term]:
        if node is None:
            return []
        term = self.lower(node)
        flat = term.shape is Shape.LIST and node.type in ("list_expression", "parenthesized_expression")
        return list(term.parts) if flat else [term]

    def on_function_call_expression(self, node: Node) -> Term:
        function = node.child_by_field_name("function")
        arguments = self._arguments(node.child_by_field_name("arguments"))
        told = [self.lower(c) for c in node.named_children if c.type == "indirect_object"]
        if function is not None and any(c.named_children for c in function.named_children):
            return call(self.lower(function.named_children[0]), *arguments, how="variable")
        title = said(function).lstrip("&").replace("::", ".").removeprefix("CORE.").removeprefix("GLOBAL.")
        return group(*told, call(name(title), *arguments)) if told else call(name(title), *arguments)

    on_ambiguous_function_call_expression = on_function_call_expression

    def on_func1op_call_expression(self, node: Node) -> Term:
        title = said(node.children[0]) if node.children else ""
        return call(name(title), *self.each(node.named_children))

    on_func0op_call_expression = on_func1op_call_expression

    def on_function(self, node: Node) -> Term:
        return call(name(said(node).lstrip("&").replace("::", ".")))

    def on_method_call_expression(self, node: Node) -> Term:
        method = node.child_by_field_name("method")
        key = self.all(method) if method is not None and method.named_children else text(said(method))
        arguments = self._arguments(node.child_by_field_name("arguments"))
        return call(member(self.field(node, "invocant"), key), *arguments)

    def on_coderef_call_expression(self, node: Node) -> Term:
        below = node.child_by_field_name("arguments")
        return call(self.lower(node.named_children[0]), *self._arguments(below), how="variable")

    def on_eval_expression(self, node: Node) -> Term:
        below = node.named_children[0] if node.named_children else None
        if below is not None and below.type == "block":
            return self.all(below)
        if below is not None and below.type == "filename":
            return call(name("do"), *self.each(below.named_children))
        return call(name("eval"), *self.each(node.named_children))

    on_do_expression = on_eval_expression

    def on_require_expression(self, node: Node) -> Term:
        return call(name("require"), *(self._module(child) for child in node.named_children))

    def on_use_statement(self, node: Node) -> Term:
        module = node.child_by_field_name("module")
        return call(name("use"), text(said(module))) if module is not None else group()

    def _module(self, node: Node) -> Term:
        return call(name("module"), text(said(node))) if node.type == "bareword" else self.lower(node)

    def on_substitution_regexp(self, node: Node) -> Term:
        flags = said(node.child_by_field_name("modifiers"))
        swap = next((c for c in node.named_children if c.type == "replacement"), None)
        if "e" not in flags or swap is None:
            return group(*(self.all(child) for child in node.named_children if child.named_children))
        inner = self.read(said(swap))
        return call(name("eval"), inner) if flags.count("e") > 1 else inner

    # -- lists, loops, functions

    def on_list_expression(self, node: Node) -> Term:
        return Term(Shape.LIST, parts=tuple(self.each(node.named_children)))

    on_anonymous_array_expression = on_list_expression

    def on_anonymous_hash_expression(self, node: Node) -> Term:
        terms = [part for term in self.each(node.named_children) for part in (term.parts or (term,))]
        pairs = zip(terms[::2], terms[1::2], strict=False)
        return Term(Shape.TABLE, parts=tuple(Term(Shape.PAIR, parts=pair) for pair in pairs))

    def on_for_statement(self, node: Node) -> Term:
        variable = node.child_by_field_name("variable")
        target = self.lower(variable) if variable is not None else name(_TOPIC)
        return Term(Shape.LOOP, parts=(target, self.field(node, "list"), self.field(node, "block")))

    def on_postfix_for_expression(self, node: Node) -> Term:
        items = node.child_by_field_name("list")
        body = self.each([child for child in node.named_children if child != items])
        return Term(Shape.LOOP, parts=(name(_TOPIC), self.lower(items), *body))

    def on_map_grep_expression(self, node: Node) -> Term:
        items = node.child_by_field_name("list")
        body = self.each([child for child in node.named_children if child != items])
        return Term(Shape.LOOP, parts=(name(_TOPIC), self.lower(items), *body))

    def on_anonymous_subroutine_expression(self, node: Node) -> Term:
        return self.function("", [], self.field(node, "body"))

    def on_subroutine_declaration_statement(self, node: Node) -> Term:
        return self.function(said(node.child_by_field_name("name")), [], self.field(node, "body"))
