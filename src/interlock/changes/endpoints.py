"""Endpoints of web frameworks and whether anything asks who is calling: Flask, FastAPI, Django, Express. Pure.

An endpoint is what a framework routes to. It is *guarded* when something on its way says so: a decorator, a
dependency, a mixin, a middleware before it, a check within. Which words say so is data.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.changes.change import Kind, Version
from interlock.changes.code import parts


class Endpoint(NamedTuple):
    """One route: `method path`, its handler and lines, whether it is guarded, and whether it changes something."""

    route: str
    handler: str
    line: int
    end: int
    guarded: bool
    changes: bool


class _Words(NamedTuple):
    guard: re.Pattern[str]
    public: re.Pattern[str]


@cache
def _words() -> _Words:
    text = resources.files("interlock.changes.data").joinpath("endpoints.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return _Words(*(re.compile("|".join(data[key]["patterns"]), re.IGNORECASE) for key in ("guard", "public")))


def guards(text: str) -> bool:
    """Whether a text of code says that it asks who is calling."""
    return bool(_words().guard.search(text))


def public(endpoint: Endpoint) -> bool:
    """Whether a route is one that everybody may call by what it is: a login, a health check."""
    return bool(_words().public.search(endpoint.route) or _words().public.search(endpoint.handler))


def endpoints(side: Version | None) -> list[Endpoint]:
    """The routes of one version of a file; none where it has none, or does not parse (other stages say so)."""
    if side is None or side.kind is not Kind.TEXT:
        return []
    if side.path.endswith(".py"):
        try:
            tree = ast.parse(side.text)
        except (SyntaxError, ValueError, RecursionError):
            return []
        return [*_python(tree), *_django(tree)]
    if side.path.endswith((".js", ".ts", ".mjs", ".cjs")):
        return list(_express(side))
    return []


_VERBS = frozenset({"get", "post", "put", "patch", "delete", "route", "api_route", "websocket"})
_CHANGING = frozenset({"post", "put", "patch", "delete"})


def _python(tree: ast.Module) -> Iterator[Endpoint]:
    """Flask and FastAPI: a function under a decorator such as `@app.post("/x")`."""
    before = _guarded_routers(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        routes = [d for d in node.decorator_list if _route(d)]
        if not routes:
            continue
        others = [ast.unparse(d) for d in node.decorator_list if d not in routes]
        given = [k.value for route in routes if isinstance(route, ast.Call) for k in route.keywords]
        signature = ast.unparse(node.args) + " ".join(map(ast.unparse, given))
        body = "\n".join(ast.unparse(part) for part in node.body)
        for found in routes:
            method, path, router = _route(found) or ("", "", "")
            guarded = router in before or any(guards(text) for text in (*others, signature, body))
            yield Endpoint(
                f"{method} {path}", node.name, min(d.lineno for d in node.decorator_list),
                node.end_lineno or node.lineno, guarded, bool(set(method.split("|")) & _CHANGING),
            )  # fmt: skip


def _route(decorator: ast.expr) -> tuple[str, str, str] | None:
    """Method, path and router of a decorator that routes."""
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
        return None
    name, holder = decorator.func.attr, ast.unparse(decorator.func.value)
    if name not in _VERBS or not decorator.args:
        return None
    first = decorator.args[0]
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value.startswith(("/", "<"))):
        return None
    methods = next(
        (ast.literal_eval(k.value) for k in decorator.keywords if k.arg == "methods" and _literal(k.value)), ()
    )
    return "|".join(m.lower() for m in methods) or name, first.value, holder


def _literal(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple) and all(isinstance(e, ast.Constant) for e in node.elts)


def _guarded_routers(tree: ast.Module) -> set[str]:
    """Routers and blueprints before which something checks: `before_request`, `dependencies=[Depends(user)]`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if any(k.arg == "dependencies" and guards(ast.unparse(k.value)) for k in node.value.keywords):
                found.update(ast.unparse(target) for target in node.targets)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                said = ast.unparse(decorator)
                if said.partition("(")[0].endswith(".before_request") and guards(ast.unparse(node)):
                    found.add(said.rpartition(".before_request")[0])
    return found


_DJANGO = re.compile(
    r"(?:View|ViewSet|APIView|CreateView|UpdateView|DeleteView|ListView|DetailView|FormView|TemplateView)$"
)
_WRITERS = frozenset({"post", "put", "patch", "delete", "create", "update", "destroy", "partial_update"})


def _django(tree: ast.Module) -> Iterator[Endpoint]:
    """Class-based views, and functions whose first argument is `request` under `@api_view` or `@require_…`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            if not any(_DJANGO.search(base) for base in bases):
                continue
            said = " ".join([*bases, *(ast.unparse(d) for d in node.decorator_list), ast.unparse(node)])
            writes = any(isinstance(n, ast.FunctionDef) and n.name in _WRITERS for n in node.body)
            changing = writes or any(
                re.search(r"(?:Create|Update|Delete|Form)View|ModelViewSet$", base) for base in bases
            )
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield Endpoint(
                f"view {node.name}", node.name, start, node.end_lineno or node.lineno, guards(said), changing
            )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [ast.unparse(d) for d in node.decorator_list]
            if any(re.match(r"(?:\w+\.)?(?:api_view|require_(?:http_methods|POST|GET|safe))\b", d) for d in decorators):
                said = " ".join([*decorators, ast.unparse(node)])
                changing = bool(re.search(r"POST|PUT|PATCH|DELETE", " ".join(decorators)))
                start = min(d.lineno for d in node.decorator_list)
                yield Endpoint(
                    f"view {node.name}", node.name, start, node.end_lineno or node.lineno, guards(said), changing
                )


_EXPRESS = re.compile(
    r"""(?<![\w.])(\w*(?:[rR]outer|[aA]pp|[sS]erver|[aA]pi|fastify)\w*)\.(get|post|put|patch|delete|all)\(\s*(['"`])(/[^'"`\n]*)\3\s*,"""
)
_USE = re.compile(r"""(?<![\w.])(\w+)\.(?:use|addHook)\(([^;\n]{0,300})""")


def _express(side: Version) -> Iterator[Endpoint]:
    """Express and its kin: `router.post("/x", requireUser, handler)`; a `use` before it counts for its router."""
    code = parts(side.text, side.path).code
    uses = [(m.start(), m[1]) for m in _USE.finditer(code) if guards(m[2])]
    starts = list(_EXPRESS.finditer(code))
    for index, match in enumerate(starts):
        stop = starts[index + 1].start() if index + 1 < len(starts) else len(code)
        closing = re.compile(r"^\}?\)\s*;?\s*$", re.MULTILINE).search(code, match.end(), stop)
        body = code[match.end() : closing.end() if closing else stop]
        guarded = guards(body) or any(at < match.start() and router == match[1] for at, router in uses)
        line = code.count("\n", 0, match.start()) + 1
        handler = (re.search(r"(\w+)\s*\)\s*;?\s*$", body) or ["", ""])[1]
        yield Endpoint(f"{match[2]} {match[4]}", handler, line, line + body.count("\n"), guarded, match[2] in _CHANGING)
