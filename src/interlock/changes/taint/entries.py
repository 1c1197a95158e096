"""Which functions are called from outside, and what they are given then: routes, views, handlers. Pure."""

from __future__ import annotations

import ast
import re

from interlock.changes.taint.program import Closure, Module

_VERBS = frozenset(
    {"route", "get", "post", "put", "patch", "delete", "websocket", "api_route", "head", "options", "view"}
)
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_VIEWS = re.compile(r"View|Resource|RequestHandler|Endpoint|ViewSet|APIView|Controller|Handler")
_CLEAN = frozenset({
    "int", "float", "bool", "UUID", "uuid.UUID", "date", "datetime", "Decimal", "datetime.date", "datetime.datetime",
    "complex", "BackgroundTasks", "Session", "AsyncSession", "Response", "Logger", "logging.Logger",
})  # fmt: skip
_REQUESTS = frozenset({"request", "req", "Request", "HttpRequest"})
_NUMBER = re.compile(r"<(?:int|float|uuid):(\w+)>")


def routed(closure: Closure) -> bool:
    """Whether a framework calls it."""
    node = closure.node
    if isinstance(node, ast.Lambda):
        return False
    if any(_route(decorator) for decorator in node.decorator_list):
        return True
    owner = closure.owner
    if owner is not None:
        return node.name in _METHODS or node.name.startswith("do_") or _request(node)
    return _request(node) or node.name in ("lambda_handler",)


def _request(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = [argument.arg for argument in node.args.args[:2] if argument.arg not in ("self", "cls")]
    return bool(names) and names[0] in ("request", "req")


def _route(decorator: ast.expr) -> bool:
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
        return False
    return decorator.func.attr in _VERBS and bool(decorator.args or decorator.keywords or decorator.func.attr != "get")


def page(closure: Closure, module: Module) -> bool:
    """Whether what it returns is sent as a page: routes of Flask and its like, not of FastAPI."""
    node = closure.node
    if isinstance(node, ast.Lambda) or "fastapi" in module.imports or "flask_restful" in module.imports:
        return False
    if any(_route(decorator) for decorator in node.decorator_list):
        return True
    return closure.owner is not None and "flask" in module.imports and node.name in _METHODS and routed(closure)


def parameters(closure: Closure, requests: frozenset[str]) -> dict[str, str]:
    """Parameter -> what it is: `request`, `remote`, `parameter`, `own` (the object), or "" where it is harmless."""
    node = closure.node
    if isinstance(node, ast.Lambda):
        return {}
    spec = node.args
    outside = routed(closure)
    numbers = _numbers(node)
    found: dict[str, str] = {}
    given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    depends = _injected(spec)
    for position, argument in enumerate(given):
        name = argument.arg
        said = ast.unparse(argument.annotation) if argument.annotation is not None else ""
        plain = said.removesuffix(" | None").removeprefix("Optional[").rstrip("]")
        if position == 0 and closure.owner is not None and name in ("self", "cls"):
            found[name] = "own"
        elif plain.rpartition(".")[2] in _REQUESTS or name in ("request", "req") or plain in requests:
            found[name] = "request"
        elif plain in _CLEAN or name in numbers or name in depends or name in ("context", "db", "session", "conn"):
            found[name] = ""
        else:
            found[name] = "remote" if outside else "parameter"
    for extra in (spec.vararg, spec.kwarg):
        if extra is not None:
            found[extra.arg] = "remote" if outside else "parameter"
    return found


def _numbers(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Parameters that a route's own pattern lets be numbers only."""
    found: set[str] = set()
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            for argument in decorator.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.update(_NUMBER.findall(argument.value))
    return found


def _injected(spec: ast.arguments) -> set[str]:
    """Parameters that a framework fills in by `Depends(…)`."""
    found: set[str] = set()
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args)]
    pairs = [*zip(reversed(names), reversed(spec.defaults), strict=False)]
    pairs += [(a.arg, d) for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True) if d is not None]
    for name, default in pairs:
        if isinstance(default, ast.Call) and ast.unparse(default.func).rpartition(".")[2] in ("Depends", "Security"):
            found.add(name)
    return found
