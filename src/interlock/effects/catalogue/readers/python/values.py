"""Names and constants of a Python text: imports followed, names bound once, joins, f-strings, `Path` arithmetic."""

from __future__ import annotations

import ast
import itertools
import math
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from interlock.effects.budget import Budget
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.python import names as N  # noqa: N812 - the names are used on every line
from interlock.effects.invocation import Word
from interlock.effects.places import file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind

_MOST_WAYS = 64  # texts that a loop over constants makes of one expression
_MOST_WORDS = 6_000  # an ordinary script of six hundred lines
_SCRATCH_NAMES = frozenset({"tempfile.mkdtemp", "tempfile.mktemp", "tempfile.TemporaryDirectory"})
_WRAPPERS = frozenset({"sorted", "list", "reversed", "set", "tuple"})


class Unknown:
    """A value nobody knows; `taint` says what is in it."""

    def __init__(self, taint: Iterable[str] = ()) -> None:
        self.taint = set(taint)


class Several:
    """One of several constants (a loop over a literal list), or of the texts that are made of them."""

    def __init__(self, items: list[str]) -> None:
        self.items = items


class Prefixed(Unknown):
    """A text of which only the beginning is known."""

    def __init__(self, prefix: str, taint: Iterable[str]) -> None:
        super().__init__(taint)
        self.prefix = prefix


