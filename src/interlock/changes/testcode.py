"""The tests in a file: their names, and what each asserts. Python exactly, other languages by their shapes. Pure."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from interlock.changes.change import Kind, Version
from interlock.changes.code import parts
from interlock.changes.finding import squeezed


class Test(NamedTuple):
    """One test. `body` is the same for the same test under another name or layout."""

    name: str
    line: int
    body: str
    asserts: Counter[str]
    strong: int  # assertions of an exact value, or of an error
    weak: int  # assertions that much satisfies: not None, truth, a type, a bound
    swallowed: int  # handlers that catch a failing assertion
    skipped: bool  # it does not run, or may fail, whatever the machine is
    words: frozenset[str]


class Suite(NamedTuple):
    """All tests of one version of a file."""

    tests: tuple[Test, ...] = ()


class Untold(Exception):
    """The file is one of tests, and cannot be read."""


_WEAK = frozenset(
    [
        "assertTrue",
        "assertFalse",
        "assertIsNotNone",
        "assertIsNone",
        "assertIsInstance",
        "assertGreater",
        "assertGreaterEqual",
        "assertLess",
        "assertLessEqual",
        "assertIn",
        "assertAlmostEqual",
    ]
)
_CATCHES = frozenset({"Exception", "BaseException", "AssertionError"})


def suite(side: Version | None) -> Suite:
    """The tests in one version; none where there is none. Raises Untold for Python that does not parse."""
    if side is None or side.kind is not Kind.TEXT:
        return Suite()
    ending = side.path.rpartition(".")[2].lower()
    if ending == "py":
        try:
            return Suite(tuple(_python(ast.parse(side.text), "")))
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Untold(f"{side.path} does not parse: {error}") from error
    if pattern := _STARTS.get(ending):
        return Suite(tuple(_others(side, pattern)))
    return Suite()


def _python(node: ast.AST, outer: str, above: bool = False) -> Iterator[Test]:
    if isinstance(node, ast.Module):
        above = any(_skips(part) for part in node.body)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _python(child, f"{outer}{child.name}.", above or any(map(_skips, child.decorator_list)))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name.startswith("test"):
            yield _test(child, f"{outer}{child.name}", above)


def _test(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, above: bool) -> Test:
    asserts: Counter[str] = Counter()
    strong = weak = swallowed = 0
    for inner in ast.walk(node):
        said = _strength(inner)
        if said is not None:
            asserts[ast.unparse(inner)] += 1
            strong += said
            weak += not said
        elif isinstance(inner, ast.Try):
            swallowed += _swallows(inner)
    words = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    words |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    body = "\n".join(ast.dump(part) for part in node.body)
    return Test(name, node.lineno, body, asserts, strong, weak, swallowed, _skipped(node, above), words)


_SKIPS = re.compile(
    r"(?:pytest\.)?mark\.(?:skip|xfail)\b(?!if)|(?:unittest\.)?(?:skip|expectedFailure)\b(?!If|Unless|Test)"
    r"|(?:pytest\.)?mark\.skipif\(\s*(?:True|1|not False)\b|(?:unittest\.)?skip(?:If|Unless)\(\s*(?:True|False)\b"
)
_SKIPS_NOW = re.compile(r"(?:pytest\.(?:skip|xfail)|self\.skipTest)\(|(?:raise )?(?:unittest\.)?SkipTest\b")


def _skipped(node: ast.FunctionDef | ast.AsyncFunctionDef, above: bool) -> bool:
    """Whether a test never counts. One that looks first (`if not there: skip`) counts where it can."""
    return above or any(map(_skips, node.decorator_list)) or any(_skips(part) for part in node.body)


def _skips(node: ast.AST) -> bool:
    """A decorator that skips without a condition, `pytestmark = …skip`, or a bare call that skips."""
    if isinstance(node, ast.Assign):
        return any(ast.unparse(t) == "pytestmark" for t in node.targets) and bool(
            _SKIPS.search(ast.unparse(node.value))
        )
    if isinstance(node, ast.Expr | ast.Raise):
        return bool(_SKIPS_NOW.match(ast.unparse(node)))
    return isinstance(node, ast.expr) and bool(_SKIPS.match(ast.unparse(node)))


def _strength(node: ast.AST) -> bool | None:
    """Whether a statement asserts an exact value (True) or something looser (False); None: it asserts nothing."""
    if isinstance(node, ast.Assert):
        return _exact(node.test)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("raises", "warns", "assertRaises", "assertRaisesRegex"):
            return bool(node.args) and ast.unparse(node.args[0]) not in _CATCHES
        if called == "fail":
            return True
        if called.startswith("assert"):
            return called not in _WEAK
    return None


def _exact(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        to = test.comparators[0]
        if isinstance(test.ops[0], ast.Eq):
            return "approx" not in ast.unparse(to)
        if isinstance(test.ops[0], ast.Is):
            return True
        return isinstance(test.ops[0], ast.NotIn)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_exact(value) for value in test.values)
    if isinstance(test, ast.Call):  # all(…), a predicate of the subject: as strong as it is
        return not (isinstance(test.func, ast.Name) and test.func.id in ("isinstance", "hasattr", "bool", "len", "any"))
    return isinstance(test, ast.UnaryOp)


def _swallows(node: ast.Try) -> bool:
    """Whether a failing assertion within is caught and forgotten."""
    if not any(_strength(inner) is not None for part in node.body for inner in ast.walk(part)):
        return False
    for handler in node.handlers:
        kinds = {ast.unparse(t) for t in getattr(handler.type, "elts", [handler.type]) if t is not None}
        again = any(
            isinstance(n, ast.Raise) or _strength(n) is not None for part in handler.body for n in ast.walk(part)
        )
        if (handler.type is None or kinds & _CATCHES) and not again:
            return True
    return False


_SCRIPT = re.compile(
    r"""(?<![\w.])(?:it|test|specify)(?:\.\w+){0,2}\s{0,4}\(\s{0,20}(?:'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)"|`((?:\\.|[^`\\])*)`)"""
)
_STARTS = {
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts"), _SCRIPT),
    "go": re.compile(r"^func (Test\w+)\(", re.MULTILINE),
    "java": re.compile(r"@Test\b[^{;]{0,200}?\b(\w+)\s{0,4}\(", re.DOTALL),
    "rs": re.compile(r"#\[(?:\w+::)?test\][^{;]{0,200}?\bfn (\w+)\(", re.DOTALL),
    "rb": re.compile(r"""^\s*(?:it|test|specify)\s+['"]([^'"\n]+)['"]|^\s*def (test_\w+)""", re.MULTILINE),
    "php": re.compile(r"function (test\w+)\("),
}
_ASSERT = re.compile(
    r"\b(?:expect|assert\w*(?:\.\w+)?|should(?:Be\w*)?|(?:t|require|assert)\.(?:Error|Errorf|Fatal|Fatalf|Equal|NoError|True|False|Nil|NotNil|Len|Contains))!?\s{0,2}\("
)
_LOOSE = re.compile(
    r"\.(?:toBeTruthy|toBeDefined|toBeFalsy|toBeGreaterThan\w*|toBeLessThan\w*|toContain|toMatchObject|toBeInstanceOf|not\.toBeNull|not\.toBeUndefined|toBeCloseTo|toBeTypeOf)\(|expect\.anything\(|assert\.ok\(|(?:assert|require)\.(?:NotNil|True|NotEmpty)\("
)
_CAUGHT = re.compile(r"catch\s{0,4}(?:\([^)\n]{0,60}\)\s{0,4})?\{\s{0,40}\}")


def _others(side: Version, pattern: re.Pattern[str]) -> Iterator[Test]:
    """Tests by where they begin; each lasts until the next one begins."""
    code = parts(side.text, side.path).code
    starts = list(pattern.finditer(code))
    ends = [match.start() for match in starts[1:]] + [len(code)]
    for match, end in zip(starts, ends, strict=True):
        name = next(group for group in match.groups() if group is not None)
        body = squeezed(code[match.end() : end])
        asserts = Counter(m[0] for m in _ASSERT.finditer(body))
        loose = len(_LOOSE.findall(body))
        yield Test(
            name, code.count("\n", 0, match.start()) + 1, body, asserts, sum(asserts.values()) - loose, loose,
            len(_CAUGHT.findall(body)), False, frozenset(re.findall(r"[A-Za-z_]\w+", body)),
        )  # fmt: skip
