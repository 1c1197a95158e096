"""JavaScript and TypeScript written anew for a walk: one kind of module, without types, and telling what runs.

Node.js reads modules of two kinds, and TypeScript only from some version on and in part. A walk wants to know which
branches ran, whether an error was thrown by the code or happened to it, and what an argument of no type is compared
with. So every file is written anew, from its syntax tree:

- `import` and `export` become `require` and properties of `exports`; types, decorators and `as` go; enums are objects;
- each branch begins with `__at(n)`; what is thrown passes `__own`;
- comparisons, `!` and conditions pass a function that lets an argument of no type answer, and write down what it met;
- JSX becomes calls that make plain objects (`markup.py`); a module that waits at its top is a function that does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from interlock.changes import functions
from interlock.changes.driven import markup

if TYPE_CHECKING:
    from tree_sitter import Node

_ERASED = frozenset({
    "type_annotation", "type_parameters", "type_arguments", "interface_declaration", "type_alias_declaration",
    "ambient_declaration", "function_signature", "accessibility_modifier", "override_modifier", "implements_clause",
    "abstract_method_signature", "method_signature", "index_signature", "type_predicate_annotation",
    "asserts_annotation", "decorator", "omitting_type_annotation", "adding_type_annotation",
    "opting_type_annotation", "hash_bang_line",
})  # fmt: skip
_LOST = {  # words of TypeScript within what stays
    "public_field_definition": ("readonly", "?", "!", "abstract", "override", "declare"),
    "method_definition": ("?", "abstract", "override"),
    "optional_parameter": ("?", "readonly"), "required_parameter": ("readonly",),
    "variable_declarator": ("!",), "abstract_class_declaration": ("abstract",),
}  # fmt: skip
_COMPARED = {
    "===": "__eq", "!==": "__ne", "==": "__like", "!=": "__unlike", "<": "__lt", ">": "__gt", "<=": "__le",
    ">=": "__ge", "in": "__in", "instanceof": "__isa",
}  # fmt: skip
_ASKED = frozenset({"identifier", "member_expression", "call_expression", "await_expression", "subscript_expression"})
_TYPES = {
    "number": "number", "string": "text", "boolean": "truth", "Buffer": "bytes", "Uint8Array": "bytes",
    "null": "none", "undefined": "none", "true": "truth", "false": "truth",
}  # fmt: skip
_PROMISED = ("then", "catch", "finally")
_OWN_TIME = frozenset({  # what is in these does not run when its module does
    "function_declaration", "function_expression", "generator_function_declaration", "generator_function",
    "arrow_function", "method_definition", "class_static_block",
})  # fmt: skip
_LOOPS = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
# Where an edit of `__at` would be no statement, or would come before a directive.
_FUNCTIONS = frozenset({
    "function_declaration", "generator_function_declaration", "class_declaration", "abstract_class_declaration"
})  # fmt: skip

WAITS = "/*waits*/ "


class Unwritten(Exception):
    """The text is none that can be written anew; the message says why."""


@lru_cache(maxsize=512)
def rendered(path: str, text: str) -> str:
    """The body of a function, of what `loading.js` gives it, that does what the module does. Raises Unwritten."""
    kind = functions.language(path)
    root = functions.parser(kind).parse(text.encode("utf-8", "replace")).root_node
    if root.has_error:
        raise Unwritten(f"it does not parse as {kind}")
    try:
        return _Writer(text.encode("utf-8", "replace")).module(root)
    except RecursionError as error:
        raise Unwritten("it is nested too deeply") from error
    except markup.Unknown as error:
        raise Unwritten(f"it has JSX of a kind that is not known ({error})") from error


class _Writer:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._marks = 0
        self._taken = 0  # modules that were named
        self._exports: list[str] = []
        self._imports: list[str] = []
        self._scope: list[str] = []
        markings = markup.Markup(data, self.render)
        self._of_jsx_element = self._of_jsx_self_closing_element = markings.element

    def module(self, root: Node) -> str:
        """The whole file. The first line of one that waits at its top says so to `loading.js`."""
        body = self._all(root)
        waits = _waits(root)
        if not waits and not any(c.type in ("import_statement", "export_statement") for c in root.children):
            return f"return (function () {{ {body}\n}}).call(this);"
        # An import is a name for what another module has at that time, and what is exported is there before others are
        # asked for theirs: modules that import each other need it so.
        names = "".join(f", __m{n + 1}" for n in range(self._taken))
        inside = "\n".join(['"use strict";', *self._exports, *self._imports, body])
        run = f"({'async ' * waits}function () {{ {inside}\n}}).call(undefined)"
        scope = "\n".join(self._scope)
        return f"{WAITS * waits}__esm(__exports); let __m0{names};\n{scope}\nwith (__scope) {{ return {run}; }}"

    def _text(self, node: Node) -> str:
        return self._data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _mark(self) -> str:
        self._marks += 1
        return f"__at({self._marks})"

    def _all(self, node: Node, lost: tuple[str, ...] = ()) -> str:
        """Its parts as they come, and what stands between them."""
        out: list[str] = []
        at = node.start_byte
        for child in node.children:
            out.append(self._data[at : child.start_byte].decode("utf-8", "replace"))
            at = child.end_byte
            out.append(" " if child.type in lost else self.render(child))
        out.append(self._data[at : node.end_byte].decode("utf-8", "replace"))
        return "".join(out)

    def render(self, node: Node) -> str:
        """Any part."""
        kind = node.type
        if kind in _ERASED:
            return " "
        if kind == "comment":  # one to the end of a line would hide what comes after it; one of lines ends a statement
            return "\n" if b"\n" in self._data[node.start_byte : node.end_byte] else " "
        if not node.child_count:
            return self._text(node)
        write = getattr(self, f"_of_{kind}", None)
        if write is not None:
            return str(write(node))
        if kind in _LOOPS:
            return self._branched(node, ("body",))
        return self._all(node, _LOST.get(kind, ()))

    # What runs.

    def _directive(self, node: Node) -> bool:
        return (
            node.type == "expression_statement"
            and node.named_child_count == 1
            and node.named_children[0].type == "string"
        )

    def _of_statement_block(self, node: Node) -> str:
        # A comment behind the bracket that closes is a part of it where no `;` follows.
        held = [child for child in node.named_children if child.type != "comment"]
        inside = [self.render(child) for child in held]
        told = 1 if held and self._directive(held[0]) else 0
        return "{ " + "\n".join([*inside[:told], self._mark() + ";", *inside[told:]]) + " }"

    def _branch(self, node: Node) -> str:
        if node.type == "statement_block" or node.type in _FUNCTIONS:
            return self.render(node)
        return "{ " + self._mark() + "; " + self.render(node) + "\n}"

    def _branched(self, node: Node, fields: tuple[str, ...]) -> str:
        """A statement, of which the parts of these names are branches, and `condition` is one."""
        out: list[str] = []
        for number, child in enumerate(node.children):
            name = node.field_name_for_child(number)
            if name in fields:
                out.append(self._branch(child))
            elif name == "condition" and child.type == "parenthesized_expression":
                out.append("(" + self._truth(child.children[1:-1]) + ")")
            else:
                out.append(self.render(child))
        return " ".join(out)

    def _truth(self, parts: list[Node]) -> str:
        text = "".join(map(self.render, parts))
        return f"__ok({text})" if len(parts) == 1 and parts[0].type in _ASKED else text

    def _of_if_statement(self, node: Node) -> str:
        return self._branched(node, ("consequence",))

    def _of_else_clause(self, node: Node) -> str:
        inner = node.children[-1]
        return "else " + (self.render(inner) if inner.type == "if_statement" else self._branch(inner))

    def _of_switch_case(self, node: Node) -> str:
        out, after = [], False
        for child in node.children:
            out.append(self.render(child))
            if child.type == ":" and not after:
                after = True
                out.append(self._mark() + ";")
        return "\n".join(out)

    _of_switch_default = _of_switch_case

    def _of_arrow_function(self, node: Node) -> str:
        body = node.child_by_field_name("body")
        out = []
        for child in node.children:
            if child == body and child.type != "statement_block":
                out.append(f"({self._mark()}, {self.render(child)})")
            else:
                out.append(self.render(child))
        return " ".join(out)

    def _of_ternary_expression(self, node: Node) -> str:
        asked, yes, no = (node.child_by_field_name(name) for name in ("condition", "consequence", "alternative"))
        if asked is None or yes is None or no is None:
            return self._all(node)
        return f"{self._truth([asked])} ? ({self._mark()}, {self.render(yes)}) : ({self._mark()}, {self.render(no)})"

    def _of_throw_statement(self, node: Node) -> str:
        return "throw __own(" + "".join(self.render(c) for c in node.children[1:] if c.type != ";") + ");"

    # What is asked of arguments.

    def _of_binary_expression(self, node: Node) -> str:
        left, operator, right = (node.child_by_field_name(name) for name in ("left", "operator", "right"))
        word = _COMPARED.get(self._text(operator)) if operator is not None else None
        if left is None or right is None or word is None or left.type == "private_property_identifier":
            return self._all(node)
        if left.type == "unary_expression" and right.type == "string" and self._text(left).startswith("typeof"):
            return self._typed(left, word, self._text(right))
        return f"{word}({self.render(left)}, {self.render(right)})"

    def _typed(self, left: Node, word: str, right: str) -> str:
        of = left.child_by_field_name("argument")
        no = "!" if word in ("__ne", "__unlike") else ""
        if of is None or word not in ("__eq", "__like", "__ne", "__unlike"):
            return f"{word}({self.render(left)}, {right})"
        plain = f"(typeof {self._text(of)} === {right})"
        if of.type == "identifier":  # it may be no name at all
            name = self._text(of)
            return f'{no}(typeof {name} === "function" ? __is({name}, {right}) : {plain})'
        return f"{no}__is({self.render(of)}, {right})"

    def _of_unary_expression(self, node: Node) -> str:
        of = node.child_by_field_name("argument")
        if node.children[0].type == "!" and of is not None:
            return f"__not({self.render(of)})"
        return self._all(node)

    # TypeScript.

    def _of_as_expression(self, node: Node) -> str:
        return f"({self.render(node.children[0])})"

    _of_satisfies_expression = _of_as_expression

    def _of_non_null_expression(self, node: Node) -> str:
        return self.render(node.children[0])

    def _of_public_field_definition(self, node: Node) -> str:
        if any(child.type in ("declare", "abstract") for child in node.children):
            return " "
        return self._all(node, _LOST[node.type])

    def _of_formal_parameters(self, node: Node) -> str:
        kept = [c for c in node.named_children if c.type != "comment" and not self._text(c).startswith("this:")]
        return "(" + ", ".join(self._annotated(c) + self.render(c) for c in kept) + ")"

    def _annotated(self, parameter: Node) -> str:
        """A comment that tells `entries.js` of which kind an argument is: types are gone from what Node.js reads."""
        annotation = parameter.child_by_field_name("type")
        if annotation is None or not annotation.named_children:
            return ""
        kinds = list(dict.fromkeys(self._kinds(annotation.named_children[0])))
        return f"/*:{'|'.join(kinds)}*/ " if kinds and "" not in kinds else ""

    def _kinds(self, node: Node) -> Iterator[str]:
        """What a type lets be given; an empty text where a walk knows no such kind."""
        inside = node.named_children
        if node.type == "union_type":
            for part in inside:
                yield from self._kinds(part)
        elif node.type == "array_type" and inside:
            yield from (f"list.{kind}" if kind else "list" for kind in self._kinds(inside[0]))
        elif node.type == "generic_type" and self._text(inside[0]) in ("Array", "ReadonlyArray", "Set"):
            yield "list"
        elif node.type == "literal_type" and inside:
            yield _TYPES.get(inside[0].type, "")
        elif node.type in ("parenthesized_type", "readonly_type") and inside:
            yield from self._kinds(inside[0])
        else:
            yield _TYPES.get(self._text(node), "")

    def _of_method_definition(self, node: Node) -> str:
        name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
        text = self._all(node, _LOST["method_definition"])
        if name is None or parameters is None or self._text(name) != "constructor":
            return text
        own = [
            self._text(pattern) for one in parameters.named_children
            if any(c.type in ("accessibility_modifier", "readonly") for c in one.children)
            and (pattern := one.child_by_field_name("pattern")) is not None
        ]  # fmt: skip
        if not own:
            return text
        sets = " ".join(f"this.{one} = {one};" for one in own)
        head, found, tail = text.partition("super(")
        if not found:
            at = text.index("{ __at(")
            return text[:at] + "{ " + sets + text[at + 1 :]
        end = _closed(tail)
        return head + found + tail[:end] + "; " + sets + " " + tail[end:].lstrip(";")

    def _of_enum_declaration(self, node: Node) -> str:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            raise Unwritten("it has an enum without a name")
        out, before = [], "-1"
        for one in body.named_children:
            if one.type == "comment":
                continue
            key = one.child_by_field_name("name") or one
            value = one.child_by_field_name("value")
            word = self._text(key)
            said = word if key.type == "string" else json.dumps(word)
            out.append(f"__e[{said}] = {self.render(value) if value is not None else f'{before} + 1'};")
            if key.type != "string":
                out.append(f"const {word} = __e[{said}];")
            out.append(f'if (typeof __e[{said}] === "number") __e[__e[{said}]] = {said};')
            before = f"__e[{said}]"
        return f"var {self._text(name)} = ((__e) => {{ {' '.join(out)} return __e; }})({{}});"

    def _of_internal_module(self, _node: Node) -> str:
        raise Unwritten("it has a namespace")

    # Modules.

    def _of_import_statement(self, node: Node) -> str:
        clause = next((c for c in node.children if c.type in ("import_clause", "import_require_clause")), None)
        if any(child.type == "type" for child in node.children):
            return " "
        source = node.child_by_field_name("source")
        if clause is not None and clause.type == "import_require_clause":
            return f"const {self._text(clause)};"
        if source is None:
            raise Unwritten("it has an import that names nothing")
        whole = self._module(self._text(source))
        for part in clause.named_children if clause is not None else ():
            if part.type == "identifier":
                self._binds(self._text(part), f"__default({whole})")
            elif part.type == "namespace_import":
                self._binds(self._text(part.named_children[-1]), whole)
            elif part.type == "named_imports":
                for name, own in self._specified(part):
                    self._binds(own, _part(whole, name))
        return " "

    def _module(self, source: str) -> str:
        self._taken += 1
        self._imports.append(f"__m{self._taken} = __require({source});")
        return f"__m{self._taken}"

    def _binds(self, name: str, value: str) -> None:
        self._scope.append(f"__bind(__scope, {json.dumps(name)}, () => {value});")

    def _specified(self, clause: Node) -> Iterator[tuple[str, str]]:
        """(its name there, its name here) of each name that is imported or exported."""
        for one in clause.named_children:
            name, alias = one.child_by_field_name("name"), one.child_by_field_name("alias")
            if name is not None and not any(child.type == "type" for child in one.children):
                yield self._text(name), self._text(alias or name)

    def _gives(self, name: str, value: str) -> None:
        said = name if name[:1] in "'\"" else json.dumps(name)
        self._exports.append(f"__bind(__exports, {said}, () => {value});")

    def _of_export_statement(self, node: Node) -> str:
        words = [child.type for child in node.children]
        if "type" in words:
            return " "
        declared, value = node.child_by_field_name("declaration"), node.child_by_field_name("value")
        source = node.child_by_field_name("source")
        if source is not None:
            return self._passed_on(node, self._text(source))
        if "=" in words:
            return "module.exports = " + self.render(node.named_children[-1]) + ";"
        if "default" in words:
            return self._default(declared, value)
        if declared is not None:
            for name in self._names(declared):
                self._gives(name, name)
            return self.render(declared)
        clause = next((c for c in node.children if c.type == "export_clause"), None)
        for name, outside in self._specified(clause) if clause is not None else ():
            self._gives(outside, name)
        return " "

    def _passed_on(self, node: Node, source: str) -> str:
        whole = self._module(source)
        for part in node.children:
            if part.type == "export_clause":
                for name, outside in self._specified(part):
                    self._gives(outside, _part(whole, name))
            elif part.type == "namespace_export":
                self._gives(self._text(part.named_children[-1]), whole)
            elif part.type == "*":
                self._imports.append(f"__star(__exports, {whole});")
        return " "

    def _default(self, declared: Node | None, value: Node | None) -> str:
        named = declared.child_by_field_name("name") if declared is not None else None
        if declared is not None and named is not None:
            self._gives("default", self._text(named))
            return self.render(declared)
        self._gives("default", "__main")
        whole = declared or value
        if whole is None:
            raise Unwritten("it exports nothing by default")
        return f"const __main = {self.render(whole)};"

    def _names(self, declared: Node) -> Iterator[str]:
        if declared.type in ("lexical_declaration", "variable_declaration"):
            for one in declared.named_children:
                name = one.child_by_field_name("name")
                yield from self._bound(name) if name is not None else ()
        elif declared.type not in _ERASED:
            named = declared.child_by_field_name("name")
            if named is not None:
                yield self._text(named)

    def _bound(self, pattern: Node) -> Iterator[str]:
        if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield self._text(pattern)
        elif pattern.type in ("pair_pattern", "object_assignment_pattern", "assignment_pattern"):
            inner = pattern.child_by_field_name("value" if pattern.type == "pair_pattern" else "left")
            yield from self._bound(inner) if inner is not None else ()
        else:
            for child in pattern.named_children:
                yield from self._bound(child)

    def _of_meta_property(self, node: Node) -> str:
        return "__meta" if self._text(node).startswith("import") else self._text(node)

    def _of_call_expression(self, node: Node) -> str:
        called = node.child_by_field_name("function")
        if called is not None and called.type == "import":
            return "__import" + "".join(self.render(child) for child in node.children[1:])
        if called is not None and called.type == "member_expression" and called.named_child_count == 2:
            of, name = called.named_children
            if self._text(name) in _PROMISED and of.type != "super":
                rest = "".join(self.render(child) for child in node.children[1:])
                return f'__promise({self.render(of)}, "{self._text(name)}").{self._text(name)}{rest}'
        return self._all(node)


def _waits(root: Node) -> bool:
    """Whether a module waits for something before it is there (`await` outside of functions)."""
    look = [root]
    while look:
        node = look.pop()
        if node.type in ("await", "await_expression"):
            return True
        if node.type not in _OWN_TIME:
            look += node.children
    return False


def _part(whole: str, name: str) -> str:
    if name == "default":
        return f"__default({whole})"
    return f"{whole}[{name}]" if name[:1] in "'\"" else f"{whole}.{name}"


def _closed(text: str) -> int:
    """Where a bracket that stands open before the text is closed: behind it."""
    deep = 1
    for at, sign in enumerate(text):
        deep += (sign in "([{") - (sign in ")]}")
        if deep == 0:
            return at + 1
    return len(text)
