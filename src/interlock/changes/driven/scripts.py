"""What of a changed file of JavaScript or TypeScript is worth walking through, and what its code names. Pure."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from interlock.changes import functions
from interlock.changes.driven.rendering import Unwritten
from interlock.changes.driven.subjects import Part, Subject, reaching

if TYPE_CHECKING:
    from tree_sitter import Node

ENDINGS = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
_LOOKED = ("", *ENDINGS, ".json", *(f"/index{ending}" for ending in ENDINGS))
_SOURCES = re.compile(r"""(?:\bfrom|\brequire\s*\(|\bimport\s*\(|\bimport)\s*["'](\.{1,2}/[^"'\n]*|\.{1,2})["']""")
_LONGEST = 120  # characters of a constant
_IDLE = frozenset({
    "comment", ";", ",", "type_annotation", "interface_declaration", "type_alias_declaration", "ambient_declaration",
    "function_signature", "accessibility_modifier", "type_parameters", "type_arguments", "implements_clause",
})  # fmt: skip
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "class"})
_TOP = "<module>"


def subject(before: tuple[str, str], after: tuple[str, str]) -> Subject | None:
    """What changed between two versions (path and text); None where that is nothing that runs. Raises Unwritten."""
    old, new = _parts(*before), _parts(*after)
    changed = {name for name, part in new.items() if name not in old or old[name].text != part.text}
    changed |= {name for name in old if name not in new}
    if not changed:
        return None
    return Subject(frozenset(reaching(changed, new) | reaching(changed, old)), frozenset())


def _parts(path: str, text: str) -> dict[str, Part]:
    kind = functions.language(path)
    root = functions.parser(kind).parse(text.encode("utf-8", "replace")).root_node
    if root.has_error:
        raise Unwritten(f"it does not parse as {kind}")
    found: dict[str, Part] = {}
    for node in root.named_children:
        for name, part in _named(node):
            was = found.get(name)
            found[name] = Part(was.text + part.text, was.uses | part.uses) if was is not None else part
    return found


def _named(node: Node) -> Iterator[tuple[str, Part]]:
    """What a statement of a module names, and what that is."""
    if node.type in _IDLE:
        return
    declared = node.child_by_field_name("declaration") if node.type == "export_statement" else node
    inner = declared if declared is not None else node
    if inner.type in _CLASSES:
        yield from _of_class(inner, _word(inner, "name") or "default")
    elif inner.type in ("lexical_declaration", "variable_declaration"):
        for one in inner.named_children:
            for name in _identifiers(one.child_by_field_name("name")):
                yield name, _part(one)
    elif inner.type == "import_statement":
        names = list(_identifiers(next((c for c in inner.named_children if c.type == "import_clause"), None)))
        for name in names or [_TOP]:
            yield name, Part(_part(inner).text, frozenset())
    elif inner.type == "expression_statement" and inner.named_children[0].type == "assignment_expression":
        yield from _assigned(inner.named_children[0])
    else:
        yield _word(inner, "name") or ("default" if node.type == "export_statement" else _TOP), _part(inner)


def _assigned(node: Node) -> Iterator[tuple[str, Part]]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    words = [word for word in _text(left).split(".") if word not in ("module", "exports", "prototype")]
    name = ".".join(words) or "default"
    if right.type == "object":
        for one in right.named_children:
            yield _word(one, "key") or _word(one, "name") or _text(one)[:80], _part(one)
    elif right.type in _CLASSES:
        yield from _of_class(right, _word(right, "name") or name)
    else:
        yield name, _part(right)


def _of_class(node: Node, name: str) -> Iterator[tuple[str, Part]]:
    body = node.child_by_field_name("body")
    head, uses = "", {f"{name}.constructor"}
    for child in node.children:
        if child != body:
            part = _part(child)
            head, uses = f"{head} {part.text}", uses | part.uses
    for inner in body.named_children if body is not None else ():
        if inner.type == "method_definition":
            yield f"{name}.{_word(inner, 'name')}", _part(inner)
        elif inner.type not in _IDLE:
            part = _part(inner)
            head, uses = f"{head} {part.text}", uses | part.uses
    yield name, Part(head, frozenset(uses))


def _part(node: Node) -> Part:
    """Its words without comments and formatting, and the names in it."""
    words: list[str] = []
    uses: set[str] = set()
    look = [node]
    while look:
        one = look.pop()
        if one.type in _IDLE:
            continue
        if one.child_count and one.type not in ("string", "template_string", "regex"):
            look += reversed(one.children)
            continue
        text = _text(one)
        words.append(text)
        if one.type in ("identifier", "shorthand_property_identifier", "type_identifier"):
            uses.add(text)
        elif one.type in ("property_identifier", "private_property_identifier"):
            uses.add(f".{text}")
        elif one.type == "template_string":
            uses |= set(re.findall(r"[A-Za-z_$][\w$]*", text))
    return Part(" ".join(words), frozenset(uses))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _word(node: Node, field: str) -> str:
    found = node.child_by_field_name(field)
    return _text(found) if found is not None else ""


def _identifiers(node: Node | None) -> Iterator[str]:
    look = [node] if node is not None else []
    while look:
        one = look.pop()
        if one.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield _text(one)
        elif one.type != "import_specifier":
            look += one.named_children
        else:
            yield _word(one, "alias") or _word(one, "name")


def constants(*sides: tuple[str, str]) -> dict[str, list[str | int | float]]:
    """Constants of programs (path and text) by kind: `text`, `number`, `real`, and `pattern` of regular expressions."""
    found: dict[str, dict[str | int | float, None]] = {"text": {}, "number": {}, "real": {}, "pattern": {}}
    for path, text in sides:
        look = [functions.parser(functions.language(path)).parse(text.encode("utf-8", "replace")).root_node]
        while look:
            node = look.pop()
            kind, value = _constant(node)
            if kind and len(str(value)) <= _LONGEST:
                found["text" if kind == "key" else kind][value] = None
            if kind in ("", "key") and node.type not in ("string", "import_statement"):
                look += reversed(node.children)
    return {kind: list(values) for kind, values in found.items()}


def _constant(node: Node) -> tuple[str, str | int | float]:
    text = _text(node) if node.type in ("string", "number", "regex_pattern", "string_fragment") else ""
    if node.type == "string":
        if text[1:-1] == "use strict":
            return "", ""
        try:
            value = ast.literal_eval(text) if "\\" in text else text[1:-1]
        except (SyntaxError, ValueError):
            value = text[1:-1]
        return "text", str(value)
    if node.type == "number":
        try:
            read = ast.literal_eval(text.rstrip("n").lower())
        except (SyntaxError, ValueError):
            return "text", text
        return ("real" if isinstance(read, float) else "number"), read
    if node.type == "regex_pattern":
        return "pattern", text.replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
    if (
        node.type == "pair"
        and (key := node.child_by_field_name("key")) is not None
        and key.type == "property_identifier"
    ):
        return "key", _text(key)
    if node.type == "string_fragment":  # of a template
        return "text", text
    return "", ""


def needed(paths: list[str], texts: Mapping[str, str], most: int) -> set[str]:
    """These files and those that they name by a relative path, near or far, the nearest first; at most so many."""
    found: set[str] = set()
    queue = list(paths)
    while queue and len(found) < most:
        path = queue.pop(0)
        if path in found or path not in texts:
            continue
        found.add(path)
        if path.endswith(".json"):
            continue
        for named in _SOURCES.findall(texts[path]):
            where = posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
            if path.endswith(("ts", ".tsx")):
                where = re.sub(r"\.([cm]?)jsx?$", "", where) if where not in texts else where
            queue += next(([where + ending] for ending in _LOOKED if where + ending in texts), [])
    return found
