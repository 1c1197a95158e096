"""What the reader of JavaScript, TypeScript and Go writes on, and asks of texts: dotted names, numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from interlock.changes.guards import atoms, numbers, verbs
from interlock.changes.guards.conditions import written

if TYPE_CHECKING:
    from tree_sitter import Node

GRAMMARS = {
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
}

_ARITHMETIC = re.compile(r"[\d_.xXa-fA-F]+(?:\s*(?:\*\*|<<|\*|\+|-)\s*[\d_.xXa-fA-F]+)*")

_BYTES = re.compile(r"""(?i)['"](\d{1,9}(?:\.\d{1,3})?) ?([kmg]?)b['"]""")


def number(source: str) -> float | None:
    """A number that stands there, or is made of some by arithmetic (`1 << 20`)."""
    if len(source) > 60 or not _ARITHMETIC.fullmatch(source):
        return None
    tree = atoms.parsed(re.sub(r"\b0+(?=\d)", "", source))
    return numbers.number(tree) if tree is not None else None


def amount(source: str) -> float | None:
    """A number, or how many bytes a text says (`"100kb"`)."""
    said = _BYTES.fullmatch(source)
    return float(said[1]) * 1024 ** "bkmg".index(said[2].lower() or "b") if said else number(source)


def dotted(text: str) -> str:
    """A called expression as a dotted name: what is called or indexed on the way is left out."""
    if len(text) > 2000:
        return ""
    flat = re.sub(r"\s+|\?(?=\.)", "", text)
    for _ in range(8):
        shorter = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}", "", flat)
        if shorter == flat:
            break
        flat = shorter
    match = re.search(r"[A-Za-z_$][\w$]*(?:\.[\w$#]+)*$", flat)
    return match[0] if match else ""


def answered(node: Node, data: bytes) -> str:
    """What a function returns that does nothing else."""
    body = node.child_by_field_name("body")
    if body is None or "block" not in body.type:
        return written(body, data) if body is not None and node.type == "arrow_function" else ""
    statements = [c for c in body.named_children if c.type != "comment"]
    if len(statements) == 1 and statements[0].type == "statement_list":
        statements = statements[0].named_children
    only = statements[0] if len(statements) == 1 else None
    if only is None or only.type != "return_statement" or only.named_child_count != 1:
        return ""
    value = only.named_children[0]
    if value.type == "expression_list" and value.named_child_count == 1:
        value = value.named_children[0]
    return written(value, data)


def only_tells(body: Node, text: Callable[[Node | None], str]) -> bool:
    """Whether a branch does nothing but write down or show that it was taken."""
    parts = [c for c in body.named_children if c.type != "comment"] if "block" in body.type else [body]
    while len(parts) == 1 and parts[0].type == "statement_list":
        parts = [c for c in parts[0].named_children if c.type != "comment"]
    calls = [c.named_children[0] for c in parts if c.type == "expression_statement" and c.named_children]
    told = [verbs.telltale(text(c.child_by_field_name("function"))) for c in calls]
    return bool(parts) and len(told) == len(parts) and all(told)