class Values:
    """What the expressions of one text stand for."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.names: dict[str, Any] = {}
        self.aliases: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.taint: set[str] = set(draft.inv.stdin.taint)
        self.depth = 0
        self.budget = Budget(_MOST_WORDS)

    def imports(self, nodes: list[ast.AST]) -> None:
        """Follow what the text imports, and under which names."""
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.aliases[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
                    self._module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                self._module(module if not node.level else ".")
                for alias in node.names:
                    self.aliases[alias.asname or alias.name] = f"{module}.{alias.name}"
                    if alias.name == "*" and module in ("os", "subprocess", "shutil", "pathlib"):
                        for name in ("system", "remove", "unlink", "rmtree", "run", "Popen", "call", "Path", "popen"):
                            self.aliases.setdefault(name, f"{module}.{name}")

    def _module(self, name: str) -> None:
        top = name.split(".", maxsplit=1)[0]
        if name not in N.STANDARD and top not in N.STANDARD and top not in {h.split(".")[0] for h in N.HTTP}:
            self.foreign.add(top)

    def bindings(self, nodes: list[ast.AST]) -> None:
        """Names that are bound once to a constant; a name bound twice is not known."""
        seen: dict[str, int] = {}
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                seen[node.id] = seen.get(node.id, 0) + 1
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if seen.get(name) == 1:
                    called = self.name(node.value)
                    if called and called != name:
                        self.aliases[name] = called
                    else:
                        self.names[name] = self.value(node.value)
            elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
                if seen.get(node.optional_vars.id) == 1 and self._scratch(node.context_expr):
                    self.names[node.optional_vars.id] = self.value(node.context_expr)
            elif (
                isinstance(node, (ast.For, ast.comprehension))
                and isinstance(node.target, ast.Name)
                and seen.get(node.target.id) == 1
            ):
                self._each(node.target.id, node.iter)

    def _scratch(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.name(node.func) == "tempfile.TemporaryDirectory"

    def _each(self, name: str, items: ast.expr) -> None:
        """The variable of a loop: one of several constants, or some name below a directory that is known."""
        value = self.value(items)
        if isinstance(value, list) and value and all(isinstance(i, str) for i in value):
            self.names[name] = Several(value)
        inner: ast.AST = items
        while isinstance(inner, ast.Call) and inner.args and self.name(inner.func) in _WRAPPERS:
            inner = inner.args[0]
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            self._below(name, inner, inner.func)

    def _below(self, name: str, items: ast.Call, func: ast.Attribute) -> None:
        """The variable of a loop over the names in a directory."""
        called = self.name(func)
        if called in ("glob.glob", "glob.iglob") and items.args:
            pattern = self.value(items.args[0])
            folder: Any = posixpath.dirname(pattern) if isinstance(pattern, str) else None
        elif func.attr in ("glob", "rglob", "iterdir", "walk"):
            folder = self.value(func.value)
        else:
            return
        if isinstance(folder, str) and not set("*?[").intersection(folder):
            self.names[name] = Prefixed(posixpath.join(folder or ".", ""), ())

    def name(self, node: ast.AST) -> str:
        """The dotted name that an expression stands for, with imports followed; "" when it has none."""
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id, node.id if node.id not in self.names else "")
        if isinstance(node, ast.Attribute):
            head = self.name(node.value)
            held = node.attr.lstrip("_")
            if held in N.HELD and head in N.STANDARD:
                return "os" if held == "posix" else held
            return f"{head}.{node.attr}" if head else ""
        if isinstance(node, ast.Call):
            called = self.name(node.func)
            if called in ("__import__", "importlib.import_module") and node.args:
                module = self.value(node.args[0])
                if isinstance(module, str):
                    self._module(module)
                    return module
            if called == "getattr" and len(node.args) >= 2:
                head, attribute = self.name(node.args[0]), self.value(node.args[1])
                if head and isinstance(attribute, str):
                    return f"{head}.{attribute}"
        return ""

    def value(self, node: ast.AST | None) -> Any:
        """The constant an expression stands for, or `Unknown`."""
        self.depth += 1
        try:
            found = Unknown() if self.depth > 40 else self._value(node)
        finally:
            self.depth -= 1
        return found if self.budget.keeps(found) else Unknown()

    def _value(self, node: ast.AST | None) -> Any:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bytes):
                return node.value.decode("utf-8", "replace")
            return node.value if isinstance(node.value, (str, int, bool)) or node.value is None else str(node.value)
        if isinstance(node, ast.Name):
            return self.names.get(node.id, Unknown(self.taint if node.id not in self.aliases else ()))
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.JoinedStr):
            return self._joined([self.value(v.value if isinstance(v, ast.FormattedValue) else v) for v in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            return self._added(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            got = self.value(node.operand)
            return -got if isinstance(got, int) else Unknown()
        if isinstance(node, ast.Attribute) and self.name(node) == "sys.executable":
            return "python3"
        taint: set[str] = set()
        for child in ast.iter_child_nodes(node) if node is not None else ():
            got = self.value(child)
            if isinstance(got, Unknown):
                taint |= got.taint
        return Unknown(taint)

    def _added(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Div):
            return self._path([left, right])
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        return self._joined([left, right])

    def _joined(self, parts: list[Any]) -> Any:
        if any(isinstance(part, Several) for part in parts):
            return _together(parts, self._joined)
        if all(isinstance(p, (str, int)) for p in parts):
            return "".join(str(p) for p in parts)
        if _climbs(parts):
            return Unknown({t for p in parts if isinstance(p, Unknown) for t in p.taint})
        return Prefixed("".join(_leading(parts)), {t for p in parts if isinstance(p, Unknown) for t in p.taint})

    def _path(self, parts: list[Any]) -> Any:
        if any(isinstance(part, Several) for part in parts):
            return _together(parts, self._path)
        anew = [at for at, part in enumerate(parts) if isinstance(part, str) and part.startswith("/")]
        parts = parts[anew[-1] :] if anew else parts
        if parts and all(isinstance(p, str) for p in parts):
            return posixpath.join(*parts)
        if _climbs(parts):
            return Unknown()
        start = _leading(parts)
        return Prefixed(posixpath.join(*start, "") if start else "", ())

    def _called(self, node: ast.Call) -> Any:
        called = self.name(node.func)
        values = [self.value(a) for a in node.args]
        if called in ("os.path.join", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"):
            return self._path(values) if values else "."
        if (
            called
            in ("str", "os.fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expandvars")
            and values
        ):
            return values[0]
        if called in ("os.path.expanduser", "pathlib.Path.home"):
            home = self.draft.setting.home
            if called.endswith("home"):
                return home
            return (
                home + values[0][1:]
                if values and isinstance(values[0], str) and values[0].startswith("~")
                else values[0]
                if values
                else home
            )
        if called in _SCRATCH_NAMES and not any(k.arg in (None, "dir") for k in node.keywords) and len(values) < 3:
            return Prefixed("/tmp/tmp", ())  # noqa: S108 - where Python makes it, under a name of its own
        if called in ("os.getcwd", "pathlib.Path.cwd"):
            return self.draft.inv.cwd or Unknown()
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func, values)
        return Unknown({t for v in values if isinstance(v, Unknown) for t in v.taint})

    def _method(self, node: ast.Call, func: ast.Attribute, values: list[Any]) -> Any:
        base = self.value(func.value)
        if func.attr in ("joinpath",) and isinstance(base, str):
            return self._path([base, *values])
        if func.attr in ("expanduser", "resolve", "absolute", "strip", "as_posix", "encode", "decode") and isinstance(
            base, str
        ):
            return self.draft.setting.home + base[1:] if func.attr == "expanduser" and base.startswith("~") else base
        if func.attr == "split" and isinstance(base, str) and not node.args:
            return base.split()
        if (
            func.attr == "join"
            and isinstance(base, str)
            and values
            and isinstance(values[0], list)
            and all(isinstance(v, str) for v in values[0])
        ):
            return base.join(values[0])
        if func.attr in ("read", "read_text", "read_bytes", "readlines", "glob", "rglob", "iterdir"):
            taint = {L.FROM_FILE}
            opened = func.value
            if isinstance(opened, ast.Call) and self.name(opened.func) == "open" and opened.args:
                path = self.value(opened.args[0])
                if isinstance(path, str) and self.secret(path):
                    taint.add(L.FROM_SECRET)
            elif isinstance(base, str) and self.secret(base):
                taint.add(L.FROM_SECRET)
            return Unknown(taint)
        inner = base.taint if isinstance(base, Unknown) else set()
        return Unknown(inner | {t for v in values if isinstance(v, Unknown) for t in v.taint})

    def secret(self, path: str) -> bool:
        """Whether a path holds credentials."""
        resource = file_resource(path, self.draft.setting, self.draft.world, cwd=self.draft.inv.cwd)
        return resource.kind is Kind.SECRET or L.SECRET in resource.labels


def ways(parts: list[Any]) -> list[list[Any]]:
    """What the parts may be together; [] where that is too much to look at."""
    some = [part.items if isinstance(part, Several) else [part] for part in parts]
    return [list(one) for one in itertools.product(*some)] if math.prod(map(len, some)) <= _MOST_WAYS else []


def _together(parts: list[Any], made: Callable[[list[Any]], Any]) -> Any:
    found = [made(one) for one in ways(parts)]
    if found and all(isinstance(one, str) for one in found):
        return Several(found)
    return made([Unknown() if isinstance(part, Several) else part for part in parts])


def _climbs(parts: list[Any]) -> bool:
    """Whether what follows a part that is not known leads out of it again: `join(directory, "..")`."""
    after = False
    for part in parts:
        if after and isinstance(part, str) and ".." in part:
            return True
        after = after or not isinstance(part, (str, int))
    return False


def _leading(parts: list[Any]) -> list[str]:
    out = []
    for part in parts:
        if isinstance(part, Prefixed):
            out.append(part.prefix)
        if not isinstance(part, (str, int)):
            break
        out.append(str(part))
    return out


def word_of(value: Any, node: ast.AST | None) -> Word:
    """A value as a word of a command line."""
    if isinstance(value, Prefixed):
        return Word(None, f"{value.prefix}?", (0, 0), value.prefix, tuple(sorted(value.taint)))
    if isinstance(value, (Unknown, Several)) or value is None:
        source = "?"
        if node is not None:
            try:
                source = ast.unparse(node)[:200]
            except (ValueError, RecursionError):
                source = "?"
        taint = tuple(sorted(value.taint)) if isinstance(value, Unknown) else ()
        return Word(None, source, (0, 0), "", taint)
    return known(str(value))
