"""Numbers as a program writes them, worked out as far as they are constant. Pure."""

from __future__ import annotations

import ast
import math
import re

_VERSION = re.compile(r"(TLS|SSL|DTLS)_?(?:version)?_?v?(\d)[._]?(\d)?(?!\d)", re.IGNORECASE)
_MOST_DIGITS = 40  # of a number that is worked out


def number(node: ast.expr) -> float | None:
    """A number that stands there, or is made of some by arithmetic (`2 ** 30 - 1`); None for what is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None
    if not isinstance(node, ast.BinOp):
        return None
    left, right = number(node.left), number(node.right)
    if left is None or right is None or max(abs(left), abs(right)) > 10**_MOST_DIGITS:
        return None
    if isinstance(node.op, ast.Add | ast.Sub):
        return left + right if isinstance(node.op, ast.Add) else left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.LShift | ast.Pow) and 0 <= right <= 2 * _MOST_DIGITS and 0 <= left <= 1024:
        shifted = isinstance(node.op, ast.LShift)
        return left * math.pow(2, right) if shifted else math.pow(left, right)
    return None


def version(text: str) -> int | None:
    """The version of TLS that a value names last (`VersionTLS12`: 12); of SSL, one below all of them."""
    found = _VERSION.findall(text)
    if not found:
        return None
    name, one, other = found[-1]
    return int(one) * 10 + int(other or 0) - (100 if name.upper() == "SSL" else 0)
